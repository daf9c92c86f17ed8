//! A worker's status, and the tasks that await its end.

use std::{
    mem,
    pin::pin,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

use crate::{lifecycle::WorkerStatus, util::Mutex};

pub(crate) struct StatusCell {
    /// With when it became that.
    status: Mutex<(WorkerStatus, Instant)>,
    /// Whether it was read while it was not `Running`. Written under the lock of `status`.
    seen: AtomicBool,
    /// Notifies tasks that await the worker's end. Allocated by the first of them; most workers have none.
    changed: OnceLock<Box<Notify>>,
}

impl StatusCell {
    pub(super) fn starting(now: Instant) -> Self {
        let status = Mutex::new((WorkerStatus::Starting, now));
        Self { status, seen: AtomicBool::new(false), changed: OnceLock::new() }
    }

    pub(super) fn get(&self) -> WorkerStatus {
        let (status, _) = &*self.status.lock();
        if !matches!(status, WorkerStatus::Running) {
            self.seen.store(true, Ordering::Relaxed);
        }
        status.clone()
    }

    /// The status and since when, for an observer, whose look wakes no loop later.
    pub(in crate::supervisor) fn observe(&self) -> (WorkerStatus, Instant) {
        self.status.lock().clone()
    }

    /// Changes the status without waking anything: [`announce`](Self::announce) does. Returns the previous status, and
    /// whether that was read while it was not `Running`.
    pub(in crate::supervisor) fn set(&self, status: WorkerStatus, now: Instant) -> (WorkerStatus, bool) {
        let (current, since) = &mut *self.status.lock();
        let seen = self.seen.load(Ordering::Relaxed);
        if seen {
            self.seen.store(false, Ordering::Relaxed);
        }
        *since = now;
        (mem::replace(current, status), seen)
    }

    /// Whether the end was ever awaited. Checked after the status is set: a task that starts to wait later sees that
    /// status.
    pub(in crate::supervisor) fn is_awaited(&self) -> bool {
        self.changed.get().is_some()
    }

    /// Wakes the tasks that await the end.
    pub(in crate::supervisor) fn announce(&self) {
        if let Some(changed) = self.changed.get() {
            changed.notify_waiters();
        }
    }

    /// Resolves once the worker has ended or was refused.
    pub(crate) async fn ended(&self) -> WorkerStatus {
        let changed = self.changed.get_or_init(Box::default);
        loop {
            let mut notified = pin!(changed.notified());
            notified.as_mut().enable();
            // After `enable`, any later change wakes this task.
            let status = self.get();
            if status.is_final() {
                return status;
            }
            notified.await;
        }
    }
}
