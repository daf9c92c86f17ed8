//! The storage of the events: a ring buffer, written under the registry's lock and read without it.

use std::{
    fmt, mem,
    sync::{
        Arc, MutexGuard, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use super::Events;
use crate::{
    lifecycle::{Event, EventKind},
    supervisor::cell::WorkerCell,
    telemetry::{self, Moved, Seen},
    util::Mutex,
};

/// How many events are kept for slow readers.
const KEPT: u64 = 1024;

/// See [`Log::on_write`].
struct OnWrite(Box<dyn Fn() + Send + Sync>);

impl fmt::Debug for OnWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnWrite")
    }
}

/// The last events of a panel.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: Mutex<Kept>,
    /// How many events there are, as of the last completed write.
    written: AtomicU64,
    changed: Notify,
    /// Called whenever events were written: for observers. Must not block.
    on_write: OnceLock<OnWrite>,
    /// No more events follow.
    over: AtomicBool,
}

/// The log while a batch of events is written into it.
pub(in crate::supervisor) struct Writing<'a> {
    written: &'a AtomicU64,
    kept: MutexGuard<'a, Kept>,
    /// For tracing and metrics, which receive every event.
    seen: Vec<Seen>,
    /// Evicted events, which hold the user's values.
    gone: Vec<Event>,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Each event at its slot: once the ring is full, a new one replaces the oldest.
    events: Vec<Event>,
    /// When it was logged, at the same slot. Not part of the event: that reaches reducers, which know no wall clock.
    times: Vec<Instant>,
    /// How many events there were in total.
    total: u64,
}

impl Log {
    /// Begins a write. Called under the registry's lock, so that the numbers are in order.
    pub(in crate::supervisor) fn write(&self) -> Writing<'_> {
        Writing { written: &self.written, kept: self.kept(), seen: Vec::new(), gone: Vec::new() }
    }

    /// Wakes the tasks that wait for an event.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
        if let Some(OnWrite(on_write)) = self.on_write.get() {
            on_write();
        }
    }

    /// From now on this is called whenever events were written, on the thread that wrote them. The first call counts.
    pub(crate) fn on_write(&self, on_write: impl Fn() + Send + Sync + 'static) {
        self.on_write.set(OnWrite(Box::new(on_write))).ok();
    }

    /// No more events follow after the current write. Does not wake waiting tasks.
    pub(in crate::supervisor) fn end(&self) {
        self.over.store(true, Ordering::Release);
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
        self.changed.notified()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// How many events there are. Takes no lock, and lags behind by the current write.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// For a reader that must not wait.
    pub(super) fn try_kept(&self) -> Option<MutexGuard<'_, Kept>> {
        self.kept.try_lock()
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock()
    }
}

impl Writing<'_> {
    pub(in crate::supervisor) fn push(
        &mut self,
        cell: &WorkerCell,
        kind: EventKind,
        moved: Moved,
        at: Instant,
    ) {
        let (name, origin, generation) = (cell.name.clone(), cell.origin, cell.generation());
        self.kept.total += 1;
        let event = Event { number: self.kept.total, name, origin, generation, kind };
        if telemetry::LISTENS {
            self.seen.push(Seen { event: event.clone(), source: cell.source.clone(), moved });
        }
        let slot = place(event.number);
        match self.kept.times.get_mut(slot) {
            None => self.kept.times.push(at),
            Some(time) => *time = at,
        }
        match self.kept.events.get_mut(slot) {
            None => self.kept.events.push(event),
            Some(oldest) if oldest.kind.holds_an_error() => self.gone.push(mem::replace(oldest, event)),
            Some(oldest) => *oldest = event,
        }
    }

    /// How many events there were in total.
    pub(in crate::supervisor) fn total(&self) -> u64 {
        self.kept.total
    }

    /// Returns the events to pass on and those to drop, both without any lock.
    pub(in crate::supervisor) fn close(self) -> (Vec<Seen>, Vec<Event>) {
        self.written.store(self.kept.total, Ordering::Release);
        (self.seen, self.gone)
    }
}

impl Kept {
    /// The number of the oldest event kept, or of the next one.
    pub(super) fn first(&self) -> u64 {
        self.total + 1 - self.events.len() as u64
    }

    pub(super) fn get(&self, number: u64) -> Option<Event> {
        if !(self.first()..=self.total).contains(&number) {
            return None;
        }
        self.events.get(place(number)).cloned()
    }

    /// When the event with this number, which is kept, was logged.
    pub(super) fn time(&self, number: u64) -> Option<Instant> {
        self.times.get(place(number)).copied()
    }
}

/// The slot of the event with this number.
fn place(number: u64) -> usize {
    ((number - 1) % KEPT) as usize
}
