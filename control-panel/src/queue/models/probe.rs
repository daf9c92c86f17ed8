//! Code that is foreign to the queue and calls it back: from `on_ready`, from a waker, from an intent's drop.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use super::account::{Account, Item, Kind};
use crate::queue::IntentSender;

/// Sends a lossy intent, which takes the lock whatever the queue is like: were it held, that would be a deadlock.
#[derive(Default)]
pub(super) struct Probe {
    sender: Mutex<Option<IntentSender<Item>>>,
    pub(super) account: Arc<Account>,
    sent: AtomicU32,
    /// It does not set itself off.
    busy: AtomicBool,
}

/// No actor has it.
const WHO: u32 = u32::MAX;

impl Probe {
    pub(super) fn arm(&self, sender: Option<IntentSender<Item>>) {
        let before = std::mem::replace(&mut *self.sender.lock().unwrap(), sender);
        drop(before);
    }

    pub(super) fn call(&self) {
        if self.busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let sender = self.sender.lock().unwrap().clone();
        if let Some(sender) = sender {
            let id = (WHO, self.sent.fetch_add(1, Ordering::SeqCst));
            if sender.try_send(self.account.item(id, Kind::Lossy)).is_ok() {
                self.account.accepted(id, Kind::Lossy);
            }
        }
        self.busy.store(false, Ordering::SeqCst);
    }

    /// How often it sent.
    pub(super) fn calls(&self) -> u32 {
        self.sent.load(Ordering::SeqCst)
    }
}
