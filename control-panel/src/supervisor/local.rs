//! The thread of a panel's local workers, those whose futures are not `Send`.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::{
    runtime,
    sync::mpsc,
    task::{self, LocalSet},
};

use super::task::Task;
use crate::{lifecycle::exit::WorkerError, util::deadline::race};

/// Starts the thread, with a runtime of its own, at the first local worker, and ends it with the panel.
#[derive(Debug)]
pub(crate) struct Local {
    thread_name: String,
    jobs: Mutex<Jobs>,
}

#[derive(Debug)]
enum Jobs {
    NotStarted,
    /// Each worker's task once, so as many as there are workers.
    To(mpsc::UnboundedSender<Task>),
    Over,
}

impl Local {
    pub(crate) fn new(panel: &str) -> Self {
        // A thread's name cannot hold a NUL.
        Self { thread_name: format!("{panel}-local").replace('\0', ""), jobs: Mutex::new(Jobs::NotStarted) }
    }

    /// Gives the thread a worker's task, to poll from now on. Hands it back with the reason where there is no thread to be
    /// had.
    pub(super) fn run(&self, task: Task) -> Result<(), Box<(Task, WorkerError)>> {
        match self.jobs() {
            // Where the thread is gone, so is the task.
            Ok(Some(jobs)) => drop(jobs.send(task)),
            Ok(None) => drop(task),
            Err(error) => return Err(Box::new((task, Arc::new(error)))),
        }
        Ok(())
    }

    /// The panel is gone: the thread drops its workers, each at its next await, and ends.
    pub(super) fn close(&self) {
        let jobs = std::mem::replace(&mut *self.lock(), Jobs::Over);
        drop(jobs);
    }

    fn jobs(&self) -> io::Result<Option<mpsc::UnboundedSender<Task>>> {
        let mut jobs = self.lock();
        if let Jobs::NotStarted = *jobs {
            *jobs = Jobs::To(start(&self.thread_name)?);
        }
        Ok(match &*jobs {
            Jobs::To(jobs) => Some(jobs.clone()),
            Jobs::NotStarted | Jobs::Over => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
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
                // Owned by the set, which ends with this thread. A worker that is to be dropped, is, with its task.
                drop(task::spawn_local(async move { race(cell.kill.token().cancelled(), task).await }));
            }
        });
    })?;
    Ok(jobs)
}
