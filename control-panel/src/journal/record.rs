//! The records that a frame hands to its journal, and those that the journal returns.

use std::{collections::BTreeMap, sync::Arc};

use crate::replica::{
    Author, Forgotten, RunHash, Version,
    codec::{AnyRun, DecodeError, EncodeError, Refused, RunParts, each_kept},
    keeper::Resume,
    run::Run,
};

/// Identifies a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunKey {
    pub(crate) author: Author,
    /// The number of its first operation.
    pub(crate) seq: u64,
    pub(crate) hash: RunHash,
}

impl RunKey {
    pub(crate) fn of<Op>(run: &Run<Op>) -> Self {
        Self { author: run.header.author, seq: run.header.seq, hash: run.hash }
    }

    pub(crate) fn place(&self) -> RunPlace {
        let Self { author, seq, hash } = *self;
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&hash.0[..8]);
        RunPlace { author, seq, prefix }
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

/// All runs of a file, each with its number: the order in which they were written.
pub(crate) type NumberedRuns = BTreeMap<RunPlace, (u64, RunRecord)>;

/// A run on its way into a journal, or out of one.
#[derive(Clone, Debug)]
pub(crate) struct RunRecord {
    pub(crate) key: RunKey,
    /// Whether the replica admitted it. A run that is only part of an intent, and was refused or waits for others, is not served to
    /// peers.
    pub(crate) admitted: bool,
    /// The session in which it was written; 0 if it is not from a file.
    pub(crate) session: u64,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Bytes(Arc<[u8]>),
    /// The frame's thread gives away a reference, and the writer encodes the run.
    Run(Arc<dyn AnyRun>),
}

impl RunRecord {
    /// Costs a reference count: the writer encodes it.
    ///
    /// # Errors
    /// A run of a replica without a codec has no bytes.
    pub(crate) fn new<Op: Send + Sync + 'static>(
        run: &Arc<Run<Op>>,
        admitted: bool,
    ) -> Result<Self, EncodeError> {
        if run.bytes.is_empty() {
            return Err(EncodeError::NoCodec);
        }
        let body = Body::Run(Arc::clone(run) as Arc<dyn AnyRun>);
        Ok(Self { key: RunKey::of(run), admitted, session: 0, body })
    }

    /// A run that is part of an intent.
    pub(crate) fn named(key: RunKey, run: Arc<dyn AnyRun>) -> Self {
        Self { key, admitted: false, session: 0, body: Body::Run(run) }
    }

    pub(crate) fn from_bytes(key: RunKey, bytes: impl Into<Arc<[u8]>>, admitted: bool) -> Self {
        Self { key, admitted, session: 0, body: Body::Bytes(bytes.into()) }
    }

    pub(crate) fn in_session(self, session: u64) -> Self {
        Self { session, ..self }
    }

    /// A delta of this run alone: header, operations and signature.
    pub(crate) fn bytes(&self) -> Arc<[u8]> {
        match &self.body {
            Body::Bytes(bytes) => Arc::clone(bytes),
            Body::Run(run) => run.parts().encode().into(),
        }
    }

    /// Decodes it, if it is bytes.
    pub(crate) fn with_parts<T>(&self, mut read: impl FnMut(&RunParts<'_>) -> T) -> Result<T, DecodeError> {
        match &self.body {
            Body::Run(run) => Ok(read(&run.parts())),
            Body::Bytes(bytes) => {
                let mut last = None;
                each_kept(bytes, |run| last = Some(read(&run)))?;
                last.ok_or_else(|| DecodeError::new(0, Refused::Malformed("no run")))
            }
        }
    }

    /// How many bytes it counts towards the bound of the hand-over.
    pub(crate) fn weight(&self) -> usize {
        96 + match &self.body {
            Body::Bytes(bytes) => bytes.len(),
            Body::Run(run) => run.len(),
        }
    }
}

impl PartialEq for RunRecord {
    fn eq(&self, other: &Self) -> bool {
        (self.key, self.admitted) == (other.key, other.admitted) && self.bytes() == other.bytes()
    }
}

/// What a snapshot in a journal stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SnapshotNote {
    /// The Lamport time of its cut.
    pub(crate) level: u64,
    /// The version of a replica that has the snapshot and nothing else.
    pub(crate) version: Version,
    pub(crate) forgotten: BTreeMap<Author, Forgotten>,
    pub(crate) resume: Resume,
}

impl SnapshotNote {
    /// Whether a replica of that version can continue without the snapshot.
    pub(crate) fn reaches(&self, version: &Version) -> bool {
        self.forgotten.iter().all(|(author, forgotten)| version.get(*author) >= forgotten.most)
    }

    /// Whether that run is no longer needed.
    pub(crate) fn covers(&self, key: &RunKey, next_seq: u64) -> bool {
        self.forgotten.get(&key.author).is_some_and(|forgotten| next_seq <= forgotten.least)
            && !self.resume.void.contains(&key.hash)
    }
}

/// One frame on its way into a journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FrameRecord {
    /// The journal's number of the session, see `Journal::session`.
    pub(crate) session: u64,
    /// The panel's number of the frame.
    pub(crate) panel_frame: u64,
    /// The frame's intents in order, as the recorder encodes them.
    pub(crate) intents: Vec<u8>,
    /// The runs that the intents name, in the order in which they name them.
    pub(crate) runs: Vec<RunRecord>,
    /// The digest of the state after the frame.
    pub(crate) digest: Option<u64>,
}

impl FrameRecord {
    /// How many bytes it counts towards the bound of the hand-over.
    pub(crate) fn weight(&self) -> usize {
        self.intents.len() + self.runs.iter().map(RunRecord::weight).sum::<usize>() + 64
    }
}

/// A recorded frame, as in the file, where its runs are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameRow<R = RunPlace> {
    /// The file's number of the frame, from 1.
    pub(crate) number: u64,
    pub(crate) session: u64,
    pub(crate) panel_frame: u64,
    pub(crate) intents: Vec<u8>,
    /// The runs of the frame's intents, in their order, then those that the replica admitted.
    pub(crate) runs: Vec<R>,
    pub(crate) digest: Option<u64>,
}

impl<R> FrameRow<R> {
    /// The same frame with these runs.
    pub(crate) fn with_runs<T>(self, runs: Vec<T>) -> FrameRow<T> {
        let Self { number, session, panel_frame, intents, digest, .. } = self;
        FrameRow { number, session, panel_frame, intents, runs, digest }
    }
}
