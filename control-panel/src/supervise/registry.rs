//! All workers of a panel: the machine that decides, under one lock, and the records that its actions are executed on.

mod gates;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    cause::{Cause, Term},
    clock,
    events::{Event, EventKind, Log, Pushed},
    exit::Exit,
    machine::{Action, Directive, GroupId, GroupSpec, KeyId, Machine, Spec},
    polling,
    record::Record,
    report::{ShutdownReport, WorkerReport},
    watched::Attention,
};
use crate::{
    observe,
    queued::Origin,
    worker::{Cancel, Refusal, RestartError, WorkerStatus},
};

/// Incidents kept in full; older ones are only counted.
const INCIDENTS: usize = 256;

/// Called when a worker failed too often for the panel to go on.
pub(crate) type OnEscalate = Box<dyn Fn() + Send + Sync>;

pub(crate) struct Registry {
    /// Tells it from all others of the process. Not 0.
    pub(super) number: u64,
    state: Mutex<State>,
    pub(crate) log: Arc<Log>,
    /// Changes with everything that a status shows.
    version: AtomicU64,
    /// How many workers live.
    live: AtomicUsize,
    /// Tells those who wait for it that none lives.
    none_left: Notify,
    /// How many of them no runtime has polled yet.
    unpolled: AtomicUsize,
    /// How many first polls there were: tells a runtime that runs from one that does not.
    first_polls: AtomicU64,
    escalated: AtomicBool,
    on_escalate: OnEscalate,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) records: BTreeMap<Origin, Arc<Record>>,
    pub(super) attention: Attention,
    /// Those that lived when the shutdown began.
    stopping: Vec<Arc<Record>>,
    /// Whether the panel is idle, and has suspended those who want it.
    idle: bool,
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

/// What is done without the lock, because it runs code of others: wakers, destructors.
#[derive(Default)]
struct Effects {
    cancel: Vec<Arc<Term>>,
    wake: Vec<Arc<Record>>,
    announce: Vec<Arc<Record>>,
    told: bool,
    none_left: bool,
    escalate: bool,
    /// To be told outside.
    seen: Vec<Event>,
    /// To be dropped: these hold errors and panics of the user's.
    gone: (Vec<WorkerStatus>, Vec<Event>, Vec<WorkerReport>),
}

impl Registry {
    pub(crate) fn new(on_escalate: OnEscalate) -> Self {
        static PANELS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: PANELS.fetch_add(1, Ordering::Relaxed),
            state: Mutex::default(),
            log: Arc::default(),
            version: AtomicU64::new(0),
            live: AtomicUsize::new(0),
            none_left: Notify::new(),
            unpolled: AtomicUsize::new(0),
            first_polls: AtomicU64::new(0),
            escalated: AtomicBool::new(false),
            on_escalate,
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
            Ok(members.iter().filter_map(|(record, _)| self.enter(state, record)).min())
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
        let now = Instant::now();
        self.change(|state| {
            let generation = state.machine.begin(record.origin, now)?;
            Some((generation, record.begin(generation)))
        })
    }

    /// The worker's generation is over. Returns what its task is to do next.
    pub(super) fn exited(&self, record: &Record, exit: Exit) -> Directive {
        let now = Instant::now();
        self.change(|state| {
            state.machine.exited(record.origin, exit, now);
            state.machine.next(record.origin)
        })
    }

    /// Both in one: the generation is over because the worker was told to end, and nothing of it is left.
    pub(super) fn exited_for_good(&self, record: &Record, exit: Exit) {
        let now = Instant::now();
        let last_words = last_words(record);
        self.change(|state| {
            state.machine.exited(record.origin, exit, now);
            state.machine.left(record.origin, Exit::Cancelled, last_words);
        });
    }

    /// The worker's task is over, and nothing of it is left.
    pub(super) fn left(&self, record: &Record, otherwise: Exit) {
        let last_words = last_words(record);
        self.change(|state| state.machine.left(record.origin, otherwise, last_words));
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

    pub(crate) fn stop(&self, origin: Origin, cause: Cause) {
        self.change(|state| state.machine.stop(origin, cause));
    }

    pub(crate) fn stop_group(&self, group: GroupId, cause: Cause) {
        self.change(|state| state.machine.end_group(group, cause));
    }

    pub(crate) fn restart(&self, origin: Origin) -> Result<(), RestartError> {
        self.change(|state| state.machine.restart(origin))
    }

    pub(crate) fn healthy(&self, origin: Origin) {
        self.lock().machine.healthy(origin);
    }

    /// From now on nothing is spawned, and everybody is stopped.
    pub(super) fn stop_all(&self) {
        self.change(|state| {
            if state.stopping.is_empty() {
                state.stopping = state.records.values().cloned().collect();
            }
            state.machine.stop_all(Cause::Shutdown);
        });
    }

    /// The time is nearly over: nobody waits for another's end any more. Returns who is to be dropped; who is told only
    /// now and is cancelled by being dropped does that itself.
    pub(super) fn hurry(&self) -> Vec<Arc<Record>> {
        self.change(|state| {
            let late = |record: &&Arc<Record>| record.cancel != Cancel::Drop || record.term().is_over();
            let late = state.records.values().filter(late).cloned().collect();
            state.machine.hurry();
            late
        })
    }

    /// The keys whose tasks live.
    pub(crate) fn keys(&self) -> BTreeSet<KeyId> {
        self.lock().machine.keys().collect()
    }

    /// Runs `decide` under the lock, and then what follows without it.
    pub(super) fn change<T>(&self, decide: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let decided = decide(&mut state);
        let effects = self.resolve(&mut state);
        drop(state);
        self.execute(effects);
        decided
    }

    /// Executes what has to happen together with the decision, so that nobody sees the one without the other: not a
    /// worker that ended and still counts, nor one that no longer counts and has no end.
    fn resolve(&self, state: &mut State) -> Effects {
        let mut effects = Effects::default();
        let mut actions = state.machine.take_actions();
        for action in actions.drain(..) {
            match action {
                Action::Tell(origin, kind) => self.tell(state, origin, kind, &mut effects),
                Action::Wake(origin) => effects.wake.extend(state.records.get(&origin).cloned()),
                Action::Cancel(origin, cause) => {
                    if let Some(record) = state.records.get(&origin) {
                        let term = record.term();
                        term.tell(cause);
                        effects.cancel.push(term);
                        effects.wake.push(Arc::clone(record));
                    }
                }
                Action::End(origin) => {
                    if let Some(record) = state.records.remove(&origin) {
                        state.attention.leave(&record);
                    }
                    let live = state.records.len();
                    self.live.store(live, Ordering::Release);
                    effects.none_left = live == 0;
                }
                Action::Escalate => {
                    state.stopping = state.records.values().cloned().collect();
                    self.escalated.store(true, Ordering::Release);
                    effects.escalate = true;
                }
            }
        }
        state.machine.give_back(actions);
        if effects.told {
            self.version.fetch_add(1, Ordering::Release);
        }
        effects
    }

    fn tell(&self, state: &mut State, origin: Origin, kind: EventKind, effects: &mut Effects) {
        let Some(record) = state.records.get(&origin) else { return };
        effects.told = true;
        match &kind {
            EventKind::Exited(exit) if !exit.is_clean() => {
                effects.gone.2.extend(state.incidents.add(WorkerReport::new(record, exit.clone())));
            }
            _ => {}
        }
        match &kind {
            EventKind::Stuck(_) => record.set_stuck(true),
            EventKind::Recovered | EventKind::Exited(_) => record.set_stuck(false),
            _ => {}
        }
        let generation = record.generation();
        if let EventKind::Ended(_, Some(cause)) = kind {
            record.ended_for(cause);
        }
        if let Some(status) = status_after(&kind) {
            effects.gone.0.extend(Some(record.set_status(status)).filter(WorkerStatus::is_final));
            if record.is_awaited() {
                effects.announce.push(Arc::clone(record));
            }
        }
        let Pushed { evicted, seen } = self.log.push(&record.name, origin, generation, kind);
        effects.seen.extend(seen);
        effects.gone.1.extend(evicted.filter(|event| event.kind.holds_an_error()));
    }

    fn execute(&self, effects: Effects) {
        let Effects { cancel, wake, announce, told, none_left, escalate, seen, gone } = effects;
        for term in cancel {
            term.announce();
        }
        for record in wake {
            record.signal.raise();
        }
        for record in announce {
            record.announce();
        }
        if told {
            self.log.announce();
        }
        if none_left {
            self.none_left.notify_waiters();
        }
        seen.iter().for_each(observe::lifecycle);
        if escalate {
            (self.on_escalate)();
        }
        drop(gone);
    }

    pub(crate) fn live(&self) -> Vec<Arc<Record>> {
        self.lock().records.values().cloned().collect()
    }

    /// The living worker of this name that was spawned first.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Record>> {
        self.lock().records.values().find(|record| record.name == *name).cloned()
    }

    pub(crate) fn count(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Looks at the living workers, unless somebody else has the lock just now.
    pub(crate) fn try_look<T>(&self, look: impl FnOnce(Look<'_>) -> T) -> Option<T> {
        let state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let look = look(Look { version: self.version(), events: self.log.last(), live: &state.records });
        drop(state);
        Some(look)
    }

    /// Whether a worker ended the panel by failing too often. Takes no lock.
    pub(crate) fn has_escalated(&self) -> bool {
        self.escalated.load(Ordering::Acquire)
    }

    pub(crate) fn first_polls(&self) -> u64 {
        self.first_polls.load(Ordering::Relaxed)
    }

    pub(crate) fn unpolled(&self) -> usize {
        self.unpolled.load(Ordering::Relaxed)
    }

    /// Resolves when no worker lives.
    pub(super) async fn all_ended(&self) {
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
    pub(super) fn report(&self) -> Option<ShutdownReport> {
        self.lock().report.clone()
    }

    /// The shutdown is over: whoever still lives is abandoned. The first call decides what is reported.
    pub(super) fn finish_stop(&self, elapsed: Duration) -> ShutdownReport {
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
        let overdue_now: Vec<_> =
            state.records.values().map(|record| WorkerReport::new(record, overdue(record))).collect();
        let evicted: Vec<_> = overdue_now.into_iter().map(|report| state.incidents.add(report)).collect();
        let stopping = mem::take(&mut state.stopping);
        let workers = stopping.iter().map(|record| WorkerReport::of(record, overdue)).collect();
        let report = ShutdownReport::new(elapsed, workers, mem::take(&mut state.incidents));
        state.report = Some(report.clone());
        drop(state);
        drop((evicted, stopping));
        report
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The living workers at one moment.
pub(crate) struct Look<'a> {
    pub(crate) version: u64,
    /// The number of the last event.
    pub(crate) events: u64,
    pub(crate) live: &'a BTreeMap<Origin, Arc<Record>>,
}

/// What is still to be told of a worker of which nothing is left. Closes its inbox: before the end is told, so that
/// whoever learns of it finds that closed.
fn last_words(record: &Record) -> Option<Exit> {
    record.close_inbox();
    record.take_last_words().map(Exit::Panicked)
}

/// The status that an event leaves a worker in, if it changes it.
fn status_after(kind: &EventKind) -> Option<WorkerStatus> {
    match kind {
        EventKind::Started => Some(WorkerStatus::Running),
        EventKind::BackingOff(_) => Some(WorkerStatus::Backoff),
        EventKind::Waiting => Some(WorkerStatus::Waiting),
        EventKind::Stopping(cause) => Some(WorkerStatus::Stopping(*cause)),
        EventKind::Ended(exit, _) => Some(WorkerStatus::Ended(exit.clone())),
        EventKind::Refused(refusal) => Some(WorkerStatus::Refused(refusal.clone())),
        _ => None,
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
