//! The panel's thread for local workers, whose futures are not `Send`.

use std::{io, sync::Arc, thread};

use tokio::{runtime, sync::mpsc, task::LocalSet};

use super::task::Task;
use crate::{
    lifecycle::WorkerError,
    util::{Mutex, race, tasks},
};

/// Starts the thread, with its own runtime, at the first local worker, and ends it with the panel.
pub(crate) struct Local {
    thread_name: String,
    jobs: Mutex<Jobs>,
}

enum Jobs {
    NotStarted,
    /// Carries each worker's task once, so it never holds more entries than there are workers.
    To(mpsc::UnboundedSender<Task>),
    Over,
}

impl Local {
    pub(crate) fn new(panel: &str) -> Self {
        // A thread's name cannot contain a NUL.
        Self { thread_name: format!("{panel}-local").replace('\0', ""), jobs: Mutex::new(Jobs::NotStarted) }
    }

    /// Hands a worker's task to the thread, which polls it from now on. Returns the task and the error if the thread
    /// cannot be started.
    pub(super) fn run(&self, task: Task) -> Result<(), Box<(Task, WorkerError)>> {
        match self.jobs() {
            // If the thread is gone, the send drops the task.
            Ok(Some(jobs)) => drop(jobs.send(task)),
            Ok(None) => drop(task),
            Err(error) => return Err(Box::new((task, Arc::new(error)))),
        }
        Ok(())
    }

    /// The panel is gone: the thread drops its workers, each at its next await, and ends.
    pub(super) fn close(&self) {
        let jobs = std::mem::replace(&mut *self.jobs.lock(), Jobs::Over);
        drop(jobs);
    }

    fn jobs(&self) -> io::Result<Option<mpsc::UnboundedSender<Task>>> {
        let mut jobs = self.jobs.lock();
        if let Jobs::NotStarted = *jobs {
            *jobs = Jobs::To(start(&self.thread_name)?);
        }
        Ok(match &*jobs {
            Jobs::To(jobs) => Some(jobs.clone()),
            Jobs::NotStarted | Jobs::Over => None,
        })
    }
}

fn start(name: &str) -> io::Result<mpsc::UnboundedSender<Task>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (jobs, mut due) = mpsc::unbounded_channel::<Task>();
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            while let Some(task) = due.recv().await {
                let cell = Arc::clone(task.cell());
                let task = task.into_local();
                // Owned by the `LocalSet`, which ends with this thread. `kill` drops a worker together with its task.
                let name = cell.name.clone();
                tasks::spawn_local(&name, async move { _ = race(cell.kill.token().cancelled(), task).await });
            }
        });
    })?;
    Ok(jobs)
}
