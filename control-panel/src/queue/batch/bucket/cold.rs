//! What few buckets need: numbers with gaps, intents that a newer one replaces, a frame that was cut short in the middle.

use std::{mem, vec};

use super::{Draining, newest::Newest, reclaim};

pub(super) struct Cold<I> {
    /// What comes before the bucket's `entries`, where handing out stands in the middle: they leave from its front. It is
    /// made of the buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: vec::IntoIter<I>,
    /// Room in that buffer.
    rest_room: usize,
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
        Self {
            rest: vec::IntoIter::default(),
            rest_room: 0,
            handed_out: 0,
            freed: 0,
            skips: Vec::new(),
            newest: Newest::default(),
        }
    }
}

impl<I> Cold<I> {
    /// Keeps the greater buffer. Returns how much room the other had.
    pub(super) fn clear(&mut self, entries: &mut Vec<I>) -> usize {
        let given_up = self.rest_room.min(entries.capacity());
        if self.rest_room > entries.capacity() {
            *entries = reclaim(&mut self.rest);
        }
        self.rest = vec::IntoIter::default();
        (self.rest_room, self.handed_out, self.freed) = (0, 0, 0);
        self.skips.clear();
        self.newest.clear();
        if size_of::<I>() == 0 { 0 } else { given_up }
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
        if self.rest.len() == 0 {
            self.turn(entries);
        }
        let intent = self.rest.next()?;
        let seq = self.number(first);
        self.handed_out += 1;
        Some((seq, intent))
    }

    /// Lends out what comes next, if its numbers are one after the other.
    pub(super) fn lend(&mut self, entries: &mut Vec<I>, first: u64) -> Option<(u64, Draining<I>)> {
        if !self.skips.is_empty() || self.newest.left() > 0 {
            return None;
        }
        if self.rest.len() == 0 {
            self.turn(entries);
        }
        Some((self.number(first), Draining { intents: mem::take(&mut self.rest), room: self.rest_room }))
    }

    /// Takes back what was lent.
    pub(super) fn take_back(&mut self, hand: &mut Draining<I>, handed_out: usize) {
        self.rest = mem::take(&mut hand.intents);
        self.rest_room = hand.room;
        self.handed_out = handed_out;
    }

    /// Goes on with those of `entries`, once the rest is handed out.
    fn turn(&mut self, entries: &mut Vec<I>) {
        let room = mem::replace(&mut self.rest_room, entries.capacity());
        let spare = if room == 0 { Vec::new() } else { reclaim(&mut self.rest) };
        self.rest = mem::replace(entries, spare).into_iter();
    }

    pub(super) fn settle(&mut self) -> usize {
        let handed_out = self.handed_out + self.newest.handed_out();
        handed_out - mem::replace(&mut self.freed, handed_out)
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len() + self.newest.left()
    }

    pub(super) fn room(&self) -> usize {
        let rest = if size_of::<I>() == 0 { 0 } else { self.rest_room };
        // These have a number beside them, which takes room.
        rest + self.newest.room()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        if self.rest_room > room.max(self.rest.len()) {
            let mut rest: Vec<I> = mem::take(&mut self.rest).collect();
            rest.shrink_to(room);
            self.rest_room = rest.capacity();
            self.rest = rest.into_iter();
        }
        self.skips.shrink_to(room);
        self.newest.shrink_to(room);
    }
}
