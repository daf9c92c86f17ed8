//! rtrb: a ring for each producer, the capacity shared out among them. No wakes: a worker yields while full.

use control_panel::IntentSource;
use rtrb::{Consumer, Producer, PushError, RingBuffer};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct Rtrb {
    rings: Vec<Consumer<Item>>,
    frame: Vec<Item>,
}

pub struct RtrbLane {
    ring: Producer<Item>,
    source: IntentSource,
}

impl Contestant for Rtrb {
    const NAME: &'static str = "rtrb, a ring a producer";
    type Lane = RtrbLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<RtrbLane>) {
        let share = capacity.div_ceil(sources.len());
        let (rings, lanes) = sources
            .iter()
            .map(|&source| {
                let (ring, consumer) = RingBuffer::new(share);
                (consumer, RtrbLane { ring, source })
            })
            .unzip();
        (Self { rings, frame: Vec::new() }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        for ring in &mut self.rings {
            if let Ok(chunk) = ring.read_chunk(ring.slots()) {
                self.frame.extend(chunk);
            }
        }
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for RtrbLane {
    async fn send(&mut self, update: Update) -> bool {
        let mut item = Item { update, source: self.source };
        while let Err(PushError::Full(back)) = self.ring.push(item) {
            item = back;
            yield_if_full(true).await;
        }
        yield_if_full(false).await;
        true
    }
}

impl Offer for RtrbLane {
    fn offer(&mut self, update: Update) {
        assert!(self.ring.push(Item { update, source: self.source }).is_ok());
    }
}
