//! A send under way: the future that [`IntentSender::send`](super::IntentSender::send) returns.

use std::{
    future::Future,
    mem::{self, ManuallyDrop},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::coop::{self, RestoreOnPending};

use super::stop_wait::StopWait;
use crate::{
    intent::{Intent, order::clock_from},
    lifecycle::{error::SendError, run_token::RunToken},
    queue::{Producer, producer::Refusal, waiters::WaiterId},
};

/// A send under way. It owns its intent until the queue does.
// The intent first: beside the number of a waiter, which most sends never have, that would be copied with it.
#[repr(C)]
pub(super) struct Sending<'a, I: Intent> {
    pub(super) intent: Option<I>,
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
        let Self { intent, producer, waiter_id, .. } = self;
        let sent = match producer.poll_send(waits.run(), clock, intent, waiter_id, cx.waker()) {
            // Only now: what there is room for is taken, whether or not the worker was asked to stop.
            Poll::Pending if waits.poll(cx) => {
                producer.give_up(waiter_id.take());
                Err(Refusal::Stopping)
            }
            Poll::Pending => {
                self.stop = ManuallyDrop::new(waits);
                return Poll::Pending;
            }
            Poll::Ready(sent) => sent,
        };
        coop.made_progress();
        Poll::Ready(match (sent, self.intent.take()) {
            (Err(refusal), Some(intent)) => Err(refusal.with(intent)),
            _ => Ok(()),
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
