//! The intents of one frame, in the order in which they are handed out, without sorting most of them.
//!
//! They are classified when they are accepted: local ones (clock 0) into a bucket for each producer, where they
//! are in order already; clocked ones into a lane of their own. So a frame sorts only its producers, and the
//! clocked lane unless it arrived in order.

mod bucket;
mod clocked;
mod freed;
mod intents;
mod ranks;

use std::task::Waker;

use self::{bucket::Lent, intents::Used};
pub(super) use self::{bucket::Producer, clocked::Clocked, freed::Freed, intents::Intents};
use crate::intent::{
    Intent,
    order::{CausalityOrder, Origin, QueuedIntent},
};

/// Which bucket a producer's local intents go into.
pub(super) type Slot = usize;

pub(crate) struct Batch<I: Intent> {
    /// Which frame took it out of the queue, so that rests are finished in order.
    pub(super) number: u64,
    /// Whether it is counted among those that have intents of the frame loop's own.
    pub(super) own: bool,
    pub(super) intents: Intents<I>,
    /// Who was granted a slot when it was taken out, to be woken when its frame ends: a wake can take longer than a frame.
    pub(super) wake: Option<Waker>,
    /// Where handing out stands in the buckets' order.
    at: usize,
    hand: Hand<I>,
    /// The slots of what was handed out and is not reported yet.
    freed: Freed,
}

/// The bucket that is being handed out one by one, taken out of its place so that the next one is near.
struct Hand<I: Intent> {
    lent: Lent<I>,
    /// Of the next one.
    order: Option<CausalityOrder<I::Source>>,
    slot: Slot,
}

/// An intent of the frame loop's own, on its way into a frame.
pub(crate) struct Local<I: Intent> {
    pub(crate) source: I::Source,
    pub(crate) origin: Origin,
    pub(crate) clock: u64,
    pub(crate) seq: u64,
    pub(crate) intent: I,
}

impl<I: Intent> Hand<I> {
    #[inline]
    fn next(&mut self) -> Option<(CausalityOrder<I::Source>, I)> {
        let order = self.order.as_mut()?;
        let intent = self.lent.intents.next()?;
        let this = *order;
        order.seq += 1;
        Some((this, intent))
    }
}

impl<I: Intent> Batch<I> {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            own: false,
            intents: Intents::new(),
            wake: None,
            at: 0,
            hand: Hand { lent: Lent::default(), order: None, slot: 0 },
            freed: Freed::default(),
        }
    }

    /// Intents in it: what was accepted, or what the frame that held it left.
    pub(super) fn len(&self) -> usize {
        self.intents.len
    }

    /// Whether the frame that held it left intents of the frame loop's own.
    pub(super) fn has_own(&self) -> bool {
        self.len() > 0 && self.intents.own() > 0
    }

    /// Intents not handed out yet by the frame that holds it.
    pub(crate) fn remaining(&self) -> usize {
        self.intents.remaining() + self.hand.lent.intents.len()
    }

    /// Adds the frame loop's own intents to a batch that no sender fills any more.
    pub(crate) fn add(&mut self, local: &mut Vec<Local<I>>) {
        local.drain(..).for_each(|local| self.intents.add(local));
    }

    /// How many of the frame loop's own are in it, and not handed out yet.
    pub(crate) fn own(&self) -> usize {
        if self.own { self.intents.own() } else { 0 }
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
        if !limited {
            if let Some((order, intent)) = self.hand.next() {
                return Some(QueuedIntent::keyed(order, accepted_at, intent));
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
        while let Some(&Used { producer, slot }) = self.intents.order.get(self.at) {
            let bucket = &mut self.intents.buckets[slot];
            if bucket.left() > 0 && (producer.is_own() || may()) {
                let lent = if limited { None } else { bucket.lend(&mut self.hand.lent) };
                if let Some(seq) = lent {
                    (self.hand.order, self.hand.slot) = (Some(producer.order(seq)), slot);
                    return self.hand.next();
                }
                return bucket.next().map(|(seq, intent)| (producer.order(seq), intent));
            }
            self.at += 1;
        }
        self.intents.clocked.next(may)
    }

    /// What is at hand goes back into its bucket.
    #[inline]
    fn put_back(&mut self) {
        if self.hand.order.take().is_some() {
            self.intents.buckets[self.hand.slot].take_back(&mut self.hand.lent);
        }
    }

    /// Hands all that is left to `f`, faster than one by one. If `f` panics, the rest is still there.
    #[inline]
    pub(crate) fn fold<B>(&mut self, init: B, mut f: impl FnMut(B, QueuedIntent<I>) -> B) -> B {
        self.put_back();
        let accepted_at = self.intents.accepted_at;
        let mut folded = init;
        while let Some(&Used { producer, slot }) = self.intents.order.get(self.at) {
            folded = self.intents.buckets[slot].fold(folded, |folded, seq, intent| {
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

    /// Gives memory back that is no longer needed, in a queue of this capacity.
    #[inline]
    pub(super) fn trim(&mut self, capacity: usize) {
        self.intents.trim(capacity);
    }
}

#[cfg(test)]
mod tests;
