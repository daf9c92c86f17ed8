//! The workers as of the last status.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{LastIncidents, Workers};
use crate::{
    supervisor::{
        observed::WorkerInfo,
        registry::{Look, Registry},
    },
    util::Mutex,
};

/// Caches the workers as of the last status: while nothing changes, another status costs nothing. No caller ever waits, neither
/// for the supervisor nor for another caller.
#[derive(Default)]
pub(in crate::panel) struct Snapshot {
    last: ArcSwap<Seen>,
    /// Held by the caller that builds the next snapshot, and only ever tried. Contains the snapshot before the last, whose
    /// memory is reused.
    turn: Mutex<Arc<Seen>>,
}

#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) workers: Workers,
    pub(super) incident_count: u64,
    pub(super) incidents: LastIncidents,
    version: u64,
    pub(super) events: u64,
}

impl Snapshot {
    /// Returns the living workers, the incidents and the number of the last event. If the supervisor is busy, or another caller
    /// is here, returns the previous ones and calls `stale`.
    pub(super) fn take(&self, registry: &Registry, stale: impl FnOnce()) -> Seen {
        let seen = self.last.load();
        if seen.version == registry.version() {
            return Seen::clone(&seen);
        }
        if let Some(mut before) = self.turn.try_lock() {
            // It contains the user's errors, whose drops must not run under the supervisor's lock.
            Seen::clear(&mut before);
            if registry.try_look(|look| Seen::renew(&mut before, &look)).is_some() {
                let now = Seen::clone(&before);
                // Under the turn: a snapshot is never replaced by an older one.
                *before = self.last.swap(Arc::clone(&before));
                return now;
            }
        }
        // Another caller may just have built one.
        let seen = self.last.load();
        if seen.version != registry.version() {
            stale();
        }
        Seen::clone(&seen)
    }
}

impl Seen {
    /// In place, if nothing else holds it.
    fn clear(this: &mut Arc<Self>) {
        let Some(seen) = Arc::get_mut(this) else {
            *this = Arc::default();
            return;
        };
        match Arc::get_mut(&mut seen.workers.0) {
            Some(workers) => workers.clear(),
            None => seen.workers = Workers::default(),
        }
        match Arc::get_mut(&mut seen.incidents.0) {
            Some(incidents) => incidents.clear(),
            None => seen.incidents = LastIncidents::default(),
        }
    }

    /// Refills a cleared snapshot that nothing else holds, so nothing is cloned here.
    fn renew(this: &mut Arc<Self>, look: &Look<'_>) {
        let seen = Arc::make_mut(this);
        (seen.version, seen.events) = (look.version, look.events);
        Arc::make_mut(&mut seen.workers.0)
            .extend(look.live.values().map(|cell| WorkerInfo::of(cell, cell.status())));
        seen.incident_count = look.incidents.total;
        Arc::make_mut(&mut seen.incidents.0).extend(look.incidents.last.iter().cloned());
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use crate::{ControlPanel, Intent, Worker};

    struct Op;

    impl Intent for Op {
        type Source = u8;
    }

    #[test]
    fn a_status_taken_during_another_shows_the_previous_one() {
        let panel = ControlPanel::<Op>::new();
        let turn = panel.shared.snapshot.turn.lock();
        panel.spawn(Worker::new("it", 0, |_| pending::<()>()));
        assert!(panel.status().workers.is_empty());
        drop(turn);
        // The supervisor may be busy with it.
        let status = loop {
            let status = panel.status();
            if !status.workers.is_empty() {
                break status;
            }
            std::thread::yield_now();
        };
        assert_eq!((status.workers.len(), status.workers[0].name.as_str()), (1, "it"));
        assert!(status.events >= 1);
    }
}
