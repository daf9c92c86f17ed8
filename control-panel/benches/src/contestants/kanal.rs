//! kanal: async senders, a synchronous receiver with `drain_into`.

use control_panel::IntentSource;
use kanal::{AsyncSender, Receiver};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Kanal {
    receiver: Receiver<Item>,
    frame: Vec<Item>,
}

pub struct KanalLane {
    sender: AsyncSender<Item>,
    source: IntentSource,
}

impl Contestant for Kanal {
    const NAME: &'static str = "kanal drain_into";
    type Lane = KanalLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<KanalLane>) {
        let (sender, receiver) = kanal::bounded_async(capacity);
        let lanes = sources.iter().map(|&source| KanalLane { sender: sender.clone(), source }).collect();
        (Self { receiver: receiver.to_sync(), frame: Vec::new() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        self.receiver.drain_into(&mut self.frame).ok();
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for KanalLane {
    async fn send(&mut self, update: Update) -> bool {
        let sent = self.sender.send(Item { update, source: self.source }).await.is_ok();
        yield_if_full(false).await;
        sent
    }
}

impl Offer for KanalLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok_and(|taken| taken));
    }
}
