//! Recordings, and the replay of their frames.

mod bytes;
mod deviation;
mod file;
mod frames;
mod player;
mod recorded;
mod start;
#[cfg(test)]
mod tests;

pub use self::{
    deviation::{Deviation, DeviationKind},
    frames::Recording,
    recorded::Recorded,
    start::Start,
};
pub(crate) use self::{
    frames::{RecordedFrame, RecordedIntent},
    player::Player,
    start::Past,
};
