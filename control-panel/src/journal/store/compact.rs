//! Compaction: drops runs that a snapshot covers, block by block.

use std::collections::BTreeSet;

use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::{
    CUTS, OPS, PLACES, RETURNED, Reader, Store,
    cut::Cut,
    fault_of,
    rows::{self, StrandId},
    run_block::Placed,
    strands::{of_block, read_runs},
};
use crate::{journal::error::Fault, replica::Author};

/// Blocks that one transaction looks at: what frames wait for while one runs.
const STEP: usize = 64;

/// So many blocks are not worth a snapshot.
const FEW: u64 = 16;

/// Of a block, about.
const BLOCK: u64 = 8 << 10;

/// What is let go of, and how much is there.
#[derive(Debug)]
pub(super) struct Compaction {
    /// The last snapshot that was written.
    pub(super) cut: Option<Cut>,
    /// Its bytes.
    pub(super) snapshot: u64,
    /// The number of the first run that was not looked at; `None` if nothing is to be done.
    next: Option<u64>,
    /// Blocks that were left when it was done last.
    left: u64,
    /// So many more are not worth a snapshot.
    few: u64,
}

impl Default for Compaction {
    fn default() -> Self {
        Self { cut: None, snapshot: 0, next: None, left: 0, few: FEW }
    }
}

impl Compaction {
    /// Of a file as it is opened. One that is recorded keeps all, as its frames name the runs.
    pub(super) fn read(reader: &Reader, is_recorded: bool) -> Result<Self, Fault> {
        let snapshot = reader.snapshot()?.map_or(0, |bytes| bytes.len() as u64);
        let mut compaction = Self { snapshot, ..Self::default() };
        if let Some(cut) = reader.cut()? {
            compaction.left = match cut.left {
                None if cut.is_done => reader.blocks()?,
                left => left.unwrap_or(0),
            };
            compaction.begin(cut, is_recorded);
        }
        Ok(compaction)
    }

    /// Goes on with what a failed write left behind.
    pub(super) fn read_again(&mut self, reader: &Reader, is_recorded: bool) -> Result<(), Fault> {
        *self = Self { few: self.few, ..Self::read(reader, is_recorded)? };
        Ok(())
    }

    /// The snapshot is durable.
    pub(super) fn begin(&mut self, cut: Cut, is_recorded: bool) {
        self.next = (!cut.is_done && !is_recorded).then_some(0);
        self.left = cut.left.unwrap_or(self.left);
        self.cut = Some(cut);
    }

    /// No snapshot could be made: another is tried when there are twice as many blocks.
    pub(super) fn give_up(&mut self, blocks: u64) {
        self.left = blocks;
    }

    /// Whether so much came since that another snapshot costs less than what it lets go of.
    pub(super) fn wants_snapshot(&self, blocks: u64) -> bool {
        self.next.is_none() && blocks >= 2 * self.left + self.snapshot / BLOCK + self.few
    }
}

impl Store {
    /// Any cut is worth a snapshot.
    #[cfg(test)]
    pub(crate) fn compact_early(&mut self) {
        self.compaction.few = 0;
    }

    /// Lets go of all that a snapshot of a session before that one has, where no frame names it.
    pub(super) fn compact_all(&mut self, session: u64) -> Result<(), Fault> {
        debug_assert!(!self.tail.has_frames());
        if self.compaction.cut.as_ref().is_some_and(|cut| !cut.is_done && cut.session < session) {
            self.compaction.next = Some(0);
        }
        while self.compact_step()? {}
        Ok(())
    }

    /// Lets go of some of what the last snapshot has, in a transaction of its own. Returns whether there is more.
    pub(crate) fn compact(&mut self) -> Result<bool, Fault> {
        if self.is_recorded() {
            self.compaction.next = None;
        }
        self.compact_step()
    }

    fn compact_step(&mut self) -> Result<bool, Fault> {
        let (Some(from), Some(cut)) = (self.compaction.next, &self.compaction.cut) else { return Ok(false) };
        let (cut, upto) = (cut.clone(), self.tail.last_block());
        let authors = self.tail.authors();
        let (next, left) = self.change(|transaction| step(transaction, &cut, &authors, from, upto))?;
        self.compaction.next = next;
        if next.is_none() {
            self.compaction.left = left;
            if let Some(cut) = &mut self.compaction.cut {
                (cut.is_done, cut.left) = (true, Some(left));
            }
        }
        Ok(next.is_some())
    }
}

/// From where the next step goes on; or, at the end, how many blocks are left.
fn step(
    transaction: &WriteTransaction,
    cut: &Cut,
    authors: &[(Author, Vec<StrandId>)],
    from: u64,
    upto: u64,
) -> Result<(Option<u64>, u64), Fault> {
    let mut ops = transaction.open_table(OPS).map_err(fault_of)?;
    let mut gone = Vec::new();
    let (mut next, mut looked) = (None, 0);
    for row in ops.range(from..upto).map_err(fault_of)? {
        let (first, row) = row.map_err(fault_of)?;
        let first = first.value();
        if looked == STEP {
            next = Some(first);
            break;
        }
        looked += 1;
        let stored = read_runs(first, row.value())?;
        let placed = stored.placed().map_err(|error| of_block(first, &error))?;
        // What was received and not admitted is for recordings alone.
        let needed = (0..).zip(&placed).any(|(index, run)| {
            !stored.received.contains(&index) && !cut.note.covers(&run.key, run.next_seq)
        });
        if !needed {
            gone.push((first, placed));
        }
    }
    let mut places = transaction.open_table(PLACES).map_err(fault_of)?;
    let mut returned = transaction.open_table(RETURNED).map_err(fault_of)?;
    for (first, placed) in gone {
        ops.remove(first).map_err(fault_of)?;
        forget_places(&mut places, first, &placed, authors)?;
        let behind = first + placed.len() as u64;
        let rows = rows::returned_from(first)..rows::returned_from(behind);
        returned.retain_in::<&[u8], _>(&rows.start[..]..&rows.end[..], |_, ()| false).map_err(fault_of)?;
    }
    if next.is_none() {
        let left = Some(ops.len().map_err(fault_of)?);
        let done = Cut { is_done: true, left, ..cut.clone() };
        let mut cuts = transaction.open_table(CUTS).map_err(fault_of)?;
        cuts.insert(done.session, &done.row()[..]).map_err(fault_of)?;
    }
    Ok((next, ops.len().map_err(fault_of)?))
}

/// The rows that say that a strand has runs in this block.
fn forget_places(
    places: &mut Table<'_, [u8; 12], [u8; 16]>,
    first: u64,
    runs: &[Placed],
    authors: &[(Author, Vec<StrandId>)],
) -> Result<(), Fault> {
    let hashes: BTreeSet<_> = runs.iter().map(|run| run.key.hash).collect();
    let mut followed = BTreeSet::new();
    for (run, number) in runs.iter().zip(first..) {
        // The first that follows another of the block is no strand's first here.
        if hashes.contains(&run.previous) && followed.insert(run.previous) {
            continue;
        }
        let found = authors.binary_search_by_key(&run.key.author, |(author, _)| *author);
        for strand in found.map_or(&[][..], |at| &authors[at].1) {
            let place = rows::put_place(*strand, run.key.seq);
            let row = places.get(place).map_err(fault_of)?.map(|row| row.value());
            if row.map(|row| rows::read_number(&place, &row)).transpose()? == Some(number) {
                places.remove(place).map_err(fault_of)?;
            }
        }
    }
    Ok(())
}
