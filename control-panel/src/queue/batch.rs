//! The intents of one frame, in the order in which they are handed out, without sorting most of them.
//!
//! They are classified when they are accepted: local ones (clock 0) into a bucket for each producer, where they
//! are in order already; clocked ones into a lane of their own. So a frame sorts only its producers, and the
//! clocked lane unless it arrived in order.

mod bucket;
mod clocked;
mod freed;
mod hand;
mod intents;

use std::{mem, task::Waker};

use self::bucket::reclaim;
pub(crate) use self::hand::Hand;
pub(super) use self::{
    bucket::ProducerKey,
    clocked::Clocked,
    freed::Freed,
    intents::{Intents, Listed},
};
use crate::intent::{
    Intent,
    order::{CausalityOrder, Origin, QueuedIntent},
};

/// Which bucket a producer's local intents go into.
pub(super) type BucketId = usize;

pub(crate) struct Batch<I: Intent> {
    /// Which frame took it out of the queue, so that rests are finished in order.
    pub(super) number: u64,
    /// In a box, so that a frame exchanges it for the queue's by a pointer.
    pub(super) intents: Box<Intents<I>>,
    /// The waiter granted a slot when it was taken out, woken when its frame ends: a wake can take longer than a frame.
    pub(super) wake: Option<Waker>,
    /// Where handing out stands in the buckets' order.
    at: usize,
    /// The bucket to which what is in the frame's hand goes back. `None` for one that left its bucket for good.
    lender: Option<BucketId>,
    /// Empty: the buffer of those that cannot be lent, and come into the hand one at a time.
    single: Vec<I>,
    /// The slots of what was handed out and is not reported yet.
    freed: Freed,
}

/// An intent of the frame loop's own, on its way into a frame.
pub(crate) struct Local<I: Intent> {
    pub(crate) source: I::Source,
    pub(crate) origin: Origin,
    pub(crate) clock: u64,
    pub(crate) seq: u64,
    pub(crate) intent: I,
}

impl<I: Intent> Batch<I> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            intents: Box::new(Intents::new()),
            wake: None,
            at: 0,
            lender: None,
            single: Vec::new(),
            freed: Freed::default(),
        }
    }

    /// Intents in it: what was accepted, or what the frame that held it left.
    pub(super) fn len(&self) -> usize {
        self.intents.len
    }

    /// Intents that are neither handed out yet nor in the hand of the frame that holds it.
    pub(crate) fn remaining(&self) -> usize {
        self.intents.remaining()
    }

    /// Adds the frame loop's own intents to a batch that no sender fills any more.
    pub(super) fn add(&mut self, local: &mut Vec<Local<I>>) {
        local.drain(..).for_each(|local| self.intents.add(local));
    }

    /// How many of the frame loop's own are in it, and not handed out yet.
    pub(crate) fn own(&self) -> usize {
        self.intents.own()
    }

    /// Puts the batch in order; what was handed out already stays out.
    #[inline]
    pub(crate) fn arrange(&mut self) {
        self.intents.arrange();
        self.rewind();
    }

    fn rewind(&mut self) {
        self.at = 0;
        self.intents.clocked.rewind();
    }

    /// Fills the hand with what comes next and has one number after the other; what it had must have been handed out, or is put
    /// back. Those of senders ask `may` first, one by one, if it is `limited`; once it says no, only the frame loop's own are
    /// handed out. False if nothing is left, or only what must wait for another frame.
    #[inline(always)]
    pub(crate) fn refill(
        &mut self,
        hand: &mut Hand<I>,
        limited: bool,
        mut may: impl FnMut() -> bool,
    ) -> bool {
        self.put_back(hand);
        while let Some(&Listed { producer, bucket_id }) = self.intents.order.get(self.at) {
            let bucket = &mut self.intents.buckets[bucket_id];
            if bucket.left() > 0 && (producer.is_own() || may()) {
                if let Some((first, lent)) = (!limited).then(|| bucket.lend()).flatten() {
                    self.lender = Some(bucket_id);
                    hand.fill(lent, producer.order(first), self.intents.accepted_at);
                    return true;
                }
                let next = bucket.next();
                return next.is_some_and(|(seq, intent)| self.hand_one(hand, producer.order(seq), intent));
            }
            self.at += 1;
        }
        let next = self.intents.clocked.next(may);
        next.is_some_and(|(order, intent)| self.hand_one(hand, order, intent))
    }

    #[inline(always)]
    fn hand_one(&mut self, hand: &mut Hand<I>, order: CausalityOrder<I::Source>, intent: I) -> bool {
        let mut single = mem::take(&mut self.single);
        single.push(intent);
        hand.fill(single.into_iter(), order, self.intents.accepted_at);
        true
    }

    /// What is at hand goes back into its bucket: before anything else is done with the batch.
    #[inline(always)]
    pub(crate) fn put_back(&mut self, hand: &mut Hand<I>) {
        let Some(mut intents) = hand.empty() else { return };
        if let Some(bucket_id) = self.lender.take() {
            self.intents.buckets[bucket_id].take_back(&mut intents);
        } else {
            debug_assert!(intents.len() == 0, "one that left its bucket is handed out immediately");
            self.single = reclaim(&mut intents);
        }
    }

    /// Hands the next one out, without a hand: for intents that are only dropped.
    pub(super) fn next(&mut self, limited: bool, may: impl FnMut() -> bool) -> Option<QueuedIntent<I>> {
        let mut hand = Hand::new();
        let next = if self.refill(&mut hand, limited, may) { hand.next() } else { None };
        self.put_back(&mut hand);
        next
    }

    /// Hands all that is left to `f`, faster than one by one. If `f` panics, the rest is still there.
    #[inline]
    pub(crate) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, QueuedIntent<I>) -> B) -> B {
        let accepted_at = self.intents.accepted_at;
        let mut folded = init;
        while let Some(&Listed { producer, bucket_id }) = self.intents.order.get(self.at) {
            let bucket = &mut self.intents.buckets[bucket_id];
            if bucket.is_unused() {
                self.at += 1;
                continue;
            }
            folded = bucket.fold(folded, |folded, seq, intent| {
                f(folded, QueuedIntent::keyed(producer.order(seq), accepted_at, intent))
            });
            self.at += 1;
        }
        while let Some((order, intent)) = self.intents.clocked.next(|| true) {
            folded = f(folded, QueuedIntent::keyed(order, accepted_at, intent));
        }
        folded
    }

    /// Counts the slots of what was handed out since the last call. A batch of which nothing is left is ready to
    /// be filled again.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.intents.settle(&mut self.freed);
        // A discard reads it as it is. A budget may have gone past all of it.
        self.rewind();
    }

    /// What [`settle`](Self::settle) counted, until it is taken from here.
    pub(super) fn freed(&mut self) -> &mut Freed {
        &mut self.freed
    }

    /// Gives memory back that is no longer needed, in a queue of this capacity.
    #[inline]
    pub(super) fn trim(&mut self, capacity: usize) {
        self.intents.trim(capacity);
    }
}

#[cfg(test)]
mod tests;
