//! A block of slots that a producer took in advance, behind a lock of its own: most sends take no other.

use super::{producer::has_ended, soon};
use crate::{
    lifecycle::run_token::RunToken,
    util::spin::{SpinGuard, SpinLock},
};

/// On a cache line of its own: its producer writes it with each send.
#[repr(align(64))]
pub(super) struct Block<I>(SpinLock<Prepaid<I>>);

/// What is in a block.
pub(super) struct Prepaid<I> {
    /// Slots that are left.
    pub(super) slots: usize,
    /// The buffer of the producer's bucket, with room for as many more. Nothing, while no slots are lent to the producer.
    pub(super) entries: Vec<I>,
}

impl<I> Block<I> {
    pub(super) fn new() -> Self {
        Self(SpinLock::new(Prepaid { slots: 0, entries: Vec::new() }))
    }

    /// Takes one of its slots, for a run that has not ended: the caller fills it at once. Fails too while another thread has
    /// the lock.
    #[inline(always)]
    pub(super) fn take(&self, run: Option<&RunToken>) -> Option<SpinGuard<'_, Prepaid<I>>> {
        Self::take_of(self.0.try_lock()?, run)
    }

    /// The same, after a wait for senders of the block's own producer that are in the middle of a send.
    pub(super) fn wait_to_take(&self, run: Option<&RunToken>) -> Option<SpinGuard<'_, Prepaid<I>>> {
        Self::take_of(self.0.lock(), run)
    }

    #[inline(always)]
    fn take_of<'a>(
        mut prepaid: SpinGuard<'a, Prepaid<I>>,
        run: Option<&RunToken>,
    ) -> Option<SpinGuard<'a, Prepaid<I>>> {
        // There is room for each slot. Looked at nevertheless, the push is no call, for which a send would have to save its registers.
        if has_ended(run) || prepaid.entries.len() == prepaid.entries.capacity() {
            return None;
        }
        prepaid.slots = prepaid.slots.checked_sub(1)?;
        Some(prepaid)
    }

    /// What is in it, unless a sender stays in the middle of a send.
    #[inline]
    pub(super) fn try_lock(&self) -> Option<SpinGuard<'_, Prepaid<I>>> {
        soon(|| self.0.try_lock())
    }

    /// Waits until no sender is in the middle of a send.
    #[cold]
    pub(super) fn wait(&self) {
        drop(self.0.lock());
    }

    /// As a sender that is held up in the middle of a send.
    #[cfg(test)]
    pub(super) fn busy(&self) -> impl Sized + '_ {
        self.0.lock()
    }
}
