//! The living workers, as an observer sees them: copied on its own thread.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{cell::WorkerCell, kinds::Kind};
use crate::{
    lifecycle::{Exit, Intensity, WorkerStatus},
    telemetry::SendCounts,
    util::{Name, clock},
};

/// All living workers at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    pub(crate) incidents: u64,
    /// In spawning order.
    pub(crate) workers: Vec<ObservedWorker>,
}

/// A worker, and what the machine knows of it.
pub(super) struct Listed {
    pub(super) cell: Arc<WorkerCell>,
    pub(super) restarts: u32,
    pub(super) intensity: Intensity,
    pub(super) group: Option<u64>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct ObservedWorker {
    pub(crate) name: Name,
    pub(crate) source: Name,
    pub(crate) origin: u64,
    pub(crate) kind: Kind,
    pub(crate) status: WorkerStatus,
    pub(crate) since: Instant,
    pub(crate) generation: u64,
    pub(crate) restarts: u32,
    /// The number of its group.
    pub(crate) group: Option<u64>,
    /// How many restarts are allowed within which period.
    pub(crate) limit: Option<(u32, Duration)>,
    pub(crate) last_exit: Option<Exit>,
    pub(crate) suspended: bool,
    pub(crate) stuck: bool,
    /// The stamp of its run's last heartbeat, and how long ago that was.
    pub(crate) heartbeat: Option<(u64, Duration)>,
    pub(crate) sends: SendCounts,
}

impl ObservedWorker {
    pub(super) fn of(listed: &Listed, now: Instant) -> Self {
        let &Listed { ref cell, restarts, intensity, group } = listed;
        let (status, since) = cell.status.observe();
        let (_, stamp) = cell.last_term();
        Self {
            name: cell.name.clone(),
            source: cell.source.clone(),
            origin: cell.origin.0,
            kind: cell.run.kind,
            status,
            since,
            generation: cell.generation(),
            restarts,
            group,
            limit: intensity.limit(),
            last_exit: cell.last_exit(),
            suspended: cell.gate.is_closed(),
            stuck: cell.is_stuck(),
            sends: cell.sends.as_ref().map(|sends| sends.counts(now)).unwrap_or_default(),
            heartbeat: (stamp != 0).then(|| (stamp, clock::since(stamp))),
        }
    }
}
