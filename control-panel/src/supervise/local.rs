//! The thread of a panel's local workers, those whose futures are not `Send`.

use std::{
    future::pending,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::{
    runtime,
    sync::mpsc,
    task::{self, LocalSet},
};

use super::{
    deadline::{Raced, race},
    driver,
    exit::Exit,
    generation::Generation,
    kinds::{Away, StartLocal},
};

/// Jobs on their way to the thread. Each worker has one at most, so a few are enough.
const JOBS: usize = 16;

/// Starts the thread, with a runtime of its own, at the first local worker, and ends it with the panel.
#[derive(Debug)]
pub(crate) struct Local {
    thread_name: String,
    jobs: Mutex<Jobs>,
}

#[derive(Debug)]
enum Jobs {
    NotStarted,
    To(mpsc::Sender<Job>),
    Over,
}

/// The fields are dropped in this order: the end is told when nothing is left.
struct Job {
    start: StartLocal,
    away: Away,
}

impl Local {
    pub(crate) fn new(panel: &str) -> Self {
        // A thread's name cannot hold a NUL.
        Self { thread_name: format!("{panel}-local").replace('\0', ""), jobs: Mutex::new(Jobs::NotStarted) }
    }

    /// Runs a generation on the thread and waits for its end.
    pub(super) async fn run(&self, mut away: Away, start: StartLocal) -> Exit {
        let jobs = match self.jobs() {
            Ok(Some(jobs)) => jobs,
            Ok(None) => return Exit::Aborted,
            Err(error) => return Exit::Failed(Arc::new(error)),
        };
        let ended = away.ended();
        // Where the thread is gone, so is the job.
        jobs.send(Job { start, away }).await.ok();
        // Or the thread could not end while this one waits.
        drop(jobs);
        ended.await
    }

    /// The panel is gone: the thread drops its workers, each at its next await, and ends.
    pub(super) fn close(&self) {
        let jobs = std::mem::replace(&mut *self.lock(), Jobs::Over);
        drop(jobs);
    }

    fn jobs(&self) -> io::Result<Option<mpsc::Sender<Job>>> {
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

fn start(name: &str) -> io::Result<mpsc::Sender<Job>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (jobs, mut due) = mpsc::channel::<Job>(JOBS);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            while let Some(job) = due.recv().await {
                // Owned by the set, which ends with this thread.
                drop(task::spawn_local(job.run()));
            }
        });
    })?;
    Ok(jobs)
}

impl Job {
    async fn run(self) {
        let Self { away, start } = self;
        // It may have been told while it waited for the thread.
        if away.term.is_over() {
            return away.called_off(start);
        }
        away.term.enter();
        let exit = match driver::guard(&away.record, || away.term.span.in_scope(start)) {
            Ok(run) => {
                let generation = Generation::new(run, Arc::clone(&away.record), Arc::clone(&away.term));
                // It looks at its term when it is polled; this sees to it that it is.
                let told = async {
                    away.term.token().cancelled().await;
                    pending().await
                };
                let killed = away.record.kill.token().cancelled();
                match race(killed, race(told, generation)).await {
                    Raced::First(()) => Exit::Aborted,
                    Raced::Second(Raced::First(exit) | Raced::Second(exit)) => exit,
                }
            }
            Err(panic) => Exit::Panicked(panic),
        };
        away.over(exit);
    }
}
