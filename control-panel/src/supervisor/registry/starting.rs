//! Admits workers or refuses them, hands their tasks to where they run, and takes them back when the panel is gone.
//!
//! A refused worker never runs, and a handle that may be ignored must not be the only sign of it.

use std::sync::{
    Arc,
    atomic::{Ordering, fence},
};

use super::{Registry, State, effects::Effects};
use crate::{
    lifecycle::{EventKind, SpawnError, WorkerStatus},
    supervisor::{
        cell::WorkerCell,
        kinds::Kind,
        machine::{ChildSpec, GroupId, GroupSpec},
        notable::Wakes,
        off_task::OffTask,
        task::Task,
    },
    telemetry::Moved,
    util::{clock, tasks},
};

impl Registry {
    /// Admits a worker that is about to be spawned.
    pub(in crate::supervisor) fn admit(
        self: &Arc<Self>,
        cell: &Arc<WorkerCell>,
        spec: ChildSpec,
    ) -> Result<(), SpawnError> {
        self.change(|state| {
            state.machine.admit(cell.origin, spec)?;
            self.enter(state, cell);
            Ok(())
        })
    }

    /// Admits the members of a group that are about to be spawned.
    pub(in crate::supervisor) fn admit_group(
        self: &Arc<Self>,
        group: GroupId,
        spec: GroupSpec,
        members: &[(Arc<WorkerCell>, ChildSpec)],
    ) -> Result<(), SpawnError> {
        self.change(|state| {
            let specs = members.iter().map(|(cell, spec)| (cell.origin, spec.clone())).collect();
            state.machine.admit_group(group, spec, specs)?;
            for (cell, _) in members {
                self.enter(state, cell);
            }
            for (cell, _) in members {
                // It was stopped before it was admitted.
                if let Some(cause) = cell.cause() {
                    state.machine.stop(cell.origin, cause);
                }
            }
            Ok(())
        })
    }

    /// Adds an admitted worker.
    fn enter(self: &Arc<Self>, state: &mut State, cell: &Arc<WorkerCell>) {
        state.cells.insert(cell.origin, Arc::clone(cell));
        self.unpolled.fetch_add(1, Ordering::Relaxed);
        self.on_runtime.fetch_add(usize::from(cell.run.kind == Kind::Async), Ordering::Relaxed);
        self.live.store(state.cells.len(), Ordering::Release);
        state.begin_as_suspended(cell);
        if let Some(limit) = state.attention.enter(cell) {
            // The clock's own lock is never held while it looks at a panel, which takes this one.
            clock::watch(Arc::<Self>::downgrade(self), limit);
        }
    }

    /// Refuses a worker before it was admitted. Records an event and an incident, unless all workers are being stopped.
    pub(crate) fn refuse(&self, cell: &Arc<WorkerCell>, refusal: SpawnError) {
        cell.close_inbox();
        let mut state = self.lock();
        if refusal == SpawnError::ShutDown || state.machine.is_stopping() {
            drop(state);
            return cell.refuse(refusal);
        }
        let mut effects = Effects::default();
        (effects.logged, effects.wake_loop) = (true, self.wakes != Wakes::Never);
        let mut log = self.log.kept();
        effects.gone.incidents = state.history.note_refusal(cell, &refusal);
        let now = self.hosts.now();
        drop(cell.status.set(WorkerStatus::Refused(refusal.clone()), now));
        effects.announce.push(Arc::clone(cell));
        effects.unanswered = cell.unanswered.take();
        // It never counted as living.
        let refused = (EventKind::Refused(refusal), Moved::default());
        log.push(cell, refused, now, &mut effects.seen, &mut effects.gone.events);
        self.log.complete(log);
        self.version.fetch_add(1, Ordering::Release);
        drop(state);
        self.execute(effects);
    }

    /// Starts an admitted task that has a limit or a key, unless it must wait for its place.
    pub(in crate::supervisor) fn start_in_turn(&self, cell: &Arc<WorkerCell>, task: Task) {
        let mut state = self.lock();
        if state.machine.waits_for_a_place(cell.origin) {
            self.unpolled.fetch_sub(1, Ordering::Relaxed);
            state.held.insert(cell.origin, task);
            return;
        }
        drop(state);
        self.run(cell, task);
    }

    /// Hands a worker's task to where it runs. A runtime that is gone drops it, and the worker's arguments with it.
    pub(in crate::supervisor) fn run(&self, cell: &Arc<WorkerCell>, task: Task) {
        match cell.run.kind {
            Kind::Async => self.run_on_runtime(cell, task),
            _ if !self.hosts.watch_runtime(&cell.registry) => drop(task),
            Kind::Local => {
                let mut task = task;
                task.give();
                if let Err(back) = self.hosts.local.run(task) {
                    let (mut task, error) = *back;
                    // Each of its runs fails with this error, up to its intensity; on the runtime it does nothing else.
                    task.set_no_thread(Some(error));
                    self.run_on_runtime(cell, task);
                }
            }
            Kind::Blocking | Kind::Thread => OffTask::start(cell, task),
        }
    }

    fn run_on_runtime(&self, cell: &WorkerCell, task: Task) {
        // Set once: a cell is spawned once.
        cell.abort.set(tasks::spawn(&self.hosts.runtime, &cell.name, task)).ok();
        // Either this load sees that the panel is gone, or `abort_all` sees the task.
        fence(Ordering::SeqCst);
        if self.gone.load(Ordering::Relaxed) {
            cell.abort_task();
        }
    }

    /// The runtime is gone: no worker starts any more, and workers whose tasks it did not drop are stopped.
    pub(in crate::supervisor) fn lose_runtime(&self) {
        self.hosts.runtime_is_gone();
        self.change(|state| {
            let held = &state.held;
            let left =
                |cell: &&Arc<WorkerCell>| cell.run.kind != Kind::Async && !held.contains_key(&cell.origin);
            let left: Vec<_> = state.cells.values().filter(left).map(|cell| cell.origin).collect();
            for origin in left {
                state.machine.task_dropped(origin);
            }
        });
    }

    /// The worker's backoff is over, and it waits for a thread to begin on.
    pub(in crate::supervisor) fn due(&self, cell: &WorkerCell) {
        let now = self.hosts.now();
        self.change(|state| state.machine.wait_is_over(cell.origin, now));
    }

    /// The panel is being dropped: no loop is woken any more.
    pub(in crate::supervisor) fn leave_loop(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// The panel is gone, and all workers are cancelled: aborts every task. Once none lives, the event log ends.
    pub(in crate::supervisor) fn abort_all(&self) {
        fence(Ordering::SeqCst);
        self.live().iter().for_each(|cell| cell.abort_task());
        self.change(|_| ());
        self.log.announce();
    }
}
