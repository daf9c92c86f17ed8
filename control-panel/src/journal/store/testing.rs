//! A medium in memory that remembers what was done to it, and fails where a test says.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::StorageBackend;

use crate::{
    Delta, Peer, Replica,
    journal::record::{FrameRecord, RunRecord},
    replica::codec::{Limits, Postcard},
    testing::Rng,
};

pub(crate) use crate::replica::codec::words::Words;

thread_local! {
    /// Blocks of runs that were looked up by a number, on this thread.
    pub(crate) static BLOCKS_READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) bytes: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    /// The most that it takes.
    pub(crate) room: Option<u64>,
    /// Fails so many syncs.
    pub(crate) failing_syncs: usize,
    /// Which bytes were read, while that is noted.
    pub(crate) read: Option<Vec<bool>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(Arc<Mutex<Inner>>);

impl Memory {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Inner { bytes, ..Inner::default() })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Inner {
    fn resize(&mut self, len: u64) -> io::Result<()> {
        if self.room.is_some_and(|room| len > room) && len > self.bytes.len() as u64 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }
}

impl Step {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => {
                let offset = usize::try_from(*offset).unwrap();
                if bytes.len() < offset + data.len() {
                    bytes.resize(offset + data.len(), 0);
                }
                bytes[offset..offset + data.len()].copy_from_slice(data);
            }
            Self::SetLen(len) => bytes.resize(usize::try_from(*len).unwrap(), 0),
            Self::Sync => {}
        }
    }
}

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (mut inner, offset) = (self.lock(), usize::try_from(offset).unwrap());
        let found = inner.bytes.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(found);
        if let Some(read) = &mut inner.read {
            read[offset..offset + out.len()].fill(true);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.lock();
        inner.resize(len)?;
        inner.steps.push(Step::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.failing_syncs > 0 {
            inner.failing_syncs -= 1;
            return Err(io::Error::other("the disk is broken"));
        }
        inner.steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        let end = offset + data.len() as u64;
        if end > inner.bytes.len() as u64 {
            inner.resize(end)?;
        }
        let step = Step::Write(offset, data.to_vec());
        step.apply(&mut inner.bytes);
        inner.steps.push(step);
        Ok(())
    }
}

pub(crate) const HERE: Peer = Peer([1; 32]);

/// The runs of so many frames of a replica that commits one word a frame.
pub(crate) fn runs(count: usize) -> Vec<RunRecord> {
    runs_of(HERE, count, 1)
}

/// The same of any peer, each word so many times.
pub(crate) fn runs_of(peer: Peer, count: usize, times: usize) -> Vec<RunRecord> {
    let builder = Replica::builder(peer, Words::default()).codec(Postcard::new(), Limits::default());
    let mut replica = builder.build();
    let mut record = |word: usize| {
        replica.commit(format!("word {word}").repeat(times));
        let Delta { runs, .. } = replica.outbox().unwrap();
        RunRecord::new(&runs[0], true).unwrap()
    };
    (0..count).map(&mut record).collect()
}

/// A frame with a run that its intents name.
pub(crate) fn frame(number: u64, run: &RunRecord) -> FrameRecord {
    let intents = format!("intents of frame {number}").into_bytes();
    FrameRecord { session: 1, panel_frame: number, intents, runs: vec![run.clone()], digest: Some(number) }
}

/// What two peers wrote in turn, one of them in two copies; each run with those that it is beside where it was received.
pub(crate) fn received(rng: &mut Rng) -> (Vec<Vec<RunRecord>>, [Replica<Words>; 3]) {
    let there = Peer([2; 32]);
    let builder = |me| {
        let builder = Replica::builder(me, Words::default()).members([HERE, there]);
        builder.codec(Postcard::new(), Limits::default())
    };
    let mut replicas = [builder(HERE).build(), builder(there).build(), builder(there).build()];
    let mut deltas = Vec::new();
    for word in 0..60 {
        let from = rng.index(replicas.len());
        for _ in 0..=rng.below(3) {
            replicas[from].commit(format!("word {word} ").repeat(rng.index(30) + 1));
        }
        let Some(delta) = replicas[from].outbox() else { continue };
        for to in [0, 1, 2] {
            // The copies see each other late, so they fork.
            if to != from && (from == 0 || to == 0 || word > 40) && rng.chance(70) {
                replicas[to].merge(delta.clone());
                let _ = replicas[to].settle();
            }
        }
        deltas.push(delta.runs.iter().map(|run| RunRecord::new(run, false).unwrap()).collect());
    }
    (deltas, replicas)
}
