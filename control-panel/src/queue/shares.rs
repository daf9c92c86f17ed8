//! How many slots each source may occupy: the queue's arithmetic, without its intents.
//!
//! Pure: no lock, no runtime. A slot is occupied from the moment it is taken or granted until the frame
//! that handed its intent out is over.
//!
//! The rule. Of the capacity, one slot is kept for each other known source that holds none, and one for a
//! source not seen yet; the rest goes to the first to come. A source that holds nothing may take a slot as long
//! as the bound (the capacity, or the number of sources where that is greater) is not reached. So no
//! flood keeps out a quiet source.
//!
//! What frames free is granted to the waiters, in rounds: source by source in turn, first come first served within one, to as
//! many as get a few slots each; and what is left after that in equal parts, as credit that is good until the round is over and another begins or a frame
//! ends. So a sender that waited sends several intents for one wake, and floods share evenly. A round begins when a frame
//! ends or when the last one of the round before takes its slot; what is freed in between waits for that. So a loop that
//! never sleeps, and frees a few slots a microsecond, does not wake a sender for each.
//!
//! A waiter that does not claim its grant (its executor is busy, its future is not polled) keeps one slot. The rest is
//! reclaimed within two frames; if nothing is queued that would bring those, a producer without a slot asks for them.

mod rounds;

use std::{collections::VecDeque, sync::Arc};

use super::waiters::{WaitList, WaiterId};
use crate::telemetry::SendFigures;

/// Names a known source.
pub(super) type LaneId = usize;

#[derive(Debug)]
pub(super) struct Shares<S, W> {
    capacity: usize,
    /// Slots occupied, over all sources.
    held: usize,
    /// Known sources that hold no slot: for each of them one is kept.
    idle: usize,
    lanes: Vec<Lane<S>>,
    vacant: Vec<LaneId>,
    /// The known lanes, sorted by source.
    known: Vec<LaneId>,
    /// Where in `known` the next grant goes: grants go round.
    turn: usize,
    /// The senders that wait, or were granted slots that they have not taken yet.
    pub(super) waiters: WaitList<W>,
    /// Lanes with credit outstanding.
    credited: Vec<LaneId>,
    /// How often credit expired: it is of one epoch.
    epoch: u64,
    /// Whether a frame left free slots to the end of the round, and there are waiters for them.
    deferred: bool,
    /// Whether a producer was refused a slot since credit last expired.
    refused: bool,
    /// Those of the current round of grants.
    round: Vec<WaiterId>,
    /// The producers that were granted more than one slot since credit last expired.
    overgranted: Vec<WaiterId>,
}

/// What one source has.
#[derive(Debug)]
struct Lane<S> {
    source: S,
    /// Senders alive. A source is known while it has a sender or holds a slot.
    producers: usize,
    held: usize,
    /// How many of the held slots are credit not used yet.
    credit: usize,
    waiting: VecDeque<WaiterId>,
    figures: Arc<SendFigures>,
}

/// Slots that one producer was granted beyond the one it waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Credit {
    pub(super) slots: usize,
    pub(super) epoch: u64,
}

impl<S: Copy + Ord, W> Shares<S, W> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            // So that nothing below overflows: no machine has memory for more.
            capacity: capacity.min(usize::MAX / 2),
            held: 0,
            idle: 0,
            lanes: Vec::new(),
            vacant: Vec::new(),
            known: Vec::new(),
            turn: 0,
            waiters: WaitList::new(),
            credited: Vec::new(),
            epoch: 1,
            deferred: false,
            refused: false,
            round: Vec::new(),
            overgranted: Vec::new(),
        }
    }

    /// Whether a waiter was granted a slot, or is about to be, and has not been woken yet.
    pub(super) fn is_unwoken(&self) -> bool {
        (self.deferred && self.waiters.waiting() > 0) || self.waiters.is_unwoken()
    }

    /// How many sources are known.
    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.known.len()
    }

    /// Slots of this lane that are in use: queued, in a frame that has not ended, or reserved.
    pub(super) fn occupied(&self, lane: LaneId) -> usize {
        self.lanes[lane].held - self.lanes[lane].credit
    }

    /// What became of the intents of this lane's source.
    pub(super) fn figures(&self, lane: LaneId) -> &Arc<SendFigures> {
        &self.lanes[lane].figures
    }

    /// The known sources in their order, each with the slots that it occupies and its figures.
    pub(super) fn sources(&self) -> impl ExactSizeIterator<Item = (S, usize, &Arc<SendFigures>)> {
        self.known.iter().map(|&lane| {
            let Lane { source, figures, .. } = &self.lanes[lane];
            (*source, self.occupied(lane), figures)
        })
    }

    /// A producer of this source exists from now on.
    pub(super) fn attach(&mut self, source: S) -> LaneId {
        match self.known.binary_search_by(|&lane| self.lanes[lane].source.cmp(&source)) {
            Ok(at) => {
                let lane = self.known[at];
                self.lanes[lane].producers += 1;
                lane
            }
            Err(at) => {
                let figures = Arc::new(SendFigures::new());
                let new =
                    Lane { source, producers: 1, held: 0, credit: 0, waiting: VecDeque::new(), figures };
                let lane = if let Some(lane) = self.vacant.pop() {
                    self.lanes[lane] = new;
                    lane
                } else {
                    self.lanes.push(new);
                    self.lanes.len() - 1
                };
                self.known.insert(at, lane);
                self.idle += 1;
                lane
            }
        }
    }

    /// A producer gives back the credit it has.
    pub(super) fn give_back(&mut self, lane: LaneId, credit: &mut Credit) {
        let credit = std::mem::take(credit);
        if credit.epoch == self.epoch {
            self.lanes[lane].credit -= credit.slots;
            self.release(lane, credit.slots);
        }
    }

    /// A sender of this lane is gone.
    pub(super) fn detach(&mut self, lane: LaneId) {
        self.lanes[lane].producers -= 1;
        self.forget_unused(lane);
    }

    /// Takes a slot, if there is one: one of the producer's credit, or what the rule allows.
    #[inline]
    pub(super) fn take(&mut self, lane: LaneId, credit: &mut Credit) -> bool {
        if credit.slots > 0 && credit.epoch == self.epoch {
            credit.slots -= 1;
            self.lanes[lane].credit -= 1;
            return true;
        }
        let admitted = self.admits(lane);
        if admitted {
            self.hold(lane, 1);
        }
        admitted
    }

    /// Takes up to so many slots, for a lane that holds one already: of the producer's credit and of so many that are
    /// free for all.
    fn take_some(&mut self, lane: LaneId, credit: &mut Credit, most: usize, free: usize) -> usize {
        let of_credit = if credit.epoch == self.epoch { credit.slots.min(most) } else { 0 };
        credit.slots -= of_credit;
        self.lanes[lane].credit -= of_credit;
        let more = free.min(most - of_credit);
        self.hold(lane, more);
        of_credit + more
    }

    /// Takes as many as there are, up to so many.
    pub(super) fn take_many(&mut self, lane: LaneId, credit: &mut Credit, most: usize) -> usize {
        self.take_some(lane, credit, most, self.free_for_all())
    }

    /// Takes up to so many in advance, for one of so many producers: of its credit and, unless a waiter has been granted none, its
    /// part of those that are free.
    pub(super) fn prepay(
        &mut self,
        lane: LaneId,
        credit: &mut Credit,
        most: usize,
        producers: usize,
    ) -> usize {
        let part = if self.is_unclaimed() { self.free_for_all() / producers } else { 0 };
        self.take_some(lane, credit, most, part)
    }

    /// Gives slots back that were taken in advance and not used. While a waiter has been granted none they are the producer's credit,
    /// as they were before; otherwise the first to come may have them.
    #[inline]
    pub(super) fn withdraw(&mut self, lane: LaneId, credit: &mut Credit, unused: usize) {
        if self.is_unclaimed() {
            self.release(lane, unused);
        } else {
            self.add_credit(lane, credit, unused);
        }
    }

    /// Whether what is free is for the first to come: each waiter, if there are any, has been granted a slot.
    pub(super) fn is_unclaimed(&self) -> bool {
        self.waiters.waiting() == 0
    }

    /// Free slots that are kept for no source.
    fn free_for_all(&self) -> usize {
        self.capacity.saturating_sub(self.held + self.idle + 1)
    }

    #[inline]
    fn admits(&self, lane: LaneId) -> bool {
        if self.lanes[lane].held == 0 {
            self.held < self.capacity.max(self.known.len())
        } else {
            // Room for it beside one slot for each idle source and one for a source not seen yet.
            self.held + self.idle + 1 < self.capacity
        }
    }

    #[inline]
    fn hold(&mut self, lane: LaneId, slots: usize) {
        let held = &mut self.lanes[lane].held;
        if *held == 0 && slots > 0 {
            self.idle -= 1;
        }
        *held += slots;
        self.held += slots;
    }

    /// So many slots of this lane are free again.
    #[inline]
    pub(super) fn release(&mut self, lane: LaneId, slots: usize) {
        if slots == 0 {
            return;
        }
        self.lanes[lane].held -= slots;
        self.held -= slots;
        if self.lanes[lane].held == 0 {
            self.idle += 1;
            self.forget_unused(lane);
        }
    }

    /// Sources come and go in a program whose source type has many values: what is unused is forgotten.
    fn forget_unused(&mut self, lane: LaneId) {
        let unused = &self.lanes[lane];
        if unused.producers == 0 && unused.held == 0 {
            // By its place, not by the source's order, which is the user's code.
            if let Some(at) = self.known.iter().position(|&known| known == lane) {
                self.known.remove(at);
                self.vacant.push(lane);
                self.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
