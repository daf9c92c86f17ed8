//! A send that waits for a slot, step by step.

use std::{mem, task::Waker};

use super::{Producer, Refusal, has_ended};
use crate::{
    intent::{Delivery, Intent},
    lifecycle::run_token::RunToken,
    queue::{
        Admission, State,
        waiters::{Standing, WaiterId},
    },
    util::{callbacks::Callbacks, sync::MutexGuard},
};

/// What a step of a waiting send came to.
#[derive(Debug)]
pub(in crate::queue) enum Step {
    Sent,
    Wait,
    Refused(Refusal),
}

impl<I: Intent> Producer<I> {
    /// One step of a waiting send: takes `intent` if there is room, else leaves a waker behind.
    #[cfg(test)]
    pub(in crate::queue) fn poll_send(
        &self,
        clock: u64,
        intent: &mut Option<I>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Step {
        if waiter_id.is_none() && self.send_prepaid(None, intent) {
            return Step::Sent;
        }
        self.poll_send_of(None, clock, intent, waiter_id, waker)
    }

    /// The same for a run, if it has not ended.
    pub(in crate::queue) fn poll_send_of(
        &self,
        run: Option<&RunToken>,
        clock: u64,
        intent: &mut Option<I>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Step {
        let Some(delivery) = intent.as_ref().map(Intent::delivery) else { return Step::Sent };
        if waiter_id.is_none() && clock == 0 && delivery == Delivery::Reliable {
            // A clone of this sender was in the middle of a send.
            if let Some(mut block) = self.block.wait_to_take(run) {
                block.entries.extend(intent.take());
                return Step::Sent;
            }
        }
        let state = self.lock_to_send(delivery);
        if has_ended(run) && !state.admission.is_closed() {
            drop(state);
            self.give_up(waiter_id.take());
            return Step::Refused(Refusal::Ended);
        }
        if waiter_id.is_none() {
            self.start_send(state, clock, delivery, intent, waiter_id, waker)
        } else {
            self.go_on(state, clock, delivery, intent, waiter_id, waker)
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
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Step {
        let Some(waiting) = *waiter_id else { return Step::Sent };
        match state.shares.standing(waiting) {
            Standing::Waiting => {
                let before = state.shares.exchange(waiting, waker.clone());
                drop(state);
                drop(before);
                Step::Wait
            }
            Standing::Granted => {
                // Before anything foreign runs, which may panic: a waiter leaves the list once.
                *waiter_id = None;
                let (left, next) = self.claim(&mut state, waiting);
                if let Some(place) = self.replaces(&mut state, clock, delivery) {
                    // An intent of the same key came first: the slot is not needed.
                    let older = intent.take().map(|intent| mem::replace(place, intent));
                    let mut callbacks = Callbacks::default();
                    callbacks.call(|| self.give_back(state, 1, next));
                    callbacks.discard(left);
                    callbacks.discard(older);
                    callbacks.end();
                    return Step::Sent;
                }
                let ready =
                    intent.take().is_some_and(|intent| self.push(&mut state, clock, delivery, intent));
                drop(state);
                let mut callbacks = Callbacks::default();
                callbacks.discard(left);
                callbacks.call(|| self.queue.tell(next, ready));
                callbacks.end();
                Step::Sent
            }
            Standing::Dismissed => {
                *waiter_id = None;
                self.figures.end_wait();
                let (left, _) = state.shares.leave(self.lane, waiting);
                self.queue.publish(&state);
                let admission = state.admission;
                drop(state);
                drop(left);
                Step::Refused(self.refuse(admission))
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
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Step {
        if !state.admission.is_closed() {
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
        self.queue_up(state, delivery, intent, waiter_id, waker)
    }

    /// There is no room.
    #[cold]
    fn queue_up(
        &self,
        state: MutexGuard<'_, State<I>>,
        delivery: Delivery,
        intent: &mut Option<I>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Step {
        let admission = state.admission;
        if delivery == Delivery::Lossy && !admission.is_closed() {
            drop(state);
            intent.take().into_iter().for_each(|intent| self.drop_lossy(intent));
            return Step::Sent;
        }
        if admission != Admission::Open {
            drop(state);
            return Step::Refused(self.refuse(admission));
        }
        self.wait(state, waiter_id, waker);
        Step::Wait
    }

    /// Joins the waiters for a slot. A caller that unwinds out of this has its waiter id, to leave the list with.
    pub(in crate::queue) fn wait(
        &self,
        mut state: MutexGuard<'_, State<I>>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) {
        *waiter_id = Some(state.shares.wait(self.lane, waker.clone()));
        self.figures.begin_wait();
        self.queue.publish(&state);
        // A frame that ended since the last look gave its slots back and, if there was no waiter yet, went away.
        let absorbed = self.queue.absorb(&mut state);
        let first = if absorbed { state.serve() } else { None };
        if absorbed || state.is_held_up() {
            self.queue.hand_on(state, first);
        }
    }

    /// No send may wait for a slot any more: one that waits leaves the list.
    #[cold]
    pub(in crate::queue) fn give_up(&self, waiter_id: Option<WaiterId>) {
        self.count_refused();
        if let Some(waiter_id) = waiter_id {
            self.leave(waiter_id);
        }
    }

    /// A waiting send was given up.
    pub(in crate::queue) fn leave(&self, waiter_id: WaiterId) {
        let mut state = self.queue.lock();
        self.figures.end_wait();
        let (left, next) = state.shares.leave(self.lane, waiter_id);
        let mut callbacks = Callbacks::default();
        callbacks.call(|| self.queue.hand_on(state, next));
        callbacks.discard(left);
        callbacks.end();
    }

    /// Takes the slot that was granted. Returns the waker that is not needed any more, and the one to wake.
    pub(in crate::queue) fn claim(
        &self,
        state: &mut State<I>,
        waiter_id: WaiterId,
    ) -> (Option<Waker>, Option<Waker>) {
        self.figures.end_wait();
        let wakers = state.claim(self.bucket_id, waiter_id);
        self.queue.publish(state);
        wakers
    }
}
