//! One run of a worker: polled until it ends, or until it must be dropped.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::time::{Sleep, sleep};

use super::{
    cell::WorkerCell,
    task::{Running, guard},
};
use crate::lifecycle::{Cancel, Cause, Exit, RunToken, is_stop_error};

/// A run whose panics, including those of its drop, are caught where they arise.
pub(super) struct Generation<R: Running + ?Sized> {
    run: Option<Pin<Box<R>>>,
    cell: Arc<WorkerCell>,
    run_token: Arc<RunToken>,
    /// The grace period, which starts when a run that finishes by itself is cancelled.
    grace: Option<Pin<Box<Sleep>>>,
}

impl<R: Running + ?Sized> Generation<R> {
    pub(super) fn new(run: Pin<Box<R>>, cell: Arc<WorkerCell>, run_token: Arc<RunToken>) -> Self {
        Self { run: Some(run), cell, run_token, grace: None }
    }

    /// Polls the run. The caller must poll it again when the run is cancelled.
    #[inline]
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        // Checked first: a cancelled worker must not run on into errors of the closing queue.
        if self.run_token.is_over() {
            // A plain call that was cancelled since its run began is not made.
            if self.cell.run.cancel == Cancel::Drop || self.cell.run.kind.calls() {
                return self.over(Exit::Cancelled);
            }
            let grace = self.grace.get_or_insert_with(|| Box::pin(sleep(self.cell.run.grace)));
            if grace.as_mut().poll(cx).is_ready() {
                return self.over(Exit::Aborted);
            }
        }
        let Some(run) = self.run.as_mut() else { return Poll::Pending };
        let span = &self.run_token.span;
        match guard(&self.cell, || span.in_scope(|| run.as_mut().poll_exit(cx))) {
            Ok(Poll::Pending) => {
                self.cell.give_up_unanswered();
                Poll::Pending
            }
            Ok(Poll::Ready(exit)) => {
                let exit = as_asked(exit, &self.cell, &self.run_token);
                self.over(exit)
            }
            Err(panic) => self.over(Exit::Panicked(panic)),
        }
    }

    fn over(&mut self, exit: Exit) -> Poll<Exit> {
        self.discard();
        Poll::Ready(self.cell.with_last_words(exit))
    }

    /// Whether the next poll only drops the run, and no other follows.
    pub(super) fn is_done_for(&self) -> bool {
        self.cell.run.cancel == Cancel::Drop && self.run_token.cause().is_some_and(Cause::is_final)
    }

    fn discard(&mut self) {
        let Some(run) = self.run.take() else { return };
        if let Err(panic) = guard(&self.cell, || self.run_token.span.in_scope(|| drop(run))) {
            self.cell.leave_last_words(panic);
        }
        self.run_token.end();
    }
}

impl<R: Running + ?Sized> Drop for Generation<R> {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Counts a worker that returned because it was asked to stop as cancelled, including one that returned by `?` with an
/// error that says no more than that.
fn as_asked(exit: Exit, cell: &WorkerCell, run_token: &RunToken) -> Exit {
    match exit {
        Exit::Finished if run_token.is_over() => Exit::Cancelled,
        // During a shutdown the queue hands intents back to all workers, even those whose turn to stop has not come
        // yet.
        Exit::Failed(error) if run_token.is_over() || cell.is_panel_stopping() => {
            // The chain of sources is the user's code, and so is the drop of an error that is not reported.
            let judged = guard(cell, || {
                let stops = is_stop_error(&*error);
                if stops { Exit::Cancelled } else { Exit::Failed(error) }
            });
            judged.unwrap_or_else(Exit::Panicked)
        }
        exit => exit,
    }
}
