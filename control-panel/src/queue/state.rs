//! What is under the queue's lock.

use std::task::Waker;

use super::{
    batch::{Freed, Intents, Slot},
    rests::Rests,
    shares::Shares,
};
use crate::intent::Intent;

/// What is under the lock. What every send touches comes first.
#[repr(C)]
pub(super) struct State<I: Intent> {
    pub(super) gate: Gate,
    /// Whether the loop was told since the last frame began.
    pub(super) signalled: bool,
    /// Accepted and in no frame yet.
    pub(super) active: Intents<I>,
    pub(super) shares: Shares<I::Source, Waker>,
    /// What frames that were cut short left behind.
    pub(super) rests: Rests<I>,
    /// Places in a batch that were given to producers, and those that are no producer's any more.
    pub(super) places: usize,
    pub(super) vacant: Vec<Slot>,
    /// Places of producers that are gone, given away once no batch being filled uses them.
    pub(super) retired: Vec<Slot>,
    /// Empty: to be exchanged for what frames gave back.
    pub(super) freed: Freed,
    /// Batches handed out.
    pub(super) frames: u64,
}

/// How the queue meets a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Open,
    /// A shutdown waits, so nobody drains: what fits is taken, what does not is handed back at once.
    Stopping,
    /// Nothing is taken any more; what was can be drained.
    Closed,
    /// The panel is gone: nothing is drained either.
    Discarded,
}

impl Gate {
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed | Self::Discarded)
    }
}

impl<I: Intent> State<I> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            gate: Gate::Open,
            signalled: false,
            active: Intents::new(),
            shares: Shares::new(capacity),
            rests: Rests::new(),
            places: 0,
            vacant: Vec::new(),
            retired: Vec::new(),
            freed: Freed::default(),
            frames: 0,
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.active.len() + self.rests.intents()
    }

    /// Whether something is left for another frame. Also where senders were granted slots and not all woken yet:
    /// should the one who is to wake the next stall, that frame does it.
    pub(super) fn wants_frame(&self) -> bool {
        self.has_intents() || self.shares.is_unwoken() || self.is_held_up()
    }

    fn has_intents(&self) -> bool {
        self.active.len() > 0 || !self.rests.is_empty()
    }

    /// Whether only a frame that is asked for gets somebody a slot: none comes for intents.
    pub(super) fn is_held_up(&self) -> bool {
        self.gate == Gate::Open && !self.has_intents() && self.shares.is_held_up()
    }

    /// A place in every batch, for a new producer.
    pub(super) fn place(&mut self) -> Slot {
        self.vacant.pop().unwrap_or_else(|| {
            self.places += 1;
            self.places - 1
        })
    }

    /// A producer is gone.
    pub(super) fn retire(&mut self, slot: Slot) {
        if self.active.uses(slot) {
            self.retired.push(slot);
        } else {
            self.vacant.push(slot);
        }
    }

    /// A new batch is being filled: producers that are gone have nothing in it.
    pub(super) fn reuse_retired(&mut self) {
        if !self.retired.is_empty() {
            let (active, vacant) = (&self.active, &mut self.vacant);
            self.retired.retain(|&slot| {
                let used = active.uses(slot);
                if !used {
                    vacant.push(slot);
                }
                used
            });
        }
    }
}
