//! The living workers, as an observer sees them: copied on its own thread.

use std::time::Duration;

use tokio::time::Instant;

use super::{cell::WorkerCell, kinds::Kind, machine::GroupId};
use crate::{
    intent::Origin,
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

/// A living worker at one moment.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct WorkerInfo {
    /// Its name.
    pub name: Name,
    /// Its source, as the source's `Debug` prints it.
    pub source: Name,
    /// Its origin.
    pub origin: Origin,
    /// The number of its current run.
    pub generation: u64,
    /// Its status.
    pub status: WorkerStatus,
    /// How its last completed run ended, if there is one.
    pub last_exit: Option<Exit>,
    /// Whether it is [suspended](crate::WorkerHandle::suspend).
    pub suspended: bool,
    /// Whether the watchdog considers it stuck: from an event [`Stuck`](crate::events::EventKind::Stuck) until it recovers or the run
    /// ends.
    pub stuck: bool,
}

impl WorkerInfo {
    pub(crate) fn of(cell: &WorkerCell, status: WorkerStatus) -> Self {
        Self {
            name: cell.name.clone(),
            source: cell.source.clone(),
            origin: cell.origin,
            generation: cell.generation(),
            status,
            last_exit: cell.last_exit(),
            suspended: cell.gate.is_closed(),
            stuck: cell.is_stuck(),
        }
    }
}

/// What an observer sees of it besides.
#[derive(Debug, Clone)]
pub(crate) struct ObservedWorker {
    pub(crate) info: WorkerInfo,
    pub(crate) kind: Kind,
    /// Since when it has its status.
    pub(crate) since: Instant,
    pub(crate) restarts: u32,
    /// The number of its group.
    pub(crate) group: Option<u64>,
    /// How many restarts are allowed within which period.
    pub(crate) limit: Option<(u32, Duration)>,
    /// The stamp of its run's last heartbeat, and how long ago that was.
    pub(crate) heartbeat: Option<(u64, Duration)>,
    pub(crate) sends: SendCounts,
}

impl ObservedWorker {
    /// `restarts` and `group` are what the machine knows of it.
    pub(super) fn of(
        cell: &WorkerCell,
        (restarts, intensity): (u32, Intensity),
        group: Option<GroupId>,
        now: Instant,
    ) -> Self {
        let (status, since) = cell.status.observe();
        let (_, stamp) = cell.last_term();
        Self {
            info: WorkerInfo::of(cell, status),
            kind: cell.run.kind,
            since,
            restarts,
            group: group.map(|group| group.0),
            limit: intensity.limit(),
            sends: cell.sends.as_ref().map(|sends| sends.counts(now)).unwrap_or_default(),
            heartbeat: (stamp != 0).then(|| (stamp, clock::since(stamp))),
        }
    }
}
