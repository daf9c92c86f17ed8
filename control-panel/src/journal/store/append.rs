//! The transaction: what it appends to the end of the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    FRAMES, OPS, PLACES, RESTORED, RETURNED, STRANDS, fault_of,
    frame_block::FrameBlock,
    rows::{self, StrandId},
    run_block::{Placed, RunBlock},
    strands::{Find, block_of, of_block, read_runs, rows_of},
    tail::Tail,
};
use crate::{
    journal::{
        error::Fault,
        keeping::AnySnapshot,
        record::{FrameRecord, RunKey, RunRecord},
    },
    replica::{Author, codec::RunParts},
};

/// What is written, in its order.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Item {
    /// A whole frame: with the runs that were kept since the frame before.
    Frame(FrameRecord),
    /// Runs that the replica admitted.
    Runs(Vec<RunRecord>),
    /// Void runs that the program has back.
    Returned(Vec<RunKey>),
    /// What the replica goes on from since this session.
    Snapshot(u64, Arc<dyn AnySnapshot>),
    /// The note of a state that was made of all frames up to this one.
    Restored(u64, Vec<u8>),
}

impl Tail {
    /// Writes the items. The runs that the next frame names are in `loose`.
    pub(super) fn append(
        &mut self,
        transaction: &WriteTransaction,
        items: &[Item],
        loose: &mut Vec<RunKey>,
    ) -> Result<(), Fault> {
        let mut append = Append {
            ops: transaction.open_table(OPS).map_err(fault_of)?,
            places: transaction.open_table(PLACES).map_err(fault_of)?,
            frames: transaction.open_table(FRAMES).map_err(fault_of)?,
            tail: self,
            loose,
            recent: BTreeMap::new(),
            found: None,
            new: Vec::new(),
        };
        for item in items {
            match item {
                Item::Runs(runs) => {
                    for run in runs {
                        append.put_run(run)?;
                        append.loose.push(run.key);
                    }
                }
                Item::Frame(frame) => append.put_frame(frame)?,
                Item::Returned(runs) => {
                    let mut returned = transaction.open_table(RETURNED).map_err(fault_of)?;
                    for run in runs {
                        // What is not in the file does not come back from it.
                        if let Some(number) = append.find(run)? {
                            let key = rows::put_returned(number, &run.hash);
                            returned.insert(&key[..], ()).map_err(fault_of)?;
                        }
                    }
                }
                Item::Snapshot(session, snapshot) => {
                    append.tail.put_snapshot(transaction, *session, &**snapshot)?;
                }
                // One of frames that are gone is there already.
                Item::Restored(frame, _) if *frame <= append.tail.begun => {}
                Item::Restored(frame, bytes) => {
                    let mut restored = transaction.open_table(RESTORED).map_err(fault_of)?;
                    // That of the frames that are gone stays.
                    let begun = append.tail.begun;
                    restored.retain(|frame, _| frame == begun).map_err(fault_of)?;
                    restored.insert(frame, &bytes[..]).map_err(fault_of)?;
                }
            }
        }
        let new = append.finish()?;
        if !new.is_empty() {
            let mut strands = transaction.open_table(STRANDS).map_err(fault_of)?;
            for (strand, author) in new {
                strands.insert(strand, &rows::put_strand(strand, author)[..]).map_err(fault_of)?;
            }
        }
        Ok(())
    }
}

struct Append<'a, 't> {
    ops: Table<'t, u64, &'static [u8]>,
    places: Table<'t, [u8; 12], [u8; 16]>,
    frames: Table<'t, u64, &'static [u8]>,
    tail: &'a mut Tail,
    loose: &'a mut Vec<RunKey>,
    /// The runs of this transaction.
    recent: BTreeMap<RunKey, u64>,
    /// The last block that was searched.
    found: Option<(u64, Vec<Placed>)>,
    new: Vec<(StrandId, Author)>,
}

impl Append<'_, '_> {
    fn put_frame(&mut self, frame: &FrameRecord) -> Result<(), Fault> {
        let mut runs = Vec::with_capacity(frame.runs.len() + self.loose.len());
        for run in &frame.runs {
            runs.push((self.put_run(run)?, run.key.hash));
        }
        let named: BTreeSet<u64> = runs.iter().map(|(number, _)| *number).collect();
        for key in std::mem::take(self.loose) {
            let number = self.find(&key)?;
            debug_assert!(number.is_some(), "what was kept is in the file");
            runs.extend(number.filter(|number| !named.contains(number)).map(|number| (number, key.hash)));
        }
        if !self.tail.frames.push(frame, &runs) {
            let chain = self.put_frames()?;
            self.tail.frames = FrameBlock::new(self.tail.frames.next(), chain);
            self.tail.frames.push(frame, &runs);
        }
        Ok(())
    }

    fn put_frames(&mut self) -> Result<[u8; 32], Fault> {
        let block = &self.tail.frames;
        let (row, chain) = block.row();
        self.frames.insert(block.first, &row[..]).map_err(fault_of)?;
        Ok(chain)
    }

    /// Its number. A run that is there already is not written again, unless the replica admitted it since.
    fn put_run(&mut self, run: &RunRecord) -> Result<u64, Fault> {
        if let Some(number) = self.find(&run.key)? {
            if run.admitted {
                self.admit(number)?;
            }
            return Ok(number);
        }
        let number = run.with_parts(|parts| {
            if parts.hash != run.key.hash {
                return Err(Fault::damaged(format_args!("a run of {} is another", run.key.author)));
            }
            self.put_parts(parts, run.admitted)
        });
        let number = number.map_err(Fault::Run)??;
        self.recent.insert(run.key, number);
        Ok(number)
    }

    fn put_parts(&mut self, run: &RunParts<'_>, admitted: bool) -> Result<u64, Fault> {
        let number = self.tail.runs.next();
        // Before it is in the block: only what is there already tells where a strand ends.
        let (strand, is_new) = {
            let mut strands = std::mem::take(&mut self.tail.strands);
            let extended = strands.extend(run, self);
            self.tail.strands = strands;
            extended?
        };
        if is_new {
            self.new.push((strand, run.header.author));
        }
        if !self.tail.runs.push(run, admitted) {
            self.put_runs()?;
            self.tail.runs = RunBlock::new(number, self.tail.session);
            self.tail.placed.clear();
            if !self.tail.runs.push(run, admitted) {
                return Err(Fault::damaged(format_args!("a run of {} is none", run.header.author)));
            }
        }
        if self.tail.placed.insert(strand) {
            let place = rows::put_place(strand, run.header.seq);
            self.places.insert(place, rows::put_number(&place, number)).map_err(fault_of)?;
        }
        Ok(number)
    }

    fn put_runs(&mut self) -> Result<(), Fault> {
        let block = &self.tail.runs;
        if !block.is_empty() {
            self.ops.insert(block.first, &block.row()[..]).map_err(fault_of)?;
        }
        Ok(())
    }

    fn find(&mut self, key: &RunKey) -> Result<Option<u64>, Fault> {
        if let Some(number) = self.recent.get(key) {
            return Ok(Some(*number));
        }
        let mut strands = std::mem::take(&mut self.tail.strands);
        let found = strands.find(key, self);
        self.tail.strands = strands;
        found
    }

    fn admit(&mut self, number: u64) -> Result<(), Fault> {
        if number >= self.tail.runs.first {
            self.tail.runs.admit(number);
            return Ok(());
        }
        let Some((first, row)) = block_of(&self.ops, number)? else { return Ok(()) };
        if let Some(row) = read_runs(first, &row)?.admitting(first, number) {
            self.ops.insert(first, &row[..]).map_err(fault_of)?;
        }
        Ok(())
    }

    /// The blocks at the end; and the new strands.
    fn finish(mut self) -> Result<Vec<(StrandId, Author)>, Fault> {
        self.put_runs()?;
        if self.tail.frames.next() > self.tail.frames.first {
            self.put_frames()?;
        }
        self.tail.blocks = self.ops.len().map_err(fault_of)?;
        Ok(self.new)
    }
}

impl Find for Append<'_, '_> {
    fn place(&self, strand: StrandId, seq: u64) -> Result<Option<u64>, Fault> {
        let last = self.places.range(rows_of(strand, seq)).map_err(fault_of)?.next_back();
        let last = last.transpose().map_err(fault_of)?;
        last.map(|(place, row)| rows::read_number(&place.value(), &row.value())).transpose()
    }

    fn runs_from(&mut self, number: u64) -> Result<&[Placed], Fault> {
        let block = &self.tail.runs;
        if number >= block.first {
            return Ok(Placed::from(&block.placed, block.first, number));
        }
        let has =
            |(first, placed): &(u64, Vec<Placed>)| (*first..first + placed.len() as u64).contains(&number);
        if !self.found.as_ref().is_some_and(has) {
            let Some((first, row)) = block_of(&self.ops, number)? else { return Ok(&[]) };
            let placed = read_runs(first, &row)?.placed().map_err(|error| of_block(first, &error))?;
            self.found = Some((first, placed));
        }
        Ok(self.found.as_ref().map_or(&[], |(first, placed)| Placed::from(placed, *first, number)))
    }
}
