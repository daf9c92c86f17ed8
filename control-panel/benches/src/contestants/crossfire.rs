//! crossfire: async senders, a blocking receiver.

use control_panel::IntentSource;
use crossfire::{MAsyncTx, Rx, mpsc};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Crossfire {
    receiver: Rx<mpsc::Array<Item>>,
    frame: Vec<Item>,
    capacity: usize,
}

pub struct CrossfireLane {
    sender: MAsyncTx<mpsc::Array<Item>>,
    source: IntentSource,
}

impl Contestant for Crossfire {
    const NAME: &'static str = "crossfire try_recv";
    type Lane = CrossfireLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<CrossfireLane>) {
        let (sender, receiver) = mpsc::bounded_async_blocking(capacity);
        let lanes = sources.iter().map(|&source| CrossfireLane { sender: sender.clone(), source }).collect();
        (Self { receiver, frame: Vec::new(), capacity }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        while self.frame.len() < self.capacity {
            let Ok(item) = self.receiver.try_recv() else { break };
            self.frame.push(item);
        }
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for CrossfireLane {
    async fn send(&mut self, update: Update) -> bool {
        let sent = self.sender.send(Item { update, source: self.source }).await.is_ok();
        yield_if_full(false).await;
        sent
    }
}

impl Offer for CrossfireLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok());
    }
}
