//! Telling a loop that there is something to drain.

use tokio::{sync::Notify, task::coop};

use super::{Apart, Foreign};
use crate::sync::atomic::{AtomicU64, Ordering};

/// What the panel calls when a sleeping loop has something to drain.
pub(crate) type OnReady = Box<dyn Fn() + Send + Sync>;

pub(super) struct Ready {
    /// How often the loop was told: a frame knows by it whether something came since the last. Written under the
    /// queue's lock, and never by a frame that only takes what there is: so a loop that looks all the time takes it
    /// from the senders once a frame.
    signals: Apart<AtomicU64>,
    callback: Option<OnReady>,
    /// Wakes those who wait for something to drain.
    sleepers: Notify,
}

impl Ready {
    pub(super) fn new(callback: Option<OnReady>) -> Self {
        Self { signals: Apart(AtomicU64::new(0)), callback, sleepers: Notify::new() }
    }

    /// Under the lock: whether the loop is to be told now, which is at most once between the beginnings of two frames.
    #[inline]
    pub(super) fn signal(&self, signalled: &mut bool) -> bool {
        if *signalled {
            return false;
        }
        *signalled = true;
        super::add(&self.signals, 1);
        true
    }

    /// How often the loop was told so far.
    pub(super) fn signals(&self) -> u64 {
        self.signals.load(Ordering::Acquire)
    }

    /// Tells the loop. Never under a lock: what is called is the user's.
    #[inline]
    pub(super) fn call(&self, ready: bool) {
        if ready {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        let mut foreign = Foreign::default();
        foreign.call(|| self.sleepers.notify_waiters());
        self.callback.iter().for_each(|callback| foreign.call(callback));
        foreign.end();
    }

    /// Resolves once `has_work` does, for everybody who waits. Takes part in tokio's cooperative budget, as nothing else may
    /// in a loop that always finds work.
    pub(super) async fn wait(&self, has_work: impl Fn() -> bool) {
        loop {
            // Made before the look: it hears of every call from here on, also before it is polled.
            let told = self.sleepers.notified();
            if has_work() {
                return coop::consume_budget().await;
            }
            told.await;
        }
    }
}
