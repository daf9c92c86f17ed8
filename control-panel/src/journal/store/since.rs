//! What another replica lacks, of what is in the file.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use redb::ReadOnlyTable;

use super::{
    OPS, PLACES, RETURNED, Reader, fault_of, rows,
    rows::StrandId,
    run_block::Placed,
    strands::{block_of, last_of, of_block, read_runs, rows_of, strand_of},
};
use crate::{
    journal::{error::Fault, record::SnapshotNote, serve::Unread},
    replica::{Author, RunHash, Version, codec::decode_kept, run::Run},
};

/// Blocks that are kept while places are looked up.
const KEPT: usize = 64;

impl Reader {
    /// Admitted runs that a replica of that version lacks, the first of them in the order of their times, so each behind its past; about so many bytes in memory, and at
    /// least one. Where it has an end of an author's chain that is not here, it gets all of that author: that is how forks are found. `None` if some are gone.
    pub(crate) fn since(&self, version: &Version, most: usize) -> Result<Option<(First, bool)>, Fault> {
        let note = self.note()?;
        if note.as_ref().is_some_and(|note| !note.reaches(version)) {
            return Ok(None);
        }
        let mut authors = BTreeMap::<Author, Vec<StrandId>>::new();
        for (strand, author) in (0..).zip(self.strands()) {
            authors.entry(*author).or_default().push(strand);
        }
        let mut lookup = Lookup::new(self, note)?;
        // Of authors without forks, how many operations are had; of others, the runs that are lacked.
        let (mut has, mut lacked) = (BTreeMap::new(), BTreeSet::new());
        let mut blocks = BTreeSet::new();
        for (author, strands) in &authors {
            if lookup.is_forked(strands)? {
                for (strand, count) in lookup.known(*author, strands, version)? {
                    lookup.runs_behind(strand, count, &mut lacked)?;
                }
                continue;
            }
            let count = lookup.count(*author, strands, version)?;
            has.insert(*author, count);
            for strand in strands {
                for number in lookup.places_from(*strand, count)? {
                    blocks.extend(lookup.block(number)?);
                }
            }
        }
        for number in &lacked {
            blocks.extend(lookup.block(*number)?);
        }
        let mut firsts = Firsts::new(most);
        for first in blocks {
            let Some((first, row)) = block_of(&lookup.ops, first)? else { continue };
            let stored = read_runs(first, &row)?;
            let read = decode_kept(stored.delta, &Unread).map_err(Fault::Run)?;
            for (index, run) in (0..).zip(read) {
                let lacks = match has.get(&run.header.author) {
                    Some(has) => run.next_seq() > *has,
                    None => lacked.contains(&(first + index)),
                };
                if lacks && !stored.received.contains(&index) {
                    firsts.add(run);
                }
            }
        }
        Ok(Some((firsts.runs.into_values().collect(), firsts.after.is_some())))
    }

    /// Void runs that the program has back, by their numbers.
    pub(crate) fn returned(&self) -> Result<BTreeSet<u64>, Fault> {
        let table = self.transaction().open_table(RETURNED).map_err(|error| self.fault(error))?;
        let number = |row: Result<_, redb::StorageError>| {
            let (key, _): (redb::OwnedAccessGuard<&[u8]>, redb::OwnedAccessGuard<()>) =
                row.map_err(|error| self.fault(error))?;
            let read = rows::read_returned(key.value());
            read.map(|(number, _)| number)
                .ok_or_else(|| Fault::damaged("a row of `returned` is another than was written"))
        };
        table.range_owned::<&[u8]>(..).map_err(|error| self.fault(error))?.map(number).collect()
    }
}

/// Runs in their order.
pub(crate) type First = Vec<Arc<Run<()>>>;

/// A run's time is above those of all in its past.
type Order = (u64, Author, u64, RunHash);

/// The first of many runs.
struct Firsts {
    runs: BTreeMap<Order, Arc<Run<()>>>,
    bytes: usize,
    most: usize,
    /// The first that was left out.
    after: Option<Order>,
}

impl Firsts {
    /// Of a run in memory, beside its operations.
    const RUN: usize = 256;

    fn new(most: usize) -> Self {
        Self { runs: BTreeMap::new(), bytes: 0, most, after: None }
    }

    fn add(&mut self, run: Arc<Run<()>>) {
        let order = (run.header.lamport, run.header.author, run.header.seq, run.hash);
        if self.after.is_some_and(|after| order >= after) {
            return;
        }
        self.bytes += Self::RUN + run.bytes.len();
        self.runs.insert(order, run);
        while self.bytes > self.most && self.runs.len() > 1 {
            let Some((order, run)) = self.runs.pop_last() else { break };
            self.bytes -= Self::RUN + run.bytes.len();
            self.after = Some(order);
        }
    }
}

/// Where runs are.
struct Lookup {
    ops: ReadOnlyTable<u64, &'static [u8]>,
    places: ReadOnlyTable<[u8; 12], u64>,
    /// By the number of each one's first run.
    kept: BTreeMap<u64, Vec<Placed>>,
    /// What was let go of.
    note: Option<SnapshotNote>,
}

impl Lookup {
    fn new(reader: &Reader, note: Option<SnapshotNote>) -> Result<Self, Fault> {
        let ops = reader.transaction().open_table(OPS).map_err(|error| reader.fault(error))?;
        let places = reader.transaction().open_table(PLACES).map_err(|error| reader.fault(error))?;
        Ok(Self { ops, places, kept: BTreeMap::new(), note })
    }

    /// How many operations of an author without forks a replica has: if an end that it names is not here, where the author's runs reach to it, those up to the last end
    /// that is.
    fn count(&mut self, author: Author, strands: &[StrandId], version: &Version) -> Result<u64, Fault> {
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
    fn is_forked(&mut self, strands: &[StrandId]) -> Result<bool, Fault> {
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
    fn known(
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

    /// The numbers of the strand's runs that end behind so many operations.
    fn runs_behind(&mut self, strand: StrandId, count: u64, runs: &mut BTreeSet<u64>) -> Result<(), Fault> {
        for number in self.places_from(strand, count)? {
            let placed = self.runs_from(number)?;
            let of_strand: BTreeSet<_> =
                strand_of(placed).filter(|run| run.next_seq > count).map(|run| run.key).collect();
            let numbered = placed.iter().zip(number..).filter(|(run, _)| of_strand.contains(&run.key));
            runs.extend(numbered.map(|(_, number)| number));
        }
        Ok(())
    }

    /// The strand's first run.
    fn begin(&mut self, strand: StrandId) -> Result<Option<Placed>, Fault> {
        let first = self.places.range(rows_of(strand, u64::MAX)).map_err(fault_of)?.next();
        let Some((_, number)) = first.transpose().map_err(fault_of)? else { return Ok(None) };
        Ok(self.runs_from(number.value())?.first().copied())
    }

    /// What the rows of the strand say that have runs which end behind so many operations.
    fn places_from(&self, strand: StrandId, count: u64) -> Result<Vec<u64>, Fault> {
        // The run that the count is in the middle of, if it is, and what follows.
        let begin = self.places.range(rows_of(strand, count)).map_err(fault_of)?.next_back();
        let begin = begin.transpose().map_err(fault_of)?.map(|(place, _)| place.value());
        let begin = begin.unwrap_or(rows::put_place(strand, count));
        let rows = self.places.range(begin..=rows::put_place(strand, u64::MAX)).map_err(fault_of)?;
        rows.map(|row| row.map(|(_, number)| number.value())).collect::<Result<_, _>>().map_err(fault_of)
    }

    /// The number of the first run of the block that has that one.
    fn block(&self, number: u64) -> Result<Option<u64>, Fault> {
        let first = self.ops.range(..=number).map_err(fault_of)?.next_back();
        Ok(first.transpose().map_err(fault_of)?.map(|(first, _)| first.value()))
    }

    fn place(&self, strand: StrandId, seq: u64) -> Result<Option<u64>, Fault> {
        let last = self.places.range(rows_of(strand, seq)).map_err(fault_of)?.next_back();
        Ok(last.transpose().map_err(fault_of)?.map(|(_, number)| number.value()))
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
