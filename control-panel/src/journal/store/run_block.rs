//! Runs as rows: many in one value, each encoded relative to those before it.

use std::collections::BTreeSet;

use super::rows::{seal, split_hash, takes};
use crate::{
    journal::record::{RunKey, RunRecord},
    replica::{
        RunHash,
        codec::{DecodeError, Reader, Refused, RunParts, RunsWriter, each_kept, put_varint},
        run::Run,
    },
};

/// Keeps these hashes apart from all others that use BLAKE3.
const KEY: &[u8; 32] = b"control-panel journal runs v2\0\0\0";

/// A run in a block, without what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) key: RunKey,
    pub(super) previous: RunHash,
    pub(super) next_seq: u64,
}

impl Placed {
    pub(super) fn new(run: &RunParts<'_>) -> Self {
        let (author, seq) = (run.header.author, run.header.seq);
        let key = RunKey { author, seq, hash: run.hash };
        Self { key, previous: run.header.previous, next_seq: run.next_seq() }
    }

    pub(super) fn of<Op>(run: &Run<Op>) -> Self {
        Self { key: RunKey::of(run), previous: run.header.previous, next_seq: run.next_seq() }
    }

    /// Of the runs of a block, those from that number on.
    pub(super) fn from(placed: &[Self], first: u64, number: u64) -> &[Self] {
        let index = number.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| placed.get(index..)).unwrap_or_default()
    }

    /// Whether this one is the author's next after that.
    pub(super) fn follows(&self, before: &Self) -> bool {
        self.key.author == before.key.author
            && self.previous == before.key.hash
            && self.key.seq == before.next_seq
    }
}

/// The block at the end of the file, which grows.
#[derive(Debug)]
pub(super) struct RunBlock {
    /// The number of its first run.
    pub(super) first: u64,
    /// Whose runs these are: the last that wrote it, where an earlier version did.
    pub(super) session: u64,
    pub(super) placed: Vec<Placed>,
    /// Those that the replica did not admit, counted from the first.
    received: BTreeSet<u64>,
    runs: RunsWriter,
}

impl RunBlock {
    pub(super) fn new(first: u64, session: u64) -> Self {
        let (placed, received) = (Vec::new(), BTreeSet::new());
        Self { first, session, placed, received, runs: RunsWriter::new() }
    }

    pub(super) fn read(first: u64, row: &[u8], session: u64) -> Result<Self, DecodeError> {
        let StoredRuns { received, delta, .. } = StoredRuns::read(first, row)?;
        let mut block = Self { received, ..Self::new(first, session) };
        each_kept(delta, |run| {
            block.placed.push(Placed::new(&run));
            let pushed = block.runs.push(&run);
            debug_assert!(pushed, "what was read back in this order was written in it");
        })?;
        Ok(block)
    }

    /// The number of the next run.
    pub(super) fn next(&self) -> u64 {
        self.first + self.placed.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// Whether the run was written: not if this is full, or cannot tell it from what is here.
    pub(super) fn push(&mut self, run: &RunParts<'_>, admitted: bool) -> bool {
        let len = self.runs.len() + 3 * self.received.len() + 48;
        if !self.is_empty() && !takes(len, self.runs.most(run)) || !self.runs.push(run) {
            return false;
        }
        if !admitted {
            self.received.insert(self.placed.len() as u64);
        }
        self.placed.push(Placed::new(run));
        true
    }

    pub(super) fn admit(&mut self, number: u64) {
        self.received.remove(&(number - self.first));
    }

    pub(super) fn row(&self) -> Vec<u8> {
        let mut row = begin(self.session, &self.received, self.runs.len());
        self.runs.put(&mut row);
        end(self.first, row)
    }
}

fn begin(session: u64, received: &BTreeSet<u64>, len: usize) -> Vec<u8> {
    let mut row = Vec::with_capacity(len + 3 * received.len() + 64);
    put_varint(&mut row, session);
    put_varint(&mut row, received.len() as u64);
    for index in received {
        put_varint(&mut row, *index);
    }
    row
}

fn end(first: u64, mut row: Vec<u8>) -> Vec<u8> {
    let hash = seal(KEY, first, &row);
    row.extend_from_slice(&hash);
    row
}

/// A block as it is in the file.
#[derive(Debug)]
pub(super) struct StoredRuns<'a> {
    pub(super) session: u64,
    pub(super) received: BTreeSet<u64>,
    pub(super) delta: &'a [u8],
}

impl<'a> StoredRuns<'a> {
    /// Checks its hash.
    pub(super) fn read(first: u64, row: &'a [u8]) -> Result<Self, DecodeError> {
        let (content, hash) = split_hash(row)?;
        if seal(KEY, first, content) != hash {
            return Err(DecodeError::new(0, Refused::Malformed("a hash that is another")));
        }
        let mut reader = Reader::new(content);
        let session = reader.varint()?;
        let count = reader.count("runs", usize::MAX, 1)?;
        let mut received = BTreeSet::new();
        for _ in 0..count {
            received.insert(reader.varint()?);
        }
        Ok(Self { session, received, delta: reader.rest() })
    }

    pub(super) fn placed(&self) -> Result<Vec<Placed>, DecodeError> {
        let mut placed = Vec::new();
        each_kept(self.delta, |run| placed.push(Placed::new(&run)))?;
        Ok(placed)
    }

    /// Each as a delta of its own.
    pub(super) fn records(&self) -> Result<Vec<RunRecord>, DecodeError> {
        let mut records = Vec::new();
        each_kept(self.delta, |run| {
            let admitted = !self.received.contains(&(records.len() as u64));
            let record = RunRecord::from_bytes(Placed::new(&run).key, run.encode(), admitted);
            records.push(record.in_session(self.session));
        })?;
        Ok(records)
    }

    /// The row with one more that was admitted.
    pub(super) fn admitting(&self, first: u64, number: u64) -> Option<Vec<u8>> {
        let mut received = self.received.clone();
        received.remove(&(number - first)).then(|| {
            let mut row = begin(self.session, &received, self.delta.len());
            row.extend_from_slice(self.delta);
            end(first, row)
        })
    }
}
