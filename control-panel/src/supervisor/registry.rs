//! All workers of a panel: the machine that decides, under one lock, and the cells on which its actions are executed.
//!
//! | file | what |
//! |---|---|
//! | `effects` | what a decision comes to, under the lock and after it |
//! | `history` | what is kept for the status and the report |
//! | `ends` | flat combining of exits |
//! | `starting`, `waking` | admits workers or refuses them, hands their tasks to where they run; wakes them |
//! | `stopping` | stopping all workers, and the report |
//! | `gates` | suspending and resuming |
//! | `looking` | read access |

mod effects;
mod ends;
mod gates;
mod history;
mod looking;
mod starting;
mod stopping;
mod waking;

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

use self::{effects::Effects, ends::Ends, history::History, waking::Unwoken};
pub(crate) use self::{history::Incidents, looking::Look};
use super::{
    cell::WorkerCell,
    events::Log,
    hosts::Hosts,
    kinds::Kind,
    machine::{Directive, GroupId, Machine, PoolId},
    notable::Wakes,
    origin_map::OriginMap,
    report::ShutdownReport,
    task::Task,
    watch_limits::WatchLimits,
    watchdog::Watchdog,
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, Exit, RestartError, RunToken},
    util::{Mutex, Name, Span, Timer},
};

/// Wakes a sleeping loop because what a status shows of the workers changed. Never called under a lock.
pub(crate) type OnChange = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Registry {
    /// The panel's number, unique in the process. Never 0.
    pub(super) number: u64,
    /// The panel's name.
    panel: Name,
    /// Where its workers run.
    pub(super) hosts: Hosts,
    state: Mutex<State>,
    ends: Ends,
    unwoken: Unwoken,
    pub(crate) log: Arc<Log>,
    /// Changes whenever something that a status shows does.
    version: AtomicU64,
    /// How many workers live.
    live: AtomicUsize,
    /// Notified when no worker lives; and at the first end of a shutdown, so that waiting tasks are awake by the last.
    none_left: Notify,
    /// How many workers have a task that was not polled yet.
    unpolled: AtomicUsize,
    /// How many living workers have their task on the runtime.
    on_runtime: AtomicUsize,
    /// How many first polls there were: tells a runtime that makes progress from one that does not.
    first_polls: AtomicU64,
    /// One more than the value of `first_polls` at which the unpolled workers became overdue; 0 if they never did.
    pub(super) overdue: AtomicU64,
    /// What the watchdog saw at its last looks. Only the clock's thread takes this lock.
    pub(super) watchdog: Mutex<Watchdog>,
    /// Whether the panel was dropped.
    gone: AtomicBool,
    escalated: AtomicBool,
    runtime_gone: AtomicBool,
    on_change: OnChange,
    /// Whether events of single workers wake a sleeping loop.
    wakes: Wakes,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) cells: OriginMap<Arc<WorkerCell>>,
    pub(super) attention: WatchLimits,
    /// The tasks that wait for a place. The runtime gets each one only when its turn comes, so that a task called off
    /// before that is gone immediately.
    held: BTreeMap<Origin, Task>,
    /// Whether the panel is idle, and the workers that opted in are suspended.
    idle: bool,
    history: History,
    /// The report of the shutdown, once that is over.
    report: Option<ShutdownReport>,
}

impl Registry {
    pub(super) fn new(panel: Name, hosts: Hosts, on_change: OnChange, wakes: Wakes) -> Self {
        static PANELS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: PANELS.fetch_add(1, Ordering::Relaxed),
            panel,
            hosts,
            state: Mutex::new(State { history: History { wakes, ..History::default() }, ..State::default() }),
            ends: Ends::default(),
            unwoken: Unwoken::default(),
            log: Arc::default(),
            version: AtomicU64::new(0),
            live: AtomicUsize::new(0),
            none_left: Notify::new(),
            unpolled: AtomicUsize::new(0),
            on_runtime: AtomicUsize::new(0),
            first_polls: AtomicU64::new(0),
            overdue: AtomicU64::new(0),
            watchdog: Mutex::default(),
            gone: AtomicBool::new(false),
            escalated: AtomicBool::new(false),
            runtime_gone: AtomicBool::new(false),
            on_change,
            wakes,
        }
    }

    /// Returns the next step of the worker's task.
    pub(super) fn next(&self, cell: &WorkerCell) -> Directive {
        self.lock().machine.next(cell.origin)
    }

    /// The worker's task is about to begin a run: returns the run's number and token, if the run is still wanted.
    pub(super) fn begin(&self, cell: &WorkerCell) -> Option<(u64, Arc<RunToken>)> {
        let now = self.hosts.now();
        // Made and dropped without the lock, because a token holds a span, and spans run the subscriber's code. Only
        // this task begins runs of the worker, so it knows the number.
        let next = cell.generation() + 1;
        let run_token = Arc::new(RunToken::new(Span::of_generation(
            &self.panel,
            &cell.name,
            &cell.source,
            cell.origin.0,
            next,
        )));
        let (generation, before) = self.change_at(now, |state| {
            let generation = state.machine.begin(cell.origin, now)?;
            debug_assert_eq!(generation, next, "no other thread begins one");
            Some((generation, cell.begin(generation, Arc::clone(&run_token))))
        })?;
        drop(before);
        // A limit that the clock cannot represent never expires.
        if let Some(at) = cell.run.ready_within.and_then(|time| self.hosts.now().checked_add(time)) {
            let (this, origin, alone) = (cell.registry.clone(), cell.origin, cell.run.kind != Kind::Async);
            let late = move || {
                if let Some(registry) = this.upgrade() {
                    registry.not_ready(origin, generation);
                }
            };
            run_token.await_by(Timer::start(&self.hosts.runtime, at, alone, late));
        }
        Some((generation, run_token))
    }

    /// The worker's run is over. Returns the next step of its task.
    pub(super) fn exited(&self, cell: &WorkerCell, exit: Exit) -> Directive {
        let now = self.hosts.now();
        self.change_at(now, |state| {
            state.machine.exited(cell.origin, exit, now);
            state.machine.next(cell.origin)
        })
    }

    /// The worker's task is over, and nothing of it is left.
    pub(super) fn left(&self, cell: &WorkerCell, otherwise: Exit) {
        let last_words = last_words(cell);
        let now = self.hosts.now();
        self.change_at(now, |state| state.machine.left(cell.origin, otherwise, last_words, now));
    }

    /// The worker's task was polled for the first time.
    pub(super) fn polled(&self) {
        self.first_polls.fetch_add(1, Ordering::Relaxed);
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
    }

    /// The worker's task was dropped before it was ever polled.
    pub(super) fn never_polled(&self, cell: &WorkerCell) {
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
        self.left(cell, Exit::Cancelled);
    }

    pub(crate) fn stop(&self, cell: &WorkerCell, cause: Cause) {
        self.change(|state| {
            if state.is_to_come(cell) {
                cell.ended_for(Some(cause));
            }
            state.machine.stop(cell.origin, cause);
        });
    }

    pub(crate) fn stop_pool(&self, pool: PoolId, cause: Cause) {
        self.change(|state| state.machine.stop_pool(pool, cause));
    }

    /// How many tasks of a pool live.
    pub(crate) fn pool_len(&self, pool: PoolId) -> usize {
        self.lock().machine.pool_len(pool)
    }

    pub(crate) fn stop_group(&self, group: GroupId, cause: Cause) {
        self.change(|state| state.machine.end_group(group, cause));
    }

    pub(crate) fn restart(&self, cell: &WorkerCell) -> Result<(), RestartError> {
        self.change(|state| match state.machine.restart(cell.origin) {
            Err(RestartError::Ended) if state.is_to_come(cell) && cell.cause().is_none() => {
                Err(RestartError::NotStarted)
            }
            Err(RestartError::Ended) if cell.cause() == Some(Cause::RuntimeGone) => {
                Err(RestartError::RuntimeGone)
            }
            restarted => restarted,
        })
    }

    /// This run reports that it is ready.
    pub(crate) fn ready(&self, origin: Origin, generation: u64) {
        self.change(|state| state.machine.ready(origin, generation));
    }

    /// This run was not ready in time.
    pub(super) fn not_ready(&self, origin: Origin, generation: u64) {
        self.change(|state| state.machine.not_ready(origin, generation));
    }

    pub(crate) fn healthy(&self, origin: Origin, generation: u64) {
        self.lock().machine.healthy(origin, generation);
    }

    /// Runs `decide` under the lock and its effects without it, then continues a shutdown that proceeds in steps.
    pub(super) fn change<T>(&self, decide: impl FnOnce(&mut State) -> T) -> T {
        self.change_in(None, decide)
    }

    /// The same, at a moment that was read before.
    pub(super) fn change_at<T>(&self, now: Instant, decide: impl FnOnce(&mut State) -> T) -> T {
        self.change_in(Some(now), decide)
    }

    fn change_in<T>(&self, now: Option<Instant>, decide: impl FnOnce(&mut State) -> T) -> T {
        let mut effects = Effects::default();
        let mut state = self.lock();
        let decided = decide(&mut state);
        self.resolve(&mut state, &mut effects, now);
        let more = state.machine.stops_more();
        drop(state);
        self.execute(effects);
        if more {
            if let Some(panic) = self.stop_the_rest() {
                resume_unwind(panic);
            }
        }
        decided
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// Whether the worker belongs to a group that was not started yet: any other worker is admitted before a handle to
    /// it exists.
    fn is_to_come(&self, cell: &WorkerCell) -> bool {
        !self.cells.contains(cell.origin) && !cell.status().is_final()
    }
}

/// Returns the panic of the drop of a worker of which nothing is left, if any. Closes its inbox first, before the end
/// is logged, so that whatever observes the end finds the inbox closed.
fn last_words(cell: &WorkerCell) -> Option<Exit> {
    cell.close_inbox();
    cell.last_words.take().map(Exit::Panicked)
}
