//! The word to stop, for a send that waits.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_util::sync::WaitForCancellationFuture;

use crate::lifecycle::run_token::RunToken;

/// Whether the generation that sends was told to stop; of a sender that belongs to none, nobody ever is.
#[derive(Default)]
pub(super) struct Told<'a> {
    term: Option<&'a RunToken>,
    /// Made by a send that has to wait: most never do.
    waiting: Option<Pin<Box<WaitForCancellationFuture<'a>>>>,
}

impl<'a> Told<'a> {
    #[inline]
    pub(super) fn of(term: &'a RunToken) -> Self {
        Self { term: Some(term), waiting: None }
    }

    #[inline]
    pub(super) fn term(&self) -> Option<&'a RunToken> {
        self.term
    }

    /// Whether it was told; else whoever polls is woken when it is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(term) = self.term else { return false };
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(term.token().cancelled()));
        term.is_over() || matches!(waiting.as_mut().poll(cx), Poll::Ready(()))
    }
}
