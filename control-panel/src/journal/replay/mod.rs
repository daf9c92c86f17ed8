//! Recordings, and the replay of their frames.

mod bytes;
mod deviation;
mod file;
mod frames;
mod noted;
mod player;
mod recorded;
mod restore;
mod shape;
mod start;
#[cfg(test)]
mod tests;

pub use self::{
    deviation::{Deviation, DeviationKind},
    frames::Recording,
    recorded::Recorded,
    restore::Restored,
    start::Start,
};
pub(crate) use self::{
    frames::{RecordedFrame, RecordedIntent},
    player::Player,
    start::Past,
};
