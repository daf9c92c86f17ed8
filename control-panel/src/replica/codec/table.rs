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
    authors: Vec<(Author, Vec<Place>)>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.authors.len()
    }

    pub(super) fn author(&self, index: usize) -> Author {
        self.authors[index].0
    }

    pub(super) fn find(&self, author: Author) -> Option<usize> {
        // One author writes many runs in a row.
        match self.authors.last() {
            Some((last, _)) if *last == author => Some(self.authors.len() - 1),
            _ if self.index.is_empty() => self.authors.iter().position(|(known, _)| *known == author),
            _ => self.index.get(&author).copied(),
        }
    }

    pub(super) fn add(&mut self, author: Author) -> usize {
        let index = self.authors.len();
        self.authors.push((author, Vec::new()));
        if index == FEW {
            self.index.extend(self.authors.iter().enumerate().map(|(index, (author, _))| (*author, index)));
        } else if index > FEW {
            self.index.insert(author, index);
        }
        index
    }

    pub(super) fn push(&mut self, index: usize, place: Place) {
        self.authors[index].1.push(place);
    }

    /// The author's run before, as many runs back as that; 0 is the last.
    pub(super) fn place(&self, index: usize, back: usize) -> Option<&Place> {
        (back < WINDOW).then(|| self.authors.get(index)?.1.iter().rev().nth(back)).flatten()
    }

    /// How many runs back a head is. The one rule, for the encoder and for the decoder that refuses any other choice.
    pub(super) fn back(&self, index: usize, head: &Head) -> Option<usize> {
        let places = self.authors[index].1.iter().rev().take(WINDOW);
        places
            .take_while(|place| place.next_seq > head.seq)
            .position(|place| place.hash == head.hash && place.next_seq - 1 == head.seq)
    }
}
