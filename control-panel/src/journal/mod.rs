//! Journals: what was promised is on disk, in one file; and what happened can be replayed.
//!
//! The layout of the file and what it promises is in `journal/README.md`.

mod cli;
mod effects;
mod error;
mod handover;
mod identity;
mod inbox;
mod intents;
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod journal;
mod keeping;
mod lock;
mod record;
mod recording;
mod replay;
mod salvage;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod tools;
mod whereabouts;
mod writer;

pub use self::{
    cli::cli,
    effects::EffectState,
    error::{Fault, JournalError},
    journal::Journal,
    replay::{Deviation, DeviationKind, Recorded, Recording, Restored, Start},
    tools::{Divergence, Edit, EditError, Refolded, Replay, Shrunk, Timeline, WhatIf},
    writer::JournalEvent,
};
pub use crate::difference::{Difference, difference};
