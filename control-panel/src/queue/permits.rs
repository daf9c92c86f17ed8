//! Slots reserved before there is an intent for them.

use std::{
    fmt,
    sync::Arc,
    task::{Poll, Waker},
};

use super::{
    Admission, Producer, State,
    producer::{Refusal, Turn},
    waiters::WaiterId,
};
use crate::{
    intent::{Intent, order::clock_of},
    lifecycle::error::TrySendError,
    util::{callbacks::Callbacks, sync::MutexGuard},
};

/// Reserved slots: what [`IntentSender::reserve_many`](crate::IntentSender::reserve_many) returns. Each
/// [`send`](Self::send) uses one; those left when it is dropped are free again.
///
/// May be held across frames, and keeps its slots from others all the while: forever, if it is forgotten (`mem::forget`).
#[must_use = "unused slots keep other senders out until they are dropped"]
pub struct Permits<I: Intent> {
    producer: Arc<Producer<I>>,
    left: usize,
}

impl<I: Intent> Permits<I> {
    /// How many slots are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Sends an intent in one of the slots; never waits. The slot of a `latest` intent that replaces a queued one is
    /// free again immediately.
    ///
    /// # Errors
    /// With the intent handed back: [`Full`](TrySendError::Full) when no slot is left, the panel was closed since, or
    /// the intent's clock is `Some(0)`.
    pub fn send(&mut self, intent: I) -> Result<(), TrySendError<I>> {
        let Some(clock) = clock_of(&intent) else { return Err(TrySendError::ZeroClock(intent)) };
        if self.left == 0 {
            self.producer.refuse(Admission::Open);
            return Err(TrySendError::Full(intent));
        }
        let delivery = intent.delivery();
        let state = self.producer.lock();
        if state.admission.is_closed() {
            drop(state);
            self.producer.refuse(Admission::Closed);
            return Err(TrySendError::Closed(intent));
        }
        self.left -= 1;
        self.producer.fill(state, clock, delivery, intent, (None, None));
        Ok(())
    }
}

impl<I: Intent> Drop for Permits<I> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.producer.give_back(self.producer.queue.lock(), self.left, None);
        }
    }
}

impl<I: Intent> Producer<I> {
    /// Gives back slots that were taken and not used, and the lock; then wakes `next`, the waiter whose turn it is.
    pub(super) fn give_back(&self, mut state: MutexGuard<'_, State<I>>, slots: usize, next: Option<Waker>) {
        state.shares.release(self.lane, slots);
        // A waiter for these slots may have been granted more. If nothing is sent, no frame ends that would take it
        // back.
        self.give_back_credit(&mut state);
        let granted = if state.admission == Admission::Open { state.shares.regrant() } else { None };
        self.queue.hand_on(state, next.into_iter().chain(granted));
    }

    /// One step of a reservation: takes up to `most` slots if there is one, else leaves a waker behind.
    pub(super) fn poll_reserve(
        self: &Arc<Self>,
        most: usize,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Poll<Result<Permits<I>, Refusal>> {
        let mut state = self.lock();
        let is_closed = state.admission.is_closed();
        if most == 0 {
            // As tokio does it: a closed channel refuses that too.
            let none = || Permits { producer: Arc::clone(self), left: 0 };
            return Poll::Ready(if is_closed { Err(Refusal::Closed) } else { Ok(none()) });
        }
        let mut turn = if waiter_id.is_none() && !is_closed && self.take(&mut state) {
            Turn { state, granted: true, left: None, next: None }
        } else {
            match self.poll_turn(state, waiter_id, waker) {
                Some(turn) => turn,
                None => return Poll::Pending,
            }
        };
        let slots = if turn.granted { 1 + self.take_many(&mut turn.state, most - 1) } else { 0 };
        let Turn { state, granted, left, next } = turn;
        let admission = state.admission;
        drop(state);
        // Before anything foreign runs, which may panic: what is reserved is free again then.
        let permits = Permits { producer: Arc::clone(self), left: slots };
        let mut callbacks = Callbacks::default();
        callbacks.wake(next);
        callbacks.discard(left);
        callbacks.end();
        Poll::Ready(if granted { Ok(permits) } else { Err(self.refuse(admission)) })
    }
}

impl<I: Intent> fmt::Debug for Permits<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits").field("left", &self.left).finish_non_exhaustive()
    }
}
