//! Which worker each thread runs code of right now: a few plain stores at each poll, as in a seqlock. The clock reads
//! it, and so does a shutdown, to distinguish an offender from a bystander.
//!
//! Kept by thread rather than by worker: there are few threads, so looking at all of them costs the same for ten
//! thousand workers.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering, fence},
};

use super::cell::WorkerCell;
use crate::{intent::Origin, util::Mutex};

/// What a thread was seen running: one poll of one worker, distinct from every other poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Poll {
    pub(crate) panel: u64,
    pub(crate) origin: Origin,
    thread: u64,
    number: u64,
}

/// One thread's slot. Only that thread writes it; `panel` is 0 while it runs no worker, and is written last.
struct ThreadSlot {
    thread: u64,
    panel: AtomicU64,
    origin: AtomicU64,
    number: AtomicU64,
}

thread_local! {
    static SLOT: Arc<ThreadSlot> = ThreadSlot::take();
}

static SLOTS: Mutex<ThreadSlots> = Mutex::new(ThreadSlots { taken: Vec::new(), threads: 0 });

/// Every living thread that ever ran a worker.
struct ThreadSlots {
    taken: Vec<Weak<ThreadSlot>>,
    threads: u64,
}

/// Runs code of the worker's. The code must not unwind.
#[inline]
pub(super) fn during<T>(cell: &WorkerCell, code: impl FnOnce() -> T) -> T {
    // A thread that is being torn down has no slot any more, and then is not watched.
    let before = SLOT.try_with(|slot| slot.enter(cell.panel, cell.origin)).ok();
    let result = code();
    if let Some(before) = before {
        SLOT.try_with(|slot| slot.leave(before)).ok();
    }
    result
}

/// Returns what all threads run now.
pub(super) fn polled() -> Vec<Poll> {
    let mut slots = SLOTS.lock();
    let mut polled = Vec::new();
    slots.taken.retain(|slot| {
        let slot = slot.upgrade();
        polled.extend(slot.as_ref().and_then(|slot| slot.look()));
        slot.is_some()
    });
    polled
}

impl ThreadSlot {
    fn take() -> Arc<Self> {
        let mut slots = SLOTS.lock();
        slots.threads += 1;
        let slot = Arc::new(Self {
            thread: slots.threads,
            panel: AtomicU64::new(0),
            origin: AtomicU64::new(0),
            number: AtomicU64::new(0),
        });
        // Whichever thread takes a slot removes those of ended threads, so there are never many more slots than
        // threads.
        slots.taken.retain(|slot| slot.strong_count() > 0);
        slots.taken.push(Arc::downgrade(&slot));
        slot
    }

    /// Returns what the thread ran before: a worker may run a panel of its own on its own thread.
    fn enter(&self, panel: u64, origin: Origin) -> (u64, u64) {
        let before = (self.panel.load(Ordering::Relaxed), self.origin.load(Ordering::Relaxed));
        self.write(panel, origin.0);
        before
    }

    fn leave(&self, (panel, origin): (u64, u64)) {
        if panel == 0 {
            self.panel.store(0, Ordering::Release);
        } else {
            // A poll that resumes counts as a new one, so the nested panel's time is not held against it.
            self.write(panel, origin);
        }
    }

    fn write(&self, panel: u64, origin: u64) {
        self.panel.store(0, Ordering::Relaxed);
        // A reader that sees any of the following stores also sees that 0, or a later `panel`.
        fence(Ordering::Release);
        self.origin.store(origin, Ordering::Relaxed);
        self.number.store(self.number.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.panel.store(panel, Ordering::Release);
    }

    fn look(&self) -> Option<Poll> {
        let panel = self.panel.load(Ordering::Acquire);
        let number = self.number.load(Ordering::Relaxed);
        let origin = Origin(self.origin.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let same =
            self.panel.load(Ordering::Relaxed) == panel && self.number.load(Ordering::Relaxed) == number;
        (same && panel != 0).then_some(Poll { panel, origin, thread: self.thread, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{cell::tests::cell, options::RunOptions};

    /// What this thread runs for a panel that no other test has.
    fn seen() -> Vec<Origin> {
        polled().into_iter().filter(|poll| poll.panel == u64::MAX).map(|poll| poll.origin).collect()
    }

    #[test]
    fn a_thread_shows_whose_code_it_runs_and_only_while_it_does() {
        let of = |origin| {
            let mut cell = cell(origin, RunOptions::unwatched());
            cell.panel = u64::MAX;
            cell
        };
        let (outer, inner) = (of(1), of(2));
        assert_eq!(seen(), []);
        let first = during(&outer, || {
            assert_eq!(seen(), [Origin(1)]);
            // A worker that runs a panel of its own on its own thread.
            during(&inner, || assert_eq!(seen(), [Origin(2)]));
            assert_eq!(seen(), [Origin(1)]);
            polled()
        });
        assert_eq!(seen(), []);
        let second = during(&outer, polled);
        let own = |polls: Vec<Poll>| polls.into_iter().find(|poll| poll.panel == u64::MAX);
        assert_ne!(own(first).unwrap(), own(second).unwrap(), "two polls of one worker");
    }
}
