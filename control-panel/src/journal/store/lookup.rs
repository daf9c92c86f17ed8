//! Finds a replica's place in the file by its version.

use std::collections::BTreeMap;

use redb::ReadOnlyTable;

use super::{
    OPS, PLACES, Reader, fault_of,
    rows::{self, StrandId},
    run_block::Placed,
    strands::{block_of, last_of, of_block, read_runs, rows_of, strand_of},
};
use crate::{
    journal::{error::Fault, record::SnapshotNote},
    replica::{Author, Version},
};

/// Blocks that are kept while places are looked up.
const KEPT: usize = 64;

/// Where runs are.
pub(super) struct Lookup {
    pub(super) ops: ReadOnlyTable<u64, &'static [u8]>,
    places: ReadOnlyTable<[u8; 12], [u8; 16]>,
    /// By the number of each one's first run.
    kept: BTreeMap<u64, Vec<Placed>>,
    /// What was let go of.
    note: Option<SnapshotNote>,
}

impl Lookup {
    pub(super) fn new(reader: &Reader, note: Option<SnapshotNote>) -> Result<Self, Fault> {
        let ops = reader.transaction().open_table(OPS).map_err(|error| reader.fault(error))?;
        let places = reader.transaction().open_table(PLACES).map_err(|error| reader.fault(error))?;
        Ok(Self { ops, places, kept: BTreeMap::new(), note })
    }

    /// How many operations of an author without forks a replica has: if an end that it names is not here, where the author's runs reach to it, those up to the last end
    /// that is.
    pub(super) fn count(
        &mut self,
        author: Author,
        strands: &[StrandId],
        version: &Version,
    ) -> Result<u64, Fault> {
        let gone = self.note.as_ref().and_then(|note| note.forgotten.get(&author));
        let gone = gone.map_or(0, |forgotten| forgotten.most);
        let (mut all, mut upto) = (true, 0);
        for end in version.ends(author) {
            let (mut reaches, mut known) = (false, end.next_seq <= gone);
            for strand in strands {
                if let Some(last) = self.place(*strand, u64::MAX)? {
                    reaches |=
                        last_of(self.runs_from(last)?).is_some_and(|last| last.next_seq >= end.next_seq);
                }
                if let Some(number) = self.place(*strand, end.next_seq.saturating_sub(1))? {
                    let is_end = |run: &Placed| (run.key.author, run.key.hash) == (author, end.hash);
                    known |= self.runs_from(number)?.iter().any(is_end);
                }
            }
            if known {
                upto = upto.max(end.next_seq);
            }
            all &= known || !reaches;
        }
        Ok(if all { version.get(author) } else { upto })
    }

    /// Whether two strands have one number.
    pub(super) fn is_forked(&mut self, strands: &[StrandId]) -> Result<bool, Fault> {
        if strands.len() < 2 {
            return Ok(false);
        }
        let mut spans = Vec::with_capacity(strands.len());
        for strand in strands {
            if let Some(first) = self.begin(*strand)?
                && let Some(last) = self.place(*strand, u64::MAX)?
                && let Some(last) = last_of(self.runs_from(last)?)
            {
                spans.push((first.key.seq, last.next_seq));
            }
        }
        spans.sort_unstable();
        Ok(spans.windows(2).any(|pair| pair[1].0 < pair[0].1))
    }

    /// How much of each strand a replica has: of those that its ends are in, and those that these come from.
    pub(super) fn known(
        &mut self,
        author: Author,
        strands: &[StrandId],
        version: &Version,
    ) -> Result<BTreeMap<StrandId, u64>, Fault> {
        let mut known: BTreeMap<_, _> = strands.iter().map(|strand| (*strand, 0)).collect();
        let ends = version.ends(author);
        if ends.is_empty() {
            // A count does not tell branches apart: of those, what is after the fork may be missing.
            let mut least = version.get(author);
            for strand in strands.iter().skip(1) {
                least = least.min(self.begin(*strand)?.map_or(u64::MAX, |first| first.key.seq));
            }
            for known in known.values_mut() {
                *known = least;
            }
            return Ok(known);
        }
        for end in ends {
            let mut place = Some((end.next_seq, end.hash));
            while let Some((next_seq, hash)) = place.take() {
                for strand in strands {
                    let Some(number) = self.place(*strand, next_seq.saturating_sub(1))? else { continue };
                    let is_end = |run: &Placed| (run.key.author, run.key.hash) == (author, hash);
                    if !strand_of(self.runs_from(number)?).any(|run| is_end(&run)) {
                        continue;
                    }
                    let before = known.entry(*strand).or_default();
                    if *before < next_seq {
                        *before = next_seq;
                        place = self.begin(*strand)?.map(|first| (first.key.seq, first.previous));
                    }
                    break;
                }
            }
        }
        Ok(known)
    }

    /// The strand's first run.
    fn begin(&mut self, strand: StrandId) -> Result<Option<Placed>, Fault> {
        let Some((_, number)) = self.first_row(strand)? else { return Ok(None) };
        Ok(self.runs_from(number)?.first().copied())
    }

    /// Where the strand begins, and the number of its first run.
    pub(super) fn first_row(&self, strand: StrandId) -> Result<Option<(u64, u64)>, Fault> {
        let first = self.places.range(rows_of(strand, u64::MAX)).map_err(fault_of)?.next();
        first.map(|row| read_row(row.map_err(fault_of)?)).transpose()
    }

    /// The last row of the strand whose run has no greater number.
    fn last_row(&self, strand: StrandId, seq: u64) -> Result<Option<(u64, u64)>, Fault> {
        let last = self.places.range(rows_of(strand, seq)).map_err(fault_of)?.next_back();
        last.map(|row| read_row(row.map_err(fault_of)?)).transpose()
    }

    /// The number of the first run that that strand has a row of and whose block may have what ends behind so many operations. The blocks of the runs before `read` are
    /// read.
    pub(super) fn unread(&self, strand: StrandId, has: u64, read: u64) -> Result<Option<u64>, Fault> {
        let Some((seq, number)) = self.last_row(strand, has)? else {
            return self.unread_behind(strand, has, 0);
        };
        // The run that the count is in the middle of, or what follows it in its block.
        let may = seq == has || number >= read || self.unread_behind(strand, has, 0)?.is_some();
        Ok(may.then_some(number))
    }

    /// The first number from `read` on of a run that begins there, or later.
    pub(super) fn unread_behind(&self, strand: StrandId, seq: u64, read: u64) -> Result<Option<u64>, Fault> {
        let rows = self.places.range(rows::put_place(strand, seq)..=rows::put_place(strand, u64::MAX));
        for row in rows.map_err(fault_of)? {
            let (_, number) = read_row(row.map_err(fault_of)?)?;
            if number >= read {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The number of the first run of the block that has that one, or of the last block.
    pub(super) fn block(&self, number: u64) -> Result<u64, Fault> {
        let last = self.ops.range(..=number).map_err(fault_of)?.next_back().transpose().map_err(fault_of)?;
        Ok(last.map_or(0, |(first, _)| first.value()))
    }

    fn place(&self, strand: StrandId, seq: u64) -> Result<Option<u64>, Fault> {
        Ok(self.last_row(strand, seq)?.map(|(_, number)| number))
    }

    /// The runs from that one on that are in its block.
    fn runs_from(&mut self, number: u64) -> Result<&[Placed], Fault> {
        let has = |(first, placed): (&u64, &Vec<Placed>)| {
            (*first..first + placed.len() as u64).contains(&number).then_some(*first)
        };
        let kept = self.kept.range(..=number).next_back().and_then(has);
        let first = if let Some(first) = kept {
            first
        } else {
            let Some((first, row)) = block_of(&self.ops, number)? else { return Ok(&[]) };
            let placed = read_runs(first, &row)?.placed().map_err(|error| of_block(first, &error))?;
            if self.kept.len() >= KEPT {
                self.kept.clear();
            }
            self.kept.insert(first, placed);
            first
        };
        Ok(self.kept.get(&first).map_or(&[], |placed| Placed::from(placed, first, number)))
    }
}

/// Where a row's run begins, and its number in the file.
fn read_row(
    (place, row): (redb::AccessGuard<'_, [u8; 12]>, redb::AccessGuard<'_, [u8; 16]>),
) -> Result<(u64, u64), Fault> {
    let place = place.value();
    Ok((rows::read_place(&place), rows::read_number(&place, &row.value())?))
}
