//! The sorted log of operations, and the state that is its fold. Plain data only: it knows no graph and no member.
//!
//! | file | noun |
//! |---|---|
//! | `entry.rs` | one operation in the log |
//! | `change.rs`, `merge.rs`, `append.rs` | what is to change in the log, and how it comes into it |
//! | `calm.rs` | the same for one run, where nothing else is to do |
//! | `line.rs` | log and state |
//! | `pass.rs` | the state follows the log: back, and on |
//! | `tail.rs` | local operations, in no run yet |
//! | `going_back.rs` | the two ways back: by snapshots, or by undo records too |
//! | `snapshots.rs` | states kept along the log |
//! | `undo.rs`, `footprint.rs` | undo records; which operations a late one touches |
//! | `charges.rs` | whose late operations make others be applied again |
//! | `poison.rs` | operations whose `apply` panics |
//! | `visit.rs`, `digest.rs` | states of the past; their digests |
//! | `pace.rs` | whether a frame is fast enough for what is merged |
//! | `job.rs`, `beyond.rs` | a rollback that another thread makes; what becomes of it here |
//! | `fold.rs` | the face: what a frame does within its budget |
//! | `questions.rs` | what can be asked of it |
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod fold;

mod append;
mod beyond;
mod calm;
mod change;
mod charges;
mod digest;
mod entry;
mod footprint;
mod going_back;
mod job;
mod line;
mod merge;
mod pace;
mod pass;
mod poison;
mod questions;
mod report;
mod snapshots;
mod tail;
#[cfg(test)]
mod tests;
mod undo;
mod visit;

pub(crate) use self::{
    entry::Entry,
    fold::Fold,
    going_back::{GoingBack, Meter, by_snapshots, by_undo},
    job::{Outcome, Task},
    poison::Poison,
    report::FoldReport,
};
