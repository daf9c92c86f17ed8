//! The synchronization primitives of the queue and the flat combiner (`supervisor::combiner`): the mutex without poison
//! and the standard library's atomics, or [shuttle](https://docs.rs/shuttle)'s in the models, where every call is a point
//! at which another thread may run.
//!
//! These two, `spin` and `blocking` import these names from here and nowhere else. `Arc` is not among them (shuttle's is
//! the standard one), nor is tokio's `Notify`: to a model it is a single step.

#[cfg(not(all(test, shuttle)))]
pub(crate) use {
    super::mutex::Mutex,
    std::{
        hint,
        sync::{MutexGuard, atomic},
        thread,
    },
};

#[cfg(all(test, shuttle))]
pub(crate) use {
    self::modelled::Mutex,
    shuttle::{
        hint,
        sync::{MutexGuard, atomic},
        thread,
    },
};

#[cfg(all(test, shuttle))]
mod modelled;
