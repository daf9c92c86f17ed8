//! All workers of a panel: who lives, what went wrong, and how far a shutdown is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{
    exit::Exit,
    record::Record,
    report::{ShutdownReport, WorkerReport},
};
use crate::{
    queued::Origin,
    worker::{Refusal, WorkerStatus},
};

/// Incidents kept in full; older ones are only counted.
const INCIDENTS: usize = 256;

#[derive(Debug)]
pub(crate) struct Registry {
    state: Mutex<State>,
    /// How many workers live.
    live: watch::Sender<usize>,
    /// How many of them no runtime has polled yet.
    unpolled: AtomicUsize,
    /// How many first polls there were: tells a runtime that runs from one that does not.
    first_polls: AtomicU64,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    live: BTreeMap<Origin, Arc<Record>>,
    /// Those that lived when the shutdown began.
    stopping: Vec<Arc<Record>>,
    incidents: Incidents,
    /// What the shutdown came to, once it is over.
    report: Option<ShutdownReport>,
}

/// Everything that was not clean since the panel was built.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incidents {
    /// The newest, oldest first.
    pub(crate) recent: VecDeque<WorkerReport>,
    pub(crate) total: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let state = State {
            phase: Phase::Running,
            live: BTreeMap::new(),
            stopping: Vec::new(),
            incidents: Incidents::default(),
            report: None,
        };
        Self {
            state: Mutex::new(state),
            live: watch::Sender::new(0),
            unpolled: AtomicUsize::new(0),
            first_polls: AtomicU64::new(0),
        }
    }

    /// A worker is about to be spawned.
    pub(crate) fn admit(&self, record: &Arc<Record>) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.phase != Phase::Running {
            return Err(Refusal::ShutDown);
        }
        state.live.insert(record.origin, Arc::clone(record));
        self.unpolled.fetch_add(1, Ordering::Relaxed);
        self.live.send_replace(state.live.len());
        Ok(())
    }

    /// A worker's task was polled for the first time.
    pub(crate) fn polled(&self) {
        self.first_polls.fetch_add(1, Ordering::Relaxed);
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
    }

    /// A worker's task was dropped before it was ever polled.
    pub(crate) fn never_polled(&self, record: &Record) {
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
        let running = self.lock().phase == Phase::Running;
        match record.with_last_words(Exit::Cancelled) {
            exit @ Exit::Panicked(_) => self.ended(record, exit),
            _ if running => self.leave(record, WorkerStatus::Refused(Refusal::RuntimeGone)),
            exit => self.leave(record, WorkerStatus::Ended(exit)),
        }
    }

    /// A generation failed and another will follow.
    pub(crate) fn failed(&self, record: &Record, exit: &Exit) {
        if !exit.is_clean() {
            let report = WorkerReport::new(record, exit.clone());
            let evicted = self.lock().incidents.add(report);
            drop(evicted);
        }
    }

    /// A worker ended for good.
    pub(crate) fn ended(&self, record: &Record, exit: Exit) {
        self.failed(record, &exit);
        self.leave(record, WorkerStatus::Ended(exit));
    }

    /// Both change under the lock, so that nobody sees the one without the other: not a worker that ended and still
    /// counts, nor one that no longer counts and has no end. Those who wait are woken after it.
    fn leave(&self, record: &Record, status: WorkerStatus) {
        let mut state = self.lock();
        let gone = state.live.remove(&record.origin);
        let live = state.live.len();
        self.live.send_if_modified(|count| {
            *count = live;
            false
        });
        let before = record.set_status_quietly(status);
        drop(state);
        drop((gone, before));
        record.announce();
        self.live.send_modify(|_| ());
    }

    pub(crate) fn live(&self) -> Vec<Arc<Record>> {
        self.lock().live.values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        *self.live.borrow()
    }

    pub(crate) fn first_polls(&self) -> u64 {
        self.first_polls.load(Ordering::Relaxed)
    }

    pub(crate) fn unpolled(&self) -> usize {
        self.unpolled.load(Ordering::Relaxed)
    }

    /// Resolves when no worker lives.
    pub(crate) async fn all_ended(&self) {
        // The sender is `self`, so it cannot be gone.
        self.live.subscribe().wait_for(|live| *live == 0).await.ok();
    }

    /// From now on nothing is spawned.
    pub(crate) fn begin_stop(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Running {
            state.phase = Phase::Stopping;
            state.stopping = state.live.values().cloned().collect();
        }
    }

    /// What the shutdown came to, once it is over.
    pub(crate) fn report(&self) -> Option<ShutdownReport> {
        self.lock().report.clone()
    }

    /// The shutdown is over: whoever still lives is abandoned. The first call decides what is reported.
    pub(crate) fn finish_stop(&self, elapsed: Duration) -> ShutdownReport {
        let mut state = self.lock();
        if let Some(report) = &state.report {
            return report.clone();
        }
        let abandoned: Vec<_> =
            state.live.values().map(|record| WorkerReport::new(record, Exit::Abandoned)).collect();
        let evicted: Vec<_> = abandoned.into_iter().map(|report| state.incidents.add(report)).collect();
        let workers = state.stopping.iter().map(|record| WorkerReport::of(record)).collect();
        let report = ShutdownReport { elapsed, workers, incidents: state.incidents.clone() };
        state.report = Some(report.clone());
        drop(state);
        drop(evicted);
        report
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Incidents {
    /// Hands out what there is no room for any more: it holds the user's errors, to be dropped without a lock.
    fn add(&mut self, report: WorkerReport) -> Option<WorkerReport> {
        let evicted = if self.recent.len() == INCIDENTS { self.recent.pop_front() } else { None };
        self.recent.push_back(report);
        self.total += 1;
        evicted
    }
}
