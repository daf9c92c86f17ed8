//! What a worker's task leaves behind: the drop of its arguments, and the report of its end.

use std::{mem, sync::Arc};

use super::{Start, guard};
use crate::{
    lifecycle::Exit,
    supervisor::{cell::WorkerCell, registry::Registry},
};

/// Drops the worker's arguments and reports its end to the registry, however it ended: also when its task is dropped, even
/// before it was first polled.
pub(super) struct Ending {
    /// The worker's factory with its arguments. These are the user's: their drop may panic. `None` once the end is reported.
    pub(super) start: Option<Start>,
    pub(super) cell: Arc<WorkerCell>,
    pub(super) registry: Arc<Registry>,
    /// Whether it was handed to one of the panel's own threads.
    pub(super) given: bool,
    polled: bool,
}

impl Ending {
    pub(super) fn new(start: Start, cell: Arc<WorkerCell>, registry: Arc<Registry>) -> Self {
        Self { start: Some(start), cell, registry, given: false, polled: false }
    }

    pub(super) fn polled(&mut self) {
        if !mem::replace(&mut self.polled, true) {
            self.registry.polled();
        }
    }

    /// The worker was stopped, and has ended.
    pub(super) fn end_with(&mut self, exit: Exit) {
        self.leave();
        let exit = self.cell.with_last_words(exit);
        self.registry.ended(&self.cell, exit);
    }

    pub(super) fn end(&mut self, otherwise: Exit) {
        self.leave();
        self.registry.left(&self.cell, otherwise);
    }

    /// Nothing of the worker is left after this.
    fn leave(&mut self) {
        if let Some(start) = self.start.take() {
            if let Err(panic) = guard(&self.cell, || drop(start)) {
                self.cell.leave_last_words(panic);
            }
        }
        self.cell.wake_flag.forget();
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.start.is_none() {
            return;
        }
        if self.given && !self.polled {
            self.polled();
        }
        if self.polled {
            self.end(Exit::Aborted);
        } else {
            self.leave();
            self.registry.never_polled(&self.cell);
        }
    }
}
