//! taskvisor.

use std::num::NonZeroUsize;

use taskvisor::{
    BackoffPolicy, JitterPolicy, RestartPolicy, RuntimeError, SupervisorConfig, SupervisorHandle,
    TaskContext, TaskError, TaskFn, TaskSpec,
};
use tokio::runtime::Handle;

use crate::supervisor::{Job, Outcome, Supervisor, Terms};

pub struct Taskvisor {
    runtime: Handle,
    supervisor: Option<SupervisorHandle>,
}

impl<J: Job> Supervisor<J> for Taskvisor {
    const NAME: &'static str = "taskvisor";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let room = NonZeroUsize::new(workers.len() + 16);
        let config = SupervisorConfig::default()
            .with_grace(terms.deadline)
            .with_max_registered_tasks(room)
            .with_ownership_capacity(room);
        let backoff = BackoffPolicy::new(terms.backoff.0, terms.backoff.1, 2.0, JitterPolicy::Equal)
            .expect("a backoff that makes sense");
        let supervisor = runtime.block_on(async {
            let supervisor = taskvisor::Supervisor::new(config, Vec::new()).serve().expect("it starts");
            for (name, job) in workers {
                let task = TaskFn::arc(move |cx: TaskContext| {
                    let (deaf, run) = (job.deaf(), job.clone().run());
                    async move {
                        let run = if deaf { Ok(run.await) } else { cx.run_until_cancelled(run).await };
                        run?.map_err(TaskError::fail_from)
                    }
                });
                let restarts = RestartPolicy::OnFailure;
                supervisor
                    .add(TaskSpec::new(name, task, restarts, backoff, None))
                    .await
                    .expect("there is room, and the name is new");
            }
            supervisor
        });
        Self { runtime: runtime.clone(), supervisor: Some(supervisor) }
    }

    fn shutdown(&mut self) -> Outcome {
        let Some(supervisor) = self.supervisor.take() else { return Outcome::default() };
        match self.runtime.block_on(supervisor.shutdown()) {
            Err(RuntimeError::GraceExceeded { stuck, .. }) => {
                Outcome { clean: false, names: stuck.iter().map(|name| name.to_string()).collect() }
            }
            ended => Outcome { clean: ended.is_ok(), names: Vec::new() },
        }
    }

    fn status(&self) -> Option<usize> {
        Some(self.runtime.block_on(self.supervisor.as_ref()?.alive_snapshot()).len())
    }
}
