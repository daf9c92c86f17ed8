//! A mutex without poison, as tokio's and `parking_lot`'s: `lock` returns the guard, also after a panic under the lock.
//!
//! Poison protects a value that a panic left half changed. Here no shared lock is held while the program's own code runs
//! (wakers, destructors, `on_ready`), except a source's `Ord`, around which no change is half made. So a panic under a lock
//! concerns one thread, and must not end all the others.

use std::{
    fmt,
    sync::{self, MutexGuard, PoisonError, TryLockError},
    time::Duration,
};

/// See the [module](self).
#[derive(Default)]
pub(crate) struct Mutex<T: ?Sized>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks it unless it is locked already.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The value, without locking: the caller has the mutex to itself.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: fmt::Debug + ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Its condition variable.
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Waits until it is notified or the time is over, and sometimes returns for neither reason.
    pub(crate) fn wait_timeout<'a, T>(&self, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
        self.0.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::{panic::AssertUnwindSafe, sync::Arc, thread};

    use super::Mutex;

    #[test]
    fn a_panic_under_the_lock_does_not_lock_others_out() {
        let mut mutex = Mutex::new(1);
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let mut guard = mutex.lock();
            *guard = 2;
            panic!("under the lock");
        }));
        assert!(panicked.is_err());
        assert_eq!(*mutex.lock(), 2);
        assert_eq!(mutex.try_lock().as_deref(), Some(&2));
        assert_eq!(*mutex.get_mut(), 2);
    }

    #[test]
    fn try_lock_is_refused_while_another_thread_holds_it() {
        let mutex = Arc::new(Mutex::new(()));
        let held = mutex.lock();
        let other = Arc::clone(&mutex);
        assert!(thread::spawn(move || other.try_lock().is_none()).join().unwrap());
        drop(held);
        assert!(mutex.try_lock().is_some());
    }
}
