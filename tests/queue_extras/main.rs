//! Sends of several intents at once, reserved slots, lossy and latest-wins intents, and a loop that waits for work.

mod delivery;
mod many;
mod permits;
mod raced;
mod ready;

use std::{collections::VecDeque, pin::Pin, sync::Arc, task::Poll};

use control_panel::{
    ControlPanel, Intent, IntentSender, SendError,
    intent::{Delivery, LatestKey},
};
use tests::Wakes;

struct Note {
    id: u64,
    clock: Option<u64>,
    delivery: Delivery,
    _witness: Option<Arc<()>>,
}

impl Intent for Note {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        self.clock
    }

    fn delivery(&self) -> Delivery {
        self.delivery
    }
}

type Panel = ControlPanel<Note>;

fn note(id: u64) -> Note {
    Note { id, clock: None, delivery: Delivery::Reliable, _witness: None }
}

fn lossy(id: u64) -> Note {
    Note { delivery: Delivery::Lossy, ..note(id) }
}

fn latest(key: u64, id: u64) -> Note {
    Note { delivery: Delivery::Latest(LatestKey { variant: 0, key }), ..note(id) }
}

fn notes(ids: impl IntoIterator<Item = u64>) -> VecDeque<Note> {
    ids.into_iter().map(note).collect()
}

fn ids(notes: &VecDeque<Note>) -> Vec<u64> {
    notes.iter().map(|note| note.id).collect()
}

fn frame(panel: &mut Panel) -> Vec<u64> {
    panel.drain().map(|queued| queued.intent.id).collect()
}

/// Of the capacity, one slot is kept for a source not seen yet.
fn panel(slots: usize) -> Panel {
    Panel::builder().capacity(slots + 1).build()
}

fn fill(sender: &IntentSender<Note>) -> usize {
    (0..1_000).take_while(|_| sender.try_send(note(1_000)).is_ok()).count()
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), SendError<Note>>> + 'a>>;

/// Sends that wait, each polled once.
fn waiting(sender: &IntentSender<Note>, count: u64) -> Vec<(Arc<Wakes>, Waiting<'_>)> {
    let one = |id| {
        let (wakes, mut send) = (Wakes::new(), Box::pin(sender.send(note(id))));
        assert!(wakes.poll(send.as_mut()).is_pending());
        (wakes, send as Waiting<'_>)
    };
    (0..count).map(one).collect()
}

/// Polls the sends that were woken, and those that these wake. Returns how many are left.
fn go_on(waiting: &mut Vec<(Arc<Wakes>, Waiting<'_>)>) -> usize {
    while let Some(at) = waiting.iter().position(|(wakes, _)| wakes.take() > 0) {
        let (wakes, mut send) = waiting.remove(at);
        assert!(matches!(wakes.poll(send.as_mut()), Poll::Ready(Ok(()))), "woken, so it has a slot");
    }
    waiting.len()
}
