//! control-panel, with each way to consume a frame.

use std::marker::PhantomData;

use control_panel::{ControlPanel, Frame, IntentSender, IntentSource, QueuedIntent, Reducer};
use tokio::runtime::Handle;

use crate::{
    contestant::{Contestant, Lane, Offer},
    intents::{Eat, Update},
};

/// `S` says how the frame is consumed.
pub struct Panel<S = Whole> {
    pub panel: ControlPanel<Update>,
    /// A frame whose intents are consumed and whose wakes are not paid.
    held: Option<Frame<Update>>,
    style: PhantomData<S>,
}

/// How a frame is consumed.
pub trait Style {
    const NAME: &'static str;
    fn consume<E: Eat>(panel: &mut ControlPanel<Update>, eat: E) -> (E, Option<Frame<Update>>);
}

/// `panel.drain().for_each(…)`
pub struct Whole;
/// `for queued in panel.drain()`
pub struct Drained;
/// `panel.run_frame(…)`
pub struct RunFrame;
/// All of a frame's intents and no look beyond the last, which would end the frame: it is dropped later, to measure the wakes apart
/// from the rest.
pub struct Held;

impl Style for Whole {
    const NAME: &'static str = "control-panel for_each";

    fn consume<E: Eat>(panel: &mut ControlPanel<Update>, mut eat: E) -> (E, Option<Frame<Update>>) {
        panel.drain().for_each(|queued| eat.eat(queued.source, &queued.intent));
        (eat, None)
    }
}

impl Style for Drained {
    const NAME: &'static str = "control-panel for-loop";

    fn consume<E: Eat>(panel: &mut ControlPanel<Update>, mut eat: E) -> (E, Option<Frame<Update>>) {
        for queued in panel.drain() {
            eat.eat(queued.source, &queued.intent);
        }
        (eat, None)
    }
}

impl Style for RunFrame {
    const NAME: &'static str = "control-panel run_frame";

    fn consume<E: Eat>(panel: &mut ControlPanel<Update>, eat: E) -> (E, Option<Frame<Update>>) {
        let mut eating = Eating(eat);
        panel.run_frame(&mut eating, &mut (), []);
        (eating.0, None)
    }
}

impl Style for Held {
    const NAME: &'static str = "control-panel";

    fn consume<E: Eat>(panel: &mut ControlPanel<Update>, mut eat: E) -> (E, Option<Frame<Update>>) {
        let mut frame = panel.drain();
        let whole = frame.remaining();
        for queued in frame.by_ref().take(whole) {
            eat.eat(queued.source, &queued.intent);
        }
        (eat, Some(frame))
    }
}

struct Eating<E>(E);

impl<E: Eat> Reducer for Eating<E> {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0.eat(queued.source, &queued.intent);
    }
}

impl<S: Style> Contestant for Panel<S> {
    const NAME: &'static str = S::NAME;
    type Lane = IntentSender<Update>;

    fn open(capacity: usize, sources: &[IntentSource], runtime: &Handle) -> (Self, Vec<Self::Lane>) {
        let panel = ControlPanel::builder().capacity(capacity).runtime(runtime.clone()).build();
        let lanes = sources.iter().map(|&source| panel.sender(source)).collect();
        (Self { panel, held: None, style: PhantomData }, lanes)
    }

    fn frame<E: Eat>(&mut self, eat: E) -> E {
        let (eat, held) = S::consume(&mut self.panel, eat);
        self.held = held;
        eat
    }

    fn release(&mut self) {
        self.held = None;
    }
}

impl Lane for IntentSender<Update> {
    async fn send(&mut self, update: Update) -> bool {
        IntentSender::send(self, update).await.is_ok()
    }
}

impl Offer for IntentSender<Update> {
    fn offer(&mut self, update: Update) {
        assert!(self.try_send(update).is_ok(), "no room");
    }
}
