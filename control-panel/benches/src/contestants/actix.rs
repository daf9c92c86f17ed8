//! actix: an actor on an arbiter, which is a thread of its own beside the two workers.

use actix::{Actor, Addr, Context, Handler, Message, System};
use control_panel::IntentSource;
use std::sync::mpsc;
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane},
    intents::{Eat, Item, Update, sort},
};

struct Collector {
    items: Vec<Item>,
    capacity: usize,
}

impl Actor for Collector {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.set_mailbox_capacity(self.capacity);
    }
}

struct Put(Item);
struct Take;

impl Message for Put {
    type Result = ();
}

impl Message for Take {
    type Result = Vec<Item>;
}

impl Handler<Put> for Collector {
    type Result = ();

    fn handle(&mut self, Put(item): Put, _: &mut Context<Self>) {
        self.items.push(item);
    }
}

impl Handler<Take> for Collector {
    type Result = Vec<Item>;

    fn handle(&mut self, _: Take, _: &mut Context<Self>) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }
}

pub struct Actix {
    collector: Addr<Collector>,
    runtime: Handle,
    system: System,
}

pub struct ActixLane {
    collector: Addr<Collector>,
    source: IntentSource,
}

impl Contestant for Actix {
    const NAME: &'static str = "actix send";
    type Lane = ActixLane;

    fn open(capacity: usize, sources: &[IntentSource], runtime: &Handle) -> (Self, Vec<ActixLane>) {
        let (answer, started) = mpsc::channel();
        std::thread::spawn(move || {
            let system = System::new();
            let collector = Collector { items: Vec::new(), capacity };
            let collector = system.block_on(async { collector.start() });
            answer.send((collector, System::current())).ok();
            system.run().ok();
        });
        let (collector, system) = started.recv().expect("an actix system starts");
        let lanes =
            sources.iter().map(|&source| ActixLane { collector: collector.clone(), source }).collect();
        (Self { collector, runtime: runtime.clone(), system }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let Ok(mut frame) = self.runtime.block_on(self.collector.send(Take)) else { return eat };
        sort(&mut frame);
        for item in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Drop for Actix {
    fn drop(&mut self) {
        self.system.stop();
    }
}

impl Lane for ActixLane {
    async fn send(&mut self, update: Update) -> bool {
        self.collector.send(Put(Item { update, source: self.source })).await.is_ok()
    }
}
