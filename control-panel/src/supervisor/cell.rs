//! One worker, as its handle, its context and the panel see it.

mod status;

use std::{
    mem,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{task::AbortHandle, time::Instant};

use self::status::StatusCell;
use super::{
    home::Home,
    kinds::Kind,
    notable::{Notable, Wake},
    off_task::Resume,
    options::RunOptions,
    wake_flag::WakeFlag,
};
use crate::{
    intent::Origin,
    lifecycle::{
        Cause, CauseCell, EventKind, Exit, RunToken, SpawnError, Unanswered, WorkerStatus, unanswered,
    },
    supervisor::{
        gate_cell::GateCell,
        inbox_cell::{InboxCell, InboxOptions},
    },
    telemetry::CountsSends,
    util::{Mutex, Name, PanicReport, Rare, panics},
};

/// The order of the fields matters: those used by a stop and an end come first and side by side, because their cache
/// misses are what stopping thousands of workers costs.
#[repr(C)]
pub(crate) struct WorkerCell {
    /// Wakes the worker's task to ask for its next step.
    pub(super) wake_flag: WakeFlag,
    pub(crate) status: StatusCell,
    /// The token of the current run, or of the last one.
    run_token: Mutex<Arc<RunToken>>,
    generation: AtomicU64,
    pub(crate) name: Name,
    /// The `Debug` text of the source: a cell knows no user types.
    pub(crate) source: Name,
    /// Why it ended: it may have ended without a run that could be cancelled.
    ended_for: CauseCell,
    /// Whether the watchdog found it stuck.
    stuck: AtomicBool,
    pub(crate) origin: Origin,
    /// The number of its panel, unique in the process; 0 if it belongs to none.
    pub(crate) panel: u64,
    pub(crate) inbox: InboxCell,
    pub(crate) run: RunOptions,
    /// A panic while the worker's future was being dropped, which no return value can carry.
    pub(super) last_words: Rare<Option<PanicReport>>,
    /// The registry that it belongs to. Empty for the cell of a context outside any worker.
    pub(crate) registry: Home,
    /// Drops a worker that runs on another thread, where aborting its task has no effect.
    pub(super) kill: RunToken,
    /// Set once the runtime has its task.
    pub(super) abort: OnceLock<AbortHandle>,
    /// Its task, if that belongs to no runtime.
    pub(super) off_task: OnceLock<Arc<dyn Resume>>,
    pub(crate) gate: GateCell,
    /// What became of its intents; `None` for what sends none.
    pub(crate) sends: Option<Arc<dyn CountsSends>>,
    /// The number and exit of the last run that is over.
    last_exit: Mutex<Option<(u64, Exit)>>,
    pub(super) notable: Mutex<Notable>,
    /// Replies that its code dropped unanswered. They are given up once its exit is recorded, or once its run goes on.
    pub(super) unanswered: Rare<Vec<Arc<Unanswered>>>,
}

impl WorkerCell {
    /// Until its first run, a worker has the given token, which is never cancelled for it alone.
    pub(crate) fn new(
        name: Name,
        source: Name,
        origin: Origin,
        run: RunOptions,
        run_token: Arc<RunToken>,
        registry: Home,
        sends: Option<Arc<dyn CountsSends>>,
    ) -> Self {
        let panel = registry.upgrade().map_or(0, |registry| registry.number);
        Self {
            name,
            source,
            origin,
            panel,
            run,
            registry,
            wake_flag: WakeFlag::default(),
            kill: RunToken::default(),
            run_token: Mutex::new(run_token),
            generation: AtomicU64::new(0),
            status: StatusCell::starting(Instant::now()),
            abort: OnceLock::new(),
            ended_for: CauseCell::default(),
            stuck: AtomicBool::new(false),
            off_task: OnceLock::new(),
            last_words: Rare::default(),
            inbox: InboxCell::new(InboxOptions::anything()),
            gate: GateCell::default(),
            sends,
            last_exit: Mutex::default(),
            notable: Mutex::default(),
            unanswered: Rare::default(),
        }
    }

    pub(crate) fn status(&self) -> WorkerStatus {
        self.status.get()
    }

    /// Whether a sleeping loop must be woken for this event. `seen` is what [`StatusCell::set`] returned.
    pub(super) fn wakes(&self, kind: &EventKind, seen: bool, now: Instant) -> Wake {
        // Fast path: thousands may end together.
        if matches!(kind, EventKind::Ended(..)) {
            return Wake::Now;
        }
        self.notable.lock().wakes(kind, self.generation(), seen, now)
    }

    /// It never starts. Its inbox is closed by now.
    pub(super) fn refuse(&self, refusal: SpawnError) {
        drop(self.status.set(WorkerStatus::Refused(refusal), Instant::now()));
        self.status.announce();
        self.give_up_unanswered();
    }

    /// Refuses further commands and drops those that are left. Their drops are the user's code, so this must not be
    /// called under a lock.
    pub(super) fn close_inbox(&self) {
        let (panic, unanswered) = unanswered::collect(|| self.inbox.close());
        if let Some(panic) = panic {
            self.leave_last_words(panic);
        }
        self.hold_unanswered(unanswered);
    }

    #[inline]
    pub(super) fn hold_unanswered(&self, unanswered: Option<Arc<Unanswered>>) {
        if let Some(unanswered) = unanswered {
            self.unanswered.put(|held| held.push(unanswered));
        }
    }

    /// Must not be called under a lock.
    #[inline]
    pub(super) fn give_up_unanswered(&self) {
        self.unanswered.take().iter().for_each(|unanswered| unanswered.give_up());
    }

    /// Returns the exit of the last run that is over.
    pub(crate) fn last_exit(&self) -> Option<Exit> {
        self.last_exit.lock().as_ref().map(|(_, exit)| exit.clone())
    }

    /// Records the exit of a run or of the worker. Returns the exit that it replaces, or this one if it adds nothing:
    /// either holds the user's values, and must be dropped without a lock.
    #[must_use]
    pub(super) fn set_last_exit(&self, exit: Exit) -> Option<Exit> {
        let generation = self.generation();
        let mut last = self.last_exit.lock();
        let known = matches!(&*last, Some((of, _)) if *of == generation) && !exit.is_failure();
        if known || generation == 0 {
            return Some(exit);
        }
        last.replace((generation, exit)).map(|(_, exit)| exit)
    }

    /// 0 before the first run, then 1, 2, …
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// A run begins. Returns the previous run's token, to which this may be the last reference.
    pub(super) fn begin(&self, generation: u64, run_token: Arc<RunToken>) -> Arc<RunToken> {
        self.generation.store(generation, Ordering::Relaxed);
        mem::replace(&mut *self.run_token.lock(), run_token)
    }

    pub(crate) fn run_token(&self) -> Arc<RunToken> {
        Arc::clone(&self.run_token.lock())
    }

    /// Why it was stopped, or why its last run was cancelled, if either happened.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.ended_for.get().or_else(|| self.run_token.lock().cause())
    }

    /// The same cause, and the stamp of the last heartbeat.
    pub(super) fn last_term(&self) -> (Option<Cause>, u64) {
        let run_token = self.run_token.lock();
        (self.ended_for.get().or_else(|| run_token.cause()), run_token.heartbeat())
    }

    /// Cancels its run without waking anything. Returns the token if a task waits for the cancellation, to be
    /// [woken](RunToken::announce).
    pub(super) fn set_cause(&self, cause: Cause) -> Option<Arc<RunToken>> {
        let run_token = self.run_token.lock();
        run_token.set_cause(cause).then(|| Arc::clone(&run_token))
    }

    /// It ended, for this cause if there is one.
    pub(super) fn ended_for(&self, cause: Option<Cause>) {
        if let Some(cause) = cause {
            self.ended_for.set(cause);
        }
    }

    /// Whether the watchdog finds it stuck.
    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    pub(super) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Whether its whole panel is being stopped, even if its own turn has not come.
    pub(super) fn is_panel_stopping(&self) -> bool {
        self.registry.upgrade().is_some_and(|registry| registry.is_stopping())
    }

    /// Drops the worker at its next await, whatever its cancel policy.
    pub(super) fn abort(&self) {
        match self.run.kind {
            Kind::Async => self.abort_task(),
            Kind::Local => self.kill.cancel(Cause::Shutdown),
            Kind::Blocking | Kind::Thread => {}
        }
    }

    /// Drops the worker's task at its next await, if the runtime has it.
    pub(super) fn abort_task(&self) {
        if let Some(task) = self.abort.get() {
            task.abort();
        }
    }

    pub(super) fn leave_last_words(&self, panic: PanicReport) {
        panics::discard(self.last_words.put(|words| words.replace(panic)));
    }

    /// Returns the exit, or the panic if the worker panicked while it was dropped.
    pub(super) fn with_last_words(&self, exit: Exit) -> Exit {
        match self.last_words.take() {
            Some(panic) if !exit.is_failure() => Exit::Panicked(panic),
            // The failure itself says more.
            Some(panic) => {
                panics::discard(panic);
                exit
            }
            None => exit,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A cell that belongs to no panel.
    pub(in crate::supervisor) fn cell(origin: u64, run: RunOptions) -> WorkerCell {
        let (name, source) = (Name::from("it"), Name::from("here"));
        WorkerCell::new(name, source, Origin(origin), run, Arc::default(), Home::none(), None)
    }
}
