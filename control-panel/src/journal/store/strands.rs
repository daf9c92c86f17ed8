//! Where an author's runs are: in strands, each a chain without a gap. An author that never forked has one.

use std::{collections::BTreeMap, ops::RangeInclusive};

use redb::ReadableTable;

use super::{
    fault_of,
    rows::{self, StrandId},
    run_block::{Placed, StoredRuns},
};
use crate::{
    journal::{error::Fault, record::RunKey},
    replica::{Author, codec::RunParts},
};

/// Those of all authors, as what writes knows them.
#[derive(Debug, Default)]
pub(super) struct Strands {
    of: BTreeMap<Author, Vec<Strand>>,
    count: usize,
}

#[derive(Debug)]
struct Strand {
    id: StrandId,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// Nothing of it was asked for yet.
    Unread,
    /// Its runs are gone, or the transaction that made it did not come to any.
    None,
    At(Placed),
}

/// What is read of the file to find a run in it.
pub(super) trait Find {
    /// The last row of the strand whose run has no greater number, and the number in the file of that run.
    fn place(&self, strand: StrandId, seq: u64) -> Result<Option<u64>, Fault>;

    /// The runs from that one on that are in its block.
    fn runs_from(&mut self, number: u64) -> Result<&[Placed], Fault>;
}

impl Strands {
    pub(super) fn of(authors: &[Author]) -> Self {
        let mut strands = Self::default();
        for author in authors {
            strands.add(*author, End::Unread);
        }
        strands
    }

    fn add(&mut self, author: Author, end: End) -> Option<StrandId> {
        let id = StrandId::try_from(self.count).ok()?;
        self.count += 1;
        self.of.entry(author).or_default().push(Strand { id, end });
        Some(id)
    }

    /// In the order of authors.
    pub(super) fn authors(&self) -> Vec<(Author, Vec<StrandId>)> {
        let ids = |strands: &Vec<Strand>| strands.iter().map(|strand| strand.id).collect();
        self.of.iter().map(|(author, strands)| (*author, ids(strands))).collect()
    }

    /// The number of a run that is in the file.
    pub(super) fn find(&mut self, key: &RunKey, file: &mut impl Find) -> Result<Option<u64>, Fault> {
        let Some(strands) = self.of.get_mut(&key.author) else { return Ok(None) };
        for strand in strands {
            let Some(end) = strand.end(file)? else { continue };
            if key.seq >= end.next_seq {
                continue;
            }
            let Some(number) = file.place(strand.id, key.seq)? else { continue };
            let found = file.runs_from(number)?.iter().zip(number..).find(|(placed, _)| placed.key == *key);
            if let Some((_, number)) = found {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// The strand that this run goes on, or a new one, and whether it is new.
    pub(super) fn extend(
        &mut self,
        run: &RunParts<'_>,
        file: &mut impl Find,
    ) -> Result<(StrandId, bool), Fault> {
        let placed = Placed::new(run);
        let author = run.header.author;
        let strands = self.of.entry(author).or_default();
        let mut empty = None;
        for strand in &mut *strands {
            match strand.end(file)? {
                Some(end) if placed.follows(&end) => {
                    strand.end = End::At(placed);
                    return Ok((strand.id, false));
                }
                Some(_) => {}
                None => empty = Some(strand),
            }
        }
        if let Some(strand) = empty {
            strand.end = End::At(placed);
            return Ok((strand.id, false));
        }
        let id = self.add(author, End::At(placed));
        id.map(|id| (id, true)).ok_or_else(|| Fault::damaged("it has as many strands as there are numbers"))
    }
}

impl Strand {
    fn end(&mut self, file: &mut impl Find) -> Result<Option<Placed>, Fault> {
        if matches!(self.end, End::Unread) {
            self.end = match file.place(self.id, u64::MAX)? {
                Some(number) => last_of(file.runs_from(number)?).map_or(End::None, End::At),
                None => End::None,
            };
        }
        Ok(if let End::At(placed) = self.end { Some(placed) } else { None })
    }
}

/// Of the strand that the first of these runs is in, the last.
pub(super) fn last_of(runs: &[Placed]) -> Option<Placed> {
    strand_of(runs).last()
}

/// Of these runs, those of the strand that the first is in.
pub(super) fn strand_of(runs: &[Placed]) -> impl Iterator<Item = Placed> {
    let mut end = None::<Placed>;
    runs.iter().copied().filter(move |run| {
        let follows = end.is_none_or(|end| run.follows(&end));
        if follows {
            end = Some(*run);
        }
        follows
    })
}

/// The rows of one strand up to that number of an operation.
pub(super) fn rows_of(strand: StrandId, upto: u64) -> RangeInclusive<[u8; 12]> {
    rows::put_place(strand, 0)..=rows::put_place(strand, upto)
}

/// The row of the block that has this run, read, and the number of its first.
pub(super) fn block_of(
    ops: &impl ReadableTable<u64, &'static [u8]>,
    number: u64,
) -> Result<Option<(u64, Vec<u8>)>, Fault> {
    #[cfg(test)]
    super::testing::BLOCKS_READ.with(|read| read.set(read.get() + 1));
    let last = ops.range(..=number).map_err(fault_of)?.next_back().transpose().map_err(fault_of)?;
    Ok(last.map(|(first, row)| (first.value(), row.value().to_vec())))
}

pub(super) fn read_runs(first: u64, row: &[u8]) -> Result<StoredRuns<'_>, Fault> {
    StoredRuns::read(first, row).map_err(|error| of_block(first, &error))
}

/// What is wrong with a block of runs.
pub(super) fn of_block(first: u64, error: &dyn std::fmt::Display) -> Fault {
    Fault::damaged(format_args!("the runs from number {first} on: {error}"))
}
