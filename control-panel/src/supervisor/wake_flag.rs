//! Tells a worker's task that there is something to look at.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

/// A flag and the waker of the one task that looks at it.
#[derive(Debug, Default)]
pub(super) struct WakeFlag {
    raised: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl WakeFlag {
    /// Leaves the waker of the task, before that looks.
    pub(super) fn register(&self, waker: &Waker) {
        let mut left = self.waker();
        if !left.as_ref().is_some_and(|left| left.will_wake(waker)) {
            let before = left.replace(waker.clone());
            drop(left);
            drop(before);
        }
    }

    /// Hands out the waker, which the task leaves anew when it looks: to be woken without a lock.
    #[must_use]
    pub(super) fn raise(&self) -> Option<Waker> {
        self.raised.store(true, Ordering::Release);
        self.waker().take()
    }

    /// Whether it was raised since the last look.
    pub(super) fn take(&self) -> bool {
        self.raised.load(Ordering::Acquire) && self.raised.swap(false, Ordering::Acquire)
    }

    /// The task is over: nobody is woken any more.
    pub(super) fn forget(&self) {
        let waker = self.waker().take();
        drop(waker);
    }

    fn waker(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
