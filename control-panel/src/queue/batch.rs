//! The intents of one frame, in the order in which they are handed out, without sorting most of them.
//!
//! They are classified when they are accepted: local ones (clock 0) into a bucket for each producer, where they
//! are in order already; clocked ones into a lane of their own. So a frame sorts only its producers, and the
//! clocked lane unless it arrived in order.

mod bucket;
mod clocked;

use std::{collections::VecDeque, mem, task::Waker};

use tokio::time::Instant;

pub(super) use self::bucket::Producer;
use self::{bucket::Bucket, clocked::Clocked};
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
    pub(super) intents: Intents<I>,
    /// Who was granted a slot when it was taken out, to be woken when its frame ends: a wake can take longer than a frame.
    pub(super) wake: Option<Waker>,
    /// Where handing out stands in the buckets' order.
    at: usize,
    hand: Hand<I>,
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
    order: Vec<Used<I::Source>>,
    clocked: Box<Clocked<I>>,
    /// When the first was accepted: a clock reading an intent would cost more than the rest.
    accepted_at: Instant,
    /// Room for intents in all buckets, used or not.
    room: usize,
}

/// A bucket that is in use, beside what orders it.
#[derive(Clone, Copy)]
struct Used<S> {
    source: S,
    origin: Origin,
    slot: Slot,
}

/// The bucket that is being handed out one by one, taken out of its place so that the next one is near.
struct Hand<I: Intent> {
    intents: VecDeque<I>,
    /// Of the next one.
    order: Option<CausalityOrder<I::Source>>,
    slot: Slot,
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
            room: 0,
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
            let producer = producer();
            self.order.push(Used { source: producer.source, origin: producer.origin, slot });
            bucket.begin(producer, seq);
        }
        bucket.push(seq, intent);
    }

    /// The intent that one with this key replaces.
    pub(super) fn latest(&mut self, slot: Slot, key: LatestKey) -> Option<&mut I> {
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
        let known = self.order.iter().rev().find(|used| used.origin == origin).map(|used| used.slot);
        let empty = || self.buckets.iter().position(Bucket::is_unused);
        known.or_else(empty).unwrap_or(self.buckets.len())
    }

    /// Intents not handed out yet by the frame that holds them.
    fn remaining(&self) -> usize {
        self.order.iter().map(|used| self.buckets[used.slot].left()).sum::<usize>() + self.clocked.left()
    }

    /// Whether some are the frame loop's own. After they were counted.
    fn has_own(&self) -> bool {
        self.order.iter().any(|used| self.buckets[used.slot].is_own()) || self.clocked.has_own()
    }

    /// Puts them in order; what was handed out already stays out.
    fn arrange(&mut self) {
        let Self { buckets, order, clocked, .. } = self;
        let by_name = |used: &Used<I::Source>| (used.source, used.origin);
        // Producers that take turns come in their order.
        if !order.is_sorted_by_key(by_name) {
            order.sort_unstable_by_key(by_name);
        }
        clocked.arrange(|slot, number| buckets[slot].clocked = Some(number));
    }

    /// Counts the slots of what was handed out since the last call.
    fn settle(&mut self, freed: &mut Freed) {
        let Self { buckets, order, clocked, room, .. } = self;
        let mut left = 0;
        // The producers of one lane stand side by side.
        let mut lane_at_hand: Option<(LaneId, usize)> = None;
        for used in &*order {
            let bucket = &mut buckets[used.slot];
            if let Some((lane, count)) = bucket.settle() {
                match &mut lane_at_hand {
                    Some((same, sum)) if *same == lane => *sum += count,
                    other => {
                        let before = other.replace((lane, count));
                        before.into_iter().for_each(|(lane, count)| freed.add(lane, count));
                    }
                }
            }
            // What is finished is out of the way of what the next frame adds.
            let unfinished = bucket.left();
            if unfinished == 0 {
                bucket.clear();
            }
            let (before, now) = bucket.room();
            *room = *room - before + now;
            left += unfinished;
        }
        if left == 0 {
            order.clear();
        } else {
            order.retain(|used| !buckets[used.slot].is_unused());
        }
        lane_at_hand.into_iter().for_each(|(lane, count)| freed.add(lane, count));
        clocked.settle(|lane, count| freed.add(lane, count));
        if clocked.left() == 0 {
            clocked.clear(|slot| buckets[slot].clocked = None);
        }
        self.len = left + clocked.left();
    }

    /// Room for intents, used or not, as of the last time that slots were counted.
    fn room(&self) -> usize {
        self.room + self.clocked.room()
    }

    #[cold]
    fn shrink_to(&mut self, room: usize) {
        let part = room / (self.buckets.len() + 1);
        self.room = 0;
        for bucket in &mut self.buckets {
            bucket.shrink_to(part);
            self.room += bucket.room().1;
        }
        self.clocked.shrink_to(part);
    }

    /// Whether a producer has intents in here.
    pub(super) fn uses(&self, slot: Slot) -> bool {
        self.buckets.get(slot).is_some_and(|bucket| !bucket.is_unused() || bucket.clocked.is_some())
    }
}

impl<I: Intent> Batch<I> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            intents: Intents::new(),
            wake: None,
            at: 0,
            hand: Hand { intents: VecDeque::new(), order: None, slot: 0 },
            freed: Freed::default(),
        }
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
        self.intents.remaining() + self.hand.intents.len()
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
        self.put_back();
        self.at = 0;
        self.intents.clocked.rewind();
    }

    /// Hands the next intent out. Those of senders ask `may` first, if it is `limited`; once it says no, only the frame
    /// loop's own are handed out.
    #[inline]
    pub(crate) fn next(&mut self, limited: bool, may: impl FnMut() -> bool) -> Option<QueuedIntent<I>> {
        let accepted_at = self.intents.accepted_at;
        if let (Some(order), false) = (&mut self.hand.order, limited) {
            if let Some(intent) = self.hand.intents.pop_front() {
                let this = *order;
                order.seq += 1;
                return Some(QueuedIntent::keyed(this, accepted_at, intent));
            }
        }
        self.find(limited, may).map(|(order, intent)| QueuedIntent::keyed(order, accepted_at, intent))
    }

    /// The next wherever it is.
    #[inline(never)]
    fn find(
        &mut self,
        limited: bool,
        mut may: impl FnMut() -> bool,
    ) -> Option<(CausalityOrder<I::Source>, I)> {
        self.put_back();
        while let Some(used) = self.intents.order.get(self.at) {
            let bucket = &mut self.intents.buckets[used.slot];
            if bucket.left() > 0 && (bucket.is_own() || may()) {
                let next = bucket.next();
                if !limited {
                    (self.hand.order, self.hand.slot) = (bucket.lend(&mut self.hand.intents), used.slot);
                }
                return next;
            }
            self.at += 1;
        }
        self.intents.clocked.next(may)
    }

    /// What is at hand goes back into its bucket.
    fn put_back(&mut self) {
        let Hand { intents, order, slot } = &mut self.hand;
        if let Some(order) = order.take() {
            self.intents.buckets[*slot].take_back(intents, order.seq);
        }
    }

    /// Hands all that is left to `f`, faster than one by one. If `f` panics, the rest is still there.
    #[inline]
    pub(crate) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, QueuedIntent<I>) -> B) -> B {
        self.put_back();
        let accepted_at = self.intents.accepted_at;
        let mut folded = init;
        while let Some(used) = self.intents.order.get(self.at) {
            folded = self.intents.buckets[used.slot].fold(folded, |folded, order, intent| {
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
        self.put_back();
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
            self.intents.shrink_to(most);
        }
    }
}

#[cfg(test)]
mod tests;
