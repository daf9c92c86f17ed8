//! What is nearly always empty, and often looked at.

use std::{
    mem,
    sync::atomic::{AtomicBool, Ordering},
};

use super::Mutex;

/// A value behind a lock that is only taken if there is something to take.
#[derive(Default)]
pub(crate) struct Rare<T> {
    any: AtomicBool,
    value: Mutex<T>,
}

impl<T: Default> Rare<T> {
    /// Puts something into it. What `put` returns is dropped without the lock.
    pub(crate) fn put<R>(&self, put: impl FnOnce(&mut T) -> R) -> R {
        let mut value = self.value.lock();
        self.any.store(true, Ordering::Release);
        put(&mut value)
    }

    /// Takes what was put into it. Costs a load if nothing was.
    #[inline]
    pub(crate) fn take(&self) -> T {
        if self.any.load(Ordering::Acquire) {
            let mut value = self.value.lock();
            self.any.store(false, Ordering::Relaxed);
            return mem::take(&mut *value);
        }
        T::default()
    }
}
