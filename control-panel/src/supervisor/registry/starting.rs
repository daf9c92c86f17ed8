//! Giving the workers' tasks to where they belong, and taking them from there when the panel is gone.

use std::sync::{
    Arc,
    atomic::{Ordering, fence},
};

use super::Registry;
use crate::supervisor::{driver::Task, kinds::Kind, off_task::OffTask, record::Record};

impl Registry {
    /// A task with a limit or a key was taken in: it is started, unless it waits for its place first.
    pub(in crate::supervisor) fn start_in_turn(&self, record: &Arc<Record>, task: Task) {
        let mut state = self.lock();
        if state.machine.waits_for_a_place(record.origin) {
            self.unpolled.fetch_sub(1, Ordering::Relaxed);
            state.held.insert(record.origin, task);
            return;
        }
        drop(state);
        self.run(record, task);
    }

    /// Gives a worker's task to where it belongs. A runtime that is gone drops it, the worker's arguments with it.
    pub(in crate::supervisor) fn run(&self, record: &Arc<Record>, task: Task) {
        match record.kind {
            Kind::Async => self.run_on_runtime(record, task),
            _ if !self.hosts.watch_runtime(&record.registry) => drop(task),
            Kind::Local => {
                let mut task = task;
                task.give();
                if let Err(back) = self.hosts.local.run(task) {
                    let (mut task, error) = *back;
                    // It fails as often as it may, and that is all it does there.
                    task.set_no_thread(Some(error));
                    self.run_on_runtime(record, task);
                }
            }
            Kind::Blocking | Kind::Thread => OffTask::start(record, task),
        }
    }

    fn run_on_runtime(&self, record: &Record, task: Task) {
        record.set_task(self.hosts.runtime.spawn(task).abort_handle());
        // Either this sees that the panel is gone, or `abort_all` sees the task.
        fence(Ordering::SeqCst);
        if self.gone.load(Ordering::Relaxed) {
            record.abort_task();
        }
    }

    /// The runtime is gone: nobody is started any more, and those that have not gone with it are stopped.
    pub(in crate::supervisor) fn lose_runtime(&self) {
        self.hosts.runtime_is_gone();
        self.change(|state| {
            let held = &state.held;
            let left =
                |record: &&Arc<Record>| record.kind != Kind::Async && !held.contains_key(&record.origin);
            let left: Vec<_> = state.records.values().filter(left).map(|record| record.origin).collect();
            for origin in left {
                state.machine.forsaken(origin);
            }
        });
    }

    /// The worker's wait is over, and it waits for a thread to begin on.
    pub(in crate::supervisor) fn due(&self, record: &Record) {
        let now = self.hosts.now();
        self.change(|state| state.machine.wait_is_over(record.origin, now));
    }

    /// The panel is being dropped: no loop is woken any more.
    pub(in crate::supervisor) fn leave_loop(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// The panel is gone, and everybody was told to stop: aborts every task.
    pub(in crate::supervisor) fn abort_all(&self) {
        self.gone.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.live().iter().for_each(|record| record.abort_task());
    }
}
