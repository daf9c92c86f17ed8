//! One producer's local intents, in the order of their acceptance.

use std::{collections::BTreeMap, mem, vec};

use super::LaneId;
use crate::{
    intent::{Intent, LatestKey},
    queued::{CausalityOrder, Origin},
};

/// Where an intent is that is to be handed out, and its key.
pub(super) type Place<'a, I> = (&'a mut Option<I>, CausalityOrder<<I as Intent>::Source>);

/// Who sends: what orders it and where its slots are counted. Without a lane, it is the frame loop itself,
/// whose intents hold no slots.
#[derive(Debug, Clone, Copy)]
pub(in crate::queue) struct Producer<S> {
    pub(in crate::queue) source: S,
    pub(in crate::queue) origin: Origin,
    pub(in crate::queue) lane: Option<LaneId>,
}

/// A bucket is cleared and filled again, frame after frame.
pub(super) struct Bucket<I: Intent> {
    entries: Vec<Entry<I>>,
    /// The first that was not handed out.
    at: usize,
    /// How many were handed out and are in `entries` no more.
    drained: usize,
    /// What was being drained when the reducer panicked.
    rest: Vec<Entry<I>>,
    /// How many of those handed out have had their slot freed.
    freed: usize,
    producer: Option<Producer<I::Source>>,
    base: u64,
    /// Where the intents are that a newer one replaces.
    latest: BTreeMap<LatestKey, usize>,
}

struct Entry<I> {
    intent: Option<I>,
    /// The sequence number, less the bucket's base.
    offset: u32,
}

impl<I: Intent> Bucket<I> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            at: 0,
            drained: 0,
            rest: Vec::new(),
            freed: 0,
            producer: None,
            base: 0,
            latest: BTreeMap::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.latest.clear();
        (self.at, self.drained, self.freed, self.producer) = (0, 0, 0, None);
    }

    pub(super) fn producer(&self) -> Option<&Producer<I::Source>> {
        self.producer.as_ref()
    }

    /// Whether nothing was put into it since it was cleared.
    pub(super) fn is_unused(&self) -> bool {
        self.entries.is_empty()
    }

    /// Before the first intent of a batch: whose it is, and its sequence number.
    pub(super) fn begin(&mut self, producer: Producer<I::Source>, seq: u64) {
        self.producer = Some(producer);
        self.base = seq;
    }

    #[inline]
    pub(super) fn push(&mut self, seq: u64, intent: I) {
        // A batch of four thousand million intents of one producer does not fit into memory.
        #[allow(clippy::cast_possible_truncation)]
        let offset = (seq - self.base) as u32;
        self.entries.push(Entry { intent: Some(intent), offset });
    }

    /// The intent pushed last may be replaced by one with this key.
    pub(super) fn mark_latest(&mut self, key: LatestKey) {
        self.latest.insert(key, self.entries.len() - 1);
    }

    /// The place of the intent with this key.
    pub(super) fn latest(&mut self, key: LatestKey) -> Option<&mut Option<I>> {
        let at = *self.latest.get(&key)?;
        self.entries.get_mut(at).map(|entry| &mut entry.intent)
    }

    /// The next to be handed out. Small, so that it becomes part of the caller's loop.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Place<'_, I>> {
        let entry = self.entries.get_mut(self.at)?;
        let Producer { source, origin, .. } = *self.producer.as_ref()?;
        self.at += 1;
        let seq = self.base + u64::from(entry.offset);
        Some((&mut entry.intent, CausalityOrder { clock: 0, source, origin, seq }))
    }

    /// Hands all that is left to `f`. If `f` panics, the rest is still there.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, CausalityOrder<I::Source>, I) -> B) -> B {
        let mut folded = init;
        let Some(Producer { source, origin, .. }) = self.producer else { return folded };
        let base = self.base;
        let mut draining = self.drain();
        for Entry { intent, offset } in &mut draining.entries {
            if let Some(intent) = intent {
                let order = CausalityOrder { clock: 0, source, origin, seq: base + u64::from(offset) };
                folded = f(folded, order, intent);
            }
        }
        folded
    }

    /// Counts the slots of what was handed out since the last call, for the lane that they are of.
    pub(super) fn settle(&mut self) -> Option<(LaneId, usize)> {
        self.mend();
        let handed_out = self.at + self.drained;
        let freed = handed_out - std::mem::replace(&mut self.freed, handed_out);
        let lane = self.producer.as_ref()?.lane?;
        Some((lane, freed))
    }

    /// Room for intents, used or not.
    pub(super) fn room(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
    }

    pub(super) fn left(&self) -> usize {
        self.entries.len() - self.at + self.rest.len()
    }

    /// Puts back what a panic interrupted.
    fn mend(&mut self) {
        if !self.rest.is_empty() {
            self.entries.append(&mut self.rest);
        }
    }

    fn drain(&mut self) -> Draining<'_, I> {
        let all = self.entries.len() - self.at;
        Draining {
            entries: self.entries.drain(self.at..),
            rest: &mut self.rest,
            all,
            drained: &mut self.drained,
        }
    }
}

/// Entries on their way out of a bucket. What is not taken goes back: a panicking reducer loses nothing.
struct Draining<'a, I: Intent> {
    entries: vec::Drain<'a, Entry<I>>,
    rest: &'a mut Vec<Entry<I>>,
    all: usize,
    drained: &'a mut usize,
}

impl<I: Intent> Drop for Draining<'_, I> {
    fn drop(&mut self) {
        *self.drained += self.all - self.entries.len();
        if self.entries.len() > 0 {
            self.rest.extend(&mut self.entries);
        }
    }
}

/// Keeps the compiler honest about the size of what is queued: an intent and a word.
const _: () = assert!(mem::size_of::<Entry<[u64; 7]>>() <= 72);
