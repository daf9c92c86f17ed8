//! The budget of host memory that all mods of a loader share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::error::ModError;

/// The memory of all mods. Clones share one budget.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    most: usize,
    held: Arc<AtomicUsize>,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn set_most(&mut self, most: usize) {
        self.most = most;
    }

    /// Creates one mod's share, which is empty at first.
    pub(super) fn share(&self) -> Share {
        Share { budget: self.clone(), held: 0 }
    }
}

/// One mod's share of the budget: returned on drop.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    held: usize,
}

impl Share {
    /// Takes this many more bytes.
    ///
    /// # Errors
    /// Fewer are left: nothing is taken.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ModError> {
        let most = self.budget.most;
        let more = |held: usize| held.checked_add(bytes).filter(|held| *held <= most);
        match self.budget.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => {
                self.held += bytes;
                Ok(())
            }
            Err(held) => {
                Err(ModError::NoMemory { bytes: bytes as u64, held: held as u64, most: most as u64 })
            }
        }
    }

    /// Returns this many bytes.
    pub(super) fn give_back(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held);
        self.held -= bytes;
        let before = self.budget.held.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(before >= bytes, "a share gives back what it took, and no more");
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shares_together_hold_no_more_than_there_is() {
        let budget = Budget::new(100);
        let (mut first, mut second) = (budget.share(), budget.share());
        first.take(60).expect("there is as much");
        let refused = second.take(41).expect_err("there is not");
        assert_eq!(refused, ModError::NoMemory { bytes: 41, held: 60, most: 100 });
        second.take(40).expect("just as much");
        second.take(usize::MAX).expect_err("never so much");
        first.give_back(1_000);
        second.take(60).expect("all that the first had");
        drop(second);
        first.take(100).expect("all");
        drop(first);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
