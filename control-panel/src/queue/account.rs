//! What a producer has of its own.

use super::shares::Credit;
use crate::util::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Read and written under the queue's lock alone. It is here because nobody but this producer has use for it.
#[derive(Debug, Default)]
pub(super) struct Account {
    next_seq: AtomicU64,
    slots: AtomicUsize,
    epoch: AtomicU64,
}

impl Account {
    #[inline]
    pub(super) fn next_seq(&self) -> u64 {
        let seq = self.next_seq.load(Ordering::Relaxed);
        self.next_seq.store(seq + 1, Ordering::Relaxed);
        seq
    }

    /// Lets `change` have the credit.
    #[inline]
    pub(super) fn credit<T>(&self, change: impl FnOnce(&mut Credit) -> T) -> T {
        let (slots, epoch) = (self.slots.load(Ordering::Relaxed), self.epoch.load(Ordering::Relaxed));
        let mut credit = Credit { slots, epoch };
        let result = change(&mut credit);
        if (credit.slots, credit.epoch) != (slots, epoch) {
            self.slots.store(credit.slots, Ordering::Relaxed);
            self.epoch.store(credit.epoch, Ordering::Relaxed);
        }
        result
    }
}
