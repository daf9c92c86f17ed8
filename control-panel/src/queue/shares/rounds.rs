//! The waiters: what is free is granted to them in rounds.

use std::mem;

use super::{Credit, LaneId, Shares};
use crate::queue::waiters::{Grant, WaiterId};

/// So many slots each of a round's waiters is granted at least, where there are more of them than [`FEW`]: a wake takes as long as a
/// dozen sends. The others are next.
const EACH: usize = 4;
/// So few waiters a round does not divide.
const FEW: usize = 16;

impl<S: Copy + Ord, W> Shares<S, W> {
    /// Queues up for a slot.
    pub(in crate::queue) fn wait(&mut self, lane: LaneId, waker: W) -> WaiterId {
        self.waiters.join(lane, &mut self.lanes[lane].waiting, waker)
    }

    /// A granted sender takes its slot; what it was granted beyond is its credit. Returns the waker it left, if it
    /// was not woken, and the one to wake.
    pub(in crate::queue) fn claim(
        &mut self,
        waiter_id: WaiterId,
        credit: &mut Credit,
    ) -> (Option<W>, Option<W>) {
        let (grant, left) = self.waiters.finish(waiter_id);
        let mut next = self.waiters.pass();
        let Some(Grant { lane, slots }) = grant else { return (left, next) };
        let mut more = slots - 1;
        if next.is_none() && self.waiters.is_over() {
            // The last of its round. Waiters come before what it would have beyond its slot.
            self.expire();
            self.release(lane, more);
            self.grant_each();
            // It is one of those that come next.
            more = more.min(self.free_for_all() / (self.round.len() + 1));
            self.hold(lane, more);
            self.share_out();
            next = self.waiters.pass();
        }
        self.add_credit(lane, credit, more);
        (left, next)
    }

    /// Slots that are held become a producer's credit.
    pub(super) fn add_credit(&mut self, lane: LaneId, credit: &mut Credit, more: usize) {
        if credit.epoch != self.epoch {
            *credit = Credit { slots: 0, epoch: self.epoch };
        }
        credit.slots += more;
        if more > 0 && self.lanes[lane].credit == 0 {
            self.credited.push(lane);
        }
        self.lanes[lane].credit += more;
    }

    /// A waiting sender goes away; what was granted to it is passed on. Returns the waker it left and the one to
    /// wake.
    pub(in crate::queue) fn leave(&mut self, lane: LaneId, waiter_id: WaiterId) -> (Option<W>, Option<W>) {
        let (grant, left) = self.waiters.finish(waiter_id);
        if let Some(Grant { lane, slots }) = grant {
            self.release(lane, slots);
            self.grant();
            return (left, self.waiters.pass());
        }
        self.waiters.tidy(&mut self.lanes[lane].waiting);
        (left, None)
    }

    /// A frame ended: what was not used by then expires, unless a round goes on.
    pub(in crate::queue) fn ended(&mut self) {
        if self.waiters.is_over() {
            self.expire();
        }
    }

    /// Whether a producer is without a slot only because others were granted more than one and do not use them. With
    /// nothing to drain no frame would come that takes it back.
    pub(in crate::queue) fn is_held_up(&self) -> bool {
        (self.refused || self.waiters.waiting() > 0)
            && (self.credited.iter().any(|&lane| self.lanes[lane].credit > 0)
                || self.overgranted.iter().any(|&waiter_id| self.waiters.is_overgranted(waiter_id)))
    }

    /// A producer that does not wait had no slot.
    pub(in crate::queue) fn refuse(&mut self) {
        self.refused = true;
    }

    fn expire(&mut self) {
        self.epoch += 1;
        self.refused = false;
        while let Some(lane) = self.credited.pop() {
            let unused = mem::take(&mut self.lanes[lane].credit);
            self.release(lane, unused);
        }
        // As credit, so what would become credit.
        while let Some(waiter_id) = self.overgranted.pop() {
            if let Some(Grant { lane, slots }) = self.waiters.trim(waiter_id) {
                self.release(lane, slots);
            }
        }
    }

    /// After frames: what is free is granted to the waiters, if any, unless a round goes on. Returns the waker of the first.
    pub(in crate::queue) fn serve(&mut self) -> Option<W> {
        let moved = self.waiters.has_moved();
        if !self.waiters.is_over() {
            if moved {
                let waits = self.waiters.waiting() > 0;
                self.deferred = waits && self.known.iter().any(|&lane| self.could_grant(lane));
                return None;
            }
            self.expire();
            self.waiters.write_off();
        }
        self.grant();
        self.waiters.pass()
    }

    /// Slots may have become free between two frames: grants them. Returns the waker of the first.
    pub(in crate::queue) fn regrant(&mut self) -> Option<W> {
        if self.is_unclaimed() {
            return None;
        }
        self.grant();
        self.waiters.start_if_idle()
    }

    /// Sends all waiters away: no slot will become free any more.
    pub(in crate::queue) fn dismiss(&mut self, wakes: &mut Vec<W>) {
        for &lane in &self.known {
            self.waiters.dismiss(&mut self.lanes[lane].waiting, wakes);
        }
        self.waiters.pass_all(wakes);
    }

    /// Takes back what was granted and not taken yet: the queue is closed.
    pub(in crate::queue) fn revoke(&mut self, wakes: &mut Vec<W>) {
        let mut returned = Vec::new();
        self.waiters.revoke(|grant| returned.push(grant), wakes);
        for Grant { lane, slots } in returned {
            self.release(lane, slots);
        }
    }

    /// Gives free slots to the waiters.
    fn grant(&mut self) {
        self.grant_each();
        self.share_out();
    }

    /// One to each that comes first, as long as there are some.
    fn grant_each(&mut self) {
        self.deferred = false;
        if self.is_unclaimed() {
            return;
        }
        let most = FEW.max(self.free_for_all() / EACH);
        let mut passed = 0;
        while passed < self.known.len() {
            let at = if self.turn < self.known.len() { self.turn } else { 0 };
            self.turn = at + 1;
            let lane = self.known[at];
            let is_next = self.round.len() < most || self.lanes[lane].held == 0;
            let granted = if is_next && self.could_grant(lane) {
                self.waiters.grant_next(&mut self.lanes[lane].waiting)
            } else {
                None
            };
            if let Some(waiter_id) = granted {
                self.hold(lane, 1);
                self.round.push(waiter_id);
                passed = 0;
            } else {
                passed += 1;
            }
        }
    }

    fn could_grant(&self, lane: LaneId) -> bool {
        !self.lanes[lane].waiting.is_empty() && self.admits(lane)
    }

    /// What is left goes in equal parts to the waiters that were just granted their first slot.
    fn share_out(&mut self) {
        let mut round = mem::take(&mut self.round);
        let free = self.free_for_all();
        if !round.is_empty() && free > 0 {
            let (part, rest) = (free / round.len(), free % round.len());
            for (nth, &waiter_id) in round.iter().enumerate() {
                let more = part + usize::from(nth < rest);
                let lane = self.waiters.grant_more(waiter_id, more);
                self.hold(lane, more);
            }
            self.overgranted.extend_from_slice(&round);
        }
        round.clear();
        self.round = round;
    }
}
