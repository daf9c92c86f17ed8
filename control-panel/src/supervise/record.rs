//! One worker, as its handle and the panel see it.

use std::{
    borrow::Cow,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::watch, task::AbortHandle};
use tokio_util::sync::CancellationToken;

use super::exit::{Exit, PanicReport};
use crate::{queued::Origin, worker::WorkerStatus};

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: Cow<'static, str>,
    /// The source as its `Debug` shows it: a record knows no types of the user's.
    pub(crate) source: Box<str>,
    pub(crate) origin: Origin,
    pub(crate) cancel: CancellationToken,
    generation: AtomicU64,
    status: watch::Sender<WorkerStatus>,
    /// Set once the task exists.
    abort: OnceLock<AbortHandle>,
    /// A panic while the worker's future was being dropped, which no return value can carry.
    last_words: Mutex<Option<PanicReport>>,
}

impl Record {
    pub(crate) fn new(
        name: Cow<'static, str>,
        source: Box<str>,
        origin: Origin,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            name,
            source,
            origin,
            cancel,
            generation: AtomicU64::new(0),
            status: watch::Sender::new(WorkerStatus::Starting),
            abort: OnceLock::new(),
            last_words: Mutex::new(None),
        }
    }

    pub(crate) fn status(&self) -> WorkerStatus {
        self.status.borrow().clone()
    }

    pub(crate) fn set_status(&self, status: WorkerStatus) {
        self.status.send_replace(status);
    }

    /// Changes the status and wakes nobody yet: [`announce`](Self::announce) does. Returns the one before.
    pub(crate) fn set_status_quietly(&self, status: WorkerStatus) -> WorkerStatus {
        let mut exchanged = status;
        self.status.send_if_modified(|current| {
            std::mem::swap(current, &mut exchanged);
            false
        });
        exchanged
    }

    pub(crate) fn announce(&self) {
        self.status.send_modify(|_| ());
    }

    pub(crate) fn watch(&self) -> watch::Receiver<WorkerStatus> {
        self.status.subscribe()
    }

    /// 0 before the first run, then 1, 2, …
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    pub(crate) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn set_task(&self, abort: AbortHandle) {
        // Set once per record: a record is spawned once.
        self.abort.set(abort).ok();
    }

    /// Drops the worker at its next await, whatever it thinks of it.
    pub(crate) fn abort(&self) {
        if let Some(abort) = self.abort.get() {
            abort.abort();
        }
    }

    pub(crate) fn leave_last_words(&self, panic: PanicReport) {
        *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
    }

    /// The exit, unless the worker panicked while it was dropped.
    pub(crate) fn with_last_words(&self, exit: Exit) -> Exit {
        let panic = self.last_words.lock().unwrap_or_else(PoisonError::into_inner).take();
        match panic {
            Some(panic) if !exit.is_failure() => Exit::Panicked(panic),
            _ => exit,
        }
    }
}
