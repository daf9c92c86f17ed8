//! One producer's local intents, in the order of their acceptance.

use std::{collections::BTreeMap, mem, vec};

use super::{LaneId, grow};
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

/// A bucket is cleared and filled again, frame after frame. What a send touches comes first.
#[repr(C)]
pub(super) struct Bucket<I: Intent> {
    entries: Vec<Option<I>>,
    numbers: Numbers,
    /// Its producer's place among the senders of clocked intents, if it is there.
    pub(super) clocked: Option<u32>,
    producer: Option<Producer<I::Source>>,
    /// The first that was not handed out.
    at: usize,
    /// How many were handed out and are in `entries` no more.
    drained: usize,
    /// What was being drained when the reducer panicked.
    rest: Vec<Option<I>>,
    /// How many of those handed out have had their slot freed.
    freed: usize,
    /// Where the intents are that a newer one replaces.
    latest: BTreeMap<LatestKey, usize>,
}

/// The sequence numbers of a bucket's intents. Mostly one after the other, so that none is kept.
struct Numbers {
    /// After the last one.
    next: u64,
    first: u64,
    /// Where a number is not the one after the one before: in between, the producer sent clocked intents.
    skips: Vec<Skip>,
}

/// From this place on, the numbers go on from `to`.
struct Skip {
    place: usize,
    to: u64,
}

impl Numbers {
    /// The number of the intent in this place, counted from the bucket's first.
    #[inline]
    fn at(&self, place: usize) -> u64 {
        if self.skips.is_empty() { self.first + place as u64 } else { self.after_skips(place) }
    }

    #[cold]
    fn after_skips(&self, place: usize) -> u64 {
        let behind = self.skips.partition_point(|skip| skip.place <= place);
        match self.skips[..behind].last() {
            Some(skip) => skip.to + (place - skip.place) as u64,
            None => self.first + place as u64,
        }
    }
}

impl<I: Intent> Bucket<I> {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            numbers: Numbers { next: 0, first: 0, skips: Vec::new() },
            clocked: None,
            producer: None,
            at: 0,
            drained: 0,
            rest: Vec::new(),
            freed: 0,
            latest: BTreeMap::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.numbers.skips.clear();
        self.latest.clear();
        (self.at, self.drained, self.freed, self.producer) = (0, 0, 0, None);
    }

    pub(super) fn producer(&self) -> Option<&Producer<I::Source>> {
        self.producer.as_ref()
    }

    /// Whether nothing was put into it since it was cleared.
    #[inline]
    pub(super) fn is_unused(&self) -> bool {
        self.entries.is_empty()
    }

    /// Before the first intent of a batch: whose it is, and its sequence number.
    pub(super) fn begin(&mut self, producer: Producer<I::Source>, seq: u64) {
        self.producer = Some(producer);
        (self.numbers.first, self.numbers.next) = (seq, seq);
    }

    #[inline]
    pub(super) fn push(&mut self, seq: u64, intent: I) {
        if seq != self.numbers.next {
            self.skip(seq);
        }
        self.numbers.next = seq + 1;
        grow(&mut self.entries);
        self.entries.push(Some(intent));
    }

    #[cold]
    fn skip(&mut self, to: u64) {
        self.numbers.skips.push(Skip { place: self.entries.len(), to });
    }

    /// The intent pushed last may be replaced by one with this key.
    pub(super) fn mark_latest(&mut self, key: LatestKey) {
        self.latest.insert(key, self.entries.len() - 1);
    }

    /// The place of the intent with this key.
    pub(super) fn latest(&mut self, key: LatestKey) -> Option<&mut Option<I>> {
        let at = *self.latest.get(&key)?;
        self.entries.get_mut(at)
    }

    /// The next to be handed out. Small, so that it becomes part of the caller's loop.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Place<'_, I>> {
        let Producer { source, origin, .. } = *self.producer.as_ref()?;
        let intent = self.entries.get_mut(self.at)?;
        let seq = self.numbers.at(self.drained + self.at);
        self.at += 1;
        Some((intent, CausalityOrder { clock: 0, source, origin, seq }))
    }

    /// Hands all that is left to `f`. If `f` panics, the rest is still there.
    #[inline]
    pub(super) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, CausalityOrder<I::Source>, I) -> B) -> B {
        let mut folded = init;
        if !self.numbers.skips.is_empty() {
            while let Some((intent, order)) = self.next() {
                if let Some(intent) = intent.take() {
                    folded = f(folded, order, intent);
                }
            }
            return folded;
        }
        let Self { entries, numbers, producer, at, drained, rest, .. } = self;
        let Some(Producer { source, origin, .. }) = *producer else { return folded };
        let first = numbers.at(*drained + *at);
        let all = entries.len() - *at;
        let mut draining = Draining { entries: entries.drain(*at..), rest, all, drained };
        for (seq, intent) in (first..).zip(&mut draining.entries) {
            if let Some(intent) = intent {
                folded = f(folded, CausalityOrder { clock: 0, source, origin, seq }, intent);
            }
        }
        folded
    }

    /// Counts the slots of what was handed out since the last call, for the lane that they are of.
    pub(super) fn settle(&mut self) -> Option<(LaneId, usize)> {
        self.mend();
        let handed_out = self.at + self.drained;
        let freed = handed_out - mem::replace(&mut self.freed, handed_out);
        let lane = self.producer.as_ref()?.lane?;
        Some((lane, freed))
    }

    /// Room for intents, used or not.
    pub(super) fn room(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.entries.shrink_to(room);
        self.numbers.skips.shrink_to(room);
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
}

/// Entries on their way out of a bucket. What is not taken goes back: a panicking reducer loses nothing.
struct Draining<'a, I: Intent> {
    entries: vec::Drain<'a, Option<I>>,
    rest: &'a mut Vec<Option<I>>,
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
