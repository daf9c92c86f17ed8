//! Stopping everybody, and what that comes to.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use super::{Registry, State, effects::Effects};
use crate::{
    queued::Origin,
    supervise::{
        cause::Cause,
        clock,
        exit::Exit,
        polling,
        record::Record,
        report::{ShutdownReport, WorkerReport},
        roster,
    },
    worker::Cancel,
};

/// Incidents kept in full; older ones are only counted.
const INCIDENTS: usize = 256;

/// Everything that was not clean since the panel was built.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incidents {
    /// The newest, oldest first.
    pub(crate) recent: VecDeque<WorkerReport>,
    pub(crate) total: u64,
}

/// How those ended that lived when everybody was told to stop. Each end is noted by whoever tells of it: looking at
/// thousands again afterwards would keep the caller of the shutdown.
pub(super) struct Toll {
    /// In the order of their spawning. Those that live yet are not to be read.
    workers: Vec<WorkerReport>,
    /// Of those that sent heartbeats, the last one's stamp.
    heartbeats: Vec<(Origin, u64)>,
    /// Whether anybody ended yet.
    pub(super) begun: bool,
}

impl Registry {
    /// From now on nothing is spawned, and everybody is stopped.
    pub(in crate::supervise) fn stop_all(&self) {
        self.change(|state| {
            state.expect_ends();
            state.machine.stop_all(Cause::Shutdown);
        });
    }

    /// The time is nearly over: nobody waits for another's end any more. Returns who is to be dropped; who is told only
    /// now and is cancelled by being dropped does that itself.
    pub(in crate::supervise) fn hurry(&self) -> Vec<Arc<Record>> {
        self.change(|state| {
            self.take_ends(state);
            let late = |record: &&Arc<Record>| record.cancel != Cancel::Drop || record.term().is_over();
            let late = state.records.values().filter(late).cloned().collect();
            state.machine.hurry();
            late
        })
    }

    /// Resolves when no worker lives.
    pub(in crate::supervise) async fn all_ended(&self) {
        loop {
            let mut none_left = pin!(self.none_left.notified());
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }

    /// What the shutdown came to, once it is over.
    pub(in crate::supervise) fn report(&self) -> Option<ShutdownReport> {
        self.lock().report.clone()
    }

    /// The shutdown is over: whoever still lives is abandoned. The first call decides what is reported.
    pub(in crate::supervise) fn finish_stop(&self, elapsed: Duration) -> ShutdownReport {
        let polled: BTreeSet<Origin> = polling::polled()
            .into_iter()
            .filter(|poll| poll.panel == self.number)
            .map(|poll| poll.origin)
            .collect();
        // Whose code no thread runs has not refused to stop: others keep it from it.
        let overdue = |record: &Record| {
            if polled.contains(&record.origin) { Exit::Abandoned } else { Exit::Starved }
        };
        let mut state = self.lock();
        if let Some(report) = &state.report {
            return report.clone();
        }
        self.take_ends(&mut state);
        let mut effects = Effects::default();
        self.resolve(&mut state, &mut effects);
        let overdue: Vec<_> =
            state.records.values().map(|record| WorkerReport::new(record, overdue(record))).collect();
        let evicted: Vec<_> = overdue.iter().map(|report| state.incidents.add(report.clone())).collect();
        let workers = state.toll.take().map(|toll| toll.close(overdue)).unwrap_or_default();
        let report = ShutdownReport::new(elapsed, workers, mem::take(&mut state.incidents));
        state.report = Some(report.clone());
        drop(state);
        self.execute(effects);
        drop(evicted);
        report
    }
}

impl State {
    /// Everybody who lives is about to be told to stop: how each ends is to be reported.
    pub(super) fn expect_ends(&mut self) {
        if self.toll.is_none() {
            let workers = self.records.values().map(|record| WorkerReport::undated(record, Exit::Starved).0);
            self.toll = Some(Toll { workers: workers.collect(), heartbeats: Vec::new(), begun: false });
        }
    }
}

impl Toll {
    /// Somebody ended. What was told of it before still holds.
    pub(super) fn ended(&mut self, record: &Record, exit: &Exit) {
        let Some(worker) = self.worker(record.origin) else { return };
        let (cause, heartbeat) = record.last_term();
        (worker.exit, worker.cause, worker.generation) = (exit.clone(), cause, record.generation());
        if heartbeat != 0 {
            self.heartbeats.push((record.origin, heartbeat));
        }
    }

    /// With those that did not end.
    fn close(mut self, overdue: Vec<WorkerReport>) -> Vec<WorkerReport> {
        for report in overdue {
            if let Some(worker) = self.worker(report.origin) {
                *worker = report;
            }
        }
        for (origin, heartbeat) in mem::take(&mut self.heartbeats) {
            if let Some(worker) = self.worker(origin) {
                worker.last_heartbeat = Some(clock::since(heartbeat));
            }
        }
        self.workers
    }

    fn worker(&mut self, id: Origin) -> Option<&mut WorkerReport> {
        let at = roster::place(&self.workers, id, |worker| worker.origin)?;
        self.workers.get_mut(at)
    }
}

impl Incidents {
    /// Hands out what there is no room for any more: it holds the user's errors, to be dropped without a lock.
    pub(super) fn add(&mut self, report: WorkerReport) -> Option<WorkerReport> {
        let evicted = if self.recent.len() == INCIDENTS { self.recent.pop_front() } else { None };
        self.recent.push_back(report);
        self.total += 1;
        evicted
    }
}
