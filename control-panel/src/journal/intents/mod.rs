//! The intents of a panel's frames: from the frame's thread into a journal, and back.

mod entry;
mod recorder;

pub(crate) use self::{
    entry::{Body, Entry, Head, ReadFrame, frame_bytes, put_end, read_frame},
    recorder::IntentRecorder,
};
