//! Slots reserved before there is an intent for them.

use std::{fmt, mem, sync::Arc, task::Waker};

use super::{
    Admission, Producer, State,
    producer::Refusal,
    waiters::{Standing, WaiterId},
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

/// What a step of a reservation came to.
#[derive(Debug)]
pub(super) enum Reserve {
    Slots(usize),
    Wait,
    Refused(Refusal),
}

impl<I: Intent> Permits<I> {
    pub(super) fn new(producer: Arc<Producer<I>>, left: usize) -> Self {
        Self { producer, left }
    }

    /// How many slots are left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Sends an intent in one of the slots; never waits. The slot of a `latest` intent that replaces a queued one is
    /// free again at once.
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
        let mut state = self.producer.lock();
        if state.admission.is_closed() {
            drop(state);
            self.producer.refuse(Admission::Closed);
            return Err(TrySendError::Closed(intent));
        }
        self.left -= 1;
        if let Some(place) = self.producer.replaces(&mut state, clock, delivery) {
            let older = mem::replace(place, intent);
            let mut callbacks = Callbacks::default();
            callbacks.call(|| self.producer.give_back(state, 1, None));
            callbacks.discard([older]);
            callbacks.end();
        } else {
            self.producer.accept(state, clock, delivery, intent);
        }
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

/// Slots on their way to the caller that reserves them: a waker that panics meanwhile must not keep them.
struct Held<'a, I: Intent> {
    producer: &'a Producer<I>,
    slots: usize,
}

impl<I: Intent> Drop for Held<'_, I> {
    fn drop(&mut self) {
        if self.slots > 0 {
            self.producer.give_back(self.producer.queue.lock(), self.slots, None);
        }
    }
}

impl<I: Intent> Producer<I> {
    /// Gives back slots that were taken and not used, and the lock; then wakes `next`, the waiter whose turn it is.
    pub(super) fn give_back(&self, mut state: MutexGuard<'_, State<I>>, slots: usize, next: Option<Waker>) {
        state.shares.free(self.lane, slots);
        // A waiter for these slots may have been granted more. If nothing is sent, no frame ends that would take it
        // back.
        self.give_back_credit(&mut state);
        let granted = if state.admission == Admission::Open { state.shares.regrant() } else { None };
        self.queue.hand_on(state, next.into_iter().chain(granted));
    }

    /// One step of a reservation: takes up to `most` slots if there is one, else leaves a waker behind.
    pub(super) fn poll_reserve(
        &self,
        most: usize,
        waiter_id: &mut Option<WaiterId>,
        waker: &Waker,
    ) -> Reserve {
        let mut state = self.lock();
        if most == 0 {
            // As tokio does it: a closed channel refuses that too.
            return if state.admission.is_closed() {
                Reserve::Refused(Refusal::Closed)
            } else {
                Reserve::Slots(0)
            };
        }
        let (mut unneeded, mut next) = (None, None);
        let first = match *waiter_id {
            None => !state.admission.is_closed() && self.take(&mut state),
            Some(waiting) => match state.shares.standing(waiting) {
                Standing::Waiting => {
                    let before = state.shares.exchange(waiting, waker.clone());
                    drop(state);
                    drop(before);
                    return Reserve::Wait;
                }
                Standing::Granted => {
                    (unneeded, next) = self.claim(&mut state, waiting);
                    true
                }
                Standing::Dismissed => {
                    self.figures.end_wait();
                    unneeded = state.shares.leave(self.lane, waiting).0;
                    self.queue.publish(&state);
                    false
                }
            },
        };
        *waiter_id = None;
        if !first && state.admission == Admission::Open {
            self.wait(state, waiter_id, waker);
            return Reserve::Wait;
        }
        let slots = if first { 1 + self.take_many(&mut state, most - 1) } else { 0 };
        let admission = state.admission;
        drop(state);
        let mut held = Held { producer: self, slots };
        let mut callbacks = Callbacks::default();
        callbacks.wake(next);
        callbacks.discard(unneeded);
        callbacks.end();
        if first {
            Reserve::Slots(mem::take(&mut held.slots))
        } else {
            Reserve::Refused(self.refuse(admission))
        }
    }
}

impl<I: Intent> fmt::Debug for Permits<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits").field("left", &self.left).finish_non_exhaustive()
    }
}
