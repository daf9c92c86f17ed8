//! No supervisor: a task that owns a `JoinSet`, joins, and spawns again what failed; a `CancellationToken` for all.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    runtime::Handle,
    task::{Id, JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Down, Job, Outcome, Supervisor, Terms};

pub struct Raw {
    runtime: Handle,
    token: CancellationToken,
    supervising: Option<JoinHandle<()>>,
    deadline: Duration,
}

type Output = Result<(), Down>;

struct Jobs<J> {
    tasks: JoinSet<Output>,
    running: BTreeMap<Id, J>,
    token: CancellationToken,
    terms: Terms,
}

impl<J: Job> Jobs<J> {
    fn start(&mut self, job: J) {
        let (run, token) = (job.clone().run(), self.token.clone());
        let task = if job.deaf() {
            self.tasks.spawn(run)
        } else {
            self.tasks.spawn(async move { token.run_until_cancelled_owned(run).await.unwrap_or(Ok(())) })
        };
        self.running.insert(task.id(), job);
    }

    async fn supervise(mut self) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let (id, failed) = match ended {
                Ok((id, output)) => (id, output.is_err()),
                Err(error) => (error.id(), error.is_panic()),
            };
            let job = self.running.remove(&id);
            let Some(job) = job.filter(|_| failed && !self.token.is_cancelled()) else { continue };
            // Always the first wait: what a doubling one costs its author is not the question here.
            if !self.terms.backoff.0.is_zero() {
                sleep(self.terms.backoff.0).await;
            }
            self.start(job);
        }
    }
}

impl<J: Job> Supervisor<J> for Raw {
    const NAME: &'static str = "raw JoinSet";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let _context = runtime.enter();
        let token = CancellationToken::new();
        let (tasks, running) = (JoinSet::new(), BTreeMap::new());
        let mut jobs = Jobs { tasks, running, token: token.clone(), terms };
        workers.into_iter().for_each(|(_, job)| jobs.start(job));
        let supervising = Some(tokio::spawn(jobs.supervise()));
        Self { runtime: runtime.clone(), token, supervising, deadline: terms.deadline }
    }

    fn shutdown(&mut self) -> Outcome {
        self.token.cancel();
        let Some(supervising) = self.supervising.as_mut() else { return Outcome::default() };
        let deadline = self.deadline;
        let joined = self.runtime.block_on(async { timeout(deadline, supervising).await });
        Outcome { clean: joined.is_ok(), names: Vec::new() }
    }
}
