//! What a delta has named so far: its authors, and where their runs end. Encoder and decoder keep the same table.

use std::collections::BTreeMap;

use crate::replica::{
    Author, Peer, RunHash,
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
    /// Of a run whose hash is still to be computed: its number, from 1, among those that are read with it. Else 0.
    pub(super) waits: u32,
}

impl Place {
    /// The end of a run; its figures were checked not to overflow.
    #[inline]
    pub(super) fn new(header: &Header, count: usize, hash: RunHash) -> Self {
        Self {
            hash,
            next_seq: header.seq.wrapping_add(count as u64),
            clock: header.lamport.wrapping_add(count as u64 - 1),
            schema: header.schema,
            fingerprint: header.fingerprint,
            waits: 0,
        }
    }
}

/// How many authors are searched one by one, and are in no list. Few deltas have more.
const FEW: usize = 4;

/// Authors in the order in which they are first named, with the ends of their runs. Without an allocation as long as there are
/// [`FEW`], and no run before another.
pub(super) struct Table {
    /// As many as there are.
    few: [Author; FEW],
    /// Those after the first few.
    more: Vec<Author>,
    /// Of those.
    index: BTreeMap<Author, usize>,
    count: usize,
    /// By author, up to the last of which there is one.
    ends: Vec<Ends>,
}

/// Where the runs of an author end.
#[derive(Default)]
struct Ends {
    /// The last: beside the others, as of most authors a delta has one run or none.
    last: Option<Place>,
    older: Vec<Place>,
}

/// How many older ends are kept: a head points to none beyond the window, and they are let go of many at a time.
const KEPT: usize = 4 * WINDOW;

impl Ends {
    /// From the last.
    fn places(&self) -> impl Iterator<Item = &Place> {
        self.last.iter().chain(self.older.iter().rev()).take(WINDOW)
    }
}

const NO_ONE: Author = Author { peer: Peer([0; 32]), incarnation: 0 };

impl Table {
    pub(super) fn new() -> Self {
        Self { few: [NO_ONE; FEW], more: Vec::new(), index: BTreeMap::new(), count: 0, ends: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn author(&self, index: usize) -> &Author {
        debug_assert!(index < self.count);
        self.few.get(index).unwrap_or_else(|| &self.more[index - FEW])
    }

    #[inline]
    pub(super) fn find(&self, author: &Author) -> Option<usize> {
        match self.few.iter().take(self.count).position(|known| known == author) {
            Some(index) => Some(index),
            None if self.more.is_empty() => None,
            // One author writes many runs in a row.
            None if self.more.last() == Some(author) => Some(self.count - 1),
            None => self.index.get(author).copied(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, author: Author) -> usize {
        let index = self.count;
        self.count += 1;
        if let Some(few) = self.few.get_mut(index) {
            *few = author;
        } else {
            self.more.push(author);
            self.index.insert(author, index);
        }
        index
    }

    /// A run of this author, before another run: that of the last is asked for by none.
    #[inline]
    pub(super) fn push(&mut self, index: usize, place: Place) {
        if self.ends.len() <= index {
            self.ends.resize_with(index + 1, Ends::default);
        }
        let Ends { last, older } = &mut self.ends[index];
        if older.len() >= KEPT {
            older.drain(..KEPT - WINDOW);
        }
        older.extend(last.replace(place));
    }

    /// The author's run before, as many runs back as that; 0 is the last.
    #[inline]
    pub(super) fn place(&self, index: usize, back: usize) -> Option<&Place> {
        let Ends { last, older } = self.ends.get(index)?;
        match back.checked_sub(1) {
            None => last.as_ref(),
            Some(back) if back + 1 < WINDOW => older.iter().rev().nth(back),
            Some(_) => None,
        }
    }

    /// The runs of an author, from the last, whose hashes are still to be computed.
    pub(super) fn waiting(&mut self, index: usize) -> impl Iterator<Item = &mut Place> {
        let ends = self
            .ends
            .get_mut(index)
            .map(|Ends { last, older }| last.iter_mut().chain(older.iter_mut().rev()));
        ends.into_iter().flatten().take_while(|place| place.waits > 0)
    }

    /// Whether a head that points so many runs back points to the nearest that it can mean, and that is certain without hashes: in a chain without forks the numbers say
    /// it.
    pub(super) fn is_nearest(&self, index: usize, back: usize) -> bool {
        let (Some(ends), Some(place)) = (self.ends.get(index), self.place(index, back)) else { return false };
        ends.places().take(back).all(|nearer| nearer.next_seq > place.next_seq)
    }

    /// How many runs back a head is. The one rule, for the encoder and for the decoder that refuses any other choice.
    pub(super) fn back(&self, index: usize, head: &Head) -> Option<usize> {
        let places = self.ends.get(index)?.places();
        places
            .take_while(|place| place.next_seq > head.seq)
            .position(|place| place.hash == head.hash && place.next_seq - 1 == head.seq)
    }
}
