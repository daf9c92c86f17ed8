//! A delta's runs as they are in its bytes, with their hashes: nothing of the user's is decoded yet.

use super::{
    DecodeError, FORMAT, Limits,
    encode::{CHAINED, FLAG_BITS, HEADS, LATER, SAME, SIGNED, SINGLE},
    error::Refused,
    hash::run_hash,
    operations::{read_author, read_operation},
    table::{Place, Table},
    wire::{Reader, within},
};
use crate::replica::{
    Author, RunHash,
    run::{Head, Header},
    signature::Link,
};

// The fewest bytes of a run: its first number, and one operation. Of a head: its author's number, and how far back.
const LEAST_RUN: usize = 2;
const LEAST_HEAD: usize = 2;

/// One run.
pub(super) struct RawRun<'a> {
    /// Where it begins.
    pub(super) offset: usize,
    pub(super) header: Header,
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
            hash: self.hash,
            signature: self.signature,
        }
    }
}

/// All of them, before anything is made of one.
pub(super) fn read_runs<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Vec<RawRun<'a>>, DecodeError> {
    let mut runs = Vec::new();
    each_run(bytes, limits, |_, raw| {
        runs.push(raw);
        Ok(())
    })?;
    Ok(runs)
}

/// One after the other, as far as they are right: what is made of them counts only if all are. With each, how many there are.
pub(super) fn each_run<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    mut take: impl FnMut(usize, RawRun<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    within(0, "bytes", bytes.len() as u64, limits.bytes)?;
    let mut reader = Reader::new(bytes);
    let found = reader.varint()?;
    if found != FORMAT {
        return Err(DecodeError::new(0, Refused::Version { found, known: FORMAT }));
    }
    let count = reader.count("runs", limits.runs, LEAST_RUN)?;
    let mut state = State { reader, table: Table::new(), ops: 0, limits };
    for left in (0..count).rev() {
        take(count, state.run(left > 0)?)?;
    }
    state.reader.end()
}

struct State<'a, 'l> {
    reader: Reader<'a>,
    table: Table,
    ops: usize,
    limits: &'l Limits,
}

impl<'a> State<'a, '_> {
    /// The next one, and whether another `follows`.
    fn run(&mut self, follows: bool) -> Result<RawRun<'a>, DecodeError> {
        let offset = self.reader.offset();
        let refuse = |refused| Err(DecodeError::new(offset, refused));
        let word = self.reader.varint()?;
        let has = |flag| word & flag != 0;
        let (index, author) = self.author(word >> FLAG_BITS)?;
        let before = self.table.place(index, 0).copied();
        let chained = before.filter(|_| has(CHAINED));

        let (previous, seq) = match chained {
            Some(before) => (before.hash, before.next_seq),
            None if has(CHAINED) => {
                return refuse(Refused::Malformed("a run continues one that is not here"));
            }
            None => (RunHash(self.reader.array()?), self.reader.varint()?),
        };
        if chained.is_none() && before.is_some_and(|before| before.hash == previous) {
            return refuse(Refused::NotCanonical("a run that continues the one before it names it"));
        }
        let inherited = before.map_or((0, 0), |before| (before.schema, before.fingerprint));
        let (schema, fingerprint) =
            if has(SAME) { inherited } else { (self.reader.varint32()?, self.reader.varint()?) };
        if !has(SAME) && inherited == (schema, fingerprint) {
            return refuse(Refused::NotCanonical("a schema that has not changed is repeated"));
        }

        let mut clock = chained.map_or(0, |before| before.clock);
        let heads = if has(HEADS) { self.heads(&mut clock)? } else { Vec::new() };
        let later = if has(LATER) { self.reader.varint()? } else { 0 };
        if has(LATER) && later == 0 {
            return refuse(Refused::NotCanonical("a Lamport time that is not later is repeated"));
        }
        let count = if has(SINGLE) { 1 } else { self.count()? };
        let lamport = clock.checked_add(1).and_then(|lamport| lamport.checked_add(later));
        let fits = |first: u64| first.checked_add(count as u64).is_some();
        let Some(lamport) = lamport.filter(|lamport| fits(*lamport) && fits(seq)) else {
            return refuse(Refused::Malformed("operations are numbered beyond 64 bits"));
        };

        let operations = self.operations(count)?;
        let signature = if has(SIGNED) { self.signature()? } else { &[] };
        let header = Header { author, seq, lamport, previous, heads, schema, fingerprint };
        let hash = run_hash(&header, count, operations);
        if follows {
            self.table.push(index, Place::new(&header, count, hash));
        }
        Ok(RawRun { offset, header, count, operations, hash, signature })
    }

    /// By its place in the table; the first new one is named.
    fn author(&mut self, index: u64) -> Result<(usize, Author), DecodeError> {
        let (offset, known) = (self.reader.offset(), self.table.len());
        match usize::try_from(index) {
            Ok(index) if index == known => {}
            Ok(index) if index < known => return Ok((index, self.table.author(index))),
            _ => return self.reader.refuse(Refused::Malformed("an author that was not named")),
        }
        within(offset, "authors", index.saturating_add(1), self.limits.authors)?;
        let author = read_author(&mut self.reader)?;
        if self.table.find(author).is_some() {
            return Err(DecodeError::new(offset, Refused::NotCanonical("an author is named twice")));
        }
        Ok((self.table.add(author), author))
    }

    fn heads(&mut self, clock: &mut u64) -> Result<Vec<Head>, DecodeError> {
        let count = self.reader.count("heads in a run", self.limits.heads, LEAST_HEAD)?;
        if count == 0 {
            return self.reader.refuse(Refused::NotCanonical("no heads, counted"));
        }
        let mut heads = Vec::<Head>::with_capacity(count.min(4));
        for _ in 0..count {
            let offset = self.reader.offset();
            let refuse = |refused| Err(DecodeError::new(offset, refused));
            let word = self.reader.varint()?;
            let (index, author) = self.author(word >> 1)?;
            let head = if word & 1 == 0 {
                let back = usize::try_from(self.reader.varint()?).unwrap_or(usize::MAX);
                let Some(place) = self.table.place(index, back) else {
                    return refuse(Refused::Malformed("a head names a run that is not here"));
                };
                *clock = place.clock.max(*clock);
                let head = Head { author, seq: place.next_seq - 1, hash: place.hash };
                if self.table.back(index, &head) != Some(back) {
                    return refuse(Refused::NotCanonical("a head points to the further of two"));
                }
                head
            } else {
                let head = Head { author, seq: self.reader.varint()?, hash: RunHash(self.reader.array()?) };
                if self.table.back(index, &head).is_some() {
                    return refuse(Refused::NotCanonical("a head that is here is spelled out"));
                }
                head
            };
            let order = |head: &Head| (head.author, head.hash);
            if heads.last().is_some_and(|last| order(last) >= order(&head)) {
                return refuse(Refused::NotCanonical("heads are not in order"));
            }
            heads.push(head);
        }
        Ok(heads)
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
