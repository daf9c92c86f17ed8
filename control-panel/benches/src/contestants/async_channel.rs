//! async-channel: `try_recv` up to the capacity.

use async_channel::{Receiver, Sender};
use control_panel::IntentSource;
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct AsyncChannel {
    receiver: Receiver<Item>,
    frame: Vec<Item>,
    capacity: usize,
}

pub struct AsyncChannelLane {
    sender: Sender<Item>,
    source: IntentSource,
}

impl Contestant for AsyncChannel {
    const NAME: &'static str = "async-channel try_recv";
    type Lane = AsyncChannelLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<AsyncChannelLane>) {
        let (sender, receiver) = async_channel::bounded(capacity);
        let lane = |&source: &IntentSource| AsyncChannelLane { sender: sender.clone(), source };
        (Self { receiver, frame: Vec::new(), capacity }, sources.iter().map(lane).collect())
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

impl Lane for AsyncChannelLane {
    async fn send(&mut self, update: Update) -> bool {
        let sent = self.sender.send(Item { update, source: self.source }).await.is_ok();
        yield_if_full(false).await;
        sent
    }
}

impl Offer for AsyncChannelLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok());
    }
}
