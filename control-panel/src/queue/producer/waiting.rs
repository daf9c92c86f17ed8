//! A send or a reservation that waits for a slot, step by step.

use std::task::{Poll, Waker};

use super::{Producer, Refusal, has_ended};
use crate::{
    intent::Intent,
    lifecycle::run_token::RunToken,
    queue::{
        Admission, State,
        waiters::{Standing, WaiterId},
    },
    util::{callbacks::Callbacks, sync::MutexGuard},
};

/// The end of a wait.
pub(in crate::queue) struct Turn<'a, I: Intent> {
    pub(in crate::queue) state: MutexGuard<'a, State<I>>,
    /// Whether there is a slot: otherwise none will become free.
    pub(in crate::queue) granted: bool,
    /// The waker that it left, if that was not woken.
    pub(in crate::queue) left: Option<Waker>,
    /// The next to wake.
    pub(in crate::queue) next: Option<Waker>,
}

impl<I: Intent> Producer<I> {
    /// One step of a waiting send, for a run that has not ended: takes `intent` if there is room, else leaves a waker behind.
    pub(in crate::queue) fn poll_send(
        &self,
        run: Option<&RunToken>,
        clock: u64,
        intent: &mut Option<I>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Poll<Result<(), Refusal>> {
        let Some(delivery) = intent.as_ref().map(Intent::delivery) else { return Poll::Ready(Ok(())) };
        let state = if waiter_id.is_none() {
            match self.attempt(run, clock, delivery, intent) {
                Ok(Some(state)) => state,
                Ok(None) => return Poll::Ready(Ok(())),
                Err(refusal) => {
                    self.count_refused();
                    return Poll::Ready(Err(refusal));
                }
            }
        } else {
            self.lock_to_send(delivery)
        };
        if has_ended(run) && !state.admission.is_closed() {
            drop(state);
            self.give_up(waiter_id.take());
            return Poll::Ready(Err(Refusal::Ended));
        }
        let Some(turn) = self.poll_turn(state, waiter_id, waker) else { return Poll::Pending };
        let Turn { state, granted, left, next } = turn;
        if !granted {
            let admission = state.admission;
            drop(state);
            drop(left);
            return Poll::Ready(Err(self.refuse(admission)));
        }
        if let Some(intent) = intent.take() {
            self.fill(state, clock, delivery, intent, (left, next));
        }
        Poll::Ready(Ok(()))
    }

    /// One step of a wait: leaves a waker behind, unless there is a slot by now, or will be none.
    #[inline]
    pub(in crate::queue) fn poll_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<I>>,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Option<Turn<'a, I>> {
        let Some(waiting) = *waiter_id else {
            if state.admission != Admission::Open {
                return Some(Turn { state, granted: false, left: None, next: None });
            }
            self.wait(state, waiter_id, waker);
            return None;
        };
        let standing = state.shares.waiters.standing(waiting);
        if standing == Standing::Waiting {
            let before = state.shares.waiters.exchange(waiting, waker.clone());
            drop(state);
            drop(before);
            return None;
        }
        // Before anything foreign runs, which may panic: a waiter leaves the list once.
        *waiter_id = None;
        self.end_wait();
        let (left, next) = state.claim(self.bucket_id, waiting);
        self.queue.publish(&state);
        Some(Turn { state, granted: standing == Standing::Granted, left, next })
    }

    /// Joins the waiters for a slot. A caller that unwinds out of this has its waiter id, to leave the list with.
    fn wait(&self, mut state: MutexGuard<'_, State<I>>, waiter_id: &mut Option<WaiterId>, waker: &Waker) {
        *waiter_id = Some(state.shares.wait(self.lane, waker.clone()));
        let now = self.block.clock();
        self.block.count(|figures| figures.begin_wait(now));
        self.queue.publish(&state);
        // A frame that ended since the last look gave its slots back and, if there was no waiter yet, went away.
        let absorbed = self.queue.absorb(&mut state);
        let first = if absorbed { state.serve() } else { None };
        if absorbed || state.is_held_up() {
            self.queue.hand_on(state, first);
        }
    }

    fn end_wait(&self) {
        let now = self.block.clock();
        self.block.count(|figures| figures.end_wait(now));
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
        self.end_wait();
        let (left, next) = state.shares.leave(self.lane, waiter_id);
        let mut callbacks = Callbacks::default();
        callbacks.call(|| self.queue.hand_on(state, next));
        callbacks.discard(left);
        callbacks.end();
    }
}
