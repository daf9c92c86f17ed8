//! Where a panel's workers run.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::{runtime::Handle, task::AbortHandle, time::Instant};

use super::{home::Home, local::Local};
use crate::util::{Mutex, deadline, tasks};

pub(super) struct Hosts {
    /// Runs the tasks of async workers, and has the blocking pool.
    pub(super) runtime: Handle,
    /// Runs the tasks of workers whose futures stay on one thread.
    pub(super) local: Local,
    sentinel: Sentinel,
}

/// Detects the end of the runtime for workers whose tasks it does not have.
#[derive(Default)]
struct Sentinel {
    set: AtomicBool,
    task: Mutex<Option<AbortHandle>>,
    gone: AtomicBool,
}

impl Hosts {
    pub(super) fn new(runtime: Handle, local: Local) -> Self {
        Self { runtime, local, sentinel: Sentinel::default() }
    }

    /// The current time of the runtime's clock.
    pub(super) fn now(&self) -> Instant {
        deadline::now(&self.runtime)
    }

    /// Called when a worker is about to begin whose task is not the runtime's. Returns whether the runtime is still
    /// there; a task of the panel's, dropped with it, reports when it goes.
    pub(super) fn watch_runtime(&self, registry: &Home) -> bool {
        if !self.sentinel.set.swap(true, Ordering::AcqRel) {
            let task = tasks::spawn(
                &self.runtime,
                "control-panel: end of the runtime",
                watch(OnDrop(registry.clone())),
            );
            *self.sentinel.task.lock() = Some(task);
        }
        !self.sentinel.gone.load(Ordering::Acquire)
    }

    pub(super) fn runtime_is_gone(&self) {
        self.sentinel.gone.store(true, Ordering::Release);
    }

    /// The end of the runtime no longer matters: ends the watching task.
    pub(super) fn watch_no_more(&self) {
        let task = self.sentinel.task.lock().take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

/// Dropped with the runtime that has it.
struct OnDrop(Home);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(registry) = self.0.upgrade() {
            registry.lose_runtime();
        }
    }
}

async fn watch(_until: OnDrop) {
    std::future::pending::<()>().await;
}
