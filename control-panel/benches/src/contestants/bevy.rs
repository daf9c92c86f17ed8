//! bevy_ecs `Messages`: two buffers without a bound. Other threads reach them through a mutex, and hold back above `ROOM`.

use std::sync::{Arc, Mutex, PoisonError};

use bevy_ecs::message::{Message, Messages};
use control_panel::IntentSource;
use tokio::runtime::Handle;

use super::{EQUAL_ROOM, FLOODED};
use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

#[derive(Message)]
struct Sent(Item);

pub struct Bevy<const ROOM: usize = FLOODED> {
    messages: Arc<Mutex<Messages<Sent>>>,
    frame: Vec<Item>,
}

pub struct BevyLane<const ROOM: usize> {
    messages: Arc<Mutex<Messages<Sent>>>,
    source: IntentSource,
}

impl<const ROOM: usize> Contestant for Bevy<ROOM> {
    const NAME: &'static str =
        if ROOM == EQUAL_ROOM { "bevy_ecs Messages (room for 256)" } else { "bevy_ecs Messages (no bound)" };
    type Lane = BevyLane<ROOM>;

    fn open(_: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<BevyLane<ROOM>>) {
        let messages = Arc::new(Mutex::new(Messages::default()));
        let lanes =
            sources.iter().map(|&source| BevyLane { messages: Arc::clone(&messages), source }).collect();
        (Self { messages, frame: Vec::new() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        self.frame.extend(messages.drain().map(|Sent(item)| item));
        drop(messages);
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl<const ROOM: usize> BevyLane<ROOM> {
    /// False, and nothing written, if that would be too much for a benchmark.
    fn write(&self, update: Update) -> bool {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let room = messages.len() < ROOM;
        if room {
            messages.write(Sent(Item { update, source: self.source }));
        }
        room
    }
}

impl<const ROOM: usize> Lane for BevyLane<ROOM> {
    async fn send(&mut self, update: Update) -> bool {
        while !self.write(update) {
            yield_if_full(true).await;
        }
        yield_if_full(false).await;
        true
    }
}

impl<const ROOM: usize> Offer for BevyLane<ROOM> {
    fn offer(&mut self, update: Update) {
        assert!(self.write(update));
    }
}
