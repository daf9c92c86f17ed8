//! What is kept of what happened: incidents for the status, and the exits of all workers for the report of a shutdown.

use std::{collections::VecDeque, mem, sync::Arc};

use tokio::time::Instant;

use super::effects::Effects;
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind, Exit, SpawnError, WorkerStatus},
    supervisor::{
        cell::WorkerCell,
        events::Kept,
        notable::{Wake, Wakes},
        origin_map::{self, OriginMap},
        report::WorkerReport,
    },
    telemetry::{self, Moved},
    util::clock,
};

/// How many incidents are kept in full; older ones are only counted.
const INCIDENTS: usize = 256;

/// For how many workers the last incident is shown.
const WORKERS: usize = 64;

/// What is kept for the status and the final report.
#[derive(Default)]
pub(super) struct History {
    pub(super) incidents: Incidents,
    pub(super) last_incidents: LastIncidents,
    /// How many workers ended for good, and not cleanly.
    pub(super) failed: u64,
    /// The exits of the workers that lived when the shutdown began.
    pub(super) exit_reports: Option<ExitReports>,
    /// Whether a worker ended, or is cancelled, because the runtime is gone.
    pub(super) runtime_gone: bool,
    /// Copied from the registry.
    pub(super) wakes: Wakes,
}

/// What a status shows of the exits that were not clean since the panel was built, also after its shutdown.
#[derive(Debug, Default)]
pub(crate) struct LastIncidents {
    pub(crate) total: u64,
    /// The last incident of each worker, oldest first.
    pub(crate) last: VecDeque<WorkerReport>,
}

/// Every exit that was not clean since the panel was built.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incidents {
    /// The newest incidents, oldest first.
    pub(crate) recent: VecDeque<WorkerReport>,
    pub(crate) total: u64,
}

/// The exits of the workers that lived when the shutdown began. Each end is recorded as it is applied: a second pass
/// over thousands of workers would delay the caller of the shutdown.
pub(super) struct ExitReports {
    /// In the order of spawning.
    origins: Vec<Origin>,
    /// By position in `origins`: `None` for a worker that still lives, and no entries past the last one that ended.
    workers: Vec<Option<WorkerReport>>,
    /// The stamp of the last heartbeat, for workers that sent any.
    heartbeats: Vec<(Origin, u64)>,
    /// Whether any worker has ended yet.
    pub(super) begun: bool,
}

impl History {
    pub(super) fn record(
        &mut self,
        cell: &Arc<WorkerCell>,
        kind: EventKind,
        log: &mut Kept,
        now: Instant,
        effects: &mut Effects,
    ) {
        match &kind {
            EventKind::Exited(exit) => {
                cell.set_stuck(false);
                effects.gone.exits.extend(cell.set_last_exit(exit.clone()));
                if !exit.is_clean() {
                    effects.gone.incidents.extend(self.note(WorkerReport::new(cell, exit.clone())));
                }
            }
            EventKind::Stuck(_) => cell.set_stuck(true),
            EventKind::Recovered => cell.set_stuck(false),
            EventKind::Stopping(Cause::RuntimeGone) => self.runtime_gone = true,
            EventKind::Refused(refusal) => {
                self.runtime_gone |= *refusal == SpawnError::RuntimeGone;
                effects.gone.incidents.extend(self.note_refusal(cell, refusal));
            }
            EventKind::Ended(exit, cause) => {
                cell.ended_for(*cause);
                self.failed += u64::from(!exit.is_clean());
                effects.gone.exits.extend(cell.set_last_exit(exit.clone()));
                self.runtime_gone |= *cause == Some(Cause::RuntimeGone);
                if let Some(reports) = &mut self.exit_reports {
                    reports.ended(cell, exit);
                }
            }
            _ => {}
        }
        let mut seen = false;
        let mut moved = Moved::default();
        if let EventKind::Spawned = kind {
            moved.to = telemetry::state(&WorkerStatus::Starting);
        }
        let status = match kind {
            // It counts as running once it reports that it is ready.
            EventKind::Started if cell.run.ready_within.is_some() => Some(WorkerStatus::Starting),
            _ => status_after(&kind, cell, now),
        };
        if let Some(status) = status {
            moved.to = telemetry::state(&status);
            let before;
            (before, seen) = cell.status.set(status, now);
            moved.from = telemetry::state(&before);
            if before.is_final() || matches!(before, WorkerStatus::Backoff { .. }) {
                effects.gone.statuses.push(before);
            }
            if cell.status.is_awaited() {
                effects.announce.push(Arc::clone(cell));
            }
            // A run that is over is recorded in the status by now; a cancelled one still goes on.
            if !matches!(kind, EventKind::Stopping(_)) {
                effects.unanswered.extend(cell.unanswered.take());
            }
        }
        let wake = match self.wakes {
            Wakes::Never => Wake::No,
            Wakes::ForStatus => cell.wakes(&kind, seen, now),
            Wakes::ForEveryEvent => Wake::Now,
        };
        match wake {
            Wake::No => {}
            Wake::Now => effects.wake_loop = true,
            Wake::Settled => effects.settle.push(Arc::clone(cell)),
        }
        log.push(cell, (kind, moved), now, &mut effects.seen, &mut effects.gone.events);
    }

    /// Records an incident. Returns the evicted ones: they hold the user's errors, and must be dropped without a lock.
    pub(super) fn note(&mut self, report: WorkerReport) -> Vec<WorkerReport> {
        let LastIncidents { total, last } = &mut self.last_incidents;
        *total += 1;
        // Of refused workers with the same name only the last is kept: a full set of tasks must not evict everything
        // else.
        let same = |other: &WorkerReport| {
            other.origin == report.origin
                || matches!((&other.exit, &report.exit), (Exit::Refused(_), Exit::Refused(_)))
                    && other.name == report.name
        };
        let at = last.iter().position(same);
        let at = at.or((last.len() == WORKERS).then_some(0));
        let evicted = at.and_then(|at| last.remove(at));
        last.push_back(report.clone());
        evicted.into_iter().chain(self.incidents.add(report)).collect()
    }

    /// All living workers are about to be cancelled: the exit of each is to be reported.
    pub(super) fn expect_ends(&mut self, living: &OriginMap<Arc<WorkerCell>>) {
        if self.exit_reports.is_none() {
            let (origins, workers) = (living.keys().collect(), Vec::with_capacity(living.len()));
            self.exit_reports = Some(ExitReports { origins, workers, heartbeats: Vec::new(), begun: false });
        }
    }

    /// A full backlog is a limit that was reached: work was left undone, but no worker failed for good. Any other
    /// refusal means that a worker the program relies on never runs.
    pub(super) fn note_refusal(&mut self, cell: &WorkerCell, refusal: &SpawnError) -> Vec<WorkerReport> {
        self.failed += u64::from(*refusal != SpawnError::Backlog);
        self.note(WorkerReport::new(cell, Exit::Refused(refusal.clone())))
    }
}

/// Returns the status that an event leaves a worker in, if it changes it.
fn status_after(kind: &EventKind, cell: &WorkerCell, now: Instant) -> Option<WorkerStatus> {
    match kind {
        EventKind::Started | EventKind::Ready => Some(WorkerStatus::Running),
        EventKind::BackingOff(wait) => {
            // A worker held back for its group has not ended by itself.
            let exit = cell.last_exit().unwrap_or(Exit::Cancelled);
            Some(WorkerStatus::Backoff { exit, until: now + *wait })
        }
        EventKind::Waiting => Some(WorkerStatus::Waiting),
        EventKind::Stopping(cause) => Some(WorkerStatus::Stopping(*cause)),
        EventKind::Ended(exit, _) => Some(WorkerStatus::Ended(exit.clone())),
        EventKind::Refused(refusal) => Some(WorkerStatus::Refused(refusal.clone())),
        _ => None,
    }
}

impl ExitReports {
    /// A worker ended. Fills its prepared entry with its exit and cause, which are known only now.
    pub(super) fn ended(&mut self, cell: &WorkerCell, exit: &Exit) {
        match self.worker(cell.origin) {
            Some(Some(worker)) => (worker.exit, worker.cause) = (exit.clone(), cell.cause()),
            Some(None) => {
                let (report, heartbeat) = WorkerReport::undated(cell, exit.clone());
                self.prepare(report, heartbeat);
            }
            None => {}
        }
    }

    /// Stores the entry of a worker that is ending, with the stamp of its last heartbeat.
    pub(super) fn prepare(&mut self, report: WorkerReport, heartbeat: u64) {
        let origin = report.origin;
        let Some(worker) = self.worker(origin) else { return };
        *worker = Some(report);
        if heartbeat != 0 {
            self.heartbeats.push((origin, heartbeat));
        }
    }

    /// Returns all entries, including those of workers that did not end.
    pub(super) fn close(mut self, overdue: Vec<WorkerReport>) -> Vec<WorkerReport> {
        for report in overdue {
            if let Some(worker) = self.worker(report.origin) {
                *worker = Some(report);
            }
        }
        for (origin, heartbeat) in mem::take(&mut self.heartbeats) {
            if let Some(Some(worker)) = self.worker(origin) {
                worker.last_heartbeat = Some(clock::since(heartbeat));
            }
        }
        in_place(self.workers)
    }

    fn worker(&mut self, id: Origin) -> Option<&mut Option<WorkerReport>> {
        let at = origin_map::place(&self.origins, id, |&origin| origin)?;
        if self.workers.len() <= at {
            // Grown as needed: sizing it in advance would delay the workers that are about to be cancelled.
            self.workers.resize_with(at + 1, || None);
        }
        self.workers.get_mut(at)
    }
}

/// Collects in place: for thousands of entries, a new allocation means that many pages.
#[expect(clippy::filter_map_identity, reason = "`flatten` collects into new memory")]
fn in_place(workers: Vec<Option<WorkerReport>>) -> Vec<WorkerReport> {
    workers.into_iter().filter_map(|worker| worker).collect()
}

impl Incidents {
    /// Returns the report that it evicts: it holds the user's errors, and must be dropped without a lock.
    pub(super) fn add(&mut self, report: WorkerReport) -> Option<WorkerReport> {
        let evicted = if self.recent.len() == INCIDENTS { self.recent.pop_front() } else { None };
        self.recent.push_back(report);
        self.total += 1;
        evicted
    }
}
