//! Where the events are kept: a ring, written under the registry's lock and read without it.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, futures::Notified};

use super::Events;
use crate::{
    lifecycle::event::{Event, EventKind},
    supervisor::cell::WorkerCell,
    telemetry::{self, Moved, Seen},
};

/// How many events are kept for those who have not read them yet.
const KEPT: u64 = 1024;

/// The last events of a panel.
#[derive(Debug, Default)]
pub(crate) struct Log {
    kept: Mutex<Kept>,
    /// How many events there are, as of the last that was written into it.
    written: AtomicU64,
    changed: Notify,
    /// Nothing more is written.
    over: AtomicBool,
}

/// The log while what happened at once is written into it.
pub(in crate::supervisor) struct Writing<'a> {
    written: &'a AtomicU64,
    kept: MutexGuard<'a, Kept>,
    /// For those who are told of every event.
    seen: Vec<Seen>,
    /// What there is no more room for, of the user's.
    gone: Vec<Event>,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Each at its place: a new one takes that of the oldest, once there are so many.
    events: Vec<Event>,
    /// How many there were.
    total: u64,
}

impl Log {
    /// To note what happened. Called under the registry's lock: so the numbers are in order.
    pub(in crate::supervisor) fn write(&self) -> Writing<'_> {
        Writing { written: &self.written, kept: self.kept(), seen: Vec::new(), gone: Vec::new() }
    }

    /// Wakes those who wait for an event.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Nothing happens any more, once what is being written is. Whoever waits is not woken by this.
    pub(in crate::supervisor) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.kept().total
    }

    /// A reader of what happens from now on, or from an event on.
    pub(crate) fn reader(self: &Arc<Self>, next: Option<u64>) -> Events {
        let next = next.unwrap_or_else(|| self.last() + 1);
        Events { log: Arc::clone(self), next: next.max(1) }
    }

    /// Resolves once something more was written, or nothing more is.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// How many events there are. Takes no lock, and is behind by what is being written.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// For a reader that must not wait.
    pub(super) fn try_kept(&self) -> Option<MutexGuard<'_, Kept>> {
        match self.kept.try_lock() {
            Ok(kept) => Some(kept),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writing<'_> {
    pub(in crate::supervisor) fn push(&mut self, cell: &WorkerCell, kind: EventKind, moved: Moved) {
        let (name, origin, generation) = (cell.name.clone(), cell.origin, cell.generation());
        self.kept.total += 1;
        let event = Event { number: self.kept.total, name, origin, generation, kind };
        if telemetry::LISTENS {
            self.seen.push(Seen { event: event.clone(), source: cell.source.clone(), moved });
        }
        let at = place(event.number);
        match self.kept.events.get_mut(at) {
            None => self.kept.events.push(event),
            Some(oldest) if oldest.kind.holds_an_error() => self.gone.push(mem::replace(oldest, event)),
            Some(oldest) => *oldest = event,
        }
    }

    /// How many events there were.
    pub(in crate::supervisor) fn total(&self) -> u64 {
        self.kept.total
    }

    /// What is to be told of, and what is to be dropped, without any lock.
    pub(in crate::supervisor) fn close(self) -> (Vec<Seen>, Vec<Event>) {
        self.written.store(self.kept.total, Ordering::Release);
        (self.seen, self.gone)
    }
}

impl Kept {
    /// The number of the oldest event that is kept, or of the next one.
    pub(super) fn first(&self) -> u64 {
        self.total + 1 - self.events.len() as u64
    }

    pub(super) fn get(&self, number: u64) -> Option<Event> {
        if !(self.first()..=self.total).contains(&number) {
            return None;
        }
        self.events.get(place(number)).cloned()
    }
}

/// Where the event of this number is kept.
fn place(number: u64) -> usize {
    ((number - 1) % KEPT) as usize
}
