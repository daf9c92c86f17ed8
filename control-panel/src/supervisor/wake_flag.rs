//! Notifies a worker's task that there is something to look at.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
};

use crate::util::Mutex;

/// A flag, and the waker of the one task that looks at it: like `futures`' `AtomicWaker`, with a lock.
#[derive(Default)]
pub(super) struct WakeFlag {
    raised: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl WakeFlag {
    /// Stores the task's waker. Called before the task looks at the flag.
    pub(super) fn register(&self, waker: &Waker) {
        let mut left = self.waker.lock();
        if !left.as_ref().is_some_and(|left| left.will_wake(waker)) {
            let before = left.replace(waker.clone());
            drop(left);
            drop(before);
        }
    }

    /// Raises the flag. Returns the waker, to be woken without a lock; the task stores it anew at its next look.
    #[must_use]
    pub(super) fn raise(&self) -> Option<Waker> {
        self.raised.store(true, Ordering::Release);
        self.waker.lock().take()
    }

    /// Whether it was raised since the last look.
    pub(super) fn take(&self) -> bool {
        self.raised.load(Ordering::Acquire) && self.raised.swap(false, Ordering::Acquire)
    }

    /// The task is over: nothing is woken any more.
    pub(super) fn forget(&self) {
        let waker = self.waker.lock().take();
        drop(waker);
    }
}
