//! tokio's channel, drained with `poll_recv_many` into a Vec that is kept.

use std::task::{Context, Waker};

use control_panel::IntentSource;
use tokio::{
    runtime::Handle,
    sync::mpsc::{self, Receiver},
};

use super::baseline::TokioLane;
use crate::{
    contestant::Contestant,
    intents::{Eat, Item, sort},
};

pub struct TokioMany {
    receiver: Receiver<Item>,
    frame: Vec<Item>,
    capacity: usize,
}

impl Contestant for TokioMany {
    const NAME: &'static str = "tokio poll_recv_many";
    type Lane = TokioLane;

    fn open(capacity: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<TokioLane>) {
        let (sender, receiver) = mpsc::channel(capacity);
        let lanes = sources.iter().map(|&source| TokioLane { sender: sender.clone(), source }).collect();
        (Self { receiver, frame: Vec::new(), capacity }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.receiver.poll_recv_many(&mut cx, &mut self.frame, self.capacity);
        sort(&mut self.frame);
        for item in self.frame.drain(..) {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}
