//! The intents of a panel's frames, from the frame's thread into a journal and back.

mod entries;
mod entry;
mod read;
mod recorder;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    entries::{frame_bytes, put_end},
    entry::{Body, Entry, Head},
    read::{ReadFrame, read_frame},
    recorder::IntentRecorder,
};
