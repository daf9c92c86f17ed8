//! What a delta has named so far: its authors, and where their runs end. Encoder and decoder keep the same table.

use std::collections::BTreeMap;

use crate::replica::{
    Author, RunHash,
    run::{Head, Header},
};

/// How many of an author's runs a head can point back over.
const WINDOW: usize = 256;

/// A run that the delta holds already.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) hash: RunHash,
    pub(super) next_seq: u64,
    pub(super) clock: u64,
    pub(super) schema: u32,
    pub(super) fingerprint: u64,
}

impl Place {
    /// The end of a run; its figures were checked not to overflow.
    pub(super) fn new(header: &Header, count: usize, hash: RunHash) -> Self {
        Self {
            hash,
            next_seq: header.seq.wrapping_add(count as u64),
            clock: header.lamport.wrapping_add(count as u64 - 1),
            schema: header.schema,
            fingerprint: header.fingerprint,
        }
    }
}

/// How many authors are searched one by one before they are indexed.
const FEW: usize = 8;

/// Authors in the order in which they are first named, with the ends of their runs.
#[derive(Default)]
pub(super) struct Table {
    /// Of all, once they are more than a few.
    index: BTreeMap<Author, usize>,
    authors: Vec<Entry>,
}

struct Entry {
    author: Author,
    /// The end of its last run: beside the others, as of most authors a delta has one run or none.
    last: Option<Place>,
    /// Of those before.
    older: Vec<Place>,
}

impl Entry {
    /// From the last.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.last.iter().chain(self.older.iter().rev()).take(WINDOW)
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.authors.len()
    }

    pub(super) fn author(&self, index: usize) -> Author {
        self.authors[index].author
    }

    pub(super) fn find(&self, author: Author) -> Option<usize> {
        // One author writes many runs in a row.
        match self.authors.last() {
            Some(last) if last.author == author => Some(self.authors.len() - 1),
            _ if self.index.is_empty() => self.authors.iter().position(|known| known.author == author),
            _ => self.index.get(&author).copied(),
        }
    }

    pub(super) fn add(&mut self, author: Author) -> usize {
        let index = self.authors.len();
        self.authors.push(Entry { author, last: None, older: Vec::new() });
        if index == FEW {
            self.index.extend(self.authors.iter().enumerate().map(|(index, entry)| (entry.author, index)));
        } else if index > FEW {
            self.index.insert(author, index);
        }
        index
    }

    pub(super) fn push(&mut self, index: usize, place: Place) {
        let Entry { last, older, .. } = &mut self.authors[index];
        older.extend(last.replace(place));
    }

    /// The author's run before, as many runs back as that; 0 is the last.
    pub(super) fn place(&self, index: usize, back: usize) -> Option<&Place> {
        let Entry { last, older, .. } = self.authors.get(index)?;
        match back.checked_sub(1) {
            None => last.as_ref(),
            Some(back) if back + 1 < WINDOW => older.iter().rev().nth(back),
            Some(_) => None,
        }
    }

    /// How many runs back a head is. The one rule, for the encoder and for the decoder that refuses any other choice.
    pub(super) fn back(&self, index: usize, head: &Head) -> Option<usize> {
        let places = self.authors[index].places();
        places
            .take_while(|place| place.next_seq > head.seq)
            .position(|place| place.hash == head.hash && place.next_seq - 1 == head.seq)
    }
}
