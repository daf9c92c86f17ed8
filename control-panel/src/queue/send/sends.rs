//! Every way of sending, written once: [`IntentSender`](crate::IntentSender) and [`Context`](crate::Context) call these and document them.

use std::{collections::VecDeque, future::Future, sync::Arc, time::Duration};

use super::futures::{Reserving, Sending, SendingFor, SendingMany};
use crate::{
    intent::Intent,
    lifecycle::{
        error::{SendError, TrySendError},
        run_token::RunToken,
    },
    queue::{Permits, Producer},
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

    #[inline]
    pub(crate) fn send_timeout(
        self,
        intent: I,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendError<I>>> + use<'a, I> {
        SendingFor { sending: self.sending(intent), timeout, sleep: None }
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

    #[inline]
    pub(crate) fn send_many<'b>(
        self,
        intents: &'b mut VecDeque<I>,
    ) -> impl Future<Output = Result<(), SendError<()>>> + use<'a, 'b, I> {
        SendingMany::new(self.run, self.producer, intents)
    }

    #[inline]
    pub(crate) fn reserve_many(
        self,
        most: usize,
    ) -> impl Future<Output = Result<Permits<I>, SendError<()>>> + use<'a, I> {
        Reserving::new(self.run, self.producer, most)
    }
}
