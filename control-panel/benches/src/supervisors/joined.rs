//! Less than a supervisor: a `JoinSet` and a `CancellationToken`, joined with a timeout. No restarts.

use std::time::Duration;

use tokio::{runtime::Handle, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Down, Job, Outcome, Supervisor, Terms};

pub struct Joined {
    runtime: Handle,
    token: CancellationToken,
    tasks: JoinSet<Result<(), Down>>,
    deadline: Duration,
}

impl<J: Job> Supervisor<J> for Joined {
    const NAME: &'static str = "raw JoinSet, joined";
    const RESTARTS: bool = false;

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let _context = runtime.enter();
        let token = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for (_, job) in workers {
            let (deaf, run, token) = (job.deaf(), job.run(), token.clone());
            if deaf {
                tasks.spawn(run);
            } else {
                tasks.spawn(async move { token.run_until_cancelled_owned(run).await.unwrap_or(Ok(())) });
            }
        }
        Self { runtime: runtime.clone(), token, tasks, deadline: terms.deadline }
    }

    fn shutdown(&mut self) -> Outcome {
        self.token.cancel();
        let tasks = &mut self.tasks;
        let all = async { while tasks.join_next().await.is_some() {} };
        let deadline = self.deadline;
        let joined = self.runtime.block_on(async { timeout(deadline, all).await });
        Outcome { clean: joined.is_ok(), names: Vec::new() }
    }
}
