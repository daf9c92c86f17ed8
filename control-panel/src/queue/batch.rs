//! The intents of one frame, in the order in which they are handed out, without sorting most of them.
//!
//! They are classified when they are accepted: local ones (clock 0) into a bucket for each producer, where they
//! are in order already; clocked ones into a lane of their own. So a frame sorts only its producers, and the
//! clocked lane unless it arrived in order.

mod bucket;

use tokio::time::Instant;

pub(super) use self::bucket::Producer;
use self::bucket::{Bucket, Place};
use super::shares::LaneId;
use crate::{
    intent::{Intent, LatestKey},
    queued::{CausalityOrder, Origin, QueuedIntent},
};

/// Which bucket a producer's local intents go into.
pub(super) type Slot = usize;

pub(crate) struct Batch<I: Intent> {
    /// Which frame took it out of the queue, so that rests are finished in order.
    pub(super) number: u64,
    buckets: Vec<Bucket<I>>,
    /// The buckets that are in use; once the batch is ordered, in the order of their producers.
    order: Vec<Slot>,
    clocked: Vec<Option<I>>,
    /// The clocked lane's order.
    keys: Vec<ClockedKey<I::Source>>,
    /// Whether `keys` came in order.
    monotone: bool,
    /// When the first intent of the batch was accepted: a clock reading an intent would cost more than the rest.
    accepted_at: Instant,
    /// What was accepted, less what was handed out by the last time that was counted.
    left: usize,
    /// Where handing out stands: in `order`, then in `keys`, and the bucket at hand.
    at: usize,
    at_key: usize,
    at_hand: Slot,
    /// The slots of what was handed out and is not reported yet, lane by lane.
    freed: Vec<(LaneId, usize)>,
}

#[derive(Clone, Copy)]
struct ClockedKey<S> {
    key: CausalityOrder<S>,
    /// Where in the clocked lane the intent is.
    at: usize,
    /// Whose slot it holds, until that is freed.
    lane: Option<LaneId>,
}

/// An intent of the frame loop's own, on its way into a frame.
pub(crate) struct Local<I: Intent> {
    pub(crate) source: I::Source,
    pub(crate) origin: Origin,
    pub(crate) seq: u64,
    pub(crate) intent: I,
}

impl<I: Intent> Batch<I> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            buckets: Vec::new(),
            order: Vec::new(),
            clocked: Vec::new(),
            keys: Vec::new(),
            monotone: true,
            accepted_at: Instant::now(),
            left: 0,
            at: 0,
            at_key: 0,
            at_hand: usize::MAX,
            freed: Vec::new(),
        }
    }

    /// Intents in it: what was accepted, or what the frame that held it left.
    pub(super) fn len(&self) -> usize {
        self.left
    }

    /// Intents not handed out yet by the frame that holds it.
    pub(crate) fn remaining(&self) -> usize {
        let local: usize = self.order.iter().map(|&slot| self.buckets[slot].left()).sum();
        local + self.clocked.iter().filter(|intent| intent.is_some()).count()
    }

    /// Adds an intent whose slot is taken.
    #[inline]
    pub(super) fn push(
        &mut self,
        slot: Slot,
        producer: impl FnOnce() -> Producer<I::Source>,
        clock: u64,
        seq: u64,
        intent: I,
    ) {
        if self.left == 0 {
            self.accepted_at = Instant::now();
        }
        self.left += 1;
        if clock > 0 {
            self.push_clocked(producer(), clock, seq, intent);
            return;
        }
        if slot >= self.buckets.len() {
            self.make_room(slot);
        }
        let bucket = &mut self.buckets[slot];
        if bucket.is_unused() {
            bucket.begin(producer(), seq);
            self.order.push(slot);
        }
        bucket.push(seq, intent);
    }

    /// Puts an intent in the place of one with the same key, if there is one, and hands that out.
    pub(super) fn replace(&mut self, slot: Slot, key: LatestKey, intent: I) -> Result<Option<I>, I> {
        match self.buckets.get_mut(slot).and_then(|bucket| bucket.latest(key)) {
            Some(place) => Ok(place.replace(intent)),
            None => Err(intent),
        }
    }

    /// The intent just pushed into a bucket may be replaced.
    pub(super) fn mark_latest(&mut self, slot: Slot, key: LatestKey) {
        if let Some(bucket) = self.buckets.get_mut(slot) {
            bucket.mark_latest(key);
        }
    }

    // Out of line, like all that is rare, so that `push` stays short.
    #[cold]
    fn make_room(&mut self, slot: Slot) {
        self.buckets.resize_with(slot + 1, Bucket::new);
    }

    #[inline(never)]
    fn push_clocked(&mut self, producer: Producer<I::Source>, clock: u64, seq: u64, intent: I) {
        let Producer { source, origin, lane } = producer;
        let key = CausalityOrder { clock, source, origin, seq };
        self.monotone = self.monotone && self.keys.last().is_none_or(|last| last.key < key);
        self.keys.push(ClockedKey { key, at: self.clocked.len(), lane });
        self.clocked.push(Some(intent));
    }

    /// Adds the frame loop's own intents, which hold no slots, to a batch that no sender fills any more.
    pub(crate) fn add(&mut self, local: &mut Vec<Local<I>>) {
        for Local { source, origin, seq, intent } in local.drain(..) {
            let clock = intent.clock().unwrap_or(0);
            let slot = self.slot_of(origin);
            self.push(slot, || Producer { source, origin, lane: None }, clock, seq, intent);
        }
    }

    /// The bucket of a local origin, or an empty one.
    fn slot_of(&self, origin: Origin) -> Slot {
        let own =
            |&slot: &Slot| self.buckets[slot].producer().is_some_and(|producer| producer.origin == origin);
        let known = self.order.iter().rev().copied().find(own);
        let empty = || self.buckets.iter().position(Bucket::is_unused);
        known.or_else(empty).unwrap_or(self.buckets.len())
    }

    /// Puts the batch in order; what was handed out already stays out.
    pub(crate) fn arrange(&mut self) {
        if self.order.len() > 1 {
            let buckets = &self.buckets;
            self.order.sort_unstable_by_key(|&slot| {
                buckets[slot].producer().map(|producer| (producer.source, producer.origin))
            });
        }
        if !self.monotone {
            self.keys.sort_unstable_by_key(|clocked| clocked.key);
            self.monotone = true;
        }
        self.rewind();
    }

    fn rewind(&mut self) {
        (self.at, self.at_key, self.at_hand) = (0, 0, usize::MAX);
    }

    /// Hands the next intent out. Those of senders ask `may` first, if it is `limited`; once it says no, only the frame
    /// loop's own are handed out.
    #[inline]
    pub(crate) fn next(&mut self, limited: bool, may: impl FnMut() -> bool) -> Option<QueuedIntent<I>> {
        let accepted_at = self.accepted_at;
        // Both ways lead to the intent's place and one exit takes it out, so that it is not moved twice.
        let (place, order) = match if limited { None } else { self.at_hand() } {
            Some(found) => found,
            None => self.find(may)?,
        };
        place.take().map(|intent| QueuedIntent::keyed(order, accepted_at, intent))
    }

    /// The next in the bucket at hand. Small, so that it becomes part of the caller's loop.
    #[inline]
    fn at_hand(&mut self) -> Option<Place<'_, I>> {
        self.buckets.get_mut(self.at_hand)?.next()
    }

    /// The next wherever it is.
    #[inline(never)]
    fn find(&mut self, mut may: impl FnMut() -> bool) -> Option<Place<'_, I>> {
        while let Some(&slot) = self.order.get(self.at) {
            let bucket = &self.buckets[slot];
            let is_local = bucket.producer().is_some_and(|producer| producer.lane.is_none());
            if bucket.left() > 0 && (is_local || may()) {
                self.at_hand = slot;
                return self.at_hand();
            }
            self.at += 1;
        }
        self.at_hand = usize::MAX;
        while let Some(&ClockedKey { key, at, lane }) = self.keys.get(self.at_key) {
            self.at_key += 1;
            if self.clocked[at].is_some() && (lane.is_none() || may()) {
                return Some((&mut self.clocked[at], key));
            }
        }
        None
    }

    /// Hands all that is left to `f`, faster than one by one. If `f` panics, the rest is still there.
    #[inline]
    pub(crate) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, QueuedIntent<I>) -> B) -> B {
        let accepted_at = self.accepted_at;
        let mut folded = init;
        while let Some(&slot) = self.order.get(self.at) {
            folded = self.buckets[slot].fold(folded, |folded, order, intent| {
                f(folded, QueuedIntent::keyed(order, accepted_at, intent))
            });
            self.at += 1;
        }
        while let Some(queued) = self.next(true, || true) {
            folded = f(folded, queued);
        }
        folded
    }

    /// Counts the slots of what was handed out since the last call. A batch of which nothing is left is ready to
    /// be filled again.
    pub(super) fn settle(&mut self) {
        let freed = &mut self.freed;
        for &slot in &self.order {
            let bucket = &mut self.buckets[slot];
            freed.extend(bucket.settle());
        }
        for ClockedKey { at, lane, .. } in &mut self.keys {
            if self.clocked[*at].is_none() {
                match (lane.take(), freed.last_mut()) {
                    (Some(lane), Some((last, count))) if *last == lane => *count += 1,
                    (Some(lane), _) => freed.push((lane, 1)),
                    (None, _) => {}
                }
            }
        }
        self.left = self.remaining();
        if self.left == 0 {
            self.clear();
        } else {
            // What is finished is out of the way of what the next frame adds.
            let buckets = &mut self.buckets;
            self.order.retain(|&slot| {
                let bucket = &mut buckets[slot];
                let unfinished = bucket.left() > 0;
                if !unfinished {
                    bucket.clear();
                }
                unfinished
            });
            // A discard reads it as it is. A budget may have gone past all of it.
            self.rewind();
        }
    }

    /// What [`settle`](Self::settle) counted.
    pub(super) fn freed(&mut self) -> impl Iterator<Item = (LaneId, usize)> {
        self.freed.drain(..)
    }

    /// Of an empty batch.
    fn clear(&mut self) {
        for slot in self.order.drain(..) {
            self.buckets[slot].clear();
        }
        self.clocked.clear();
        self.keys.clear();
        self.monotone = true;
        self.rewind();
    }

    /// Gives memory back, so that room for at most `most` intents is kept, whichever producers have filled it.
    pub(super) fn trim(&mut self, most: usize) {
        if self.room() > most {
            let part = most / (self.buckets.len() + 1);
            self.buckets.iter_mut().for_each(|bucket| bucket.shrink_to(part));
            self.clocked.shrink_to(part);
            self.keys.shrink_to(part);
        }
    }

    /// Room for intents, used or not.
    pub(super) fn room(&self) -> usize {
        self.buckets.iter().map(Bucket::room).sum::<usize>() + self.clocked.capacity()
    }

    /// Whether a producer has local intents in here.
    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.buckets.get(slot).is_some_and(|bucket| !bucket.is_unused())
    }
}

#[cfg(test)]
mod tests;
