//! A panel's status.

mod snapshot;

use std::{
    fmt,
    ops::Deref,
    slice,
    sync::{Arc, atomic::Ordering},
};

pub(super) use self::snapshot::Snapshot;
use super::shared::Shared;
use crate::{
    bus::SignalTotals,
    frame::reducer::Warning,
    intent::Intent,
    lifecycle::WorkerStatus,
    supervisor::{observed::WorkerInfo, report::WorkerReport},
    util::Name,
};

/// A snapshot of a panel, returned by [`ControlPanel::status`](crate::ControlPanel::status).
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct PanelStatus {
    /// The panel's name.
    pub name: Name,
    /// Intents accepted but in no frame yet; those that a frame being read still holds are not counted.
    pub queued: usize,
    /// The queue's capacity.
    pub capacity: usize,
    /// Intents accepted since the panel was built: each that took a slot. An intent that replaced another
    /// ([`Delivery::Latest`](crate::intent::Delivery)) is not counted again, and the loop's own are not counted.
    pub accepted: u64,
    /// Intents handed out since then, without local ones. Those of a frame are counted when it ends.
    pub drained: u64,
    /// Intents returned since then because the queue was full or closed.
    pub refused: u64,
    /// Lossy intents dropped since then because the queue was full.
    pub dropped: u64,
    /// Sends and reservations that wait for a slot, or were granted one and have not continued yet.
    pub waiting: usize,
    /// Frames drained.
    pub frames: u64,
    /// Totals of all buses of signals.
    pub signals: SignalTotals,
    /// The living workers, in spawning order.
    pub workers: Workers,
    /// How many runs did not end cleanly since the panel was built: panics, errors, aborts, stops of stuck workers,
    /// [refused](crate::supervision::SpawnError) workers, and what a shutdown left behind. As
    /// [`ShutdownReport::incident_count`](crate::ShutdownReport::incident_count).
    pub incident_count: u64,
    /// The last incident of each worker, including workers that have ended, and of refused workers of each name: of at most 64
    /// workers, oldest first.
    pub incidents: LastIncidents,
    /// The number of the last event that `workers` includes; later events report what changed since.
    pub events: u64,
    /// Set if something is wrong with the loop that drives the panel, or with its workers.
    pub warning: Option<Warning>,
}

/// One line, for a status line: `control-panel: 2 running, 1 waiting to restart; 3 of 256 queued; 4 incidents, last: fetch
/// failed: no route to host`.
impl fmt::Display for PanelStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        let mut before = "";
        for (state, of) in STATES {
            let count = self.workers.iter().filter(|worker| of(worker)).count();
            if count > 0 {
                write!(f, "{before}{count} {state}")?;
                before = ", ";
            }
        }
        if before.is_empty() {
            f.write_str("no workers")?;
        }
        write!(f, "; {} of {} queued", self.queued, self.capacity)?;
        if self.waiting > 0 {
            write!(f, ", {} waiting", self.waiting)?;
        }
        if self.dropped > 0 {
            write!(f, ", {} dropped", self.dropped)?;
        }
        if let Some(last) = self.incidents.last() {
            let plural = if self.incident_count == 1 { "" } else { "s" };
            let exit = last.exit.to_string();
            let exit = exit.lines().next().unwrap_or_default();
            write!(f, "; {} incident{plural}, last: {} {exit}", self.incident_count, last.name)?;
        }
        if let Some(warning) = &self.warning {
            write!(f, "; {warning}")?;
        }
        Ok(())
    }
}

type State = (&'static str, fn(&WorkerInfo) -> bool);

/// Each worker is in one of the first five.
const STATES: [State; 7] = [
    ("starting", |worker| matches!(worker.status, WorkerStatus::Starting)),
    ("waiting", |worker| matches!(worker.status, WorkerStatus::Waiting)),
    ("running", |worker| matches!(worker.status, WorkerStatus::Running)),
    ("stopping", |worker| matches!(worker.status, WorkerStatus::Stopping(_))),
    ("waiting to restart", |worker| matches!(worker.status, WorkerStatus::Backoff { .. })),
    ("suspended", |worker| worker.suspended),
    ("stuck", |worker| worker.stuck),
];

macro_rules! shared_slice {
    ($(#[$doc:meta])* $name:ident of $item:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name(Arc<Vec<$item>>);

        impl Deref for $name {
            type Target = [$item];

            fn deref(&self) -> &[$item] {
                &self.0
            }
        }

        impl<'a> IntoIterator for &'a $name {
            type Item = &'a $item;
            type IntoIter = slice::Iter<'a, $item>;

            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
    };
}

shared_slice! {
    /// The last incident of each worker, oldest first: a shared slice.
    LastIncidents of WorkerReport
}

shared_slice! {
    /// The living workers at one moment, in spawning order: a shared slice.
    Workers of WorkerInfo
}

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn status(&self) -> PanelStatus {
        let counts = self.queue.counts();
        let registry = self.supervisor.registry();
        // A loop that was woken for a change, and does not find it yet, must look again.
        let seen = self.snapshot.take(registry, || registry.wake_loop());
        PanelStatus {
            name: self.name.clone(),
            queued: counts.queued,
            capacity: self.queue.capacity(),
            accepted: counts.accepted,
            drained: counts.drained,
            refused: counts.refused,
            dropped: counts.dropped,
            waiting: counts.waiting,
            frames: self.frames.load(Ordering::Relaxed),
            signals: self.buses.totals(),
            workers: seen.workers,
            incident_count: seen.incident_count,
            incidents: seen.incidents,
            events: seen.events,
            warning: self.warning(),
        }
    }
}
