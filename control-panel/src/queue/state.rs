//! What is under the queue's lock.

use std::{mem, task::Waker};

use super::{
    batch::{Freed, Intents, Slot},
    line::Ticket,
    rests::Rests,
    shares::{Credit, LaneId, Shares, TakeBack},
};
use crate::intent::Intent;

/// What is under the lock. What every send touches comes first.
#[repr(C)]
pub(super) struct State<I: Intent> {
    pub(super) gate: Gate,
    /// Whether the loop was told since the last frame began.
    pub(super) signalled: bool,
    /// Whether some producer may have slots that it took in advance.
    has_prepaid: bool,
    /// Accepted and in no frame yet.
    pub(super) active: Intents<I>,
    pub(super) shares: Shares<I::Source, Waker>,
    /// What frames that were cut short left behind.
    pub(super) rests: Rests<I>,
    /// By place in a batch. As many as were given to producers.
    pub(super) accounts: Vec<Account>,
    /// Places that are no producer's any more.
    pub(super) vacant: Vec<Slot>,
    /// Places of producers that are gone, given away once no batch being filled uses them.
    pub(super) retired: Vec<Slot>,
    /// Empty: to be exchanged for what frames gave back.
    pub(super) freed: Freed,
    /// Batches handed out.
    pub(super) frames: u64,
}

/// What one producer has of its own.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The number after those of its prepaid slots.
    next_seq: u64,
    pub(super) credit: Credit,
}

impl Account {
    /// The number of the next intent, where nothing is prepaid.
    pub(super) fn number(&mut self) -> u64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    fn withdraw<S: Copy + Ord, W>(&mut self, unused: usize, lane: LaneId, shares: &mut Shares<S, W>) {
        self.next_seq -= unused as u64;
        shares.withdraw(lane, &mut self.credit, unused);
    }
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
            has_prepaid: false,
            active: Intents::new(),
            shares: Shares::new(capacity),
            rests: Rests::new(),
            accounts: Vec::new(),
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
        let slot = self.vacant.pop().unwrap_or(self.accounts.len());
        match self.accounts.get_mut(slot) {
            Some(account) => *account = Account::default(),
            None => self.accounts.push(Account::default()),
        }
        slot
    }

    /// The number of this producer's next intent, which gets it.
    pub(super) fn next_seq(&mut self, slot: Slot, lane: LaneId) -> u64 {
        self.withdraw(slot, lane);
        self.accounts[slot].number()
    }

    /// Takes a slot for this producer, if there is one.
    pub(super) fn take(&mut self, slot: Slot, lane: LaneId) -> bool {
        self.withdraw(slot, lane);
        self.shares.take(lane, &mut self.accounts[slot].credit)
    }

    /// Takes back what this producer prepaid and has not used: its slots have the numbers of what it sends next.
    pub(super) fn withdraw(&mut self, slot: Slot, lane: LaneId) {
        let unused = self.active.take_back_of(slot);
        if unused > 0 {
            self.accounts[slot].withdraw(unused, lane, &mut self.shares);
        }
    }

    /// Takes slots in advance for what this producer sends next.
    pub(super) fn prepay(&mut self, slot: Slot, lane: LaneId) {
        let Self { active, shares, accounts, has_prepaid, .. } = self;
        let room = active.room_to_prepay(slot);
        if room == 0 {
            return;
        }
        let account = &mut accounts[slot];
        let count = shares.prepay(lane, &mut account.credit, room, active.producers());
        if count > 0 {
            active.prepay(slot, count);
            account.next_seq += count as u64;
            *has_prepaid = true;
        }
    }

    /// Takes back what producers prepaid and have not used. Says whether that may have been anything.
    pub(super) fn take_back(&mut self) -> bool {
        let Self { active, shares, accounts, has_prepaid, .. } = self;
        if !mem::take(has_prepaid) {
            return false;
        }
        active.take_back(|slot, lane, unused| accounts[slot].withdraw(unused, lane, shares));
        true
    }

    /// Frames ended.
    pub(super) fn ended(&mut self) {
        let Self { active, shares, accounts, has_prepaid, .. } = self;
        shares.ended(|take_back| hand_back(active, accounts, has_prepaid, take_back));
    }

    /// After that: whom to wake.
    pub(super) fn serve(&mut self) -> Option<Waker> {
        let Self { active, shares, accounts, has_prepaid, .. } = self;
        shares.serve(|take_back| hand_back(active, accounts, has_prepaid, take_back))
    }

    /// A producer takes the slot that it was granted. Returns the waker that it left, and whom to wake.
    pub(super) fn redeem(&mut self, slot: Slot, ticket: Ticket) -> (Option<Waker>, Option<Waker>) {
        let Self { active, shares, accounts, has_prepaid, .. } = self;
        let mut credit = accounts[slot].credit;
        let wakers = shares.redeem(ticket, &mut credit, |take_back| {
            hand_back(active, accounts, has_prepaid, take_back);
        });
        accounts[slot].credit = credit;
        wakers
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

/// Gives what is prepaid to whoever takes it back.
fn hand_back<I: Intent>(
    active: &mut Intents<I>,
    accounts: &mut [Account],
    has_prepaid: &mut bool,
    take_back: TakeBack<'_>,
) {
    if mem::take(has_prepaid) {
        active.take_back(|slot, lane, unused| {
            accounts[slot].next_seq -= unused as u64;
            take_back(lane, unused);
        });
    }
}
