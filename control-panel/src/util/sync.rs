//! The synchronization primitives of the queue and the flat combiner (`supervisor::combiner`): the standard library's,
//! or [shuttle](https://docs.rs/shuttle)'s in the models, where every call is a point at which another thread may run.
//!
//! These two and `blocking` import these names from here and nowhere else. `Arc` is not among them (shuttle's is the
//! standard one), nor is tokio's `Notify`: to a model it is a single step.

#[cfg(not(all(test, shuttle)))]
pub(crate) use std::{
    hint,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError, atomic},
    thread,
};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::{
    hint,
    sync::{Mutex, MutexGuard, PoisonError, TryLockError, atomic},
    thread,
};
