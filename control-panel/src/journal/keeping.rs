//! The replica's side of a journal: what it admits is handed over.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Journal,
    handover::Handover,
    record::{RunKey, RunRecord, SnapshotNote},
    replay::content,
    serve::Served,
};
use crate::{
    replica::{
        Snapshot, State,
        codec::EncodeError,
        keeper::{Checkpoint, DurableRuns, Keeper},
        run::Run,
    },
    util::panics,
};

/// How many bytes of runs wait here beside what the hand-over holds, until nothing more is merged.
const WAITING_BYTES: usize = 16 << 20;

/// A snapshot whatever its state is.
pub(crate) trait AnySnapshot: fmt::Debug + Send + Sync {
    /// In the writer: it costs a pass over the state.
    fn encode(&self) -> Result<Vec<u8>, EncodeError>;

    /// What it stands for, if that is known.
    fn note(&self) -> Option<SnapshotNote>;
}

impl<S: State + Serialize + DeserializeOwned> AnySnapshot for Checkpoint<S> {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        if !self.resume.is_own {
            return self.snapshot.encode();
        }
        // No peer took it yet: it takes the place of runs only if the state comes back from it.
        let encode = AssertUnwindSafe(|| {
            let bytes = self.snapshot.encode()?;
            let again = Snapshot::<S>::read_back(&bytes)?;
            if is_same(self.snapshot.state(), &again, self.digest) {
                return Ok(bytes);
            }
            Err(EncodeError::StateDiffers)
        });
        panics::catch_silently(encode).unwrap_or_else(|_| Err(EncodeError::Value("it panicked".to_owned())))
    }

    fn note(&self) -> Option<SnapshotNote> {
        Some(SnapshotNote {
            level: self.snapshot.level(),
            version: self.version.clone(),
            forgotten: self.snapshot.forgotten(),
            resume: self.resume.clone(),
        })
    }
}

/// Whether serde writes the same of both, and the replica's digest of them is one, as far as there are any. So a field that serde skips counts where the digest has it.
fn is_same<S: Serialize>(state: &S, again: &S, digest: Option<fn(&S) -> u64>) -> bool {
    let digests = digest.and_then(|digest| {
        let of = |state| panics::catch_silently(AssertUnwindSafe(|| digest(state))).ok();
        // One that panics is reported where it is taken, and compares nothing.
        of(state).zip(of(again))
    });
    digests.is_none_or(|(known, read)| known == read)
        && matches!((content(state), content(again)), (Ok(known), Ok(read)) if known == read)
}

/// Hands over what one replica admits.
#[derive(Debug)]
pub(super) struct RunKeeper {
    handover: Handover,
    session: u64,
    snapshot: Option<Arc<dyn AnySnapshot>>,
    runs: Vec<RunRecord>,
    returned: Vec<RunKey>,
    /// Of what waits in `runs`.
    bytes: usize,
    /// The last thing that was handed over.
    last: u64,
    durable: Option<Arc<dyn DurableRuns>>,
}

impl RunKeeper {
    pub(super) fn new(handover: Handover, session: u64) -> Self {
        Self {
            handover,
            session,
            snapshot: None,
            runs: Vec::new(),
            returned: Vec::new(),
            bytes: 0,
            last: 0,
            durable: None,
        }
    }

    /// Peers read what is kept from that journal.
    pub(super) fn served_by(mut self, journal: &Journal) -> Self {
        self.durable = Some(Arc::new(Served::of(journal)));
        self
    }
}

impl<S: State + Serialize + DeserializeOwned> Keeper<S> for RunKeeper {
    fn keep(&mut self, run: &Arc<Run<S::Op>>) {
        let record = RunRecord::new(run, true);
        debug_assert!(record.is_ok(), "a replica with a codec admits no run without bytes");
        if let Ok(record) = record {
            self.bytes += record.weight();
            self.runs.push(record);
        }
    }

    fn give_back(&mut self, run: &Arc<Run<S::Op>>) {
        self.returned.push(RunKey::of(run));
    }

    fn begin_again(&mut self, checkpoint: Checkpoint<S>) {
        self.snapshot = Some(Arc::new(checkpoint));
    }

    fn wants_checkpoint(&self) -> bool {
        self.snapshot.is_none() && self.handover.wants_snapshot()
    }

    fn flush(&mut self) -> Option<u64> {
        let upto = self.hand_over();
        self.handover.set_runs_wait(upto.is_none());
        upto
    }

    fn durable(&self) -> u64 {
        self.handover.durable()
    }

    fn accepts(&self) -> bool {
        self.handover.accepts()
    }

    fn has_room(&self) -> bool {
        self.bytes < WAITING_BYTES
    }

    fn durable_runs(&self) -> Option<Arc<dyn DurableRuns>> {
        self.durable.clone()
    }
}

impl RunKeeper {
    /// Up to which item; `None` if there was no room for all of it.
    fn hand_over(&mut self) -> Option<u64> {
        if let Some(snapshot) = self.snapshot.take() {
            match self.handover.snapshot(self.session, snapshot) {
                Ok(item) => self.last = item,
                Err(snapshot) => {
                    self.snapshot = Some(snapshot);
                    return None;
                }
            }
        }
        // In the transaction of what was committed instead, or before it.
        if !self.returned.is_empty() {
            match self.handover.returned(std::mem::take(&mut self.returned)) {
                Ok(item) => self.last = item,
                Err(returned) => {
                    self.returned = returned;
                    return None;
                }
            }
        }
        if !self.runs.is_empty() {
            match self.handover.keep(std::mem::take(&mut self.runs)) {
                Ok(item) => (self.last, self.bytes) = (item, 0),
                Err(runs) => {
                    self.runs = runs;
                    return None;
                }
            }
        }
        Some(self.last)
    }
}
