//! All workers of a panel: who lives, what went wrong, and how far a shutdown is.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use super::{exit::Exit, record::Record, report::WorkerReport};
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
}

#[derive(Debug)]
struct State {
    phase: Phase,
    live: BTreeMap<Origin, Arc<Record>>,
    /// Those that lived when the shutdown began.
    stopping: Vec<Arc<Record>>,
    incidents: Incidents,
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
    Stopped,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let state = State {
            phase: Phase::Running,
            live: BTreeMap::new(),
            stopping: Vec::new(),
            incidents: Incidents::default(),
        };
        Self { state: Mutex::new(state), live: watch::Sender::new(0), unpolled: AtomicUsize::new(0) }
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
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
    }

    /// A worker's task was dropped before it was ever polled.
    pub(crate) fn never_polled(&self, record: &Record) {
        self.polled();
        let running = self.lock().phase == Phase::Running;
        if running {
            self.leave(record, WorkerStatus::Refused(Refusal::RuntimeGone));
        } else {
            self.leave(record, WorkerStatus::Ended(Exit::Cancelled));
        }
    }

    /// A generation failed and another will follow.
    pub(crate) fn failed(&self, record: &Record, exit: &Exit) {
        if !exit.is_clean() {
            self.lock().incidents.add(WorkerReport::new(record, exit.clone()));
        }
    }

    /// A worker ended for good.
    pub(crate) fn ended(&self, record: &Record, exit: Exit) {
        self.failed(record, &exit);
        self.leave(record, WorkerStatus::Ended(exit));
    }

    /// Both under the lock, so that nobody sees the one without the other: not a worker that ended and still
    /// counts, nor one that no longer counts and has no end.
    fn leave(&self, record: &Record, status: WorkerStatus) {
        let mut state = self.lock();
        let gone = state.live.remove(&record.origin);
        self.live.send_replace(state.live.len());
        record.set_status(status);
        drop(state);
        drop(gone);
    }

    pub(crate) fn live(&self) -> Vec<Arc<Record>> {
        self.lock().live.values().cloned().collect()
    }

    pub(crate) fn count(&self) -> usize {
        *self.live.borrow()
    }

    pub(crate) fn unpolled(&self) -> usize {
        self.unpolled.load(Ordering::Relaxed)
    }

    /// Resolves when no worker lives.
    pub(crate) async fn all_ended(&self) {
        // The sender is `self`, so it cannot be gone.
        self.live.subscribe().wait_for(|live| *live == 0).await.ok();
    }

    /// From now on nothing is spawned. True for the first call.
    pub(crate) fn begin_stop(&self) -> bool {
        let mut state = self.lock();
        let first = state.phase == Phase::Running;
        if first {
            state.phase = Phase::Stopping;
            state.stopping = state.live.values().cloned().collect();
        }
        first
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().phase == Phase::Stopped
    }

    /// The shutdown is over: whoever still lives is abandoned.
    pub(crate) fn finish_stop(&self) {
        let mut state = self.lock();
        if state.phase != Phase::Stopped {
            state.phase = Phase::Stopped;
            for record in state.live.values().cloned().collect::<Vec<_>>() {
                state.incidents.add(WorkerReport::new(&record, Exit::Abandoned));
            }
        }
    }

    /// How the workers that the shutdown found ended, and what had gone wrong since the panel was built.
    pub(crate) fn outcome(&self) -> (Vec<WorkerReport>, Incidents) {
        let state = self.lock();
        let workers = state.stopping.iter().map(|record| WorkerReport::of(record)).collect();
        (workers, state.incidents.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Incidents {
    fn add(&mut self, report: WorkerReport) {
        if self.recent.len() == INCIDENTS {
            self.recent.pop_front();
        }
        self.recent.push_back(report);
        self.total += 1;
    }
}
