//! What is under way: the futures that [`IntentSender`](super::IntentSender)'s methods return.

use std::{
    collections::VecDeque,
    future::Future,
    mem::{self, ManuallyDrop},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    task::coop::{self, RestoreOnPending},
    time::Sleep,
};

use super::stop_wait::StopWait;
use crate::{
    intent::{Intent, order::clock_from},
    lifecycle::{error::SendError, run_token::RunToken},
    queue::{
        Producer,
        permits::{Permits, Reserve},
        producer::{Refusal, Step},
        waiters::WaiterId,
    },
};

/// A send under way. It owns its intent until the queue does.
// The intent first: beside the number of a waiter, which most sends never have, that would be copied with it.
#[repr(C)]
pub(super) struct Sending<'a, I: Intent> {
    intent: Option<I>,
    producer: &'a Producer<I>,
    /// Dropped by hand: most sends never wait, and their drop is to be no call. It has something to drop only in the line.
    stop: ManuallyDrop<StopWait<'a>>,
    waiter_id: Option<WaiterId>,
}

impl<'a, I: Intent> Sending<'a, I> {
    /// The send of a run waits only until that is asked to stop.
    #[inline]
    pub(super) fn new(run: Option<&'a RunToken>, producer: &'a Producer<I>, intent: I) -> Self {
        let stop = ManuallyDrop::new(StopWait::new(run));
        Self { producer, intent: Some(intent), waiter_id: None, stop }
    }

    /// Whatever is not sent into a prepaid slot.
    #[inline(never)]
    fn poll_unusual(
        &mut self,
        cx: &mut Context<'_>,
        coop: &RestoreOnPending,
        clock: Option<u64>,
    ) -> Poll<Result<(), SendError<I>>> {
        let Some(clock) = clock_from(clock).filter(|_| self.intent.is_some()) else {
            coop.made_progress();
            return Poll::Ready(
                self.intent.take().map_or(Ok(()), |intent| Err(SendError::ZeroClock(intent))),
            );
        };
        // A caller that unwinds out of this drops it.
        let mut waits = ManuallyDrop::into_inner(mem::take(&mut self.stop));
        let step =
            self.producer.poll_send_of(waits.run(), clock, &mut self.intent, &mut self.waiter_id, cx.waker());
        let refusal = match step {
            // Only now: what there is room for is taken, whether or not the worker was asked to stop.
            Step::Wait if waits.poll(cx) => {
                self.producer.give_up(self.waiter_id.take());
                Some(Refusal::Stopping)
            }
            Step::Wait => {
                self.stop = ManuallyDrop::new(waits);
                return Poll::Pending;
            }
            Step::Sent => None,
            Step::Refused(refusal) => Some(refusal),
        };
        coop.made_progress();
        Poll::Ready(match (refusal, self.intent.take()) {
            (None, _) | (_, None) => Ok(()),
            (Some(Refusal::Closed), Some(intent)) => Err(SendError::Closed(intent)),
            (Some(Refusal::Ended), Some(intent)) => Err(SendError::Ended(intent)),
            (Some(Refusal::Full | Refusal::Stopping), Some(intent)) => Err(SendError::Stopping(intent)),
        })
    }

    /// Gives up: `None` if the intent was sent already.
    #[cold]
    pub(super) fn give_up(&mut self) -> Option<I> {
        // First, as leaving the list may wake another waiter, whose waker may panic.
        drop(ManuallyDrop::into_inner(mem::take(&mut self.stop)));
        if let Some(waiter_id) = self.waiter_id.take() {
            self.producer.leave(waiter_id);
        }
        self.intent.take()
    }
}

// Nothing in it is pinned.
impl<I: Intent> Unpin for Sending<'_, I> {}

impl<I: Intent> Future for Sending<'_, I> {
    type Output = Result<(), SendError<I>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        let clock = this.intent.as_ref().and_then(Intent::clock);
        if this.waiter_id.is_none()
            && clock.is_none()
            && this.producer.send_prepaid(this.stop.run(), &mut this.intent)
        {
            // As `made_progress`, without the call of its drop.
            mem::forget(coop);
            return Poll::Ready(Ok(()));
        }
        this.poll_unusual(cx, &coop, clock)
    }
}

impl<I: Intent> Drop for Sending<'_, I> {
    #[inline]
    fn drop(&mut self) {
        if self.waiter_id.is_some() {
            self.give_up();
        }
    }
}

/// Sends from the front of a deque. An intent leaves it only to be sent, and comes back if it is not.
pub(super) struct SendingMany<'a, 'b, I: Intent> {
    producer: &'a Producer<I>,
    intents: &'b mut VecDeque<I>,
    sending: Option<Sending<'a, I>>,
    run: Option<&'a RunToken>,
}

impl<'a, 'b, I: Intent> SendingMany<'a, 'b, I> {
    pub(super) fn new(
        run: Option<&'a RunToken>,
        producer: &'a Producer<I>,
        intents: &'b mut VecDeque<I>,
    ) -> Self {
        Self { producer, intents, sending: None, run }
    }
}

impl<I: Intent> Future for SendingMany<'_, '_, I> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.sending.is_none() && this.intents.is_empty() {
            // As if something had been sent: a loop of these must let others have their turn too.
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        loop {
            let sending = match &mut this.sending {
                Some(sending) => sending,
                none => {
                    let Some(intent) = this.intents.pop_front() else { return Poll::Ready(Ok(())) };
                    none.insert(Sending::new(this.run, this.producer, intent))
                }
            };
            let sent = ready!(Pin::new(sending).poll(cx));
            this.sending = None;
            if let Err(refused) = sent {
                let (reason, intent) = refused.split();
                this.intents.push_front(intent);
                return Poll::Ready(Err(reason));
            }
        }
    }
}

impl<I: Intent> Drop for SendingMany<'_, '_, I> {
    fn drop(&mut self) {
        if let Some(mut sending) = self.sending.take() {
            // First: leaving the list may wake another waiter, whose waker may panic.
            sending.intent.take().into_iter().for_each(|intent| self.intents.push_front(intent));
        }
    }
}

/// A reservation under way.
pub(super) struct Reserving<'a, I: Intent> {
    producer: &'a Arc<Producer<I>>,
    waiter_id: Option<WaiterId>,
    most: usize,
    stop: StopWait<'a>,
}

impl<'a, I: Intent> Reserving<'a, I> {
    /// The reservation of a run waits only until that is asked to stop.
    pub(super) fn new(run: Option<&'a RunToken>, producer: &'a Arc<Producer<I>>, most: usize) -> Self {
        Self { producer, waiter_id: None, most, stop: StopWait::new(run) }
    }
}

// Nothing in it is pinned.
impl<I: Intent> Unpin for Reserving<'_, I> {}

impl<I: Intent> Future for Reserving<'_, I> {
    type Output = Result<Permits<I>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        // One that has ended reserves nothing; that the panel is closed comes first.
        let ended = this.stop.run().is_some_and(RunToken::has_ended);
        let most = if ended { 0 } else { this.most };
        let reserved = match this.producer.poll_reserve(most, &mut this.waiter_id, cx.waker()) {
            Reserve::Slots(_) if ended => {
                this.producer.give_up(this.waiter_id.take());
                Err(SendError::Ended(()))
            }
            // Only now: what there is room for is taken, whether or not the worker was asked to stop.
            Reserve::Wait if this.stop.poll(cx) => {
                this.producer.give_up(this.waiter_id.take());
                Err(SendError::Stopping(()))
            }
            Reserve::Wait => return Poll::Pending,
            Reserve::Slots(slots) => Ok(Permits::new(Arc::clone(this.producer), slots)),
            Reserve::Refused(Refusal::Closed) => Err(SendError::Closed(())),
            Reserve::Refused(Refusal::Ended) => Err(SendError::Ended(())),
            Reserve::Refused(Refusal::Full | Refusal::Stopping) => Err(SendError::Stopping(())),
        };
        coop.made_progress();
        Poll::Ready(reserved)
    }
}

impl<I: Intent> Drop for Reserving<'_, I> {
    fn drop(&mut self) {
        if let Some(waiter_id) = self.waiter_id.take() {
            self.producer.leave(waiter_id);
        }
    }
}

/// A send under way with a deadline. The timer is made only when there is something to wait for.
pub(super) struct SendingFor<'a, I: Intent> {
    pub(super) sending: Sending<'a, I>,
    pub(super) timeout: Duration,
    pub(super) sleep: Option<Pin<Box<Sleep>>>,
}

impl<I: Intent> Future for SendingFor<'_, I> {
    type Output = Result<(), SendError<I>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(sent) = Pin::new(&mut this.sending).poll(cx) {
            return Poll::Ready(sent);
        }
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(this.sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))))
    }
}
