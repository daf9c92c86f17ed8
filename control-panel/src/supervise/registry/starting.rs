//! Giving the workers' tasks to the runtime, and taking them from it when the panel is gone.

use std::sync::atomic::{Ordering, fence};

use super::Registry;
use crate::supervise::{driver::Task, record::Record};

impl Registry {
    /// A task with a limit or a key was taken in: the runtime gets it, unless it waits for its place first.
    pub(in crate::supervise) fn start_in_turn(&self, record: &Record, task: Task) {
        let mut state = self.lock();
        if state.machine.waits_for_a_place(record.origin) {
            self.unpolled.fetch_sub(1, Ordering::Relaxed);
            state.held.insert(record.origin, task);
            return;
        }
        drop(state);
        self.run(record, task);
    }

    /// Gives a worker's task to the runtime. One that is gone drops it at once, the worker's arguments with it.
    pub(in crate::supervise) fn run(&self, record: &Record, task: Task) {
        record.set_task(self.hosts.runtime.spawn(task).abort_handle());
        // Either this sees that the panel is gone, or `abort_all` sees the task.
        fence(Ordering::SeqCst);
        if self.gone.load(Ordering::Relaxed) {
            record.abort_task();
        }
    }

    /// The panel is gone, and everybody was told to stop: aborts every task.
    pub(in crate::supervise) fn abort_all(&self) {
        self.gone.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.live().iter().for_each(|record| record.abort_task());
    }
}
