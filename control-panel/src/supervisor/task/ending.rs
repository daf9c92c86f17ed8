//! What a worker's task leaves behind: the drop of its arguments, and the report of its end.

use std::{mem, sync::Arc};

use super::{Start, guard};
use crate::{
    lifecycle::Exit,
    supervisor::{cell::WorkerCell, registry::Registry},
};

/// The worker's factory with its arguments. These are the user's: their drop may panic.
pub(super) struct Parcel {
    pub(super) start: Option<Start>,
    cell: Arc<WorkerCell>,
}

impl Parcel {
    pub(super) fn new(start: Start, cell: Arc<WorkerCell>) -> Self {
        Self { start: Some(start), cell }
    }

    pub(super) fn discard(&mut self) {
        let Some(start) = self.start.take() else { return };
        if let Err(panic) = guard(&self.cell, || drop(start)) {
            self.cell.leave_last_words(panic);
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Reports the worker's end to the registry, however it ended: also when its task is dropped, even before it was first
/// polled.
pub(super) struct Ending {
    pub(super) cell: Arc<WorkerCell>,
    pub(super) registry: Arc<Registry>,
    /// Whether it was handed to one of the panel's own threads.
    pub(super) given: bool,
    polled: bool,
    reported: bool,
}

impl Ending {
    pub(super) fn new(cell: Arc<WorkerCell>, registry: Arc<Registry>) -> Self {
        Self { cell, registry, given: false, polled: false, reported: false }
    }

    pub(super) fn polled(&mut self) {
        if !mem::replace(&mut self.polled, true) {
            self.registry.polled();
        }
    }

    /// The worker was stopped, and has ended.
    pub(super) fn end_with(&mut self, exit: Exit) {
        let exit = self.cell.with_last_words(exit);
        self.reported = true;
        self.cell.wake_flag.forget();
        self.registry.ended(&self.cell, exit);
    }

    pub(super) fn end(&mut self, otherwise: Exit) {
        self.reported = true;
        self.cell.wake_flag.forget();
        self.registry.left(&self.cell, otherwise);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.reported {
            return;
        }
        if self.given && !self.polled {
            self.polled();
        }
        if self.polled {
            self.end(Exit::Aborted);
        } else {
            self.registry.never_polled(&self.cell);
        }
    }
}
