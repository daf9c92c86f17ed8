//! ractor: its mailbox has no bound, so a producer waits for the reply of its `call`; the frame calls too.

use control_panel::IntentSource;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, call};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane},
    intents::{Eat, Item, Update, sort},
};

struct Collector;

enum Message {
    Put(Item, RpcReplyPort<()>),
    Take(RpcReplyPort<Vec<Item>>),
}

impl Actor for Collector {
    type Msg = Message;
    type State = Vec<Item>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<Vec<Item>, ActorProcessingErr> {
        Ok(Vec::new())
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        items: &mut Vec<Item>,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Put(item, taken) => {
                items.push(item);
                taken.send(())?;
            }
            Message::Take(frame) => frame.send(std::mem::take(items))?,
        }
        Ok(())
    }
}

pub struct Ractor {
    collector: ActorRef<Message>,
    runtime: Handle,
}

pub struct RactorLane {
    collector: ActorRef<Message>,
    source: IntentSource,
}

impl Contestant for Ractor {
    const NAME: &'static str = "ractor call";
    type Lane = RactorLane;

    fn open(_: usize, sources: &[IntentSource], runtime: &Handle) -> (Self, Vec<RactorLane>) {
        let (collector, _) =
            runtime.block_on(Actor::spawn(None, Collector, ())).expect("an actor without a name starts");
        let lanes =
            sources.iter().map(|&source| RactorLane { collector: collector.clone(), source }).collect();
        (Self { collector, runtime: runtime.clone() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let taken = self.runtime.block_on(async { call!(self.collector, Message::Take) });
        let Ok(mut frame) = taken else { return eat };
        sort(&mut frame);
        for item in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for RactorLane {
    async fn send(&mut self, update: Update) -> bool {
        let item = Item { update, source: self.source };
        call!(self.collector, |taken| Message::Put(item, taken)).is_ok()
    }
}
