//! The senders that wait for a slot, the grants, and which waiter is woken next.
//!
//! Pure, like [`shares`](super::shares), which decides the grants. `W` wakes a sender: a `Waker` in the
//! queue, a number in the tests.
//!
//! Waking is what a queue costs, above all waking from a thread outside the runtime. So a frame that grants
//! slots to many wakes only the first, and each one that takes its slot wakes the next, inside the
//! runtime: the baton. While it goes round, frames leave the line alone. One that finds the baton where the last one left
//! it wakes one more and waits for those in hand no longer, so a stalled executor delays no other waiter without end.

use std::{collections::VecDeque, mem};

/// Names one waiting sender, until it takes its slot or leaves.
pub(super) type WaiterId = usize;

/// Where a waiting sender stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    Granted,
    /// Sent away: no slot will become free any more.
    Dismissed,
    /// It has its slot, or left.
    Gone,
}

#[derive(Debug)]
pub(super) struct WaitList<W> {
    waiters: Vec<Waiter<W>>,
    vacant: Vec<WaiterId>,
    /// Granted and not woken yet, in order. May name some that are gone.
    baton: VecDeque<WaiterId>,
    /// Of those, how many are there.
    unwoken: usize,
    /// How many were woken in this round and have not taken their slot yet.
    in_hand: usize,
    /// Those woken in rounds before are not waited for any more.
    round: u64,
    /// Whether anyone has taken a slot since the last frame.
    moved: bool,
    /// How many wait and were granted nothing yet.
    waiting: usize,
    /// How many are in the line, the granted included.
    pending: usize,
}

#[derive(Debug)]
struct Waiter<W> {
    lane: usize,
    standing: Standing,
    /// What it was granted.
    slots: usize,
    /// The round in which it was woken to take them.
    woken: Option<u64>,
    waker: Option<W>,
    /// It stands in a lane's queue or in the baton's: its place can be given away only when it leaves that too.
    listed: bool,
}

/// A slot, or several, granted to one waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) lane: usize,
    pub(super) slots: usize,
}

impl<W> WaitList<W> {
    pub(super) fn new() -> Self {
        Self {
            waiters: Vec::new(),
            vacant: Vec::new(),
            baton: VecDeque::new(),
            unwoken: 0,
            in_hand: 0,
            round: 0,
            moved: true,
            waiting: 0,
            pending: 0,
        }
    }

    /// How many have not taken a slot yet, granted or not.
    pub(super) fn pending(&self) -> usize {
        self.pending
    }

    /// How many wait and were granted nothing yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether slots are granted to a waiter that has not been woken yet.
    pub(super) fn is_unwoken(&self) -> bool {
        !self.baton.is_empty()
    }

    /// Joins the queue of a lane.
    pub(super) fn join(&mut self, lane: usize, queue: &mut VecDeque<WaiterId>, waker: W) -> WaiterId {
        let standing = Standing::Waiting;
        let waiter = Waiter { lane, standing, slots: 0, woken: None, waker: Some(waker), listed: true };
        let waiter_id = if let Some(waiter_id) = self.vacant.pop() {
            self.waiters[waiter_id] = waiter;
            waiter_id
        } else {
            self.waiters.push(waiter);
            self.waiters.len() - 1
        };
        queue.push_back(waiter_id);
        self.waiting += 1;
        self.pending += 1;
        waiter_id
    }

    pub(super) fn standing(&self, waiter_id: WaiterId) -> Standing {
        self.waiters[waiter_id].standing
    }

    /// Leaves another waker; the one before is handed out.
    pub(super) fn exchange(&mut self, waiter_id: WaiterId, waker: W) -> Option<W> {
        self.waiters[waiter_id].waker.replace(waker)
    }

    /// The next in a lane's queue that still waits is granted a slot.
    pub(super) fn grant_next(&mut self, queue: &mut VecDeque<WaiterId>) -> Option<WaiterId> {
        while let Some(waiter_id) = queue.pop_front() {
            let waiter = &mut self.waiters[waiter_id];
            if waiter.standing == Standing::Waiting {
                (waiter.standing, waiter.slots) = (Standing::Granted, 1);
                self.waiting -= 1;
                self.unwoken += 1;
                self.baton.push_back(waiter_id);
                return Some(waiter_id);
            }
            self.unlist(waiter_id);
        }
        None
    }

    /// Grants more to one that was granted already, and tells its lane.
    pub(super) fn grant_more(&mut self, waiter_id: WaiterId, more: usize) -> usize {
        let waiter = &mut self.waiters[waiter_id];
        waiter.slots += more;
        waiter.lane
    }

    /// Takes back what was granted beyond the one slot to a waiter that has not claimed it yet.
    pub(super) fn trim(&mut self, waiter_id: WaiterId) -> Option<Grant> {
        let Waiter { lane, slots, .. } = &mut self.waiters[waiter_id];
        (*slots > 1).then(|| Grant { lane: *lane, slots: mem::replace(slots, 1) - 1 })
    }

    /// A sender takes what it was granted, or leaves the line. `None` if it was granted nothing.
    pub(super) fn finish(&mut self, waiter_id: WaiterId) -> (Option<Grant>, Option<W>) {
        let waiter = &mut self.waiters[waiter_id];
        let grant = Grant { lane: waiter.lane, slots: mem::take(&mut waiter.slots) };
        let standing = mem::replace(&mut waiter.standing, Standing::Gone);
        self.pending -= 1;
        if !waiter.listed {
            self.vacant.push(waiter_id);
        }
        let granted = standing == Standing::Granted;
        self.waiting -= usize::from(standing == Standing::Waiting);
        self.in_hand -= usize::from(granted && waiter.woken == Some(self.round));
        self.unwoken -= usize::from(granted && waiter.woken.is_none());
        self.moved |= granted;
        (granted.then_some(grant), waiter.waker.take())
    }

    /// Forgets the waiters that left a lane's queue from the middle, once they outnumber those that wait.
    pub(super) fn tidy(&mut self, queue: &mut VecDeque<WaiterId>) {
        if queue.len() > 2 * self.waiting + 4 {
            queue.retain(|&waiter_id| {
                let waits = self.waiters[waiter_id].standing == Standing::Waiting;
                if !waits {
                    self.unlist(waiter_id);
                }
                waits
            });
        }
    }

    /// Hands the baton on: the waker of the next that was granted a slot.
    pub(super) fn pass(&mut self) -> Option<W> {
        while let Some(waiter_id) = self.baton.pop_front() {
            self.unlist(waiter_id);
            let waiter = &mut self.waiters[waiter_id];
            if waiter.standing == Standing::Granted {
                waiter.woken = Some(self.round);
                self.unwoken -= 1;
                self.in_hand += 1;
                return waiter.waker.take();
            }
        }
        None
    }

    /// Whether every waiter that was granted a slot has claimed it, or left.
    pub(super) fn is_over(&self) -> bool {
        self.in_hand == 0 && self.baton.is_empty()
    }

    /// Whether no waiter has claimed a slot since the last frame, though one was woken to.
    pub(super) fn is_stalled(&self) -> bool {
        !self.moved && !self.is_over()
    }

    /// Whether at most one was granted a slot and has not claimed it yet, not counting those that are no longer waited for.
    pub(super) fn is_last(&self) -> bool {
        debug_assert_eq!(
            self.unwoken,
            self.baton
                .iter()
                .filter(|&&waiter_id| self.waiters[waiter_id].standing == Standing::Granted)
                .count(),
            "granted, and not woken yet"
        );
        self.in_hand + self.unwoken <= 1
    }

    /// Stops waiting for waiters that were woken but have not claimed. They keep their grants; but rounds
    /// go on without them.
    pub(super) fn write_off(&mut self) {
        self.round += 1;
        self.in_hand = 0;
    }

    /// Whether one was granted more than the one slot, and has not taken it yet.
    pub(super) fn is_overgranted(&self, waiter_id: WaiterId) -> bool {
        self.waiters[waiter_id].slots > 1
    }

    /// Asked once at the end of a frame: whether the baton has moved since the last.
    pub(super) fn has_moved(&mut self) -> bool {
        mem::take(&mut self.moved)
    }

    /// After grants between two frames: the waker to wake, if no waiter has the baton.
    pub(super) fn start_if_idle(&mut self) -> Option<W> {
        if self.in_hand == 0 { self.pass() } else { None }
    }

    /// Sends one lane's queue away.
    pub(super) fn dismiss(&mut self, queue: &mut VecDeque<WaiterId>, wakes: &mut Vec<W>) {
        while let Some(waiter_id) = queue.pop_front() {
            let waiter = &mut self.waiters[waiter_id];
            if waiter.standing == Standing::Waiting {
                waiter.standing = Standing::Dismissed;
                self.waiting -= 1;
                wakes.extend(waiter.waker.take());
            }
            self.unlist(waiter_id);
        }
    }

    /// Wakes all that were granted a slot: no waiter is left to hand the baton on.
    pub(super) fn pass_all(&mut self, wakes: &mut Vec<W>) {
        while let Some(waker) = self.pass() {
            wakes.push(waker);
        }
    }

    /// Takes back what was granted and not taken yet.
    pub(super) fn revoke(&mut self, mut returned: impl FnMut(Grant), wakes: &mut Vec<W>) {
        self.pass_all(wakes);
        for waiter in &mut self.waiters {
            if waiter.standing == Standing::Granted {
                waiter.standing = Standing::Dismissed;
                returned(Grant { lane: waiter.lane, slots: mem::take(&mut waiter.slots) });
            }
        }
        self.in_hand = 0;
    }

    fn unlist(&mut self, waiter_id: WaiterId) {
        let waiter = &mut self.waiters[waiter_id];
        waiter.listed = false;
        if waiter.standing == Standing::Gone {
            self.vacant.push(waiter_id);
        }
    }
}
