//! ractor: an actor that starts its children again by hand, as ractor's documentation says; a child does its work in a
//! message that it sends itself.

use std::{collections::BTreeMap, marker::PhantomData, time::Duration};

use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Job, Outcome, Supervisor, Terms};

struct Root<J>(PhantomData<J>);

#[derive(Clone)]
struct Work<J> {
    job: J,
    token: CancellationToken,
}

type Children<J> = BTreeMap<ActorId, Work<J>>;

async fn start<J: Job>(
    root: &ActorRef<()>,
    children: &mut Children<J>,
    work: Work<J>,
) -> Result<(), ActorProcessingErr> {
    let child = Child(PhantomData);
    let (child, _) = Actor::spawn_linked(None, child, work.clone(), root.get_cell()).await?;
    children.insert(child.get_id(), work);
    Ok(())
}

impl<J: Job> Actor for Root<J> {
    type Msg = ();
    type State = Children<J>;
    type Arguments = Vec<Work<J>>;

    async fn pre_start(
        &self,
        own: ActorRef<()>,
        workers: Vec<Work<J>>,
    ) -> Result<Children<J>, ActorProcessingErr> {
        let mut children = BTreeMap::new();
        for work in workers {
            start(&own, &mut children, work).await?;
        }
        Ok(children)
    }

    async fn handle_supervisor_evt(
        &self,
        own: ActorRef<()>,
        event: SupervisionEvent,
        children: &mut Children<J>,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(child, _) => match children.remove(&child.get_id()) {
                Some(work) => start(&own, children, work).await,
                None => Ok(()),
            },
            SupervisionEvent::ActorTerminated(child, ..) => {
                children.remove(&child.get_id());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

struct Child<J>(PhantomData<J>);

impl<J: Job> Actor for Child<J> {
    type Msg = ();
    type State = Work<J>;
    type Arguments = Work<J>;

    async fn pre_start(&self, own: ActorRef<()>, work: Work<J>) -> Result<Work<J>, ActorProcessingErr> {
        own.cast(())?;
        Ok(work)
    }

    async fn handle(&self, _: ActorRef<()>, (): (), work: &mut Work<J>) -> Result<(), ActorProcessingErr> {
        let run = work.job.clone().run();
        let output = if work.job.deaf() {
            run.await
        } else {
            work.token.run_until_cancelled(run).await.unwrap_or(Ok(()))
        };
        Ok(output?)
    }
}

pub struct Ractor {
    runtime: Handle,
    root: ActorRef<()>,
    token: CancellationToken,
    deadline: Duration,
}

impl<J: Job> Supervisor<J> for Ractor {
    const NAME: &'static str = "ractor";

    fn open(runtime: &Handle, terms: Terms, workers: Vec<(String, J)>) -> Self {
        let token = CancellationToken::new();
        let workers = workers.into_iter().map(|(_, job)| Work { job, token: token.clone() }).collect();
        let root = Actor::spawn(None, Root(PhantomData), workers);
        let (root, _) = runtime.block_on(root).expect("an actor without a name starts");
        Self { runtime: runtime.clone(), root, token, deadline: terms.deadline }
    }

    fn shutdown(&mut self) -> Outcome {
        self.token.cancel();
        let stopped = self.runtime.block_on(async {
            let deadline = Some(self.deadline);
            self.root.get_cell().stop_children_and_wait(None, deadline).await;
            self.root.stop_and_wait(None, deadline).await
        });
        Outcome { clean: stopped.is_ok(), names: Vec::new() }
    }
}
