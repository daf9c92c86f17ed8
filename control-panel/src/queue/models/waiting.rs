//! Senders that wait for a slot.

use std::sync::Arc;

use shuttle::{
    sync::{Condvar, Mutex},
    thread,
};

use super::{
    account::{Item, Kind},
    actor::Actor,
    drive::{Cut, drive},
    stage::Stage,
};
use crate::queue::IntentSender;

/// A door that a model's threads wait at.
#[derive(Default)]
pub(super) struct Door {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Door {
    pub(super) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub(super) fn wait(&self) {
        let mut open = self.open.lock().unwrap();
        while !*open {
            open = self.opened.wait(open).unwrap();
        }
    }
}

/// A stage where a source holds all it may have.
pub(super) fn full(capacity: usize) -> Stage {
    let mut stage = Stage::new(capacity);
    stage.actor(0, |actor| while actor.try_send(Kind::Plain) {});
    stage.join();
    stage
}

/// One more of that source waits for a slot. Its sender, since one that goes would let another in.
pub(super) fn wait(stage: &mut Stage, part: impl FnOnce(&mut Actor) + Send + 'static) -> IntentSender<Item> {
    let before = stage.queue.counts().waiting;
    let sender = stage.sender(0);
    stage.actor_with(sender.clone(), part);
    while stage.queue.counts().waiting == before {
        thread::yield_now();
    }
    sender
}

/// It sends, or gives up.
pub(super) fn sends(when: Cut) -> impl FnOnce(&mut Actor) {
    move |actor| {
        let item = actor.item(Kind::Plain);
        assert_eq!(actor.send_item(item, when), when == Cut::Never);
    }
}

/// One frame that hands out so many; no other is begun once it has ended.
pub(super) fn one_frame(stage: &Stage, most: u32) {
    while stage.account.count() == 0 {
        stage.read_some(stage.drain(), most);
        thread::yield_now();
    }
    // A frame that did not get the lock ends with the next, which is not read.
    while stage.queue.counts().drained == 0 {
        drop(stage.drain());
        thread::yield_now();
    }
}

/// Waits for a slot, and once it is woken for the door.
pub(super) fn stalling(stage: &mut Stage, door: &Arc<Door>) -> IntentSender<Item> {
    let door = Arc::clone(door);
    wait(stage, move |actor| {
        let item = actor.item(Kind::Plain);
        actor.send_by(item, |sending| {
            drive(sending, None, |doze| {
                doze.sleep();
                door.wait();
                true
            })
        });
    })
}
