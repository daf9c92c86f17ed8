//! Recordings, and the replay of their frames.

mod bytes;
mod decoded;
mod deviation;
mod file;
mod fold;
mod founded;
mod frames;
mod noted;
mod pasts;
mod play;
mod player;
mod recorded;
mod restore;
mod shape;
mod start;
#[cfg(test)]
mod tests;

pub use self::{
    deviation::{Deviation, DeviationKind},
    founded::Founded,
    frames::Recording,
    recorded::Recorded,
    restore::Restored,
    start::Start,
};
pub(crate) use self::{
    file::is_export,
    frames::{RecordedFrame, RecordedIntent},
    noted::{Noted, is_due},
    player::Player,
    shape::content,
    start::Past,
};
