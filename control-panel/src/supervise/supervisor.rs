//! The tokio side of supervision: the `JoinSet` that owns every task, spawning, and shutting down.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    deadline::{Deadline, Moment, Raced, race},
    driver::{self, Ending, Plan, Start},
    panics,
    record::Record,
    registry::Registry,
    report::ShutdownReport,
};
use crate::worker::{WorkerHandle, WorkerStatus};

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
        let ending = Ending::new(Arc::clone(&record), Arc::clone(&self.registry));
        let mut tasks = self.tasks();
        // Finished tasks leave the set here, so that it holds no more than what lives and what ended since.
        while tasks.try_join_next().is_some() {}
        let abort = tasks.spawn_on(driver::drive(ending, plan, start), &self.runtime);
        drop(tasks);
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
        if !self.registry.is_stopped() {
            self.registry.begin_stop();
            self.root.cancel();
            refuse_waiting();
            if !self.ended_by(began.after(self.timeout.mul_f64(0.9))).await {
                self.registry.live().iter().for_each(|record| record.abort());
                self.ended_by(began.after(self.timeout)).await;
            }
            self.registry.finish_stop();
            close();
            self.reap();
        }
        let (workers, incidents) = self.registry.outcome();
        ShutdownReport { elapsed: began.elapsed(), workers, incidents }
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

    fn reap(&self) {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn began(&self) -> MutexGuard<'_, Option<Moment>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("workers", &self.registry.count()).finish_non_exhaustive()
    }
}
