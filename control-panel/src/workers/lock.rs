//! Locking without poison, with what the standard library has: these rooms use only what `lib.rs` exports.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks it, also after a panic under the lock: none of the program's code runs there, and no change is left half made.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
