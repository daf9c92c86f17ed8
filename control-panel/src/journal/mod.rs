//! Journals: what was promised is on disk, in one file.
//!
//! The layout of the file and what it promises is in `journal/README.md`.

// The recorder and the replica's side are built on these next.
#![allow(dead_code, unused_imports)]

mod error;
mod handover;
mod intents;
#[expect(clippy::module_inception, reason = "one type, one file, and the room is named for it")]
mod journal;
mod lock;
mod record;
mod recording;
mod replay;
mod store;
mod tools;
mod whereabouts;

pub use self::{
    error::{Fault, JournalError},
    journal::Journal,
    record::EffectState,
    replay::{Deviation, DeviationKind, Recorded, Recording, Start},
    tools::{Divergence, Edit, EditError, Refolded, Replay, Shrunk, Timeline, WhatIf},
};
pub use crate::difference::{Difference, difference};
