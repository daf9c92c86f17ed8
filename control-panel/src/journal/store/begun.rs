//! Where the recording of a journal begins, once its beginning is dropped.

use std::collections::BTreeSet;

use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

use super::{
    BEGINNINGS, CUTS, FRAMES, RESTORED, Reader, SNAPSHOTS, Store, fault_of,
    rows::{seal, split_hash},
    strands::read_runs,
};
use crate::{
    journal::error::Fault,
    replica::codec::{DecodeError, Reader as Bytes, Refused, put_varint},
};

/// Keeps these hashes apart from all others that use BLAKE3.
const KEY: &[u8; 32] = b"control-panel journal begun v4\0\0";

/// The row of `beginnings`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    /// The last frame that is gone.
    pub(crate) frame: u64,
    /// The runs of lower numbers were there when the first session began that is recorded.
    pub(crate) run: u64,
    /// But for these, which the replica had not admitted then.
    pub(crate) received: BTreeSet<u64>,
    /// Inside this session, of whose state nothing is known there: a replay begins with the next one.
    pub(crate) inside: Option<u64>,
}

impl Begun {
    /// Whether a replica had that run when the first session began that is recorded, if it has it now.
    pub(crate) fn had(&self, run: u64) -> bool {
        run < self.run && !self.received.contains(&run)
    }

    pub(super) fn row(&self) -> Vec<u8> {
        let mut row = Vec::new();
        put_varint(&mut row, self.run);
        put_varint(&mut row, self.received.len() as u64);
        for run in &self.received {
            put_varint(&mut row, *run);
        }
        if let Some(session) = self.inside {
            put_varint(&mut row, session);
        }
        let hash = seal(KEY, self.frame, &row);
        row.extend_from_slice(&hash);
        row
    }

    /// Checks its hash.
    pub(super) fn read(frame: u64, row: &[u8]) -> Result<Self, DecodeError> {
        let (content, hash) = split_hash(row)?;
        if seal(KEY, frame, content) != hash {
            return Err(DecodeError::new(0, Refused::Malformed("a hash that is another")));
        }
        let mut reader = Bytes::new(content);
        let run = reader.varint()?;
        let mut received = BTreeSet::new();
        for _ in 0..reader.count("runs", usize::MAX, 1)? {
            received.insert(reader.varint()?);
        }
        let inside = if reader.left() > 0 { Some(reader.varint()?) } else { None };
        reader.end()?;
        Ok(Self { frame, run, received, inside })
    }
}

impl Reader {
    /// The row, if there is one.
    pub(super) fn read_begun(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<Option<Begun>, Fault> {
        let Some((frame, row)) = table.last().map_err(fault_of)? else { return Ok(None) };
        let read = Begun::read(frame.value(), row.value());
        read.map(Some).map_err(|error| Fault::damaged(format_args!("the row of `beginnings`: {error}")))
    }

    /// Where the recording would begin if all frames that are there were let go of.
    pub(crate) fn here(&self) -> Result<Begun, Fault> {
        let mut received = BTreeSet::new();
        for block in self.run_blocks(0)? {
            let (first, row) = block?;
            let stored = read_runs(first, &row)?;
            received.extend(stored.received.iter().map(|index| first + index));
        }
        Ok(Begun { frame: self.last_frame()?, run: self.last_runs(0)?.next(), received, inside: None })
    }

    /// How many bytes the recorded frames take, and the snapshots that their sessions began with.
    pub(crate) fn recorded_bytes(&self) -> Result<u64, Fault> {
        let mut bytes = 0;
        for table in [FRAMES, SNAPSHOTS] {
            let table = self.transaction().open_table(table).map_err(|error| self.fault(error))?;
            bytes += table.stats().map_err(|error| self.fault(error))?.stored_bytes();
        }
        Ok(bytes)
    }
}

impl Store {
    /// Lets go of all frames, and of what the last snapshot has, as no frame names it any more. What is recorded from now on begins there; `note` is what was restored of the
    /// frames that are gone.
    pub(crate) fn begin_anew(&mut self, begun: &Begun, note: Option<&[u8]>) -> Result<(), Fault> {
        debug_assert_eq!(begun.frame, self.tail.frame(), "all of them");
        // The first session that is replayed begins with what those before it left.
        let session = begun.inside.map_or(self.meta().session, |inside| inside + 1);
        self.change(|transaction| {
            let mut frames = transaction.open_table(FRAMES).map_err(fault_of)?;
            frames.retain(|_, _| false).map_err(fault_of)?;
            put(transaction, begun, note)?;
            // It goes on from the last one alone.
            let mut snapshots = transaction.open_table(SNAPSHOTS).map_err(fault_of)?;
            let last = snapshots.range(..session).map_err(fault_of)?.next_back().transpose();
            let last = last.map_err(fault_of)?.map_or(0, |(session, _)| session.value());
            snapshots.retain(|session, _| session >= last).map_err(fault_of)?;
            let mut cuts = transaction.open_table(CUTS).map_err(fault_of)?;
            cuts.retain(|session, _| session >= last).map_err(fault_of)?;
            Ok(())
        })?;
        self.tail.begin_anew(begun.frame);
        self.compact_all(session)
    }

    /// The frames of an empty file are to begin there.
    pub(crate) fn begin_at(&mut self, begun: &Begun, note: Option<&[u8]>) -> Result<(), Fault> {
        self.change(|transaction| put(transaction, begun, note))?;
        self.tail.begin_anew(begun.frame);
        self.frame = begun.frame;
        Ok(())
    }
}

fn put(transaction: &WriteTransaction, begun: &Begun, note: Option<&[u8]>) -> Result<(), Fault> {
    let mut table = transaction.open_table(BEGINNINGS).map_err(fault_of)?;
    table.retain(|_, _| false).map_err(fault_of)?;
    table.insert(begun.frame, &begun.row()[..]).map_err(fault_of)?;
    let mut restored = transaction.open_table(RESTORED).map_err(fault_of)?;
    restored.retain(|_, _| false).map_err(fault_of)?;
    if let Some(note) = note {
        restored.insert(begun.frame, note).map_err(fault_of)?;
    }
    Ok(())
}
