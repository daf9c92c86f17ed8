//! The sends of one generation of a worker, behind [`Context`](crate::Context): those of [`IntentSender`], but that they do not
//! wait once the generation was told to stop, and are refused once it has ended.

use std::{collections::VecDeque, future::Future, time::Duration};

use super::{
    IntentSender,
    futures::{Reserving, Sending, SendingFor, SendingMany},
};
use crate::{
    intent::Intent,
    lifecycle::{
        error::{SendError, TrySendError},
        run_token::RunToken,
    },
    queue::Permits,
    util::park,
};

impl<I: Intent> IntentSender<I> {
    #[inline]
    pub(crate) fn send_in<'a>(
        &'a self,
        term: &'a RunToken,
        intent: I,
    ) -> impl Future<Output = Result<(), SendError<I>>> {
        Sending::of(term, &self.port, intent)
    }

    pub(crate) async fn send_timeout_in(
        &self,
        term: &RunToken,
        intent: I,
        timeout: Duration,
    ) -> Result<(), SendError<I>> {
        SendingFor { sending: Sending::of(term, &self.port, intent), timeout, sleep: None }.await
    }

    #[track_caller]
    pub(crate) fn send_blocking_in(&self, term: &RunToken, intent: I) -> Result<(), SendError<I>> {
        may_block();
        park::wait(Sending::of(term, &self.port, intent))
    }

    #[track_caller]
    pub(crate) fn send_blocking_timeout_in(
        &self,
        term: &RunToken,
        intent: I,
        timeout: Duration,
    ) -> Result<(), SendError<I>> {
        may_block_for();
        wait_for(Sending::of(term, &self.port, intent), timeout)
    }

    pub(crate) async fn send_many_in(
        &self,
        term: &RunToken,
        intents: &mut VecDeque<I>,
    ) -> Result<(), SendError<()>> {
        SendingMany::new(Some(term), &self.port, intents).await
    }

    pub(crate) async fn reserve_many_in(
        &self,
        term: &RunToken,
        most: usize,
    ) -> Result<Permits<I>, SendError<()>> {
        Reserving::of(term, &self.port, most).await
    }

    #[inline(always)]
    pub(crate) fn try_send_in(&self, term: &RunToken, intent: I) -> Result<(), TrySendError<I>> {
        match self.port.try_send_in(Some(term), intent) {
            Err(TrySendError::Full(intent)) if term.is_over() => Err(TrySendError::Stopping(intent)),
            sent => sent,
        }
    }
}

#[track_caller]
pub(super) fn may_block() {
    park::assert_may_block("send_blocking", "`send(…).await`");
}

#[track_caller]
pub(super) fn may_block_for() {
    park::assert_may_block("send_blocking_timeout", "`send_timeout(…).await`");
}

/// Parks this thread until the send is done, or the time is over.
pub(super) fn wait_for<I: Intent>(
    mut sending: Sending<'_, I>,
    timeout: Duration,
) -> Result<(), SendError<I>> {
    match park::wait_for(&mut sending, timeout) {
        Some(sent) => sent,
        None => sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))),
    }
}
