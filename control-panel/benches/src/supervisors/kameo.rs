//! kameo: an actor supervises one actor for each worker, which does its work in a message that it sends itself.

use std::time::Duration;

use kameo::{
    Actor,
    actor::{ActorRef, Spawn},
    error::Infallible,
    message::{Context, Message},
    supervision::RestartPolicy,
};
use tokio::{runtime::Handle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Down, Job, Outcome, Supervisor, Terms};

struct Root;

impl Actor for Root {
    type Args = ();
    type Error = Infallible;

    async fn on_start((): (), _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

#[derive(Clone)]
struct Child<J> {
    job: J,
    token: CancellationToken,
}

impl<J: Job> Actor for Child<J> {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(child: Self, own: ActorRef<Self>) -> Result<Self, Infallible> {
        own.tell(Go).try_send().ok();
        Ok(child)
    }
}

struct Go;

impl<J: Job> Message<Go> for Child<J> {
    type Reply = Result<(), Down>;

    async fn handle(&mut self, _: Go, _: &mut Context<Self, Self::Reply>) -> Self::Reply {
        let run = self.job.clone().run();
        if self.job.deaf() { run.await } else { self.token.run_until_cancelled(run).await.unwrap_or(Ok(())) }
    }
}

pub struct Kameo {
    runtime: Handle,
    root: ActorRef<Root>,
    token: CancellationToken,
    deadline: Duration,
}

impl<J: Job> Supervisor<J> for Kameo {
    const NAME: &'static str = "kameo";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let token = CancellationToken::new();
        let root = runtime.block_on(async {
            let root = Root::spawn(());
            for (_, job) in workers {
                Child::supervise(&root, Child { job, token: token.clone() })
                    .restart_policy(RestartPolicy::Transient)
                    .restart_limit(u32::MAX, Duration::from_millis(1))
                    .spawn()
                    .await;
            }
            root
        });
        Self { runtime: runtime.clone(), root, token, deadline: terms.deadline }
    }

    fn shutdown(&mut self) -> Outcome {
        self.token.cancel();
        let stopped = self.runtime.block_on(async {
            self.root.stop_gracefully().await.ok();
            timeout(self.deadline, self.root.wait_for_shutdown()).await
        });
        Outcome { clean: stopped.is_ok(), names: Vec::new() }
    }
}
