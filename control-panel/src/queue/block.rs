//! A block of slots that a producer took in advance, behind a lock of its own: most sends take no other.

use std::{mem, sync::Arc};

use tokio::time::Instant;

use super::{producer::has_ended, soon};
use crate::{
    lifecycle::run_token::RunToken,
    telemetry::{CountsSends, SendCounts, SendFigures},
    util::spin::{SpinGuard, SpinLock},
};

/// What a producer and the queue share.
#[repr(C, align(64))]
pub(super) struct Block<I> {
    /// On a cache line of its own: its producer writes it with each send.
    prepaid: SpinLock<Prepaid<I>>,
    /// What became of its producer's intents, for observers.
    figures: SendFigures,
    of_source: Arc<SendFigures>,
}

/// What is in a block.
pub(super) struct Prepaid<I> {
    /// Slots that are left.
    pub(super) slots: usize,
    /// What was pushed: into the buffer of the producer's bucket, with room for as many more, or into a [stage](Self::lend).
    pub(super) entries: Vec<I>,
    /// The bucket's buffer, where `entries` are a stage.
    behind: Option<Vec<I>>,
}

/// So many intents of this size a stage has room for: a few, so that tests fill it again and again.
fn stage(size: usize) -> usize {
    if cfg!(test) { 2 } else { (1024 / size.max(1)).clamp(4, 16) }
}

impl<I> Prepaid<I> {
    /// Lends slots to the producer, and its bucket's buffer to push into.
    ///
    /// Where frames run beside senders (`apart`), the buffer's cache lines are on the frame's core. Each has to be fetched before it is
    /// written, and a lock waits for all that was written before it: so sends into the buffer would wait for one line each. They write
    /// into a stage instead, which no frame reads while it is not full, and move it into the buffer as a whole.
    pub(super) fn lend(&mut self, slots: usize, buffer: Vec<I>, apart: bool) {
        self.slots = slots;
        if apart && self.behind.is_none() {
            (self.entries, self.behind) = (Vec::with_capacity(stage(size_of::<I>())), Some(Vec::new()));
        }
        *self.behind.as_mut().unwrap_or(&mut self.entries) = buffer;
    }

    /// Takes the slots that are left, and the buffer.
    #[inline]
    pub(super) fn take_back(&mut self) -> (usize, Vec<I>) {
        self.empty_stage();
        (mem::take(&mut self.slots), mem::take(self.behind.as_mut().unwrap_or(&mut self.entries)))
    }

    #[inline]
    fn empty_stage(&mut self) {
        if let Some(behind) = &mut self.behind {
            behind.append(&mut self.entries);
        }
    }
}

impl<I> Block<I> {
    /// For a producer of the source with these figures.
    pub(super) fn new(of_source: Arc<SendFigures>) -> Self {
        let prepaid = SpinLock::new(Prepaid { slots: 0, entries: Vec::new(), behind: None });
        Self { prepaid, figures: of_source.sibling(), of_source }
    }

    /// Counts it for the producer and for its source. Under the queue's lock, but for what is refused or dropped.
    #[inline]
    pub(super) fn count(&self, count: impl Fn(&SendFigures)) {
        count(&self.figures);
        count(&self.of_source);
    }

    /// The time, if it is observed how long sends wait.
    #[inline]
    pub(super) fn clock(&self) -> Option<Instant> {
        self.figures.clock()
    }

    /// How long sends wait is observed from now on. Under the queue's lock.
    pub(super) fn observe(&self, now: Instant) {
        self.count(|figures| figures.observe(now));
    }

    /// Takes one of its slots, for a run that has not ended: the caller fills it immediately. Fails too while another thread has
    /// the lock.
    #[inline(always)]
    pub(super) fn take(&self, run: Option<&RunToken>) -> Option<SpinGuard<'_, Prepaid<I>>> {
        Self::take_of(self.prepaid.try_lock()?, run)
    }

    /// The same, after a wait for senders of the block's own producer that are in the middle of a send, and with an empty stage.
    pub(super) fn wait_to_take(&self, run: Option<&RunToken>) -> Option<SpinGuard<'_, Prepaid<I>>> {
        let mut prepaid = self.prepaid.lock();
        if prepaid.slots == 0 {
            return None;
        }
        prepaid.empty_stage();
        Self::take_of(prepaid, run)
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
        soon(|| self.prepaid.try_lock())
    }

    /// Waits until no sender is in the middle of a send.
    #[cold]
    pub(super) fn wait(&self) {
        drop(self.prepaid.lock());
    }

    /// As a sender that is held up in the middle of a send.
    #[cfg(test)]
    pub(super) fn busy(&self) -> impl Sized + '_ {
        self.prepaid.lock()
    }
}

impl<I: Send> CountsSends for Block<I> {
    fn counts(&self, now: Instant) -> SendCounts {
        self.figures.counts(now)
    }
}
