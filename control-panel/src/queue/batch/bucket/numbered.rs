//! Those of a bucket's intents that have a number beside them: what a newer one of its key replaces, and what comes behind a gap in the
//! numbers, as the producer sent intents in between that are elsewhere.
//!
//! They are apart from the others, whose numbers are all less. Of each key there is one: replacing it leaves no gap and takes no memory,
//! however often it is done between two frames. They are handed out by number, so that each comes at its own place: a newer one never
//! overtakes what was sent before it.

use std::collections::HashMap;

use super::grow;
use crate::intent::LatestKey;

pub(super) struct Numbered<I> {
    entries: Vec<Entry<I>>,
    /// Where each key's is, as long as none was handed out. It is only looked things up in, so its order is of no account;
    /// it keeps its memory from frame to frame.
    places: HashMap<LatestKey, usize>,
    /// Whether `entries` are in order, as they are once the first is asked for.
    sorted: bool,
    handed_out: usize,
}

struct Entry<I> {
    seq: u64,
    /// `None` once it was handed out.
    intent: Option<I>,
}

impl<I> Default for Numbered<I> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashMap::new(), sorted: false, handed_out: 0 }
    }
}

impl<I> Numbered<I> {
    /// Adds one with the greatest number so far; the first of its key, if it has one.
    pub(super) fn push(&mut self, key: Option<LatestKey>, seq: u64, intent: I) {
        if let Some(key) = key {
            debug_assert!(
                !self.sorted && !self.places.contains_key(&key),
                "a frame has it, or the key is there"
            );
            self.places.insert(key, self.entries.len());
        }
        grow(&mut self.entries);
        self.entries.push(Entry { seq, intent: Some(intent) });
    }

    /// The intent with this key, which gets a new number: the caller puts a newer one there.
    pub(super) fn renew(&mut self, key: LatestKey, seq: impl FnOnce() -> u64) -> Option<&mut I> {
        let at = *self.places.get(&key)?;
        debug_assert!(!self.sorted, "a frame has it");
        let entry = self.entries.get_mut(at)?;
        entry.seq = seq();
        entry.intent.as_mut()
    }

    /// Hands the next one out.
    pub(super) fn next(&mut self) -> Option<(u64, I)> {
        if !self.sorted {
            self.entries.sort_unstable_by_key(|entry| entry.seq);
            self.sorted = true;
        }
        let Entry { seq, intent } = self.entries.get_mut(self.handed_out)?;
        self.handed_out += 1;
        Some((*seq, intent.take()?))
    }

    pub(super) fn handed_out(&self) -> usize {
        self.handed_out
    }

    pub(super) fn left(&self) -> usize {
        self.entries.len() - self.handed_out
    }

    /// When nothing is left.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
        (self.sorted, self.handed_out) = (false, 0);
    }

    pub(super) fn room(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
        self.places.shrink_to(room);
    }
}
