//! Reads a journal.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::{
    BEGINNINGS, Begun, Disk, FRAMES, Founders, Meta, OPS, RESTORED, STRANDS, fault_of, founders,
    frame_block::{FrameBlock, StoredFrames},
    meta::{META, read_rows},
    rows,
    run_block::RunBlock,
    strands::{of_block, read_runs},
};
use crate::{
    journal::{
        error::Fault,
        record::{FrameRow, NumberedRuns, RunKey, RunRecord},
    },
    replica::{
        Author,
        codec::{Codec, decode_kept},
        run::Run,
    },
};

/// One state of the file: what is written after it was made does not show.
#[derive(Debug)]
pub(crate) struct Reader {
    transaction: ReadTransaction,
    /// The author of each strand.
    strands: Vec<Author>,
    begun: Option<Begun>,
    disk: Arc<Disk>,
    /// It outlives the transaction.
    _db: Arc<Database>,
}

impl Reader {
    pub(super) fn new(db: Arc<Database>, disk: Arc<Disk>) -> Result<Self, Fault> {
        let transaction = db.begin_read().map_err(fault_of)?;
        // Of a later format, all but that may differ.
        Meta::read(&transaction.open_table(META).map_err(fault_of)?)?;
        let table = transaction.open_table(STRANDS).map_err(fault_of)?;
        let mut strands = Vec::new();
        for row in table.iter().map_err(fault_of)? {
            let (id, author) = row.map_err(fault_of)?;
            if u64::from(id.value()) != strands.len() as u64 {
                return Err(Fault::damaged("a number in `strands` is missing"));
            }
            strands.push(rows::read_strand(id.value(), author.value())?);
        }
        let begun = Self::read_begun(&transaction.open_table(BEGINNINGS).map_err(fault_of)?)?;
        Ok(Self { transaction, strands, begun, disk, _db: db })
    }

    /// Opens a file only to read it: a check or a repair stays in memory.
    pub(crate) fn open(disk: &Arc<Disk>) -> Result<Self, Fault> {
        super::open::open_to_read(disk)
    }

    pub(crate) fn meta(&self) -> Result<Meta, Fault> {
        let table = self.transaction.open_table(META).map_err(|error| self.fault(error))?;
        Meta::read(&table)
    }

    /// The members that the replica's group began with, if that is noted.
    pub(crate) fn founders(&self) -> Result<Option<Founders>, Fault> {
        let table = self.transaction.open_table(META).map_err(|error| self.fault(error))?;
        founders::read(&read_rows(&table)?)
    }

    /// Where the recording begins, if what was before is gone.
    pub(crate) fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// The last frame that is gone; 0 if none is.
    fn begun_frame(&self) -> u64 {
        self.begun.as_ref().map_or(0, |begun| begun.frame)
    }

    pub(super) fn strands(&self) -> &[Author] {
        &self.strands
    }

    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    /// The block of runs at the end, as what goes on with it needs it.
    pub(super) fn last_runs(&self, session: u64) -> Result<RunBlock, Fault> {
        let table = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        let Some((first, row)) = table.last().map_err(|error| self.fault(error))? else {
            return Ok(RunBlock::new(0, session));
        };
        let first = first.value();
        RunBlock::read(first, row.value(), session).map_err(|error| of_block(first, &error))
    }

    /// The block of frames at the end.
    pub(super) fn last_frames(&self) -> Result<FrameBlock, Fault> {
        let table = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        let Some((first, row)) = table.last().map_err(|error| self.fault(error))? else {
            return Ok(FrameBlock::new(self.begun_frame() + 1, rows::FIRST));
        };
        let first = first.value();
        FrameBlock::read(first, row.value()).map_err(|error| of_frames(first, &error))
    }

    /// The number of the last frame; 0 if there is none.
    pub(crate) fn last_frame(&self) -> Result<u64, Fault> {
        Ok(self.last_frames()?.next() - 1)
    }

    /// Frames by their numbers. Each block is checked by its hash, and against the block before it in the range: that of the first of them is not read.
    pub(crate) fn frames(
        &self,
        numbers: impl RangeBounds<u64>,
    ) -> Result<impl Iterator<Item = Result<FrameRow<u64>, Fault>> + '_, Fault> {
        let bounds = (numbers.start_bound().cloned(), numbers.end_bound().cloned());
        let blocks = self.frame_blocks(bounds)?;
        let rows = blocks.flat_map(|block| {
            let (rows, fault) = match block {
                Ok(block) => (block.rows, None),
                Err(fault) => (Vec::new(), Some(Err(fault))),
            };
            rows.into_iter().map(Ok).chain(fault)
        });
        Ok(rows.filter(move |row| row.as_ref().map_or(true, |row| bounds.contains(&row.number))))
    }

    /// What tells that frame from another file's of the same number: the hash of all up to it.
    pub(crate) fn frame_hash(&self, number: u64) -> Result<Option<[u8; 32]>, Fault> {
        if self.begun.as_ref().is_some_and(|begun| begun.frame == number) {
            return Ok(Some(rows::FIRST));
        }
        let table = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        let mut upto = table.range(..=number).map_err(|error| self.fault(error))?;
        let last = upto.next_back().transpose().map_err(|error| self.fault(error))?;
        let Some((first, row)) = last else { return Ok(None) };
        let first = first.value();
        StoredFrames::hash_upto(first, row.value(), number).map_err(|error| of_frames(first, &error))
    }

    pub(super) fn frame_blocks(
        &self,
        (start, end): (Bound<u64>, Bound<u64>),
    ) -> Result<impl Iterator<Item = Result<StoredFrames, Fault>> + '_, Fault> {
        let table = self.transaction.open_table(FRAMES).map_err(|error| self.fault(error))?;
        let least = match start {
            Bound::Included(number) | Bound::Excluded(number) => number,
            Bound::Unbounded => 0,
        };
        let mut upto = table.range(..=least).map_err(|error| self.fault(error))?;
        let first = upto.next_back().transpose().map_err(|error| self.fault(error))?;
        let first = first.map_or(0, |(first, _)| first.value());
        let rows = table.range_owned((Bound::Included(first), end)).map_err(|error| self.fault(error))?;
        let begin = self.begun_frame() + 1;
        let mut before: Option<(u64, [u8; 32])> = Some((begin, rows::FIRST));
        let mut is_first = true;
        Ok(rows.map(move |row| {
            let (first, row) = row.map_err(|error| self.fault(error))?;
            let first = first.value();
            let block = StoredFrames::read(first, row.value()).map_err(|error| of_frames(first, &error))?;
            // The first of a range has nothing before it to go on from, unless it is the first of the file.
            if std::mem::take(&mut is_first) && first > begin {
                before = None;
            }
            if let Some((next, chain)) = before.replace((block.next(), block.chain))
                && (next, chain) != (first, block.start)
            {
                return Err(Fault::damaged(format_args!(
                    "frame {first} does not follow from the one before"
                )));
            }
            Ok(block)
        }))
    }

    /// All frames, and all runs, which the frames name by place; that they name these is checked.
    pub(crate) fn recorded(&self) -> Result<(Vec<FrameRow>, NumberedRuns), Fault> {
        let (mut numbers, mut runs) = (BTreeMap::new(), NumberedRuns::new());
        for run in self.runs()? {
            let (number, run) = run?;
            numbers.insert(number, run.key);
            runs.insert(run.key.place(), (number, run));
        }
        let mut rows = Vec::new();
        for block in self.frame_blocks((Bound::Unbounded, Bound::Unbounded))? {
            let block = block?;
            let mut keys = Vec::new();
            for number in block.rows.iter().flat_map(|row| &row.runs) {
                let missing =
                    || Fault::damaged(format_args!("run {number}, which a frame names, is missing"));
                keys.push(*numbers.get(number).ok_or_else(missing)?);
            }
            if !block.binds(keys.iter().map(|key| &key.hash)) {
                return Err(of_frames(block.first, &"their runs are others"));
            }
            let mut keys = keys.iter();
            rows.extend(block.rows.into_iter().map(|row| {
                let count = row.runs.len();
                row.with_runs(keys.by_ref().take(count).map(RunKey::place).collect())
            }));
        }
        Ok((rows, runs))
    }

    /// The blocks of runs from the one that has this number on: the number of each one's first, and the row.
    pub(super) fn run_blocks(
        &self,
        number: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), Fault>> + '_, Fault> {
        let table = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        let mut upto = table.range(..=number).map_err(|error| self.fault(error))?;
        let first = upto.next_back().transpose().map_err(|error| self.fault(error))?;
        let first = first.map_or(0, |(first, _)| first.value());
        let rows = table.range_owned(first..).map_err(|error| self.fault(error))?;
        Ok(rows.map(move |row| {
            let (first, row) = row.map_err(|error| self.fault(error))?;
            Ok((first.value(), row.value().to_vec()))
        }))
    }

    /// All runs in the order in which they were written, each with its number and as a delta of its own.
    pub(crate) fn runs(&self) -> Result<impl Iterator<Item = Result<(u64, RunRecord), Fault>> + '_, Fault> {
        let blocks = self.run_blocks(0)?;
        Ok(blocks.flat_map(|block| {
            let read = || {
                let (first, row) = block?;
                let records = read_runs(first, &row)?.records().map_err(|error| of_block(first, &error))?;
                Ok((first, records))
            };
            let (first, records, fault) = match read() {
                Ok((first, records)) => (first, records, None),
                Err(fault) => (0, Vec::new(), Some(Err(fault))),
            };
            (first..).zip(records).map(Ok).chain(fault)
        }))
    }

    /// All runs that the replica admitted, in the order in which they were written, with their numbers.
    pub(crate) fn admitted<Op>(
        &self,
        codec: &(impl Codec<Op> + ?Sized),
        mut each: impl FnMut(u64, Arc<Run<Op>>),
    ) -> Result<(), Fault> {
        for block in self.run_blocks(0)? {
            let (first, row) = block?;
            let stored = read_runs(first, &row)?;
            let runs = decode_kept(stored.delta, codec).map_err(Fault::Run)?;
            for (index, run) in (0..).zip(runs) {
                if !stored.received.contains(&index) {
                    each(first + index, run);
                }
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn strand_count(&self) -> usize {
        self.strands.len()
    }

    /// Runs and frames.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Result<(u64, u64), Fault> {
        Ok((self.runs()?.count() as u64, self.frames(..)?.count() as u64))
    }

    /// What an earlier start made of all frames up to one.
    pub(crate) fn restored(&self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let table = self.transaction.open_table(RESTORED).map_err(|error| self.fault(error))?;
        let last = table.last().map_err(|error| self.fault(error))?;
        Ok(last.map(|(frame, bytes)| (frame.value(), bytes.value().to_vec())))
    }

    /// What was made of the frames that are gone.
    pub(crate) fn restored_of_gone(&self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let Some(begun) = &self.begun else { return Ok(None) };
        let table = self.transaction.open_table(RESTORED).map_err(|error| self.fault(error))?;
        let row = table.get(begun.frame).map_err(|error| self.fault(error))?;
        Ok(row.map(|row| (begun.frame, row.value().to_vec())))
    }

    /// How many blocks of runs there are.
    pub(crate) fn blocks(&self) -> Result<u64, Fault> {
        let table = self.transaction.open_table(OPS).map_err(|error| self.fault(error))?;
        table.len().map_err(|error| self.fault(error))
    }

    pub(super) fn fault(&self, error: impl Into<redb::Error>) -> Fault {
        if self.disk.changed() { Fault::Changed } else { fault_of(error) }
    }
}

/// What is wrong with a block of frames.
fn of_frames(first: u64, error: &dyn std::fmt::Display) -> Fault {
    Fault::damaged(format_args!("the frames from number {first} on: {error}"))
}
