//! The storage of the events: a ring buffer, written under the registry's lock and read without it.

use std::{
    mem,
    sync::{
        Arc, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use super::Events;
use crate::{
    lifecycle::{Event, EventKind, Notice},
    supervisor::cell::WorkerCell,
    telemetry::{self, Moved, Seen},
    util::Mutex,
};

/// How many events are kept for slow readers.
const KEPT: u64 = 1024;

/// The last events of a panel.
#[derive(Default)]
pub(crate) struct Log {
    kept: Mutex<Kept>,
    /// How many events there are, as of the last completed write.
    written: AtomicU64,
    /// Made by the first task that waits for an event: most programs only look.
    changed: OnceLock<Notify>,
    /// Called whenever events were written: for observers. Must not block.
    on_write: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
pub(in crate::supervisor) struct Kept {
    /// Each event at its slot: once the ring is full, a new one replaces the oldest. The moment when it was logged is not
    /// part of the event: that reaches reducers, which know no wall clock.
    events: Vec<(Event, Instant)>,
    /// How many events there were in total.
    total: u64,
    /// No more events follow.
    over: bool,
}

impl Log {
    /// Whether anything ever waited for an event, or is called for each. Asked after the write: a task that begins to wait
    /// later reads what was written.
    pub(in crate::supervisor) fn is_awaited(&self) -> bool {
        self.changed.get().is_some() || self.on_write.get().is_some()
    }

    /// Wakes the tasks that wait for an event.
    pub(crate) fn announce(&self) {
        if let Some(changed) = self.changed.get() {
            changed.notify_waiters();
        }
        if let Some(on_write) = self.on_write.get() {
            on_write();
        }
    }

    /// From now on this is called whenever events were written, on the thread that wrote them. The first call counts.
    pub(crate) fn on_write(&self, on_write: impl Fn() + Send + Sync + 'static) {
        self.on_write.set(Box::new(on_write)).ok();
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.kept().total
    }

    /// Returns a reader of events from now on, or from the given one on.
    pub(crate) fn reader(self: &Arc<Self>, next: Option<u64>) -> Events {
        let next = next.unwrap_or_else(|| self.last() + 1);
        Events { log: Arc::clone(self), next: next.max(1) }
    }

    /// Resolves once more was written, or the log has ended.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.get_or_init(Notify::new).notified()
    }

    /// Read under the lock under which it is written: a reader that finds it false here is woken at the end.
    pub(super) fn is_over(&self) -> bool {
        self.kept().over
    }

    /// How many events there are. Takes no lock, and lags behind by the current write.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// For a reader that must not wait.
    pub(super) fn try_kept(&self) -> Option<MutexGuard<'_, Kept>> {
        self.kept.try_lock()
    }

    /// Written under the registry's lock, so that the numbers are in order.
    pub(in crate::supervisor) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }

    /// A write is complete.
    pub(in crate::supervisor) fn complete(&self, kept: MutexGuard<'_, Kept>) {
        self.written.store(kept.total, Ordering::Release);
        drop(kept);
    }
}

impl Kept {
    /// Appends the event to `seen`, for tracing and metrics, which receive every event; and the evicted one to `gone`, if it holds a
    /// value of the user's.
    pub(in crate::supervisor) fn push(
        &mut self,
        cell: &WorkerCell,
        (kind, moved): (EventKind, Moved),
        at: Instant,
        seen: &mut Vec<Seen>,
        gone: &mut Vec<Event>,
    ) {
        let (name, origin, generation) = (cell.name.clone(), cell.origin, cell.generation());
        self.total += 1;
        let event = Event { number: self.total, name, origin, generation, kind };
        if telemetry::LISTENS {
            seen.push(Seen { event: event.clone(), source: cell.source.clone(), moved });
        }
        match self.events.get_mut(place(event.number)) {
            None => self.events.push((event, at)),
            Some((oldest, time)) => {
                let oldest = mem::replace(oldest, event);
                *time = at;
                if oldest.kind.holds_an_error() {
                    gone.push(oldest);
                }
            }
        }
    }

    /// No more events follow.
    pub(in crate::supervisor) fn end(&mut self) {
        self.over = true;
    }

    /// How many events there were in total.
    pub(in crate::supervisor) fn total(&self) -> u64 {
        self.total
    }

    /// Reads the event of this number, with when it was logged; or how many events from it on are not kept any more.
    pub(super) fn read(&self, next: &mut u64) -> Option<(Notice, Option<Instant>)> {
        let missed = (self.total + 1 - self.events.len() as u64).saturating_sub(*next);
        if missed > 0 {
            *next += missed;
            return Some((Notice::Lagged(missed), None));
        }
        let (event, time) = self.events.get(place(*next)).filter(|_| *next <= self.total).cloned()?;
        *next += 1;
        Some((Notice::Event(event), Some(time)))
    }
}

/// The slot of the event with this number.
fn place(number: u64) -> usize {
    ((number - 1) % KEPT) as usize
}
