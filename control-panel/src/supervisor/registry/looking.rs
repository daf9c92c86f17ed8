//! Read access to the workers, and to what is known of all of them.

use std::{
    collections::BTreeSet,
    hint,
    sync::{Arc, MutexGuard, atomic::Ordering},
};

use tokio::time::Instant;

use super::{Registry, State, history::LastIncidents};
use crate::{
    intent::Origin,
    supervisor::{
        cell::WorkerCell,
        machine::KeyId,
        notable::Wakes,
        observed::{Observed, ObservedWorker},
        origin_map::OriginMap,
    },
    util::Timer,
};

/// How often a look tries the lock, which is held only briefly, before it goes without.
const TRIES: u32 = 12;

/// The living workers at one moment.
pub(crate) struct Look<'a> {
    pub(crate) version: u64,
    /// The number of the last event.
    pub(crate) events: u64,
    pub(crate) live: &'a OriginMap<Arc<WorkerCell>>,
    pub(crate) incidents: &'a LastIncidents,
}

impl Registry {
    pub(crate) fn live(&self) -> Vec<Arc<WorkerCell>> {
        self.lock().cells.values().cloned().collect()
    }

    /// Returns the living worker of this name that was spawned first.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<WorkerCell>> {
        self.lock().cells.values().find(|cell| cell.name == *name).cloned()
    }

    /// Returns all living workers of this name, in the order of their spawning.
    pub(crate) fn find_all(&self, name: &str) -> Vec<Arc<WorkerCell>> {
        self.lock().cells.values().filter(|cell| cell.name == *name).cloned().collect()
    }

    pub(crate) fn find_origin(&self, origin: Origin) -> Option<Arc<WorkerCell>> {
        self.lock().cells.get(origin).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks at the living workers, unless the lock is taken.
    pub(crate) fn try_look<T>(&self, look: impl FnOnce(Look<'_>) -> T) -> Option<T> {
        let state = self.try_lock()?;
        let look = look(Look {
            version: self.version(),
            events: self.log.last(),
            live: &state.cells,
            incidents: &state.history.last_incidents,
        });
        drop(state);
        Some(look)
    }

    /// Copies what is known of the living workers. Holds the lock only to list them: a thread that spawns or ends one meanwhile waits
    /// for some ten nanoseconds a worker.
    pub(crate) fn observe(&self) -> Observed {
        let now = self.hosts.now();
        let mut living = Vec::with_capacity(self.count());
        let state = self.lock();
        living.extend(state.cells.iter().map(|(origin, cell)| {
            let restarts = state.machine.restarts(origin, now).unwrap_or_default();
            (Arc::clone(cell), restarts, state.machine.group_of(origin))
        }));
        let incidents = state.history.last_incidents.total;
        drop(state);
        let living = living.into_iter();
        let workers = living.map(|(cell, restarts, group)| ObservedWorker::of(&cell, restarts, group, now));
        Observed { incidents, workers: workers.collect() }
    }

    /// Returns the lock, if it becomes free within a microsecond or two.
    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        for attempt in 0..TRIES {
            if let Some(state) = self.state.try_lock() {
                return Some(state);
            }
            (0..1 << attempt.min(4)).for_each(|_| hint::spin_loop());
        }
        None
    }

    /// Whether a worker ended the panel, by failing too often or by being stuck. Takes no lock.
    pub(crate) fn has_escalated(&self) -> bool {
        self.escalated.load(Ordering::Acquire)
    }

    /// Whether a worker ended, or is cancelled, because the runtime is gone. Takes no lock.
    pub(crate) fn has_lost_its_runtime(&self) -> bool {
        self.runtime_gone.load(Ordering::Acquire)
    }

    /// Whether the workers that were never polled have waited too long. Ends as soon as one is polled.
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue.load(Ordering::Relaxed) == self.first_polls() + 1
    }

    /// Whether all workers are being stopped.
    pub(in crate::supervisor) fn is_stopping(&self) -> bool {
        self.lock().machine.is_stopping()
    }

    /// Wakes a sleeping loop to look at the workers, if it is woken for them at all.
    pub(crate) fn wake_loop(&self) {
        if self.wakes != Wakes::Never && !self.gone.load(Ordering::Relaxed) {
            (self.on_change)();
        }
    }

    /// Wakes a sleeping loop at that moment, or later if the worker's status keeps changing.
    pub(super) fn wake_loop_once_settled(&self, cell: &Arc<WorkerCell>, at: Instant) {
        let (this, cell) = (cell.registry.clone(), Arc::downgrade(cell));
        let ring = move || {
            let (Some(registry), Some(cell)) = (this.upgrade(), cell.upgrade()) else { return };
            let (next, wakes) = cell.notable.lock().settle(registry.hosts.now());
            if let Some(next) = next {
                registry.wake_loop_once_settled(&cell, next);
            }
            if wakes {
                registry.wake_loop();
            }
        };
        Timer::start(&self.hosts.runtime, at, true, ring);
    }

    /// Wakes a sleeping loop regardless of what it is configured to wake for: something is wrong.
    pub(in crate::supervisor) fn wake_loop_for_warning(&self) {
        if !self.gone.load(Ordering::Relaxed) {
            (self.on_change)();
        }
    }

    pub(crate) fn first_polls(&self) -> u64 {
        self.first_polls.load(Ordering::Relaxed)
    }

    pub(crate) fn on_runtime(&self) -> usize {
        self.on_runtime.load(Ordering::Relaxed)
    }

    pub(crate) fn unpolled(&self) -> usize {
        self.unpolled.load(Ordering::Relaxed)
    }

    /// The keys that have living tasks.
    pub(crate) fn keys(&self) -> BTreeSet<KeyId> {
        self.lock().machine.keys().collect()
    }
}
