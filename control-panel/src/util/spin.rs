//! A lock that costs one atomic read-modify-write, for what is held for a few instructions; in the models it is one of
//! [shuttle](https://docs.rs/shuttle)'s.
//!
//! Its holder may be preempted, and no other thread learns of it. So a thread that waits for it yields to others meanwhile, and
//! one that must not wait only tries.

#[cfg(not(all(test, shuttle)))]
mod imp {
    use spin::{RelaxStrategy, mutex::SpinMutex};

    pub(crate) struct SpinLock<T>(SpinMutex<T, Yield>);
    pub(crate) type SpinGuard<'a, T> = spin::mutex::SpinMutexGuard<'a, T, Yield>;

    pub(crate) struct Yield;

    impl RelaxStrategy for Yield {
        #[cold]
        #[inline(never)]
        fn relax() {
            (0..16).for_each(|_| std::hint::spin_loop());
            std::thread::yield_now();
        }
    }

    impl<T> SpinLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(SpinMutex::new(value))
        }

        #[inline(always)]
        pub(crate) fn lock(&self) -> SpinGuard<'_, T> {
            self.0.lock()
        }

        #[inline(always)]
        pub(crate) fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
            self.0.try_lock()
        }
    }
}

#[cfg(all(test, shuttle))]
mod imp {
    pub(crate) use crate::util::sync::{Mutex as SpinLock, MutexGuard as SpinGuard};
}

pub(crate) use imp::{SpinGuard, SpinLock};
