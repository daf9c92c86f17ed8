//! Replies that a worker's code dropped unanswered.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{lifecycle::Unanswered, util::Mutex};

#[derive(Default)]
pub(in crate::supervisor) struct HeldReplies {
    replies: Mutex<Vec<Arc<Unanswered>>>,
    /// Whether there are any.
    any: AtomicBool,
}

impl HeldReplies {
    /// Holds replies. They are given up once the worker's exit is recorded, or [sooner](Self::give_up).
    pub(in crate::supervisor) fn hold(&self, unanswered: Arc<Unanswered>) {
        self.replies.lock().push(unanswered);
        self.any.store(true, Ordering::Release);
    }

    /// The worker's run goes on: gives them up. Must not be called under a lock.
    pub(in crate::supervisor) fn give_up(&self) {
        self.take().iter().for_each(|unanswered| unanswered.give_up());
    }

    /// Takes the replies to give up, to be handled without a lock. There are usually none, and every poll asks.
    pub(in crate::supervisor) fn take(&self) -> Vec<Arc<Unanswered>> {
        if self.any.load(Ordering::Acquire) {
            let mut replies = self.replies.lock();
            self.any.store(false, Ordering::Relaxed);
            return mem::take(&mut *replies);
        }
        Vec::new()
    }
}
