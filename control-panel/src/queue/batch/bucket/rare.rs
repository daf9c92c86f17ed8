//! What few buckets need: numbers with gaps, intents that a newer one replaces, a frame that was cut short in the middle.

use std::{collections::HashMap, mem, vec};

use super::reclaim;
use crate::intent::LatestKey;

pub(super) struct Rare<I> {
    /// What comes before the bucket's `entries`, where handing out stands in the middle: they leave from its front. It is
    /// made of the buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: vec::IntoIter<I>,
    /// Room in that buffer.
    rest_room: usize,
    handed_out: usize,
    /// How many of those handed out have had their slot freed.
    freed: usize,
    /// Where a number is not the one after the one before: in between, the producer sent clocked intents.
    skips: Vec<Skip>,
    /// Where the intents are that a newer one replaces. It is only looked things up in, so its order is nobody's; it keeps
    /// its memory from frame to frame.
    pub(super) latest: HashMap<LatestKey, usize>,
}

/// From this place on, the numbers go on from `to`.
struct Skip {
    place: usize,
    to: u64,
}

impl<I> Default for Rare<I> {
    fn default() -> Self {
        Self {
            rest: vec::IntoIter::default(),
            rest_room: 0,
            handed_out: 0,
            freed: 0,
            skips: Vec::new(),
            latest: HashMap::new(),
        }
    }
}

impl<I> Rare<I> {
    /// Keeps the greater buffer. Returns how much room the other had.
    pub(super) fn clear(&mut self, entries: &mut Vec<I>) -> usize {
        let given_up = self.rest_room.min(entries.capacity());
        if self.rest_room > entries.capacity() {
            *entries = reclaim(&mut self.rest);
        }
        self.rest = vec::IntoIter::default();
        (self.rest_room, self.handed_out, self.freed) = (0, 0, 0);
        self.skips.clear();
        self.latest.clear();
        if size_of::<I>() == 0 { 0 } else { given_up }
    }

    /// The next number of a bucket that has `left` intents.
    pub(super) fn skip(&mut self, left: usize, to: u64) {
        self.skips.push(Skip { place: self.handed_out + left, to });
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
        if self.rest.len() == 0 {
            self.turn(entries);
        }
        let intent = self.rest.next()?;
        let seq = self.number(first);
        self.handed_out += 1;
        Some((seq, intent))
    }

    /// Lends out what comes next, if its numbers are one after the other.
    pub(super) fn lend(
        &mut self,
        entries: &mut Vec<I>,
        first: u64,
        hand: &mut vec::IntoIter<I>,
    ) -> Option<u64> {
        if !self.skips.is_empty() {
            return None;
        }
        if self.rest.len() == 0 {
            self.turn(entries);
        }
        mem::swap(&mut self.rest, hand);
        Some(self.number(first))
    }

    /// Takes back what was lent, with the room in its buffer if that is not known here.
    pub(super) fn take_back(&mut self, hand: &mut vec::IntoIter<I>, room: Option<usize>, handed_out: usize) {
        mem::swap(&mut self.rest, hand);
        self.rest_room = room.unwrap_or(self.rest_room);
        self.handed_out = handed_out;
    }

    /// Goes on with those of `entries`, once the rest is handed out.
    fn turn(&mut self, entries: &mut Vec<I>) {
        let room = mem::replace(&mut self.rest_room, entries.capacity());
        let spare = if room == 0 { Vec::new() } else { reclaim(&mut self.rest) };
        self.rest = mem::replace(entries, spare).into_iter();
    }

    pub(super) fn settle(&mut self) -> usize {
        self.handed_out - mem::replace(&mut self.freed, self.handed_out)
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn room(&self) -> usize {
        self.rest_room
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        if self.rest_room > room.max(self.rest.len()) {
            let mut rest: Vec<I> = mem::take(&mut self.rest).collect();
            rest.shrink_to(room);
            self.rest_room = rest.capacity();
            self.rest = rest.into_iter();
        }
        self.skips.shrink_to(room);
        self.latest.shrink_to(room);
    }
}
