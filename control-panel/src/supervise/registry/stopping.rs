//! Stopping everybody, and what that comes to.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use super::{Registry, State};
use crate::{
    queued::Origin,
    supervise::{
        cause::Cause,
        clock,
        exit::Exit,
        polling,
        record::Record,
        report::{ShutdownReport, WorkerReport},
        roster::Roster,
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

/// How those ended that lived when everybody was told to stop. Each is noted by whoever tells its end, who has it at hand:
/// looking at thousands again afterwards would take the caller of the shutdown as long as all the rest.
pub(super) struct Toll {
    /// None for those who live.
    ends: Roster<Option<WorkerReport>>,
    /// Of those that sent heartbeats, the last one's stamp.
    heartbeats: Vec<(Origin, u64)>,
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
        self.change(|state| self.take_ends(state));
        let mut state = self.lock();
        if let Some(report) = &state.report {
            return report.clone();
        }
        let overdue: Vec<_> =
            state.records.values().map(|record| WorkerReport::new(record, overdue(record))).collect();
        let evicted: Vec<_> = overdue.iter().map(|report| state.incidents.add(report.clone())).collect();
        let workers = state.toll.take().map(|toll| toll.close(overdue)).unwrap_or_default();
        let report = ShutdownReport::new(elapsed, workers, mem::take(&mut state.incidents));
        state.report = Some(report.clone());
        drop(state);
        drop(evicted);
        report
    }
}

impl State {
    /// Everybody who lives is about to be told to stop: how each ends is to be reported.
    pub(super) fn expect_ends(&mut self) {
        if self.toll.is_none() {
            let mut ends = Roster::with_capacity(self.records.len());
            self.records.keys().for_each(|id| ends.insert(id, None));
            self.toll = Some(Toll { ends, heartbeats: Vec::new() });
        }
    }
}

impl Toll {
    pub(super) fn add(&mut self, record: &Record, exit: Exit) {
        let Some(end) = self.ends.get_mut(record.origin) else { return };
        let (report, heartbeat) = WorkerReport::undated(record, exit);
        *end = Some(report);
        if heartbeat != 0 {
            self.heartbeats.push((record.origin, heartbeat));
        }
    }

    /// With those that did not end, in the order of their spawning.
    fn close(mut self, overdue: Vec<WorkerReport>) -> Vec<WorkerReport> {
        for report in overdue {
            if let Some(end) = self.ends.get_mut(report.origin) {
                *end = Some(report);
            }
        }
        for (origin, heartbeat) in self.heartbeats {
            if let Some(Some(end)) = self.ends.get_mut(origin) {
                end.last_heartbeat = Some(clock::since(heartbeat));
            }
        }
        self.ends.into_values().flatten().collect()
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
