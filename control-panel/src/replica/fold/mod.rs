//! The sorted log of operations, and the state that is its fold. Plain data only: it knows no graph and no member.
//!
//! | file | noun |
//! |---|---|
//! | `entry.rs` | one operation in the log |
//! | `change.rs`, `merge.rs`, `append.rs` | what is to change in the log, and how it comes into it |
//! | `calm.rs` | the same for one run, where nothing else is to do |
//! | `line.rs` | log and state: back, and on |
//! | `going_back.rs` | the two ways back: by snapshots, or by undo records too |
//! | `snapshots.rs` | states kept along the log |
//! | `undo.rs`, `footprint.rs` | undo records; which operations a late one touches |
//! | `poison.rs` | operations whose `apply` panics |
//! | `visit.rs`, `digest.rs` | states of the past; their digests |
//! | `job.rs` | a rollback that another thread makes |
//! | `fold.rs` | the face: what a frame does within its budget |
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod fold;

mod append;
mod calm;
mod change;
mod digest;
mod entry;
mod footprint;
mod going_back;
mod job;
mod line;
mod merge;
mod poison;
mod report;
mod snapshots;
#[cfg(test)]
mod tests;
mod undo;
mod visit;

pub(crate) use self::{
    fold::Fold,
    going_back::{GoingBack, Meter, by_snapshots, by_undo},
    job::{Outcome, Task},
    poison::Poison,
    report::FoldReport,
};
