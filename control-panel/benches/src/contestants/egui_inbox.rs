//! egui_inbox: a Vec behind a mutex, without a bound, read whole by the frame. Its producers hold back above `ROOM` a frame.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use control_panel::IntentSource;
use egui_inbox::{UiInbox, UiInboxSender};
use tokio::runtime::Handle;

use super::{EQUAL_ROOM, FLOODED};
use crate::{
    contestant::{Contestant, Lane, Offer, yield_if_full},
    intents::{Eat, Item, Update, sort},
};

pub struct EguiInbox<const ROOM: usize = FLOODED> {
    inbox: UiInbox<Item>,
    frames: Arc<AtomicUsize>,
}

pub struct EguiInboxLane {
    sender: UiInboxSender<Item>,
    source: IntentSource,
    /// An inbox cannot tell its length, so that a benchmark's memory must be bounded from without.
    frames: Arc<AtomicUsize>,
    frame: usize,
    sent: usize,
    most: usize,
}

impl<const ROOM: usize> Contestant for EguiInbox<ROOM> {
    const NAME: &'static str =
        if ROOM == EQUAL_ROOM { "egui_inbox (room for 256)" } else { "egui_inbox (no bound)" };
    type Lane = EguiInboxLane;

    fn open(_: usize, sources: &[IntentSource], _: &Handle) -> (Self, Vec<EguiInboxLane>) {
        let (sender, inbox) = UiInbox::channel();
        let frames = Arc::new(AtomicUsize::new(0));
        let most = (ROOM / sources.len()).max(1);
        let lane = |&source: &IntentSource| {
            let (sender, frames) = (sender.clone(), Arc::clone(&frames));
            EguiInboxLane { sender, source, frames, frame: 0, sent: 0, most }
        };
        let lanes = sources.iter().map(lane).collect();
        (Self { inbox, frames }, lanes)
    }

    fn frame<E: Eat>(&mut self, mut eat: E) -> E {
        let mut frame: Vec<Item> = self.inbox.read_without_ctx().collect();
        self.frames.fetch_add(1, Ordering::Relaxed);
        sort(&mut frame);
        for item in frame {
            eat.eat(item.source, &item.update);
        }
        eat
    }
}

impl Lane for EguiInboxLane {
    async fn send(&mut self, update: Update) -> bool {
        while self.is_flooded() {
            yield_if_full(true).await;
        }
        self.sent += 1;
        let sent = self.sender.send(Item { update, source: self.source }).is_ok();
        yield_if_full(false).await;
        sent
    }
}

impl EguiInboxLane {
    fn is_flooded(&mut self) -> bool {
        let frame = self.frames.load(Ordering::Relaxed);
        if frame != self.frame {
            (self.frame, self.sent) = (frame, 0);
        }
        self.sent >= self.most
    }
}

impl Offer for EguiInboxLane {
    fn offer(&mut self, update: Update) {
        assert!(self.sender.send(Item { update, source: self.source }).is_ok());
    }
}
