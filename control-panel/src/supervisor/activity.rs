//! Which worker each thread runs code of right now: a few plain stores at each poll. The clock reads
//! it, and so does a shutdown, to distinguish an offender from a bystander.
//!
//! Kept by thread rather than by worker: there are few threads, so looking at all of them costs the same for ten
//! thousand workers.

use std::sync::{Arc, Weak};

use super::cell::WorkerCell;
use crate::{
    intent::Origin,
    util::{Mutex, SeqLock},
};

/// What a thread was seen running: one poll of one worker, distinct from every other poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Poll {
    pub(crate) panel: u64,
    pub(crate) origin: Origin,
    thread: u64,
    number: u64,
}

/// One thread's slot.
struct ThreadSlot {
    thread: u64,
    /// The panel and the origin of the worker that it runs; 0 and 0 while it runs none. Only that thread writes them, and each
    /// version is one poll.
    runs: SeqLock<2>,
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
    let before = SLOT.try_with(|slot| slot.run([cell.panel, cell.origin.0])).ok();
    let result = code();
    if let Some(before) = before {
        // A poll that resumes counts as a new one, so the nested panel's time is not held against it.
        SLOT.try_with(|slot| slot.run(before)).ok();
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
        let slot = Arc::new(Self { thread: slots.threads, runs: SeqLock::new() });
        // Whichever thread takes a slot removes those of ended threads, so there are never many more slots than
        // threads.
        slots.taken.retain(|slot| slot.strong_count() > 0);
        slots.taken.push(Arc::downgrade(&slot));
        slot
    }

    /// Returns what the thread ran before: a worker may run a panel of its own on its own thread.
    fn run(&self, runs: [u64; 2]) -> [u64; 2] {
        let before = self.runs.load();
        self.runs.write(runs);
        before
    }

    fn look(&self) -> Option<Poll> {
        let ([panel, origin], number) = self.runs.read()?;
        (panel != 0).then_some(Poll { panel, origin: Origin(origin), thread: self.thread, number })
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
