//! task-supervisor.

use task_supervisor::{CancellationToken, SupervisedTask, SupervisorBuilder, SupervisorHandle, TaskResult};
use tokio::runtime::Handle;

use crate::supervisor::{Job, Outcome, Supervisor, Terms};

pub struct TaskSupervisor {
    runtime: Handle,
    supervisor: SupervisorHandle,
}

#[derive(Clone)]
struct Task<J>(J);

impl<J: Job> SupervisedTask for Task<J> {
    async fn run(self, cancel: CancellationToken) -> TaskResult {
        let (deaf, run) = (self.0.deaf(), self.0.run());
        let output = if deaf { Some(run.await) } else { cancel.run_until_cancelled(run).await };
        Ok(output.unwrap_or(Ok(()))?)
    }
}

impl<J: Job> Supervisor<J> for TaskSupervisor {
    const NAME: &'static str = "task-supervisor";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let _context = runtime.enter();
        let builder = SupervisorBuilder::new()
            .with_unlimited_restarts()
            .with_base_restart_delay(terms.backoff.0)
            .with_max_restart_delay(terms.backoff.1)
            .with_stop_timeout(terms.deadline);
        let builder =
            workers.into_iter().fold(builder, |builder, (name, job)| builder.with_task(&name, Task(job)));
        Self { runtime: runtime.clone(), supervisor: builder.spawn() }
    }

    fn shutdown(&mut self) -> Outcome {
        Outcome { clean: self.runtime.block_on(self.supervisor.shutdown()).is_ok(), names: Vec::new() }
    }

    fn status(&self) -> Option<usize> {
        self.runtime.block_on(self.supervisor.task_statuses()).ok().map(|statuses| statuses.len())
    }
}
