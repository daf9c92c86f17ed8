//! The intents of one frame, in the order in which they are handed out, without sorting most of them.
//!
//! They are classified when they are accepted: local ones (clock 0) into a bucket for each producer, where they
//! are in order already; clocked ones into a lane of their own. So a frame sorts only its producers, and the
//! clocked lane unless it arrived in order.

mod bucket;
mod clocked;

use std::mem;

use tokio::time::Instant;

pub(super) use self::bucket::Producer;
use self::{
    bucket::{Bucket, Place},
    clocked::Clocked,
};
use super::shares::LaneId;
use crate::{
    intent::{Intent, LatestKey},
    queued::{Origin, QueuedIntent},
};

/// Which bucket a producer's local intents go into.
pub(super) type Slot = usize;

pub(crate) struct Batch<I: Intent> {
    /// Which frame took it out of the queue, so that rests are finished in order.
    pub(super) number: u64,
    pub(super) intents: Intents<I>,
    /// Where handing out stands: in the buckets' order, and the bucket at hand.
    at: usize,
    at_hand: Slot,
    /// The slots of what was handed out and is not reported yet.
    freed: Freed,
}

/// What a batch consists of. The queue has those in its hand that senders fill; a frame swaps them for its own. What
/// a send touches comes first.
#[repr(C)]
pub(super) struct Intents<I: Intent> {
    /// What was accepted, less what was handed out by the last time that was counted.
    len: usize,
    buckets: Vec<Bucket<I>>,
    /// The buckets that are in use; once they are arranged, in the order of their producers.
    order: Vec<Slot>,
    clocked: Box<Clocked<I>>,
    /// When the first was accepted: a clock reading an intent would cost more than the rest.
    accepted_at: Instant,
}

/// Slots that are free again, by lane.
#[derive(Debug, Default)]
pub(super) struct Freed {
    counts: Vec<usize>,
    /// The lanes that have a count.
    lanes: Vec<LaneId>,
}

/// An intent of the frame loop's own, on its way into a frame.
pub(crate) struct Local<I: Intent> {
    pub(crate) source: I::Source,
    pub(crate) origin: Origin,
    pub(crate) seq: u64,
    pub(crate) intent: I,
}

impl Freed {
    pub(super) fn add(&mut self, lane: LaneId, count: usize) {
        if count == 0 {
            return;
        }
        if lane >= self.counts.len() {
            self.counts.resize(lane + 1, 0);
        }
        if self.counts[lane] == 0 {
            self.lanes.push(lane);
        }
        self.counts[lane] += count;
    }

    pub(super) fn take(&mut self, mut each: impl FnMut(LaneId, usize)) {
        let Self { counts, lanes } = self;
        lanes.drain(..).for_each(|lane| each(lane, mem::take(&mut counts[lane])));
    }
}

/// Makes room for one more. A great Vec grows by a quarter: it is filled again and again, so that what it has too
/// much matters longer than what growing costs.
#[inline]
fn grow<T>(vec: &mut Vec<T>) {
    if vec.len() == vec.capacity() && vec.len() >= 1024 {
        vec.reserve_exact(vec.len() / 4);
    }
}

impl<I: Intent> Intents<I> {
    pub(super) fn new() -> Self {
        Self {
            len: 0,
            buckets: Vec::new(),
            order: Vec::new(),
            clocked: Box::new(Clocked::new()),
            accepted_at: Instant::now(),
        }
    }

    /// Intents in it.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
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
        if self.len == 0 {
            self.accepted_at = Instant::now();
        }
        self.len += 1;
        if slot >= self.buckets.len() {
            self.make_room(slot);
        }
        let bucket = &mut self.buckets[slot];
        if clock > 0 {
            let number = *bucket.clocked.get_or_insert_with(|| self.clocked.enter(producer(), Some(slot)));
            self.clocked.push(number, clock, seq, intent);
            return;
        }
        if bucket.is_unused() {
            bucket.begin(producer(), seq);
            self.order.push(slot);
        }
        bucket.push(seq, intent);
    }

    /// The place of the intent that one with this key replaces.
    pub(super) fn latest(&mut self, slot: Slot, key: LatestKey) -> Option<&mut Option<I>> {
        self.buckets.get_mut(slot)?.latest(key)
    }

    /// The intent just pushed into a bucket may be replaced.
    pub(super) fn mark_latest(&mut self, slot: Slot, key: LatestKey) {
        if let Some(bucket) = self.buckets.get_mut(slot) {
            bucket.mark_latest(key);
        }
    }

    // Out of line, so that `push` stays short.
    #[cold]
    fn make_room(&mut self, slot: Slot) {
        let more = (slot + 1).saturating_sub(self.buckets.len());
        self.buckets.reserve_exact(more.max(self.buckets.len() / 4));
        self.buckets.resize_with(slot + 1, Bucket::new);
    }

    /// Adds the frame loop's own, which hold no slots.
    fn add(&mut self, Local { source, origin, seq, intent }: Local<I>) {
        let producer = Producer { source, origin, lane: None };
        let clock = intent.clock().unwrap_or(0);
        if clock == 0 {
            return self.push(self.slot_of(origin), || producer, 0, seq, intent);
        }
        self.len += 1;
        let number = self.clocked.number(|other| other.origin == origin);
        let number = number.unwrap_or_else(|| self.clocked.enter(producer, None));
        self.clocked.push(number, clock, seq, intent);
    }

    /// The bucket of a local origin, or an empty one.
    fn slot_of(&self, origin: Origin) -> Slot {
        let own =
            |&slot: &Slot| self.buckets[slot].producer().is_some_and(|producer| producer.origin == origin);
        let known = self.order.iter().rev().copied().find(own);
        let empty = || self.buckets.iter().position(Bucket::is_unused);
        known.or_else(empty).unwrap_or(self.buckets.len())
    }

    /// Intents not handed out yet by the frame that holds them.
    fn remaining(&self) -> usize {
        self.order.iter().map(|&slot| self.buckets[slot].left()).sum::<usize>() + self.clocked.left()
    }

    /// Whether some are the frame loop's own. After they were counted.
    fn has_own(&self) -> bool {
        let is_own =
            |&slot: &Slot| self.buckets[slot].producer().is_some_and(|producer| producer.lane.is_none());
        self.order.iter().any(is_own) || self.clocked.has_own()
    }

    /// Puts them in order; what was handed out already stays out.
    fn arrange(&mut self) {
        let Self { buckets, order, clocked, .. } = self;
        if order.len() > 1 {
            order.sort_unstable_by_key(|&slot| {
                buckets[slot].producer().map(|producer| (producer.source, producer.origin))
            });
        }
        clocked.arrange(|slot, number| buckets[slot].clocked = Some(number));
    }

    /// Counts the slots of what was handed out since the last call.
    fn settle(&mut self, freed: &mut Freed) {
        let Self { buckets, order, clocked, .. } = self;
        order.retain(|&slot| {
            let bucket = &mut buckets[slot];
            bucket.settle().into_iter().for_each(|(lane, count)| freed.add(lane, count));
            // What is finished is out of the way of what the next frame adds.
            let unfinished = bucket.left() > 0;
            if !unfinished {
                bucket.clear();
            }
            unfinished
        });
        clocked.settle(|lane, count| freed.add(lane, count));
        if clocked.left() == 0 {
            clocked.clear(|slot| buckets[slot].clocked = None);
        }
        self.len = self.remaining();
    }

    fn room(&self) -> usize {
        self.buckets.iter().map(Bucket::room).sum::<usize>() + self.clocked.room()
    }

    /// Whether a producer has intents in here.
    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.buckets.get(slot).is_some_and(|bucket| !bucket.is_unused() || bucket.clocked.is_some())
    }
}

impl<I: Intent> Batch<I> {
    pub(super) fn new() -> Self {
        Self { number: 0, intents: Intents::new(), at: 0, at_hand: usize::MAX, freed: Freed::default() }
    }

    /// Intents in it: what was accepted, or what the frame that held it left.
    pub(super) fn len(&self) -> usize {
        self.intents.len
    }

    /// Whether the frame that held it left intents of the frame loop's own.
    pub(super) fn has_own(&self) -> bool {
        self.len() > 0 && self.intents.has_own()
    }

    /// Intents not handed out yet by the frame that holds it.
    pub(crate) fn remaining(&self) -> usize {
        self.intents.remaining()
    }

    /// Adds the frame loop's own intents to a batch that no sender fills any more.
    pub(crate) fn add(&mut self, local: &mut Vec<Local<I>>) {
        local.drain(..).for_each(|local| self.intents.add(local));
    }

    /// Puts the batch in order; what was handed out already stays out.
    pub(crate) fn arrange(&mut self) {
        self.intents.arrange();
        self.rewind();
    }

    fn rewind(&mut self) {
        (self.at, self.at_hand) = (0, usize::MAX);
        self.intents.clocked.rewind();
    }

    /// Hands the next intent out. Those of senders ask `may` first, if it is `limited`; once it says no, only the frame
    /// loop's own are handed out.
    #[inline]
    pub(crate) fn next(&mut self, limited: bool, may: impl FnMut() -> bool) -> Option<QueuedIntent<I>> {
        let accepted_at = self.intents.accepted_at;
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
        self.intents.buckets.get_mut(self.at_hand)?.next()
    }

    /// The next wherever it is.
    #[inline(never)]
    fn find(&mut self, mut may: impl FnMut() -> bool) -> Option<Place<'_, I>> {
        while let Some(&slot) = self.intents.order.get(self.at) {
            let bucket = &self.intents.buckets[slot];
            let is_local = bucket.producer().is_some_and(|producer| producer.lane.is_none());
            if bucket.left() > 0 && (is_local || may()) {
                self.at_hand = slot;
                return self.at_hand();
            }
            self.at += 1;
        }
        self.at_hand = usize::MAX;
        self.intents.clocked.next(may)
    }

    /// Hands all that is left to `f`, faster than one by one. If `f` panics, the rest is still there.
    #[inline]
    pub(crate) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, QueuedIntent<I>) -> B) -> B {
        let accepted_at = self.intents.accepted_at;
        let mut folded = init;
        while let Some(&slot) = self.intents.order.get(self.at) {
            folded = self.intents.buckets[slot].fold(folded, |folded, order, intent| {
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
        self.intents.settle(&mut self.freed);
        // A discard reads it as it is. A budget may have gone past all of it.
        self.rewind();
    }

    /// What [`settle`](Self::settle) counted, until it is taken from here.
    pub(super) fn freed(&mut self) -> &mut Freed {
        &mut self.freed
    }

    /// Gives memory back, so that room for at most `most` intents is kept, whichever producers have filled it.
    pub(super) fn trim(&mut self, most: usize) {
        if self.intents.room() > most {
            let Intents { buckets, clocked, .. } = &mut self.intents;
            let part = most / (buckets.len() + 1);
            for bucket in buckets {
                bucket.shrink_to(part);
            }
            clocked.shrink_to(part);
        }
    }
}

#[cfg(test)]
mod tests;
