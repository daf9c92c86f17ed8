//! One worker, as its handle, its context and the panel see it.

use std::{
    mem,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, task::AbortHandle, time::Instant};

use super::{
    kinds::Kind,
    notable::{Notable, Wake},
    off_task::OffTask,
    registry::Registry,
    wake_flag::WakeFlag,
};
use crate::{
    intent::order::Origin,
    lifecycle::{
        cause::{Cause, CauseCell},
        event::EventKind,
        exit::Exit,
        options::{Cancel, Limits},
        run_token::RunToken,
        status::{Refusal, WorkerStatus},
        unanswered::{self, Unanswered},
    },
    supervisor::{
        gate_cell::GateCell,
        inbox_cell::{CAPACITY, InboxCell, Takes},
    },
    util::{
        name::Name,
        panics::{self, LastWords, PanicReport},
    },
};

/// In this order: what a stop and an end look at comes first and side by side, which is what thousands of them cost.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct WorkerCell {
    /// Tells the worker's task to look what it is to do.
    pub(super) wake_flag: WakeFlag,
    status: Mutex<WorkerStatus>,
    /// The current generation's, or the last one's.
    term: Mutex<Arc<RunToken>>,
    generation: AtomicU64,
    pub(crate) name: Name,
    /// The source as its `Debug` shows it: a cell knows no types of the user's.
    pub(crate) source: Name,
    /// For those who wait for its end. Most never do.
    changed: OnceLock<Box<Notify>>,
    pub(crate) kind: Kind,
    pub(crate) cancel: Cancel,
    /// Why it ended: no generation may have run then to be told.
    ended_for: CauseCell,
    /// Whether the watchdog found it stuck.
    stuck: AtomicBool,
    pub(crate) origin: Origin,
    /// The number of its panel among all of the process; 0 where it belongs to none.
    pub(crate) panel: u64,
    pub(crate) inbox: InboxCell,
    /// A panic while the worker's future was being dropped, which no return value can carry.
    last_words: LastWords,
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    /// Each generation says when it is ready, and that within this time.
    pub(crate) ready_within: Option<Duration>,
    /// Whom it belongs to. Nobody, for the cell of a context outside any worker.
    pub(crate) registry: Weak<Registry>,
    /// Drops a worker that its task alone cannot drop, because it runs on another thread.
    pub(super) kill: RunToken,
    /// Set once the runtime has its task.
    abort: OnceLock<AbortHandle>,
    /// Its task, where that is nobody else's.
    off_task: OnceLock<Arc<OffTask>>,
    pub(crate) gate: GateCell,
    /// How the last generation that is over ended, and which it was.
    last_exit: Mutex<Option<(u64, Exit)>>,
    notable: Mutex<Notable>,
    /// Replies that its code dropped unanswered; and whether there are any.
    unanswered: Mutex<Vec<Arc<Unanswered>>>,
    holds: AtomicBool,
    /// Whether its status was looked at and was not `Running`. Written under the lock of `status`.
    seen: AtomicBool,
}

/// What is said of a cell when it is made.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) name: Name,
    pub(crate) source: Name,
    pub(crate) origin: Origin,
    pub(crate) kind: Kind,
    pub(crate) cancel: Cancel,
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    pub(crate) ready_within: Option<Duration>,
}

impl WorkerCell {
    /// Before its first generation a worker has the given term, which nobody cancels for it alone.
    pub(crate) fn new(identity: Identity, term: Arc<RunToken>, registry: Weak<Registry>) -> Self {
        let Identity { name, source, origin, kind, cancel, grace, limits, ready_within } = identity;
        let panel = registry.upgrade().map_or(0, |registry| registry.number);
        Self {
            name,
            source,
            origin,
            panel,
            kind,
            cancel,
            grace,
            limits,
            ready_within,
            registry,
            wake_flag: WakeFlag::default(),
            kill: RunToken::default(),
            term: Mutex::new(term),
            generation: AtomicU64::new(0),
            status: Mutex::new(WorkerStatus::Starting),
            changed: OnceLock::new(),
            abort: OnceLock::new(),
            ended_for: CauseCell::default(),
            stuck: AtomicBool::new(false),
            off_task: OnceLock::new(),
            last_words: LastWords::default(),
            inbox: InboxCell::new(Takes::Anything, CAPACITY),
            gate: GateCell::default(),
            last_exit: Mutex::default(),
            notable: Mutex::default(),
            unanswered: Mutex::default(),
            holds: AtomicBool::new(false),
            seen: AtomicBool::new(false),
        }
    }

    pub(crate) fn status(&self) -> WorkerStatus {
        let status = self.lock_status();
        if !matches!(*status, WorkerStatus::Running) {
            self.seen.store(true, Ordering::Relaxed);
        }
        status.clone()
    }

    /// Whether a sleeping loop is to be woken for this event. `seen` as [`set_status`](Self::set_status) said.
    pub(super) fn wakes(&self, kind: &EventKind, seen: bool, now: &dyn Fn() -> Instant) -> Wake {
        // Thousands may end together.
        if matches!(kind, EventKind::Ended(..)) {
            return Wake::Now;
        }
        self.notable().wakes(kind, self.generation(), seen, now)
    }

    pub(super) fn notable(&self) -> MutexGuard<'_, Notable> {
        self.notable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the status and wakes nobody yet: [`announce`](Self::announce) does. Returns the one before, and whether that
    /// was looked at and was not `Running`.
    pub(super) fn set_status(&self, status: WorkerStatus) -> (WorkerStatus, bool) {
        let mut current = self.lock_status();
        let seen = self.seen.load(Ordering::Relaxed);
        if seen {
            self.seen.store(false, Ordering::Relaxed);
        }
        (mem::replace(&mut *current, status), seen)
    }

    /// It is never started. Its inbox is closed by now.
    pub(super) fn refuse(&self, refusal: Refusal) {
        drop(self.set_status(WorkerStatus::Refused(refusal)));
        self.announce();
        self.give_up();
    }

    /// Whether anybody ever waited for its end. Asked after the status was set: whoever comes later sees that.
    pub(super) fn is_awaited(&self) -> bool {
        self.changed.get().is_some()
    }

    /// Wakes those who wait for its end.
    pub(super) fn announce(&self) {
        if let Some(changed) = self.changed.get() {
            changed.notify_waiters();
        }
    }

    /// Nobody will take a command any more. Those that are left are dropped, which is the user's code: not to be
    /// called under a lock.
    pub(super) fn close_inbox(&self) {
        let (panic, unanswered) = unanswered::collect(|| self.inbox.close());
        if let Some(panic) = panic {
            self.leave_last_words(panic);
        }
        if let Some(unanswered) = unanswered {
            self.hold(unanswered);
        }
    }

    /// Its code dropped replies unanswered: they are given up once its exit is recorded, or [sooner](Self::give_up).
    pub(super) fn hold(&self, unanswered: Arc<Unanswered>) {
        self.lock_unanswered().push(unanswered);
        self.holds.store(true, Ordering::Release);
    }

    /// Its run goes on: what it dropped unanswered is given up. Not to be called under a lock.
    pub(super) fn give_up(&self) {
        self.take_unanswered().iter().for_each(|unanswered| unanswered.give_up());
    }

    /// What is to be given up, without a lock. Most often nothing, and this is asked at every poll.
    pub(super) fn take_unanswered(&self) -> Vec<Arc<Unanswered>> {
        if self.holds.load(Ordering::Acquire) {
            let mut unanswered = self.lock_unanswered();
            self.holds.store(false, Ordering::Relaxed);
            return mem::take(&mut *unanswered);
        }
        Vec::new()
    }

    fn lock_unanswered(&self) -> MutexGuard<'_, Vec<Arc<Unanswered>>> {
        self.unanswered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves once it ended or was refused.
    pub(crate) async fn ended(&self) -> WorkerStatus {
        let changed = self.changed.get_or_init(Box::default);
        loop {
            let mut notified = pin!(changed.notified());
            notified.as_mut().enable();
            // After `enable`: a change from here on wakes it.
            let status = self.status();
            if status.is_final() {
                return status;
            }
            notified.await;
        }
    }

    /// How its last generation that is over ended.
    pub(crate) fn last_exit(&self) -> Option<Exit> {
        self.lock_last_exit().as_ref().map(|(_, exit)| exit.clone())
    }

    /// A generation, or the worker, ended. Returns the exit before it, or this one where it says nothing new: either is the
    /// user's, to be dropped without a lock.
    #[must_use]
    pub(super) fn set_last_exit(&self, exit: Exit) -> Option<Exit> {
        let generation = self.generation();
        let mut last = self.lock_last_exit();
        let known = matches!(&*last, Some((of, _)) if *of == generation) && !exit.is_failure();
        if known || generation == 0 {
            return Some(exit);
        }
        last.replace((generation, exit)).map(|(_, exit)| exit)
    }

    fn lock_last_exit(&self) -> MutexGuard<'_, Option<(u64, Exit)>> {
        self.last_exit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 0 before the first run, then 1, 2, …
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// A generation begins. Hands out the term of the one before, which may hold the last of it.
    pub(super) fn begin(&self, generation: u64, term: Arc<RunToken>) -> Arc<RunToken> {
        self.generation.store(generation, Ordering::Relaxed);
        mem::replace(&mut *self.lock_term(), term)
    }

    pub(crate) fn term(&self) -> Arc<RunToken> {
        Arc::clone(&self.lock_term())
    }

    /// Why it was told to end, or its last generation to stop, if it was.
    pub(crate) fn cause(&self) -> Option<Cause> {
        self.ended_for.get().or_else(|| self.lock_term().cause())
    }

    /// The same, and the stamp of its last heartbeat.
    pub(super) fn last_term(&self) -> (Option<Cause>, u64) {
        let term = self.lock_term();
        (self.ended_for.get().or_else(|| term.cause()), term.heartbeat())
    }

    /// Tells its generation to stop. Hands out the term if somebody waits for that, to be [woken](RunToken::announce).
    pub(super) fn tell(&self, cause: Cause) -> Option<Arc<RunToken>> {
        let term = self.lock_term();
        term.tell(cause).then(|| Arc::clone(&term))
    }

    /// It ended, and for this cause, if any.
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

    /// Whether everything of its panel is being stopped, though its own turn may come later.
    pub(super) fn is_panel_stopping(&self) -> bool {
        self.registry.upgrade().is_some_and(|registry| registry.is_stopping())
    }

    pub(super) fn set_task(&self, abort: AbortHandle) {
        // Set once per cell: a cell is spawned once.
        self.abort.set(abort).ok();
    }

    pub(super) fn set_off_task(&self, task: Arc<OffTask>) {
        self.off_task.set(task).ok();
    }

    /// Its task, where that belongs to no runtime.
    pub(super) fn off_task(&self) -> Option<&Arc<OffTask>> {
        self.off_task.get()
    }

    /// Drops the worker at its next await, whatever it thinks of it.
    pub(super) fn abort(&self) {
        match self.kind {
            Kind::Async => self.abort_task(),
            Kind::Local => self.kill.cancel(Cause::Shutdown),
            Kind::Blocking | Kind::Thread => {}
        }
    }

    /// Drops the worker's task at its next await, where the runtime has it.
    pub(super) fn abort_task(&self) {
        if let Some(task) = self.abort.get() {
            task.abort();
        }
    }

    pub(super) fn leave_last_words(&self, panic: PanicReport) {
        self.last_words.leave(panic);
    }

    /// The exit, unless the worker panicked while it was dropped.
    pub(super) fn with_last_words(&self, exit: Exit) -> Exit {
        match self.take_last_words() {
            Some(panic) if !exit.is_failure() => Exit::Panicked(panic),
            // The failure itself says more.
            Some(panic) => {
                panics::discard(panic);
                exit
            }
            None => exit,
        }
    }

    pub(super) fn take_last_words(&self) -> Option<PanicReport> {
        self.last_words.take()
    }

    fn lock_status(&self) -> MutexGuard<'_, WorkerStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_term(&self) -> MutexGuard<'_, Arc<RunToken>> {
        self.term.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A cell that belongs to no panel.
    pub(in crate::supervisor) fn cell(origin: u64, limits: Limits) -> WorkerCell {
        let identity = Identity {
            name: Name::from("it"),
            source: Name::from("here"),
            origin: Origin(origin),
            kind: Kind::Async,
            cancel: Cancel::Drop,
            grace: Duration::ZERO,
            limits,
            ready_within: None,
        };
        WorkerCell::new(identity, Arc::default(), Weak::new())
    }
}
