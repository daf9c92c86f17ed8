//! One run of a worker whose body is a plain call, on the thread that makes it.

use std::sync::Arc;

use super::{cell::WorkerCell, kinds::Body, run::as_asked, task::guard};
use crate::lifecycle::{Exit, RunToken};

/// A call whose panics are caught where they arise.
pub(super) struct Call {
    body: Option<Body>,
    cell: Arc<WorkerCell>,
    run_token: Arc<RunToken>,
}

impl Call {
    pub(super) fn new(body: Body, cell: Arc<WorkerCell>, run_token: Arc<RunToken>) -> Self {
        Self { body: Some(body), cell, run_token }
    }

    /// Makes the call, unless the run was cancelled since it began.
    pub(super) fn run(&mut self) -> Exit {
        if self.run_token.is_over() {
            self.discard();
            return Exit::Cancelled;
        }
        let Some(body) = self.body.take() else { return Exit::Aborted };
        self.run_token.enter();
        let exit = guard(&self.cell, || self.run_token.span.in_scope(body)).unwrap_or_else(Exit::Panicked);
        let exit = as_asked(exit, &self.cell, &self.run_token);
        self.run_token.end();
        exit
    }

    fn discard(&mut self) {
        self.run_token.end();
        let Some(body) = self.body.take() else { return };
        // The body holds the user's values.
        if let Err(panic) = guard(&self.cell, || self.run_token.span.in_scope(|| drop(body))) {
            self.cell.leave_last_words(panic);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.discard();
    }
}
