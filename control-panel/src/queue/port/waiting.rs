//! A send that waits for a slot, step by step.

use std::{mem, task::Waker};

use super::{Port, Refusal, has_ended};
use crate::{
    intent::{Delivery, Intent},
    lifecycle::run_token::RunToken,
    queue::{
        Foreign, Gate, State,
        line::{Standing, Ticket},
    },
    util::sync::MutexGuard,
};

/// What a step of a waiting send came to.
#[derive(Debug)]
pub(in crate::queue) enum Step {
    Sent,
    Wait,
    Refused(Refusal),
}

impl<I: Intent> Port<I> {
    /// One step of a waiting send: takes `intent` if there is room, else leaves a waker behind.
    #[cfg(test)]
    pub(in crate::queue) fn poll_send(
        &self,
        clock: u64,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        if ticket.is_none() && self.send_prepaid(None, intent) {
            return Step::Sent;
        }
        self.poll_send_in(None, clock, intent, ticket, waker)
    }

    /// The same for a generation, if it has not ended.
    pub(in crate::queue) fn poll_send_in(
        &self,
        term: Option<&RunToken>,
        clock: u64,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        let Some(delivery) = intent.as_ref().map(Intent::delivery) else { return Step::Sent };
        let state = self.lock_to_send(delivery);
        if has_ended(term) && !state.gate.is_closed() {
            drop(state);
            self.give_up(ticket.take());
            return Step::Refused(Refusal::Ended);
        }
        if ticket.is_none() {
            self.start_send(state, clock, delivery, intent, ticket, waker)
        } else {
            self.go_on(state, clock, delivery, intent, ticket, waker)
        }
    }

    /// A later step of a send, which had to wait.
    // Out of line, as few sends come here.
    #[inline(never)]
    fn go_on(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        clock: u64,
        delivery: Delivery,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        let Some(waiting) = *ticket else { return Step::Sent };
        match state.shares.standing(waiting) {
            Standing::Waiting => {
                let before = state.shares.exchange(waiting, waker.clone());
                drop(state);
                drop(before);
                Step::Wait
            }
            Standing::Granted => {
                // Before anything foreign runs, which may panic: nobody leaves the line twice.
                *ticket = None;
                let (left, next) = self.redeem(&mut state, waiting);
                if let Some(place) = self.replaces(&mut state, clock, delivery) {
                    // Somebody with the same key came first: the slot is not needed.
                    let older = intent.take().map(|intent| mem::replace(place, intent));
                    let mut foreign = Foreign::default();
                    foreign.call(|| self.give_back(state, 1, next));
                    foreign.discard(left);
                    foreign.discard(older);
                    foreign.end();
                    return Step::Sent;
                }
                let ready =
                    intent.take().is_some_and(|intent| self.push(&mut state, clock, delivery, intent));
                drop(state);
                let mut foreign = Foreign::default();
                foreign.discard(left);
                foreign.call(|| self.queue.tell(next, ready));
                foreign.end();
                Step::Sent
            }
            Standing::Dismissed => {
                *ticket = None;
                let (left, _) = state.shares.leave(self.lane, waiting);
                self.queue.publish(&state);
                let gate = state.gate;
                drop(state);
                drop(left);
                Step::Refused(self.queue.refuse(gate))
            }
        }
    }

    /// The first step of a send.
    #[inline]
    fn start_send(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        clock: u64,
        delivery: Delivery,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        if !state.gate.is_closed() {
            if let Some(place) = self.replaces(&mut state, clock, delivery) {
                let older = intent.take().map(|intent| mem::replace(place, intent));
                drop(state);
                drop(older);
                return Step::Sent;
            }
            if self.take(&mut state) {
                if let Some(intent) = intent.take() {
                    self.accept(state, clock, delivery, intent);
                }
                return Step::Sent;
            }
        }
        self.queue_up(state, delivery, intent, ticket, waker)
    }

    /// There is no room.
    #[cold]
    fn queue_up(
        &self,
        state: MutexGuard<'_, State<I>>,
        delivery: Delivery,
        intent: &mut Option<I>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) -> Step {
        let gate = state.gate;
        if delivery == Delivery::Lossy && !gate.is_closed() {
            drop(state);
            intent.take().into_iter().for_each(|intent| self.drop_lossy(intent));
            return Step::Sent;
        }
        if gate != Gate::Open {
            drop(state);
            return Step::Refused(self.queue.refuse(gate));
        }
        self.wait(state, ticket, waker);
        Step::Wait
    }

    /// Joins those who wait for a slot. Whoever unwinds out of this has its ticket, to leave the line with.
    pub(in crate::queue) fn wait(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        ticket: &mut Option<Ticket>,
        waker: &Waker,
    ) {
        *ticket = Some(state.shares.wait(self.lane, waker.clone()));
        self.queue.publish(&state);
        // A frame that ended since the last look gave its slots back and, if nobody waited yet, went away.
        let absorbed = self.queue.absorb(&mut state);
        let first = if absorbed { state.serve() } else { None };
        if absorbed || state.is_held_up() {
            self.queue.hand_on(state, first);
        }
    }

    /// Nobody is to wait for a slot: whoever does leaves the line.
    #[cold]
    pub(in crate::queue) fn give_up(&self, ticket: Option<Ticket>) {
        self.queue.count_refused();
        if let Some(ticket) = ticket {
            self.leave(ticket);
        }
    }

    /// A waiting send was given up.
    pub(in crate::queue) fn leave(&self, ticket: Ticket) {
        let mut state = self.queue.lock();
        let (left, next) = state.shares.leave(self.lane, ticket);
        let mut foreign = Foreign::default();
        foreign.call(|| self.queue.hand_on(state, next));
        foreign.discard(left);
        foreign.end();
    }

    /// Takes the slot that was granted. Returns the waker that is not needed any more, and whom to wake.
    pub(in crate::queue) fn redeem(
        &self,
        state: &mut State<I>,
        ticket: Ticket,
    ) -> (Option<Waker>, Option<Waker>) {
        let wakers = state.redeem(self.slot, ticket);
        self.queue.publish(state);
        wakers
    }
}
