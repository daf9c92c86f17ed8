//! The word to stop, for a send that waits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_util::sync::WaitForCancellationFuture;

use crate::lifecycle::run_token::RunToken;

/// Whether the run that sends was asked to stop; a sender that belongs to none never is.
#[derive(Default)]
pub(super) struct StopWait<'a> {
    run: Option<&'a RunToken>,
    /// Made by a send that has to wait: most never do.
    waiting: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
}

impl<'a> StopWait<'a> {
    #[inline]
    pub(super) fn new(run: Option<&'a RunToken>) -> Self {
        Self { run, waiting: None }
    }

    #[inline]
    pub(super) fn run(&self) -> Option<&'a RunToken> {
        self.run
    }

    /// Whether it was asked to stop; if not, the task that polls is woken when it is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(run) = self.run else { return false };
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(run.token().cancelled()));
        run.is_over() || matches!(waiting.as_mut().poll(cx), Poll::Ready(()))
    }
}
