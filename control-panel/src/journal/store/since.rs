//! What another replica lacks of the operations in the file.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use super::{
    RETURNED, Reader,
    lookup::Lookup,
    rows::{self, StrandId},
    run_block::{Placed, StoredRuns},
    strands::{block_of, read_runs},
};
use crate::{
    journal::{error::Fault, serve::Unread},
    replica::{
        Author, RunHash, Version,
        codec::decode_kept,
        covered,
        run::{Head, Run},
        version::End,
    },
};

/// How far a replica is that is given what it lacks, from one read to the next. Beside its version it takes 8 bytes a strand, and what is held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// What the replica has with all that it was given.
    pub(crate) version: Version,
    /// Of each strand, up to where it has it.
    has: Vec<u64>,
    /// The blocks of the runs before this one are read.
    next: u64,
    /// Read and not given: a signature that proves them, or what they depend on, is behind what was read.
    held: Vec<Arc<Run<()>>>,
}

/// Runs, each behind its past.
pub(crate) type Runs = Vec<Arc<Run<()>>>;

impl Reader {
    /// Where a replica of that version is. `None` if some of what it lacks is gone.
    pub(crate) fn place(&self, version: &Version) -> Result<Option<Place>, Fault> {
        let note = self.note()?;
        if note.as_ref().is_some_and(|note| !note.reaches(version)) {
            return Ok(None);
        }
        let mut authors = BTreeMap::<Author, Vec<StrandId>>::new();
        for (strand, author) in (0..).zip(self.strands()) {
            authors.entry(*author).or_default().push(strand);
        }
        let mut lookup = Lookup::new(self, note)?;
        let mut has = BTreeMap::new();
        for (author, strands) in &authors {
            // Where it has an end of an author's chain that is not here, it gets all of that author: that is how forks are found.
            if lookup.is_forked(strands)? {
                has.extend(lookup.known(*author, strands, version)?);
            } else {
                let count = lookup.count(*author, strands, version)?;
                has.extend(strands.iter().map(|strand| (*strand, count)));
            }
        }
        for (strand, has) in &mut has {
            *has = (*has).max(lookup.first_row(*strand)?.map_or(0, |(seq, _)| seq));
        }
        Ok(Some(Place {
            version: version.clone(),
            has: has.into_values().collect(),
            next: 0,
            held: Vec::new(),
        }))
    }

    /// The next of what it lacks, of about so many bytes in memory, and whether there is more: of what is admitted, and nothing else. Reads the blocks that have these
    /// runs, and none of them a second time but the one where it stopped. `None` if part of the rest is gone.
    pub(crate) fn read_on(&self, place: &mut Place, most: usize) -> Result<Option<(Runs, bool)>, Fault> {
        let note = self.note()?;
        if note.as_ref().is_some_and(|note| !note.reaches(&place.version)) {
            return Ok(None);
        }
        if place.has.len() != self.strands().len() {
            // An author began, or forked.
            let Some(anew) = self.place(&place.version)? else { return Ok(None) };
            *place = anew;
        }
        let mut reading = Reading::new(Lookup::new(self, note)?, place)?;
        loop {
            let (runs, more) = reading.read(place, most)?;
            let runs = place.give(runs, more, most);
            // Else what proves the first is behind what was read.
            if !runs.is_empty() || !more {
                return Ok(Some((runs, more)));
            }
        }
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

impl Place {
    /// Of these runs and those that were held, all that can be given now. At the end what nothing proves is left out.
    fn give(&mut self, read: Runs, more: bool, most: usize) -> Runs {
        let mut runs = std::mem::take(&mut self.held);
        runs.extend(read);
        // A run's time is above those of all in its past.
        runs.sort_unstable_by_key(|run| (run.header.lamport, run.header.author, run.header.seq, run.hash));
        let is_signed = runs.iter().any(|run| !run.signature.is_empty());
        // A file may have a run before its past, if it waited for that here, or was salvaged. It waits again, if it is not for much.
        let waits = more && runs.iter().map(bytes_of).sum::<usize>() <= most.saturating_mul(2);
        let mut held = BTreeSet::<RunHash>::new();
        loop {
            let proved = if is_signed { covered(&runs) } else { vec![true; runs.len()] };
            let (mut version, mut some) = (self.version.clone(), false);
            let mut proved = proved.into_iter();
            runs.retain(|run| {
                let past = |head: &Head| !held.contains(&head.hash) && version.get(head.author) > head.seq;
                let is_given = proved.next() == Some(true)
                    && !held.contains(&run.header.previous)
                    && (!waits || run.header.heads.iter().all(past));
                if is_given {
                    version.advance(
                        &mut usize::MAX.clone(),
                        &run.header.author,
                        &run.header.previous,
                        end(run),
                    );
                } else {
                    held.insert(run.hash);
                    self.held.push(Arc::clone(run));
                    some = true;
                }
                is_given
            });
            // What was taken out may have been what proved others.
            if !some {
                self.version = version;
                break;
            }
        }
        if !more {
            self.held.clear();
        }
        runs
    }
}

fn end(run: &Run<()>) -> End {
    End { next_seq: run.next_seq(), hash: run.hash }
}

fn bytes_of(run: &Arc<Run<()>>) -> usize {
    /// Of a run in memory, beside its operations.
    const RUN: usize = 256;
    RUN + run.bytes.len()
}

/// One read of what a replica lacks, block by block.
struct Reading {
    lookup: Lookup,
    /// The first run that each strand may have to give, the lowest first.
    unread: BinaryHeap<Reverse<(u64, StrandId)>>,
}

impl Reading {
    fn new(lookup: Lookup, place: &Place) -> Result<Self, Fault> {
        // The block at the end grows.
        let read = lookup.block(place.next)?;
        let mut unread = BinaryHeap::new();
        for (strand, has) in (0..).zip(&place.has) {
            unread.extend(lookup.unread(strand, *has, read)?.map(|number| Reverse((number, strand))));
        }
        Ok(Self { lookup, unread })
    }

    /// Goes on until it has about so many bytes; whether there is more.
    fn read(&mut self, place: &mut Place, most: usize) -> Result<(Runs, bool), Fault> {
        let (mut runs, mut bytes) = (Runs::new(), 0);
        while let Some(Reverse((number, _))) = self.unread.peek() {
            if bytes >= most {
                return Ok((runs, true));
            }
            let Some((first, row)) = block_of(&self.lookup.ops, *number)? else { break };
            let stored = read_runs(first, &row)?;
            let read = decode_kept(stored.delta, &Unread).map_err(Fault::Run)?;
            let end = first + read.len() as u64;
            let (lacked, strands) = self.lacked(&stored, &read, first, place);
            for (index, strand) in lacked {
                let run = &read[index];
                if bytes > 0 && bytes + bytes_of(run) > most {
                    // The rest of this block is read with the next.
                    place.next = place.next.max(first);
                    self.unread.extend(strands.into_iter().map(|(strand, number)| Reverse((number, strand))));
                    return Ok((runs, true));
                }
                bytes += bytes_of(run);
                place.has[strand as usize] = run.next_seq();
                runs.push(Arc::clone(run));
            }
            place.next = place.next.max(end);
            for strand in strands.into_keys() {
                let next = self.lookup.unread_behind(strand, place.has[strand as usize], end)?;
                self.unread.extend(next.map(|number| Reverse((number, strand))));
            }
        }
        Ok((runs, false))
    }

    /// The block's runs that are lacked, each with its strand; and the strands that are in it, each with the number of its first run.
    fn lacked(
        &mut self,
        stored: &StoredRuns<'_>,
        read: &[Arc<Run<()>>],
        first: u64,
        place: &Place,
    ) -> (BTreeMap<usize, StrandId>, BTreeMap<StrandId, u64>) {
        let (mut lacked, mut strands) = (BTreeMap::new(), BTreeMap::new());
        while let Some(Reverse((number, strand))) =
            self.unread.peek().copied().filter(|Reverse((number, _))| *number < first + read.len() as u64)
        {
            self.unread.pop();
            let from = usize::try_from(number - first).unwrap_or(usize::MAX);
            let mut end = None::<Placed>;
            for (index, run) in read.iter().enumerate().skip(from) {
                let run = Placed::of(run);
                if end.is_some_and(|end| !run.follows(&end)) {
                    continue;
                }
                end = Some(run);
                if run.next_seq > place.has[strand as usize] && !stored.received.contains(&(index as u64)) {
                    lacked.insert(index, strand);
                }
            }
            strands.insert(strand, number);
        }
        (lacked, strands)
    }
}
