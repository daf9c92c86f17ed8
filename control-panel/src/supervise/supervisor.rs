//! The tokio side of supervision: the `JoinSet` that owns every task, spawning, and shutting down.

use std::{
    fmt, iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    deadline::{Deadline, Moment, Raced, race},
    driver::{Plan, Start, Task},
    panics,
    record::Record,
    registry::Registry,
    report::ShutdownReport,
};
use crate::worker::{WorkerHandle, WorkerStatus};

/// What a task that was aborted gets to end, even after the deadline.
const A_MOMENT: Duration = Duration::from_millis(10);

pub(crate) struct Supervisor {
    runtime: Handle,
    registry: Arc<Registry>,
    tasks: Mutex<JoinSet<()>>,
    /// The parent of every worker's token.
    root: CancellationToken,
    timeout: Duration,
    /// When the first shutdown began.
    began: Mutex<Option<Moment>>,
}

impl Supervisor {
    pub(crate) fn new(runtime: Handle, timeout: Duration) -> Self {
        panics::install();
        Self {
            runtime,
            registry: Arc::new(Registry::new()),
            tasks: Mutex::new(JoinSet::new()),
            root: CancellationToken::new(),
            timeout,
            began: Mutex::new(None),
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A token that every shutdown cancels.
    pub(crate) fn token(&self) -> CancellationToken {
        self.root.child_token()
    }

    pub(crate) fn spawn(&self, record: Arc<Record>, plan: Plan, start: Start) -> WorkerHandle {
        panics::install();
        if let Err(refusal) = self.registry.admit(&record) {
            record.set_status(WorkerStatus::Refused(refusal));
            return WorkerHandle::new(record);
        }
        // The parcel outlives the lock: a runtime that is gone drops what it is given at once, and the worker's
        // arguments, whose drop is the user's code, with it.
        let parcel = Arc::new(Mutex::new(Some(Task::new(&record, &self.registry, start))));
        let for_task = Arc::clone(&parcel);
        let mut tasks = self.tasks();
        let ended = reap(&mut tasks);
        let abort = tasks.spawn_on(
            async move {
                let task = for_task.lock().unwrap_or_else(PoisonError::into_inner).take();
                drop(for_task);
                if let Some(task) = task {
                    task.drive(plan).await;
                }
            },
            &self.runtime,
        );
        drop(tasks);
        drop((ended, parcel));
        record.set_task(abort);
        WorkerHandle::new(record)
    }

    /// Stops everybody. `refuse_waiting` is called once the workers know, `close` when all is over.
    ///
    /// Graceful, then abort, then abandon: workers are told to stop at once, dropped after nine tenths of the
    /// timeout, and named if their task still runs at the end of it.
    pub(crate) async fn shutdown(
        &self,
        refuse_waiting: impl FnOnce(),
        close: impl FnOnce(),
    ) -> ShutdownReport {
        let began = *self.began().get_or_insert_with(|| Moment::now(&self.runtime));
        if let Some(report) = self.registry.report() {
            return report;
        }
        self.registry.begin_stop();
        self.root.cancel();
        refuse_waiting();
        if !self.ended_by(began.after(self.timeout.mul_f64(0.9))).await {
            self.registry.live().iter().for_each(|record| record.abort());
            // Also when the deadline is over already: whoever is dropped needs a moment to be.
            let a_moment = Moment::now(&self.runtime).after(A_MOMENT);
            self.ended_by(began.after(self.timeout).max(a_moment)).await;
        }
        let report = self.registry.finish_stop(began.elapsed());
        close();
        let ended = reap(&mut self.tasks());
        drop(ended);
        report
    }

    async fn ended_by(&self, at: Moment) -> bool {
        let ended = race(self.registry.all_ended(), Deadline::new(&self.runtime, at)).await;
        matches!(ended, Raced::First(()))
    }

    /// The panel is gone: tells every worker, aborts every task, waits for nobody.
    pub(crate) fn drop_all(&self) {
        self.registry.begin_stop();
        self.root.cancel();
        let tasks = std::mem::take(&mut *self.tasks());
        drop(tasks);
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self) -> MutexGuard<'_, Option<Moment>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finished tasks leave the set, so that it holds no more than what lives and what ended since. What they left
/// behind is handed out, to be dropped without the lock.
fn reap(tasks: &mut JoinSet<()>) -> Vec<Result<(), JoinError>> {
    iter::from_fn(|| tasks.try_join_next()).collect()
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("workers", &self.registry.count()).finish_non_exhaustive()
    }
}
