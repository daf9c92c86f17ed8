//! flume: `drain` takes the whole queue at once.

use control_panel::IntentSource;
use flume::{Receiver, Sender};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Flume {
    receiver: Receiver<Item>,
    frame: Vec<Item>,
}

pub struct FlumeLane {
    sender: Sender<Item>,
    source: IntentSource,
}

impl Contestant for Flume {
    const NAME: &'static str = "flume drain";
    type Lane = FlumeLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<FlumeLane>) {
        let (sender, receiver) = flume::bounded(capacity);
        let lanes = sources.iter().map(|&source| FlumeLane { sender: sender.clone(), source }).collect();
        (Self { receiver, frame: Vec::new() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        self.frame.extend(self.receiver.drain());
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for FlumeLane {
    async fn send(&mut self, update: Update) -> bool {
        let sent = self.sender.send_async(Item { update, source: self.source }).await.is_ok();
        yield_if_full(false).await;
        sent
    }
}

impl Offer for FlumeLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok());
    }
}
