//! Stopping all workers, and reporting how they ended.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use super::{History, Registry, effects::Effects};
use crate::{
    intent::Origin,
    lifecycle::{Cancel, Cause, Exit},
    supervisor::{
        activity,
        cell::WorkerCell,
        origin_map::{self, OriginMap},
        report::{ShutdownReport, WorkerReport},
    },
    util::clock,
};

/// How many incidents are kept in full; older ones are only counted.
const INCIDENTS: usize = 256;

/// For how many workers the last incident is shown.
const WORKERS: usize = 64;

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

impl Registry {
    /// Refuses further spawns and stops all workers.
    pub(in crate::supervisor) fn stop_all(&self) {
        self.change(|state| {
            state.history.expect_ends(&state.cells);
            state.machine.stop_all(Cause::Shutdown);
        });
    }

    /// The panel was dropped and all workers are stopped: once none lives, the event log ends.
    pub(in crate::supervisor) fn panel_gone(&self) {
        self.change(|state| state.gone = true);
        self.log.announce();
    }

    /// Near the deadline, ends no longer wait for each other. Returns the workers to drop. Workers with
    /// `Cancel::Drop` that are cancelled only now are left out: the cancellation drops them.
    pub(in crate::supervisor) fn skip_order(&self) -> Vec<Arc<WorkerCell>> {
        self.change(|state| {
            self.take_ends(state);
            let late =
                |cell: &&Arc<WorkerCell>| cell.run.cancel != Cancel::Drop || cell.run_token().is_over();
            let late = state.cells.values().filter(late).cloned().collect();
            state.machine.skip_order();
            late
        })
    }

    /// Resolves when no worker lives.
    pub(in crate::supervisor) async fn all_ended(&self) {
        loop {
            let mut none_left = pin!(self.none_left.notified());
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }

    /// The report of the shutdown, once it is over.
    pub(in crate::supervisor) fn report(&self) -> Option<ShutdownReport> {
        self.lock().report.clone()
    }

    /// The shutdown is over: workers that still live are abandoned. The first call decides the report.
    pub(in crate::supervisor) fn finish_stop(&self, elapsed: Duration) -> ShutdownReport {
        let polled: BTreeSet<Origin> = activity::polled()
            .into_iter()
            .filter(|poll| poll.panel == self.number)
            .map(|poll| poll.origin)
            .collect();
        // A worker that no thread is polling has not refused to stop: others keep it from stopping.
        let overdue = |cell: &WorkerCell| {
            if polled.contains(&cell.origin) { Exit::Abandoned } else { Exit::Starved }
        };
        let mut state = self.lock();
        if let Some(report) = &state.report {
            return report.clone();
        }
        self.take_ends(&mut state);
        let mut effects = Effects::default();
        self.resolve(&mut state, &mut effects);
        let overdue: Vec<_> =
            state.cells.values().map(|cell| WorkerReport::new(cell, overdue(cell))).collect();
        let evicted: Vec<_> = overdue.iter().map(|report| state.history.note(report.clone())).collect();
        let workers =
            state.history.exit_reports.take().map(|reports| reports.close(overdue)).unwrap_or_default();
        let failed = state.history.failed + evicted.len() as u64;
        let report = ShutdownReport::new(elapsed, workers, mem::take(&mut state.history.incidents), failed);
        state.report = Some(report.clone());
        drop(state);
        self.execute(effects);
        drop(evicted);
        report
    }
}

impl History {
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
    fn close(mut self, overdue: Vec<WorkerReport>) -> Vec<WorkerReport> {
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
