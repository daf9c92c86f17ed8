//! A recording in memory: what replays, comparisons and searches work on.

use std::sync::Arc;

use super::{founded::Founded, start::Past};
use crate::{
    journal::intents::{Body, Entry, Head},
    replica::{answers::Answer, codec::RunBytes},
};

/// One recorded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedFrame {
    /// The journal's number of it, from 1.
    pub(crate) number: u64,
    /// Its place among the recording's sessions.
    pub(crate) session: usize,
    /// The panel's number of it.
    pub(crate) panel_frame: u64,
    pub(crate) head: Head,
    pub(crate) intents: Vec<RecordedIntent>,
    pub(crate) digest: Option<u64>,
    /// Of the state's `Debug` output after it, as [`Recording::noting_states`] notes it; empty if it does not.
    pub(crate) outlined: Vec<u64>,
    /// What the journal answered the frame's replica.
    pub(crate) answers: Vec<Answer>,
}

impl RecordedFrame {
    /// The frame with these intents instead. It has no digest and no outline, as it comes to another state.
    pub(crate) fn with_intents(&self, intents: Vec<RecordedIntent>) -> Self {
        let &Self { number, session, panel_frame, head, .. } = self;
        let answers = self.answers.clone();
        Self { number, session, panel_frame, head, intents, digest: None, outlined: Vec::new(), answers }
    }
}

/// One recorded intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordedIntent {
    pub(crate) entry: Entry,
    /// The runs of its frame, some of which its deltas name.
    pub(crate) runs: Arc<[RunBytes]>,
}

/// Frames in their order, and what each session of the program began with.
///
/// ```no_run
/// use control_panel::journal::Recording;
///
/// let recording = Recording::open("app.journal")?;
/// println!("{} frames, {} intents", recording.frames(), recording.intents());
/// # Ok::<(), control_panel::journal::JournalError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    pub(crate) fingerprint: Option<u64>,
    /// Whose replica it is of, if that is known.
    pub(crate) founded: Option<Founded>,
    pub(crate) sessions: Vec<Past>,
    pub(crate) frames: Vec<RecordedFrame>,
    /// The last frame that is gone; 0 if none is.
    pub(crate) gone: u64,
    /// What was restored of the frames that are gone: a note.
    pub(crate) restored: Option<Arc<[u8]>>,
}

impl Recording {
    /// How many frames it has a record of. Frames without intents have none of their own.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// How many intents.
    pub fn intents(&self) -> usize {
        self.frames.iter().map(|frame| frame.intents.len()).sum()
    }

    /// How often the program was started while it was made.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// The [fingerprint](super::Recorded::fingerprint) of the reducer that it was made with, if it is known.
    pub fn fingerprint(&self) -> Option<u64> {
        self.fingerprint
    }

    /// The journal's number of the last frame that was let go of ([`Journal::keep_recorded`](crate::journal::Journal::keep_recorded)); 0 if none was. A replay begins behind it.
    pub fn gone(&self) -> u64 {
        self.gone
    }

    /// The journal's number of the last frame; 0 if there is none.
    pub fn last_frame(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.number)
    }

    /// How many intents are there by name only, so that a replay cannot apply them.
    pub fn opaque(&self) -> usize {
        let intents = self.frames.iter().flat_map(|frame| &frame.intents);
        intents.filter(|intent| matches!(intent.entry.body, Body::Opaque { .. })).count()
    }

    /// The frames of the sessions before this one.
    pub(crate) fn before(&self, session: usize) -> &[RecordedFrame] {
        &self.frames[..self.frames.partition_point(|frame| frame.session < session)]
    }

    /// The frames up to this number.
    pub(crate) fn upto(&self, number: u64) -> &[RecordedFrame] {
        &self.frames[..self.frames.partition_point(|frame| frame.number <= number)]
    }
}
