//! control-panel.

use std::time::Duration;

use control_panel::{
    Backoff, Context, ControlPanel, Exit, IntentSource, Restart, Worker,
    supervision::{Cancel, Intensity, WorkerReport},
};
use tokio::runtime::Handle;

use crate::{
    intents::Update,
    supervisor::{Job, Outcome, Supervisor, Terms},
};

pub struct Panel {
    pub panel: ControlPanel<Update>,
}

/// Whether a worker's end is one that its owner should hear of.
fn stuck(worker: &&WorkerReport) -> bool {
    matches!(worker.exit, Exit::Aborted | Exit::Abandoned)
}

/// The worker of a job.
pub fn worker<J: Job>(name: String, terms: Terms, job: J) -> Worker<Update> {
    let deaf = job.deaf();
    let worker = Worker::new(name, IntentSource::Restore, move |_| job.clone().run())
        .restart(Restart::OnFailure)
        .intensity(Intensity::new(u32::MAX, Duration::ZERO))
        .backoff(Backoff::new(terms.backoff.0, terms.backoff.1));
    if deaf { worker.cancel(Cancel::Cooperative).grace(Duration::MAX) } else { worker }
}

impl<J: Job> Supervisor<J> for Panel {
    const NAME: &'static str = "control-panel";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let panel = ControlPanel::builder().runtime(runtime.clone()).shutdown_timeout(terms.deadline).build();
        for (name, job) in workers {
            panel.spawn(worker(name, terms, job));
        }
        Self { panel }
    }

    fn shutdown(&mut self) -> Outcome {
        let report = self.panel.shutdown_blocking();
        let names = report.workers().iter().filter(stuck).map(|worker| worker.name.to_string()).collect();
        Outcome { clean: report.is_clean(), names }
    }

    fn status(&self) -> Option<usize> {
        Some(self.panel.status().workers.len())
    }
}

/// The same, with each worker on a thread where it may block: its own, or one of the runtime's blocking pool.
pub struct OnThreads<const OWN: bool>(Panel);

impl<J: Job, const OWN: bool> Supervisor<J> for OnThreads<OWN> {
    const NAME: &'static str =
        if OWN { "control-panel, Worker::thread" } else { "control-panel, Worker::blocking" };

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let panel = ControlPanel::builder().runtime(runtime.clone()).shutdown_timeout(terms.deadline).build();
        for (name, job) in workers {
            let runtime = runtime.clone();
            let body = move |cx: Context<Update>| {
                let (deaf, run) = (job.deaf(), job.clone().run());
                let stop = cx.cancellation_token();
                let run = async move {
                    if deaf { run.await } else { stop.run_until_cancelled_owned(run).await.unwrap_or(Ok(())) }
                };
                runtime.block_on(run)
            };
            let source = IntentSource::Restore;
            panel.spawn(if OWN {
                Worker::thread(name, source, body)
            } else {
                Worker::blocking(name, source, body)
            });
        }
        Self(Panel { panel })
    }

    fn shutdown(&mut self) -> Outcome {
        Supervisor::<J>::shutdown(&mut self.0)
    }
}
