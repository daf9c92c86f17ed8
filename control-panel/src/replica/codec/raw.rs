//! A delta's runs as they are in its bytes, with their hashes: nothing of the user's is decoded yet.

use super::{
    DecodeError, FORMAT, Limits,
    encode::{CHAINED, FLAG_BITS, HEADS, LATER, SAME, SIGNED, SINGLE},
    error::Refused,
    hash::linked,
    lanes::Lanes,
    operations::{read_author, read_operation},
    table::{Place, Table},
    wire::{Reader, within},
};
use crate::replica::{
    RunHash,
    run::{Head, Header},
    short::Heads,
    signature::{Link, weight},
};

// The fewest bytes of a run: its first number, and one operation. Of a head: its author's number, and how far back.
const LEAST_RUN: usize = 2;
const LEAST_HEAD: usize = 2;

/// One run.
pub(super) struct RawRun<'a> {
    pub(super) header: Header,
    pub(super) body: Body<'a>,
}

/// A run, beside its header.
#[derive(Clone, Copy)]
pub(super) struct Body<'a> {
    /// Where the run begins.
    pub(super) offset: usize,
    pub(super) count: usize,
    pub(super) operations: &'a [u8],
    pub(super) hash: RunHash,
    pub(super) signature: &'a [u8],
}

impl RawRun<'_> {
    pub(super) fn link(&self) -> Link<'_> {
        Link {
            author: self.header.author,
            previous: self.header.previous,
            hash: self.body.hash,
            signature: self.body.signature,
            weight: weight(&self.header, self.body.operations.len()),
        }
    }
}

/// All of them, before anything is made of one.
pub(super) fn read_runs<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<RawRun<'a>>, DecodeError> {
    let (mut reader, mut runs) = (RunReader::new(bytes, limits)?, Vec::new());
    while reader.read()? {
        runs.append(&mut reader.runs);
    }
    Ok(runs)
}

/// Up to how many runs, and about how many bytes of them, are hashed together.
const TOGETHER: usize = 64;
const BYTES: usize = 256 << 10;

/// What is left of a delta: what is made of its runs counts only if all of them are right, and nothing follows.
///
/// Runs are read some at a time, as their contents are hashed side by side. Until then what is read names those before it by their numbers.
pub(super) struct RunReader<'a, 'l> {
    reader: Reader<'a>,
    table: Table,
    ops: usize,
    limits: &'l Limits,
    /// Runs that were not read.
    left: usize,
    /// Those that [`read`](Self::read) read.
    pub(super) runs: Vec<RawRun<'a>>,
    /// Of how many of these the hashes are known.
    known: usize,
    lanes: Lanes,
    /// Of each run: its author's index, and the number of the run that it follows, from 1, where that waits too.
    places: Vec<(usize, u32)>,
    /// Heads whose hashes wait: the number of the run that names one, from 0, its place there, and the number of the run that it is, from 1.
    heads: Vec<(usize, usize, u32)>,
}

impl<'a, 'l> RunReader<'a, 'l> {
    pub(super) fn new(bytes: &'a [u8], limits: &'l Limits) -> Result<Self, DecodeError> {
        within(0, "bytes", bytes.len() as u64, limits.bytes)?;
        let mut reader = Reader::new(bytes);
        let found = reader.varint()?;
        if found != FORMAT {
            return Err(DecodeError::new(0, Refused::Version { found, known: FORMAT }));
        }
        let left = reader.count("runs", limits.runs, LEAST_RUN)?;
        Ok(Self {
            reader,
            table: Table::new(),
            ops: 0,
            limits,
            left,
            runs: Vec::new(),
            known: 0,
            lanes: Lanes::new(),
            places: Vec::new(),
            heads: Vec::new(),
        })
    }

    /// Reads the next runs, in place of those before. `false` if there is none, and nothing follows.
    pub(super) fn read(&mut self) -> Result<bool, DecodeError> {
        self.runs.clear();
        self.places.clear();
        self.known = 0;
        while self.left > 0 && self.runs.len() < TOGETHER && self.lanes.len() < BYTES {
            let mut header = Header::blank();
            let (body, index, follows) = self.run(&mut header)?;
            self.lanes.push(&header, body.count, body.operations);
            self.places.push((index, follows));
            self.runs.push(RawRun { header, body });
        }
        self.hash();
        if self.runs.is_empty() {
            self.reader.end()?;
        }
        Ok(!self.runs.is_empty())
    }

    /// Computes the hashes that wait.
    fn hash(&mut self) {
        let contents = self.lanes.finish();
        let mut heads = self.heads.iter().peekable();
        for (number, content) in (self.known..).zip(contents) {
            let hash_of = |runs: &[RawRun<'_>], waits: u32| runs[waits as usize - 1].body.hash;
            let follows = self.places[number].1;
            if follows > 0 {
                self.runs[number].header.previous = hash_of(&self.runs, follows);
            }
            while let Some((_, place, waits)) = heads.next_if(|(of, ..)| *of == number) {
                self.runs[number].header.heads[*place].hash = hash_of(&self.runs, *waits);
            }
            let RawRun { header, body } = &mut self.runs[number];
            body.hash = linked(header, content);
        }
        for (index, _) in &self.places[self.known..] {
            for place in self.table.waiting(*index) {
                place.hash = self.runs[place.waits as usize - 1].body.hash;
                place.waits = 0;
            }
        }
        self.known = self.runs.len();
        self.lanes.clear();
        // Those of the run that is being read are not in yet.
        self.heads.retain(|(of, ..)| *of == self.known);
    }

    /// The next one, without its hash: there is one left. With it come its author's index, and the number of the run that it follows where that one waits for its hash.
    fn run(&mut self, header: &mut Header) -> Result<(Body<'a>, usize, u32), DecodeError> {
        self.left -= 1;
        let offset = self.reader.offset();
        let refuse = |refused| Err(DecodeError::new(offset, refused));
        let word = self.reader.varint()?;
        let has = |flag| word & flag != 0;
        let index = self.author(word >> FLAG_BITS)?;
        header.author = *self.table.author(index);
        if !has(CHAINED) && self.table.place(index, 0).is_some_and(|before| before.waits > 0) {
            self.hash();
        }
        let before = self.table.place(index, 0);

        let (mut clock, mut follows) = (0, 0);
        let inherited = before.map_or((0, 0), |before| (before.schema, before.fingerprint));
        match before {
            Some(before) if has(CHAINED) => {
                (header.previous, header.seq, clock) = (before.hash, before.next_seq, before.clock);
                follows = before.waits;
            }
            None if has(CHAINED) => {
                return refuse(Refused::Malformed("a run continues one that is not here"));
            }
            before => {
                (header.previous, header.seq) = (RunHash(self.reader.array()?), self.reader.varint()?);
                if before.is_some_and(|before| before.hash == header.previous) {
                    return refuse(Refused::NotCanonical("a run that continues the one before it names it"));
                }
            }
        }
        (header.schema, header.fingerprint) =
            if has(SAME) { inherited } else { (self.reader.varint32()?, self.reader.varint()?) };
        if !has(SAME) && inherited == (header.schema, header.fingerprint) {
            return refuse(Refused::NotCanonical("a schema that has not changed is repeated"));
        }

        if has(HEADS) {
            self.heads(&mut header.heads, &mut clock)?;
        }
        let later = if has(LATER) { self.reader.varint()? } else { 0 };
        if has(LATER) && later == 0 {
            return refuse(Refused::NotCanonical("a Lamport time that is not later is repeated"));
        }
        let count = if has(SINGLE) { 1 } else { self.count()? };
        let lamport = clock.checked_add(1).and_then(|lamport| lamport.checked_add(later));
        let fits = |first: u64| first.checked_add(count as u64).is_some();
        match lamport {
            Some(lamport) if fits(lamport) && fits(header.seq) => header.lamport = lamport,
            _ => return refuse(Refused::Malformed("operations are numbered beyond 64 bits")),
        }

        let operations = self.operations(count)?;
        let signature = if has(SIGNED) { self.signature()? } else { &[] };
        if self.left > 0 {
            let waits = u32::try_from(self.runs.len() + 1).unwrap_or(u32::MAX);
            self.table.push(index, Place { waits, ..Place::new(header, count, RunHash([0; 32])) });
        }
        Ok((Body { offset, count, operations, hash: RunHash([0; 32]), signature }, index, follows))
    }

    /// By its place in the table; the first new one is named.
    #[inline]
    fn author(&mut self, index: u64) -> Result<usize, DecodeError> {
        match usize::try_from(index) {
            Ok(index) if index < self.table.len() => Ok(index),
            _ => self.new_author(index),
        }
    }

    #[inline(never)]
    fn new_author(&mut self, index: u64) -> Result<usize, DecodeError> {
        let (offset, known) = (self.reader.offset(), self.table.len());
        if index != known as u64 {
            return self.reader.refuse(Refused::Malformed("an author that was not named"));
        }
        within(offset, "authors", index.saturating_add(1), self.limits.authors)?;
        let author = read_author(&mut self.reader)?;
        if self.table.find(&author).is_some() {
            return Err(DecodeError::new(offset, Refused::NotCanonical("an author is named twice")));
        }
        Ok(self.table.add(author))
    }

    fn heads(&mut self, heads: &mut Heads, clock: &mut u64) -> Result<(), DecodeError> {
        let count = self.reader.count("heads in a run", self.limits.heads, LEAST_HEAD)?;
        if count == 0 {
            return self.reader.refuse(Refused::NotCanonical("no heads, counted"));
        }
        for _ in 0..count {
            let offset = self.reader.offset();
            let refuse = |refused| Err(DecodeError::new(offset, refused));
            let word = self.reader.varint()?;
            let index = self.author(word >> 1)?;
            let author = *self.table.author(index);
            let (head, waits) = if word & 1 == 0 {
                let back = usize::try_from(self.reader.varint()?).unwrap_or(usize::MAX);
                if self.table.place(index, back).is_none() {
                    return refuse(Refused::Malformed("a head names a run that is not here"));
                }
                let is_nearest = self.table.is_nearest(index, back);
                if !is_nearest {
                    self.hash_for(heads);
                }
                let Place { hash, next_seq, clock: time, waits, .. } =
                    *self.table.place(index, back).expect("it was there");
                *clock = time.max(*clock);
                let head = Head { author, seq: next_seq - 1, hash };
                if !is_nearest && self.table.back(index, &head) != Some(back) {
                    return refuse(Refused::NotCanonical("a head points to the further of two"));
                }
                (head, waits)
            } else {
                self.hash_for(heads);
                let head = Head { author, seq: self.reader.varint()?, hash: RunHash(self.reader.array()?) };
                if self.table.back(index, &head).is_some() {
                    return refuse(Refused::NotCanonical("a head that is here is spelled out"));
                }
                (head, 0)
            };
            let (mut head, mut waits) = (head, waits);
            if heads.last().is_some_and(|last| last.author == head.author) {
                self.hash_for(heads);
                if waits > 0 {
                    head.hash = self.runs[waits as usize - 1].body.hash;
                    waits = 0;
                }
            }
            let order = |head: &Head| (head.author, head.hash);
            if heads.last().is_some_and(|last| order(last) >= order(&head)) {
                return refuse(Refused::NotCanonical("heads are not in order"));
            }
            if waits > 0 {
                self.heads.push((self.runs.len(), heads.len(), waits));
            }
            heads.push(head);
        }
        Ok(())
    }

    /// Computes the hashes that wait, for a check that needs them, and puts them into the heads that were read of this run.
    fn hash_for(&mut self, heads: &mut Heads) {
        if self.known < self.runs.len() {
            self.hash();
        }
        for (_, place, waits) in self.heads.drain(..) {
            heads[place].hash = self.runs[waits as usize - 1].body.hash;
        }
    }

    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = self.reader.count("run_ops in a run", self.limits.run_ops, 1)?;
        match count {
            0 => self.reader.refuse(Refused::Malformed("a run without operations")),
            1 => self.reader.refuse(Refused::NotCanonical("one operation, counted")),
            _ => Ok(count),
        }
    }

    fn operations(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let start = self.reader.offset();
        self.ops += count;
        within(start, "ops", self.ops as u64, self.limits.ops)?;
        for _ in 0..count {
            read_operation::<()>(&mut self.reader, self.limits)?;
        }
        Ok(self.reader.since(start))
    }

    fn signature(&mut self) -> Result<&'a [u8], DecodeError> {
        let count = self.reader.count("signature_bytes", self.limits.signature_bytes, 1)?;
        if count == 0 {
            return self.reader.refuse(Refused::NotCanonical("no signature, counted"));
        }
        self.reader.bytes(count)
    }
}
