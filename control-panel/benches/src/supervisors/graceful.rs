//! tokio-graceful-shutdown: no restarts.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio_graceful_shutdown::{
    FutureExt, SubsystemBuilder, SubsystemHandle, Toplevel,
    errors::{CancelledByShutdown, GracefulShutdownError},
};
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Down, Job, Outcome, Supervisor, Terms};

pub struct Graceful {
    runtime: Handle,
    token: CancellationToken,
    toplevel: Option<Toplevel>,
    deadline: Duration,
}

async fn subsystem<J: Job>(subsystem: &mut SubsystemHandle, job: J) -> Result<(), Down> {
    let (deaf, run) = (job.deaf(), job.run());
    if deaf {
        return run.await;
    }
    match run.cancel_on_shutdown(subsystem).await {
        Ok(output) => output,
        Err(CancelledByShutdown) => Ok(()),
    }
}

impl<J: Job> Supervisor<J> for Graceful {
    const NAME: &'static str = "tokio-graceful-shutdown";
    const RESTARTS: bool = false;

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let _context = runtime.enter();
        let token = CancellationToken::new();
        let root = async move |root: &mut SubsystemHandle| {
            for (name, job) in workers {
                let run = async move |handle: &mut SubsystemHandle| subsystem(handle, job).await;
                root.start(SubsystemBuilder::new(name, run));
            }
        };
        let toplevel = Toplevel::new_with_shutdown_token(root, token.clone());
        Self { runtime: runtime.clone(), token, toplevel: Some(toplevel), deadline: terms.deadline }
    }

    fn shutdown(&mut self) -> Outcome {
        let Some(toplevel) = self.toplevel.take() else { return Outcome::default() };
        self.token.cancel();
        let ended = self.runtime.block_on(toplevel.handle_shutdown_requests(self.deadline));
        let names = match &ended {
            Err(GracefulShutdownError::ShutdownTimeout(errors)) => {
                errors.iter().map(|error| error.name().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        Outcome { clean: ended.is_ok(), names }
    }
}
