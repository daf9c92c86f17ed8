//! crossbeam-channel has no async send: a worker tries, and yields while the channel is full.

use control_panel::IntentSource;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Crossbeam {
    receiver: Receiver<Item>,
    frame: Vec<Item>,
    capacity: usize,
}

pub struct CrossbeamLane {
    sender: Sender<Item>,
    source: IntentSource,
}

impl Contestant for Crossbeam {
    const NAME: &'static str = "crossbeam-channel try_iter";
    type Lane = CrossbeamLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<CrossbeamLane>) {
        let (sender, receiver) = crossbeam_channel::bounded(capacity);
        let lanes = sources.iter().map(|&source| CrossbeamLane { sender: sender.clone(), source }).collect();
        (Self { receiver, frame: Vec::new(), capacity }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        self.frame.extend(self.receiver.try_iter().take(self.capacity));
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for CrossbeamLane {
    async fn send(&mut self, update: Update) -> bool {
        let mut item = Item { update, source: self.source };
        loop {
            item = match self.sender.try_send(item) {
                Ok(()) => {
                    yield_if_full(false).await;
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
                Err(TrySendError::Full(item)) => item,
            };
            yield_if_full(true).await;
        }
    }
}

impl Offer for CrossbeamLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok());
    }
}
