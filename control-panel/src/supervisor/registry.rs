//! All workers of a panel: the machine that decides, under one lock, and the cells that its actions are executed on.

mod effects;
mod ends;
mod gates;
mod looking;
mod refusing;
mod starting;
mod stopping;
mod waking;

use std::{
    collections::BTreeMap,
    panic::resume_unwind,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use self::{
    effects::Effects,
    ends::Ends,
    stopping::{ExitReports, LastIncidents},
    waking::Unwoken,
};
pub(crate) use self::{looking::Look, stopping::Incidents};
use super::{
    cell::WorkerCell,
    events::Log,
    hosts::Hosts,
    kinds::Kind,
    machine::{ChildSpec, Directive, GroupId, GroupSpec, Machine, PoolId},
    notable::Wakes,
    origin_map::OriginMap,
    report::ShutdownReport,
    task::Task,
    watch_limits::WatchLimits,
    watchdog::Watchdog,
};
use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, error::RestartError, exit::Exit, run_token::RunToken, status::Refusal},
    util::{clock, name::Name, span::Span, timer::Timer},
};

/// Wakes a sleeping loop: what a status shows of the workers changed. Not called under a lock.
pub(crate) type OnChange = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Registry {
    /// Tells it from all others of the process. Not 0.
    pub(super) number: u64,
    /// Its panel's name.
    panel: Name,
    /// Where its workers run.
    pub(super) hosts: Hosts,
    state: Mutex<State>,
    ends: Ends,
    unwoken: Unwoken,
    pub(crate) log: Arc<Log>,
    /// Changes with everything that a status shows.
    version: AtomicU64,
    /// How many workers live.
    live: AtomicUsize,
    /// Tells those who wait for it that none lives; and when the first of all ends, so that they are awake by then.
    none_left: Notify,
    /// How many of them a runtime has, and has not polled yet.
    unpolled: AtomicUsize,
    /// How many workers live whose tasks are the runtime's.
    on_runtime: AtomicUsize,
    /// How many first polls there were: tells a runtime that runs from one that does not.
    first_polls: AtomicU64,
    /// Their number at which too long none of the others was polled, and one more; 0 where that is not so.
    pub(super) overdue: AtomicU64,
    /// What the last looks saw. The clock's thread alone takes this lock.
    pub(super) watchdog: Mutex<Watchdog>,
    /// Whether the panel was dropped.
    gone: AtomicBool,
    escalated: AtomicBool,
    runtime_gone: AtomicBool,
    on_change: OnChange,
    /// Whether a sleeping loop is woken for what happens to single workers.
    wakes: Wakes,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) cells: OriginMap<Arc<WorkerCell>>,
    pub(super) attention: WatchLimits,
    /// The tasks of those who wait for a place: the runtime gets each when its turn comes, so that one that is called off before
    /// is gone at once.
    held: BTreeMap<Origin, Task>,
    /// Whether the panel is idle, and has suspended those who want it.
    idle: bool,
    books: History,
    /// What the shutdown came to, once it is over.
    report: Option<ShutdownReport>,
    /// Whether the panel was dropped.
    gone: bool,
}

/// What is told in the end.
#[derive(Default)]
struct History {
    incidents: Incidents,
    last_incidents: LastIncidents,
    /// How many workers ended for good, and not cleanly.
    failed: u64,
    /// How those ended that lived when everybody was told to stop.
    toll: Option<ExitReports>,
    /// Whether somebody ended, or is told to, because the runtime is gone.
    runtime_gone: bool,
    /// As the registry's.
    wakes: Wakes,
}

impl Registry {
    pub(super) fn new(panel: Name, hosts: Hosts, on_change: OnChange, wakes: Wakes) -> Self {
        static PANELS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: PANELS.fetch_add(1, Ordering::Relaxed),
            panel,
            hosts,
            state: Mutex::new(State { books: History { wakes, ..History::default() }, ..State::default() }),
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

    /// A worker is about to be spawned.
    pub(super) fn admit(&self, cell: &Arc<WorkerCell>, spec: ChildSpec) -> Result<(), Refusal> {
        let watch = self.change(|state| {
            state.machine.admit(cell.origin, spec)?;
            Ok(self.enter(state, cell))
        })?;
        if let Some(limit) = watch {
            clock::watch(cell.registry.clone(), limit);
        }
        Ok(())
    }

    /// The members of a group are about to be spawned.
    pub(super) fn admit_group(
        &self,
        group: GroupId,
        spec: GroupSpec,
        members: &[(Arc<WorkerCell>, ChildSpec)],
    ) -> Result<(), Refusal> {
        let watch = self.change(|state| {
            let specs = members.iter().map(|(cell, spec)| (cell.origin, spec.clone())).collect();
            state.machine.admit_group(group, spec, specs)?;
            let watch = members.iter().filter_map(|(cell, _)| self.enter(state, cell)).min();
            for (cell, _) in members {
                // It was told to stop before there was anything to be stopped.
                if let Some(cause) = cell.cause() {
                    state.machine.stop(cell.origin, cause);
                }
            }
            Ok(watch)
        })?;
        if let (Some(limit), Some((cell, _))) = (watch, members.first()) {
            clock::watch(cell.registry.clone(), limit);
        }
        Ok(())
    }

    /// Returns what the clock has to watch for from now on, if it does not yet.
    fn enter(&self, state: &mut State, cell: &Arc<WorkerCell>) -> Option<Duration> {
        state.cells.insert(cell.origin, Arc::clone(cell));
        self.unpolled.fetch_add(1, Ordering::Relaxed);
        self.on_runtime.fetch_add(usize::from(cell.kind == Kind::Async), Ordering::Relaxed);
        self.live.store(state.cells.len(), Ordering::Release);
        state.begin_as_suspended(cell);
        state.attention.enter(cell)
    }

    /// What the worker's task is to do.
    pub(super) fn next(&self, cell: &WorkerCell) -> Directive {
        self.lock().machine.next(cell.origin)
    }

    /// The worker's task is about to begin a generation: its number and its term, if that is still wanted.
    pub(super) fn begin(&self, cell: &WorkerCell) -> Option<(u64, Arc<RunToken>)> {
        let now = self.hosts.now();
        // Made and dropped without the lock: in a term is a span, which is the subscriber's. Only this task begins
        // generations, so it knows the number.
        let next = cell.generation() + 1;
        let term = Arc::new(RunToken::new(Span::of_generation(
            &self.panel,
            &cell.name,
            &cell.source,
            cell.origin.0,
            next,
        )));
        let (generation, before) = self.change(|state| {
            let generation = state.machine.begin(cell.origin, now)?;
            debug_assert_eq!(generation, next, "nobody else begins one");
            Some((generation, cell.begin(generation, Arc::clone(&term))))
        })?;
        drop(before);
        // A time that is longer than can be represented is never over.
        if let Some(at) = cell.ready_within.and_then(|time| self.hosts.now().checked_add(time)) {
            let (this, origin, alone) = (cell.registry.clone(), cell.origin, cell.kind != Kind::Async);
            let late = move || {
                if let Some(registry) = this.upgrade() {
                    registry.not_ready(origin, generation);
                }
            };
            term.await_by(Timer::start(&self.hosts.runtime, at, alone, late));
        }
        Some((generation, term))
    }

    /// The worker's generation is over. Returns what its task is to do next.
    pub(super) fn exited(&self, cell: &WorkerCell, exit: Exit) -> Directive {
        let now = self.hosts.now();
        self.change(|state| {
            state.machine.exited(cell.origin, exit, now);
            state.machine.next(cell.origin)
        })
    }

    /// The worker's task is over, and nothing of it is left.
    pub(super) fn left(&self, cell: &WorkerCell, otherwise: Exit) {
        let last_words = last_words(cell);
        let now = self.hosts.now();
        self.change(|state| state.machine.left(cell.origin, otherwise, last_words, now));
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

    /// This generation says that it is ready.
    pub(crate) fn ready(&self, origin: Origin, generation: u64) {
        self.change(|state| state.machine.ready(origin, generation));
    }

    /// The time is over within which this generation was to be ready.
    pub(super) fn not_ready(&self, origin: Origin, generation: u64) {
        self.change(|state| state.machine.not_ready(origin, generation));
    }

    pub(crate) fn healthy(&self, origin: Origin, generation: u64) {
        self.lock().machine.healthy(origin, generation);
    }

    /// Runs `decide` under the lock, and then what follows without it; and so on with what is decided in steps.
    pub(super) fn change<T>(&self, decide: impl FnOnce(&mut State) -> T) -> T {
        let mut effects = Effects::default();
        let mut state = self.lock();
        let decided = decide(&mut state);
        self.resolve(&mut state, &mut effects);
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether the worker is of a group that was not started yet: nothing else has a handle before it is taken in.
    fn is_to_come(&self, cell: &WorkerCell) -> bool {
        !self.cells.contains(cell.origin) && !cell.status().is_final()
    }
}

/// What is still to be told of a worker of which nothing is left. Closes its inbox: before the end is told, so that
/// whoever learns of it finds that closed.
fn last_words(cell: &WorkerCell) -> Option<Exit> {
    cell.close_inbox();
    cell.take_last_words().map(Exit::Panicked)
}
