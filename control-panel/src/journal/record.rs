//! What a frame hands to its journal, and what the journal gives back.

use std::sync::Arc;

use crate::replica::{
    Author, RunHash,
    codec::{EncodeError, encode_run},
    run::Run,
};

/// What names a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunKey {
    pub(crate) author: Author,
    /// Of its first operation.
    pub(crate) seq: u64,
    pub(crate) hash: RunHash,
}

/// A run on its way into a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunRecord {
    pub(crate) key: RunKey,
    /// Header, operations and signature, as `replica::codec::journaled` writes them.
    pub(crate) bytes: Arc<[u8]>,
    /// Whether the replica admitted it. A run that is only part of an intent, and was refused or waits for others, is not served to peers.
    pub(crate) admitted: bool,
}

/// One frame on its way into a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameRecord {
    /// The journal's, see `Journal::session`.
    pub(crate) session: u64,
    /// The panel's number of the frame.
    pub(crate) panel_frame: u64,
    /// The frame's intents in order, as the recorder encodes them.
    pub(crate) intents: Vec<u8>,
    /// The runs that the intents name, in the order in which they name them.
    pub(crate) runs: Vec<RunRecord>,
    /// Of the state after the frame.
    pub(crate) digest: Option<u64>,
}

impl FrameRecord {
    /// What it counts against the bound of the hand-over.
    pub(crate) fn weight(&self) -> usize {
        self.intents.len() + self.runs.iter().map(RunRecord::weight).sum::<usize>() + 64
    }
}

impl RunRecord {
    pub(crate) fn new<Op>(run: &Arc<Run<Op>>, admitted: bool) -> Result<Self, EncodeError> {
        let key = RunKey { author: run.header.author, seq: run.header.seq, hash: run.hash };
        Ok(Self { key, bytes: encode_run(run)?.into(), admitted })
    }

    pub(crate) fn weight(&self) -> usize {
        self.bytes.len() + 96
    }
}

/// The place of a run in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RunPlace {
    pub(crate) author: Author,
    pub(crate) seq: u64,
    /// The first eight bytes of its hash.
    pub(crate) prefix: [u8; 8],
}

impl RunKey {
    pub(crate) fn place(&self) -> RunPlace {
        let Self { author, seq, hash } = *self;
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&hash.0[..8]);
        RunPlace { author, seq, prefix }
    }
}

/// A recorded frame, as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameRow {
    /// The file's number of the frame, from 1.
    pub(crate) number: u64,
    pub(crate) session: u64,
    pub(crate) panel_frame: u64,
    pub(crate) intents: Vec<u8>,
    /// Those of the frame's intents, in their order, then those that the replica admitted.
    pub(crate) runs: Vec<RunPlace>,
    pub(crate) digest: Option<u64>,
    /// The hash of this frame and, by the one before, of all earlier ones.
    pub(crate) chain: [u8; 32],
}

/// What is known of an irreversible effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectState {
    /// It is noted durably as of this call: perform it now, and then call [`Journal::effect_done`](super::Journal::effect_done).
    Begun,
    /// It was noted earlier, and nothing says that it was completed: the program stopped in between. It may have happened.
    Interrupted,
    /// It happened.
    Done,
}
