//! Supervision: every task is owned, every exit is reported. This file spawns workers and shuts them down.
//!
//! Each task is owned by its worker's cell, which the registry holds from before the task is spawned until nothing of
//! the worker is left. The protocol, with each race by name, is in `README.md` beside this file.
//!
//! | file | what |
//! |---|---|
//! | `machine` | what happens next, and to which worker: pure |
//! | `options` | a worker's options, from the macro or the builder to the machine and the cell |
//! | `registry` | all workers of a panel: the machine and its cells, under one lock |
//! | `combiner` | flat combining: threads publish their exits, and whichever holds the lock applies them all |
//! | `origin_map` | living workers, by origin |
//! | `task`, `run` | a worker's task, and one run of it |
//! | `hosts`, `kinds`, `local`, `off_task` | where tasks are polled: on a runtime, on threads |
//! | `cell`, `gate_cell`, `inbox_cell`, `home` | one worker, as its handle and its context see it, and the registry it belongs to |
//! | `wake_flag` | wakes a worker's task |
//! | `events`, `report` | the event log, and what a shutdown reports |
//! | `notable` | what a sleeping loop is woken for: pure |
//! | `observed` | the living workers, for an observer |
//! | `activity` | which worker each thread runs right now |
//! | `watchdog` | which workers are stuck: pure |
//! | `unpolled` | workers that no thread polls |
//! | `watch_limits` | what the watchdog watches in a panel, and what follows from its findings |

mod activity;
pub(crate) mod cell;
mod combiner;
pub(crate) mod events;
pub(crate) mod gate_cell;
pub(crate) mod home;
mod hosts;
pub(crate) mod inbox_cell;
pub(crate) mod kinds;
pub(crate) mod local;
pub(crate) mod machine;
pub(crate) mod notable;
pub(crate) mod observed;
mod off_task;
pub(crate) mod options;
pub(crate) mod origin_map;
pub(crate) mod registry;
pub(crate) mod report;
mod run;
pub(crate) mod task;
pub(crate) mod unpolled;
mod wake_flag;
pub(crate) mod watch_limits;
pub(crate) mod watchdog;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::runtime::Handle;

use self::{
    cell::WorkerCell,
    hosts::Hosts,
    local::Local,
    machine::{ChildSpec, GroupId, GroupSpec},
    notable::Wakes,
    registry::{OnChange, Registry},
    report::ShutdownReport,
    task::{Start, Task},
};
use crate::{
    lifecycle::{Cause, RunToken, SpawnError, WorkerStatus},
    util::{Moment, Mutex, Name, Raced, deadline, panics, race},
};

/// How long an aborted task may take to end, even after the deadline.
const A_MOMENT: Duration = Duration::from_millis(10);

pub(crate) struct Supervisor {
    registry: Arc<Registry>,
    /// The run token of contexts that belong to no worker.
    run_token: Arc<RunToken>,
    timeout: Duration,
    /// When the first shutdown began.
    began: Mutex<Option<Moment>>,
    /// The next number for a group or pool.
    numbers: AtomicU64,
}

/// A worker that is about to be spawned.
pub(crate) struct PendingWorker {
    pub(crate) cell: Arc<WorkerCell>,
    pub(crate) spec: ChildSpec,
    pub(crate) start: Start,
}

impl Supervisor {
    pub(crate) fn new(
        panel: &str,
        runtime: Handle,
        timeout: Duration,
        on_change: OnChange,
        wakes: Wakes,
    ) -> Self {
        panics::install();
        Self {
            registry: Arc::new(Registry::new(
                Name::from(panel.to_owned()),
                Hosts::new(runtime, Local::new(panel)),
                on_change,
                wakes,
            )),
            run_token: Arc::default(),
            timeout,
            began: Mutex::new(None),
            numbers: AtomicU64::new(0),
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.registry.hosts.runtime
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The run token that is cancelled when the panel shuts down.
    pub(crate) fn run_token(&self) -> &Arc<RunToken> {
        &self.run_token
    }

    /// Returns a number that no other group or pool of this panel has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn spawn(&self, pending: PendingWorker) {
        panics::install();
        let PendingWorker { cell, spec, start } = pending;
        let has_place = spec.place.is_some();
        match self.registry.admit(&cell, spec) {
            Ok(()) if has_place => {
                self.registry.start_in_turn(&cell, Task::new(&cell, &self.registry, start));
            }
            Ok(()) => self.start(&cell, start),
            Err(refusal) => self.registry.refuse(&cell, refusal),
        }
    }

    /// Spawns a whole group, or nothing of it.
    pub(crate) fn spawn_group(
        &self,
        group: GroupId,
        spec: GroupSpec,
        pending: Vec<PendingWorker>,
    ) -> Result<(), SpawnError> {
        panics::install();
        let members = pending.iter().map(|pending| (Arc::clone(&pending.cell), pending.spec.clone()));
        let mut admitted = self.registry.admit_group(group, spec, &members.collect::<Vec<_>>());
        for PendingWorker { cell, start, .. } in pending {
            match admitted.clone() {
                // If the runtime is gone for one member it is gone for all; it drops the tasks that it took before as
                // well.
                Ok(()) | Err(SpawnError::RuntimeGone) => {
                    self.start(&cell, start);
                    if let WorkerStatus::Refused(refusal) = cell.status() {
                        admitted = Err(refusal);
                    }
                }
                Err(refusal) => self.registry.refuse(&cell, refusal),
            }
        }
        admitted
    }

    fn start(&self, cell: &Arc<WorkerCell>, start: Start) {
        self.registry.run(cell, Task::new(cell, &self.registry, start));
    }

    /// Stops all workers. Calls `refuse_waiting` once the workers are cancelled, and `close` when the shutdown is over.
    ///
    /// Graceful, then abort, then abandon: runs are cancelled immediately, dropped after nine tenths of the timeout,
    /// and reported by name if their task still runs at the end of it.
    pub(crate) async fn shutdown(
        &self,
        refuse_waiting: impl FnOnce(),
        close: impl FnOnce(),
    ) -> ShutdownReport {
        let began = self.began();
        if let Some(report) = self.registry.report() {
            return report;
        }
        self.stop_all();
        refuse_waiting();
        let nearly = self.nearly_over(began);
        if !self.ended_by(nearly).await {
            self.registry.skip_order().iter().for_each(|cell| cell.abort());
            // Even if the deadline has passed already: a dropped task needs a moment to end.
            let a_moment = Moment::now(&self.registry.hosts.runtime).after(A_MOMENT);
            self.ended_by(began.after(self.timeout).max(a_moment)).await;
        }
        let report = self.registry.finish_stop(began.elapsed());
        self.registry.hosts.watch_no_more();
        close();
        report
    }

    /// Begins a shutdown whose end another caller awaits.
    pub(crate) fn request_shutdown(&self) {
        self.began();
        self.stop_all();
    }

    /// Resolves when every worker has ended, or when the shutdown is due to drop those that have not. Begins the
    /// shutdown's clock if nothing has yet.
    pub(crate) async fn wound_down(&self) {
        let began = self.began();
        self.ended_by(self.nearly_over(began)).await;
    }

    /// Resolves after this time, whatever state the runtime is in.
    pub(crate) async fn pause(&self, time: Duration) {
        let runtime = &self.registry.hosts.runtime;
        deadline::reached(runtime, Moment::now(runtime).after(time)).await;
    }

    /// When the shutdown began: now, if it had not.
    fn began(&self) -> Moment {
        *self.began.lock().get_or_insert_with(|| Moment::now(&self.registry.hosts.runtime))
    }

    /// When workers that have not stopped are dropped.
    fn nearly_over(&self, began: Moment) -> Moment {
        began.after(self.timeout.mul_f64(0.9))
    }

    fn stop_all(&self) {
        self.registry.stop_all();
        // This runs foreign wakers. The panic hook reports a panic of one; it must not keep the workers from being
        // dropped.
        panics::catch(|| self.run_token.cancel(Cause::Shutdown)).ok();
    }

    async fn ended_by(&self, at: Moment) -> bool {
        let ended =
            race(self.registry.all_ended(), deadline::reached(&self.registry.hosts.runtime, at)).await;
        matches!(ended, Raced::First(()))
    }

    /// The panel was dropped: cancels every worker, aborts every task, and waits for nothing.
    pub(crate) fn drop_all(&self) {
        self.registry.leave_loop();
        self.stop_all();
        self.registry.abort_all();
        self.registry.hosts.watch_no_more();
        self.registry.hosts.local.close();
    }
}
