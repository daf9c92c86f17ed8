//! All workers of a panel: the machine that decides, under one lock, and the records that its actions are executed on.

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
    stopping::{LastIncidents, Toll},
    waking::Unwoken,
};
pub(crate) use self::{looking::Look, stopping::Incidents};
use super::{
    driver::Task,
    events::Log,
    hosts::Hosts,
    kinds::Kind,
    machine::{Directive, GroupId, GroupSpec, Machine, PoolId, Spec},
    notable::Wakes,
    record::Record,
    report::ShutdownReport,
    roster::Roster,
    watchdog::Watchdog,
    watched::Attention,
};
use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, error::RestartError, exit::Exit, run_token::Term, status::Refusal},
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
    pub(super) records: Roster<Arc<Record>>,
    pub(super) attention: Attention,
    /// The tasks of those who wait for a place: the runtime gets each when its turn comes, so that one that is called off before
    /// is gone at once.
    held: BTreeMap<Origin, Task>,
    /// Whether the panel is idle, and has suspended those who want it.
    idle: bool,
    books: Books,
    /// What the shutdown came to, once it is over.
    report: Option<ShutdownReport>,
    /// Whether the panel was dropped.
    gone: bool,
}

/// What is told in the end.
#[derive(Default)]
struct Books {
    incidents: Incidents,
    last_incidents: LastIncidents,
    /// How many workers ended for good, and not cleanly.
    failed: u64,
    /// How those ended that lived when everybody was told to stop.
    toll: Option<Toll>,
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
            state: Mutex::new(State { books: Books { wakes, ..Books::default() }, ..State::default() }),
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
    pub(super) fn admit(&self, record: &Arc<Record>, spec: Spec) -> Result<(), Refusal> {
        let watch = self.change(|state| {
            state.machine.admit(record.origin, spec)?;
            Ok(self.enter(state, record))
        })?;
        if let Some(limit) = watch {
            clock::watch(record.registry.clone(), limit);
        }
        Ok(())
    }

    /// The members of a group are about to be spawned.
    pub(super) fn admit_group(
        &self,
        group: GroupId,
        spec: GroupSpec,
        members: &[(Arc<Record>, Spec)],
    ) -> Result<(), Refusal> {
        let watch = self.change(|state| {
            let specs = members.iter().map(|(record, spec)| (record.origin, spec.clone())).collect();
            state.machine.admit_group(group, spec, specs)?;
            let watch = members.iter().filter_map(|(record, _)| self.enter(state, record)).min();
            for (record, _) in members {
                // It was told to stop before there was anything to be stopped.
                if let Some(cause) = record.cause() {
                    state.machine.stop(record.origin, cause);
                }
            }
            Ok(watch)
        })?;
        if let (Some(limit), Some((record, _))) = (watch, members.first()) {
            clock::watch(record.registry.clone(), limit);
        }
        Ok(())
    }

    /// Returns what the clock has to watch for from now on, if it does not yet.
    fn enter(&self, state: &mut State, record: &Arc<Record>) -> Option<Duration> {
        state.records.insert(record.origin, Arc::clone(record));
        self.unpolled.fetch_add(1, Ordering::Relaxed);
        self.on_runtime.fetch_add(usize::from(record.kind == Kind::Async), Ordering::Relaxed);
        self.live.store(state.records.len(), Ordering::Release);
        state.begin_as_suspended(record);
        state.attention.enter(record)
    }

    /// What the worker's task is to do.
    pub(super) fn next(&self, record: &Record) -> Directive {
        self.lock().machine.next(record.origin)
    }

    /// The worker's task is about to begin a generation: its number and its term, if that is still wanted.
    pub(super) fn begin(&self, record: &Record) -> Option<(u64, Arc<Term>)> {
        let now = self.hosts.now();
        // Made and dropped without the lock: in a term is a span, which is the subscriber's. Only this task begins
        // generations, so it knows the number.
        let next = record.generation() + 1;
        let term = Arc::new(Term::new(Span::of_generation(
            &self.panel,
            &record.name,
            &record.source,
            record.origin.0,
            next,
        )));
        let (generation, before) = self.change(|state| {
            let generation = state.machine.begin(record.origin, now)?;
            debug_assert_eq!(generation, next, "nobody else begins one");
            Some((generation, record.begin(generation, Arc::clone(&term))))
        })?;
        drop(before);
        // A time that is longer than can be represented is never over.
        if let Some(at) = record.ready_within.and_then(|time| self.hosts.now().checked_add(time)) {
            let (this, origin, alone) = (record.registry.clone(), record.origin, record.kind != Kind::Async);
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
    pub(super) fn exited(&self, record: &Record, exit: Exit) -> Directive {
        let now = self.hosts.now();
        self.change(|state| {
            state.machine.exited(record.origin, exit, now);
            state.machine.next(record.origin)
        })
    }

    /// The worker's task is over, and nothing of it is left.
    pub(super) fn left(&self, record: &Record, otherwise: Exit) {
        let last_words = last_words(record);
        let now = self.hosts.now();
        self.change(|state| state.machine.left(record.origin, otherwise, last_words, now));
    }

    /// The worker's task was polled for the first time.
    pub(super) fn polled(&self) {
        self.first_polls.fetch_add(1, Ordering::Relaxed);
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
    }

    /// The worker's task was dropped before it was ever polled.
    pub(super) fn never_polled(&self, record: &Record) {
        self.unpolled.fetch_sub(1, Ordering::Relaxed);
        self.left(record, Exit::Cancelled);
    }

    pub(crate) fn stop(&self, record: &Record, cause: Cause) {
        self.change(|state| {
            if state.is_to_come(record) {
                record.ended_for(Some(cause));
            }
            state.machine.stop(record.origin, cause);
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

    pub(crate) fn restart(&self, record: &Record) -> Result<(), RestartError> {
        self.change(|state| match state.machine.restart(record.origin) {
            Err(RestartError::Ended) if state.is_to_come(record) && record.cause().is_none() => {
                Err(RestartError::NotStarted)
            }
            Err(RestartError::Ended) if record.cause() == Some(Cause::RuntimeGone) => {
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
    fn is_to_come(&self, record: &Record) -> bool {
        !self.records.contains(record.origin) && !record.status().is_final()
    }
}

/// What is still to be told of a worker of which nothing is left. Closes its inbox: before the end is told, so that
/// whoever learns of it finds that closed.
fn last_words(record: &Record) -> Option<Exit> {
    record.close_inbox();
    record.take_last_words().map(Exit::Panicked)
}
