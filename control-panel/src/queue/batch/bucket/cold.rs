//! What few buckets need: numbers with gaps, intents that a newer one replaces, a frame that was cut short in the middle.

use std::{collections::VecDeque, mem};

use super::numbered::Numbered;

pub(super) struct Cold<I> {
    /// What comes before the bucket's `entries`, where handing out stands in the middle: they leave from its front. It is
    /// made of the buffer of `entries`, and turned back into that: neither moves an intent or takes memory.
    rest: VecDeque<I>,
    /// How many of those were handed out.
    handed_out: usize,
    /// How many of all that were handed out have had their slot freed.
    freed: usize,
    /// Those that have a number of their own.
    pub(super) numbered: Numbered<I>,
}

impl<I> Default for Cold<I> {
    fn default() -> Self {
        Self { rest: VecDeque::new(), handed_out: 0, freed: 0, numbered: Numbered::default() }
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
        self.numbered.clear();
    }

    /// The next, of a bucket whose first had this number. Behind a gap all are numbered, so those come last.
    pub(super) fn next(&mut self, entries: &mut Vec<I>, first: u64) -> Option<(u64, I)> {
        if self.rest.is_empty() {
            let spare = mem::take(&mut self.rest).into();
            self.rest = mem::replace(entries, spare).into();
        }
        let Some(intent) = self.rest.pop_front() else { return self.numbered.next() };
        self.handed_out += 1;
        Some((first + self.handed_out as u64 - 1, intent))
    }

    /// So many of the bucket were handed out, and these were not.
    pub(super) fn begin(&mut self, rest: VecDeque<I>, handed_out: usize) {
        (self.rest, self.handed_out) = (rest, handed_out);
    }

    pub(super) fn settle(&mut self) -> usize {
        let handed_out = self.handed_out + self.numbered.handed_out();
        handed_out - mem::replace(&mut self.freed, handed_out)
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len() + self.numbered.left()
    }

    pub(super) fn room(&self) -> usize {
        let rest = if size_of::<I>() == 0 { 0 } else { self.rest.capacity() };
        // These have a number beside them, which takes room.
        rest + self.numbered.room()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.rest.shrink_to(room);
        self.numbered.shrink_to(room);
    }
}
