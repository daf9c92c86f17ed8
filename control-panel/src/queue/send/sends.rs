//! Every way of sending, written once: [`IntentSender`](crate::IntentSender) and [`Context`](crate::Context) call these and document them.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use tokio::task::coop;

use super::{futures::Sending, stop_wait::StopWait};
use crate::{
    intent::Intent,
    lifecycle::{
        error::{SendError, TrySendError},
        run_token::RunToken,
    },
    queue::{Permits, Producer, producer::Refusal, waiters::WaiterId},
    util::park,
};

/// A producer's sends, or those of one run of its worker. A run's sends do not wait once it was asked to stop, and are refused
/// once it has ended.
pub(crate) struct Sends<'a, I: Intent> {
    producer: &'a Arc<Producer<I>>,
    run: Option<&'a RunToken>,
}

impl<'a, I: Intent> Sends<'a, I> {
    #[inline]
    pub(super) fn new(producer: &'a Arc<Producer<I>>, run: Option<&'a RunToken>) -> Self {
        Self { producer, run }
    }

    #[inline]
    pub(super) fn sending(self, intent: I) -> Sending<'a, I> {
        Sending::new(self.run, self.producer, intent)
    }

    // Not an `async fn`, which would move the intent once more.
    #[inline]
    pub(crate) fn send(self, intent: I) -> impl Future<Output = Result<(), SendError<I>>> + use<'a, I> {
        self.sending(intent)
    }

    /// The timer is made only when there is something to wait for.
    pub(crate) async fn send_timeout(self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        let (mut sending, mut sleep) = (self.sending(intent), None);
        poll_fn(|cx| {
            if let Poll::Ready(sent) = Pin::new(&mut sending).poll(cx) {
                return Poll::Ready(sent);
            }
            let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
            ready!(sleep.as_mut().poll(cx));
            Poll::Ready(sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))))
        })
        .await
    }

    #[track_caller]
    pub(crate) fn send_blocking(self, intent: I) -> Result<(), SendError<I>> {
        park::assert_may_block("send_blocking", "`send(…).await`");
        park::wait(self.sending(intent))
    }

    /// Parks this thread until the send is done, or the time is over.
    #[track_caller]
    pub(crate) fn send_blocking_timeout(self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        park::assert_may_block("send_blocking_timeout", "`send_timeout(…).await`");
        let mut sending = self.sending(intent);
        match park::wait_for(&mut sending, timeout) {
            Some(sent) => sent,
            None => sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))),
        }
    }

    #[inline(always)]
    pub(crate) fn try_send(self, intent: I) -> Result<(), TrySendError<I>> {
        match self.producer.try_send_of(self.run, intent) {
            Err(TrySendError::Full(intent)) if self.run.is_some_and(RunToken::is_over) => {
                Err(TrySendError::Stopping(intent))
            }
            sent => sent,
        }
    }

    pub(crate) async fn send_many(self, intents: &mut VecDeque<I>) -> Result<(), SendError<()>> {
        if intents.is_empty() {
            // As if something had been sent: a loop of these must let others have their turn too.
            coop::consume_budget().await;
        }
        while let Some(intent) = intents.pop_front() {
            let mut first = First { sending: Sending::new(self.run, self.producer, intent), intents };
            if let Err(refused) = (&mut first.sending).await {
                let (reason, intent) = refused.split();
                first.intents.push_front(intent);
                return Err(reason);
            }
        }
        Ok(())
    }

    pub(crate) async fn reserve_many(self, most: usize) -> Result<Permits<I>, SendError<()>> {
        let Self { producer, run } = self;
        let mut stop = StopWait::new(run);
        let mut place = Place { producer, waiter_id: None };
        poll_fn(|cx| {
            let coop = ready!(coop::poll_proceed(cx));
            let waiter_id = &mut place.waiter_id;
            // One that has ended reserves nothing; that the panel is closed comes first.
            let ended = run.is_some_and(RunToken::has_ended);
            let reserved = match producer.poll_reserve(if ended { 0 } else { most }, waiter_id, cx.waker()) {
                Poll::Ready(Ok(_)) if ended => {
                    producer.give_up(waiter_id.take());
                    Err(Refusal::Ended)
                }
                // Only now: what there is room for is taken, whether or not the worker was asked to stop.
                Poll::Pending if stop.poll(cx) => {
                    producer.give_up(waiter_id.take());
                    Err(Refusal::Stopping)
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(reserved) => reserved,
            };
            coop.made_progress();
            Poll::Ready(reserved.map_err(|refusal| refusal.with(())))
        })
        .await
    }
}

/// The first of a deque, on its way. It comes back if it is not sent.
struct First<'a, 'b, I: Intent> {
    sending: Sending<'a, I>,
    intents: &'b mut VecDeque<I>,
}

impl<I: Intent> Drop for First<'_, '_, I> {
    fn drop(&mut self) {
        // Before the send is dropped: leaving the list may wake another waiter, whose waker may panic.
        self.sending.intent.take().into_iter().for_each(|intent| self.intents.push_front(intent));
    }
}

/// A reservation's place among the waiters.
struct Place<'a, I: Intent> {
    producer: &'a Producer<I>,
    waiter_id: Option<WaiterId>,
}

impl<I: Intent> Drop for Place<'_, I> {
    fn drop(&mut self) {
        self.waiter_id.take().into_iter().for_each(|waiter_id| self.producer.leave(waiter_id));
    }
}
