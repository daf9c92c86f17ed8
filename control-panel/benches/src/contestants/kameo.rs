//! kameo: an actor with a mailbox of the capacity collects, the frame asks it for what it has.

use control_panel::IntentSource;
use kameo::{
    Actor,
    actor::{ActorRef, Spawn},
    mailbox,
    message::{Context, Message},
};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane},
    intents::{Eat, Item, Update, sort},
};

#[derive(Default)]
struct Collector {
    items: Vec<Item>,
}

impl Actor for Collector {
    type Args = Self;
    type Error = kameo::error::Infallible;

    async fn on_start(collector: Self, _: ActorRef<Self>) -> Result<Self, Self::Error> {
        Ok(collector)
    }
}

struct Put(Item);
struct Take;

impl Message<Put> for Collector {
    type Reply = ();

    async fn handle(&mut self, Put(item): Put, _: &mut Context<Self, ()>) {
        self.items.push(item);
    }
}

impl Message<Take> for Collector {
    type Reply = Vec<Item>;

    async fn handle(&mut self, _: Take, _: &mut Context<Self, Vec<Item>>) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }
}

pub struct Kameo {
    collector: ActorRef<Collector>,
}

pub struct KameoLane {
    collector: ActorRef<Collector>,
    source: IntentSource,
}

impl Contestant for Kameo {
    const NAME: &'static str = "kameo tell";
    type Lane = KameoLane;

    fn open(capacity: usize, sources: &[IntentSource], runtime: &Handle) -> (Self, Vec<KameoLane>) {
        let _context = runtime.enter();
        let collector = Collector::spawn_with_mailbox(Collector::default(), mailbox::bounded(capacity));
        let lanes =
            sources.iter().map(|&source| KameoLane { collector: collector.clone(), source }).collect();
        (Self { collector }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let Ok(mut frame) = self.collector.ask(Take).blocking_send() else { return eat };
        sort(&mut frame);
        for item in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for KameoLane {
    async fn send(&mut self, update: Update) -> bool {
        self.collector.tell(Put(Item { update, source: self.source })).await.is_ok()
    }
}
