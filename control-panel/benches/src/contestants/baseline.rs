//! The seed's shape: one bounded tokio channel, `try_recv` into a fresh Vec, a stable sort.

use control_panel::IntentSource;
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, Receiver, Sender},
    time::Instant,
};

use crate::{
    contestant::{Contestant, Lane, Offer},
    intents::{Eat, Item, Update, sort},
};

pub struct Baseline {
    receiver: Receiver<Item>,
}

pub struct TokioLane {
    pub(super) sender: Sender<Item>,
    pub(super) source: IntentSource,
}

impl Contestant for Baseline {
    const NAME: &'static str = "baseline (tokio mpsc, try_recv)";
    type Lane = TokioLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<TokioLane>) {
        let (sender, receiver) = mpsc::channel(capacity);
        let lanes = sources.iter().map(|&source| TokioLane { sender: sender.clone(), source }).collect();
        (Self { receiver }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut frame = Vec::new();
        while let Ok(item) = self.receiver.try_recv() {
            frame.push(item);
        }
        sort(&mut frame);
        for item in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for TokioLane {
    async fn send(&mut self, update: Update) -> bool {
        self.sender.send(Item { update, source: self.source }).await.is_ok()
    }
}

impl Offer for TokioLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(Item { update, source: self.source }).is_ok());
    }
}

/// The same, with the seed's `queued_at`: a clock call and 16 bytes more an intent.
pub struct Stamped {
    receiver: Receiver<StampedItem>,
}

pub struct StampedLane {
    sender: Sender<StampedItem>,
    source: IntentSource,
}

struct StampedItem {
    item: Item,
    _queued_at: Instant,
}

impl Contestant for Stamped {
    const NAME: &'static str = "baseline with the seed's `queued_at`";
    type Lane = StampedLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<StampedLane>) {
        let (sender, receiver) = mpsc::channel(capacity);
        let lanes = sources.iter().map(|&source| StampedLane { sender: sender.clone(), source }).collect();
        (Self { receiver }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut frame = Vec::new();
        while let Ok(stamped) = self.receiver.try_recv() {
            frame.push(stamped);
        }
        frame.sort_by_key(|stamped| stamped.item.key());
        for StampedItem { item, .. } in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl StampedLane {
    fn stamp(&self, update: Update) -> StampedItem {
        StampedItem { item: Item { update, source: self.source }, _queued_at: Instant::now() }
    }
}

impl Lane for StampedLane {
    async fn send(&mut self, update: Update) -> bool {
        self.sender.send(self.stamp(update)).await.is_ok()
    }
}

impl Offer for StampedLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.try_send(self.stamp(update)).is_ok());
    }
}
