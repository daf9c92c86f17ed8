//! What few buckets need: numbers with gaps, intents that a newer one replaces, a frame that was cut short in the middle.

use std::{collections::VecDeque, mem};

use super::newest::Newest;

pub(super) struct Cold<I> {
    /// What comes before the bucket's `entries`, where handing out stands in the middle: they leave from its front. It is
    /// made of the buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: VecDeque<I>,
    /// How many of those were handed out.
    handed_out: usize,
    /// How many of all that were handed out have had their slot freed.
    freed: usize,
    /// Where a number is not the one after the one before: in between, the producer sent intents that are elsewhere.
    skips: Vec<Skip>,
    /// Those that a newer one replaces.
    pub(super) newest: Newest<I>,
}

/// From this place on, the numbers go on from `to`.
struct Skip {
    place: usize,
    to: u64,
}

impl<I> Default for Cold<I> {
    fn default() -> Self {
        Self { rest: VecDeque::new(), handed_out: 0, freed: 0, skips: Vec::new(), newest: Newest::default() }
    }
}

impl<I> Cold<I> {
    /// When nothing is left. Keeps the greater buffer.
    pub(super) fn clear(&mut self, entries: &mut Vec<I>) {
        let rest = mem::take(&mut self.rest);
        if rest.capacity() > entries.capacity() {
            *entries = rest.into();
        }
        (self.handed_out, self.freed) = (0, 0);
        self.skips.clear();
        self.newest.clear();
    }

    /// The next number of a bucket that has so many `entries`.
    pub(super) fn skip(&mut self, entries: usize, to: u64) {
        self.skips.push(Skip { place: self.handed_out + self.rest.len() + entries, to });
    }

    /// The number of the next, in a bucket whose first had this one.
    fn number(&self, first: u64) -> u64 {
        let place = self.handed_out;
        let behind = self.skips.partition_point(|skip| skip.place <= place);
        match self.skips[..behind].last() {
            Some(skip) => skip.to + (place - skip.place) as u64,
            None => first + place as u64,
        }
    }

    pub(super) fn next(&mut self, entries: &mut Vec<I>, first: u64) -> Option<(u64, I)> {
        let others = self.rest.len() + entries.len();
        if self.newest.number().is_some_and(|seq| others == 0 || seq < self.number(first)) {
            return self.newest.next();
        }
        if self.rest.is_empty() {
            let spare = mem::take(&mut self.rest).into();
            self.rest = mem::replace(entries, spare).into();
        }
        let intent = self.rest.pop_front()?;
        let seq = self.number(first);
        self.handed_out += 1;
        Some((seq, intent))
    }

    /// So many of the bucket were handed out, and these were not.
    pub(super) fn begin(&mut self, rest: VecDeque<I>, handed_out: usize) {
        (self.rest, self.handed_out) = (rest, handed_out);
    }

    pub(super) fn settle(&mut self) -> usize {
        let handed_out = self.handed_out + self.newest.handed_out();
        handed_out - mem::replace(&mut self.freed, handed_out)
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len() + self.newest.left()
    }

    pub(super) fn room(&self) -> usize {
        let rest = if size_of::<I>() == 0 { 0 } else { self.rest.capacity() };
        // These have a number beside them, which takes room.
        rest + self.newest.room()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.rest.shrink_to(room);
        self.skips.shrink_to(room);
        self.newest.shrink_to(room);
    }
}
