//! One run of a worker, from its start until it is cancelled.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

use tokio_util::sync::CancellationToken;

use super::cause::{Cause, CauseCell};
use crate::util::{Span, Stoppable, clock};

/// A run's cancellation token: in effect until the run is cancelled.
#[derive(Default)]
pub(crate) struct RunToken {
    /// `None` until the run is cancelled.
    cause: CauseCell,
    /// For code that waits for the cancellation, or passes it on. Allocated by the first of it; most runs have none.
    token: OnceLock<CancellationToken>,
    /// The span that encloses what is logged during the run.
    pub(crate) span: Span,
    /// The clock's tick at the last heartbeat; 0 before the first.
    heartbeat: AtomicU64,
    /// Whether the run's code was ever entered: it may have to wait for a thread first.
    entered: AtomicBool,
    /// Whether nothing of the run is left.
    ended: AtomicBool,
    /// Fires when the run is not ready in time, for workers that declare readiness.
    ready_timer: OnceLock<Arc<dyn Stoppable>>,
}

impl RunToken {
    pub(crate) fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// The run's code is about to be entered.
    pub(crate) fn enter(&self) {
        self.entered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed)
    }

    /// Nothing of the run is left, and no other has begun.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.await_no_more();
    }

    /// Sets the timer that fires when the run is not ready in time.
    pub(crate) fn await_by(&self, timer: Arc<dyn Stoppable>) {
        // Set once: a run begins once.
        self.ready_timer.set(timer).ok();
    }

    /// The run is ready, or will not be.
    pub(crate) fn await_no_more(&self) {
        if let Some(timer) = self.ready_timer.get() {
            timer.stop();
        }
    }

    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.token.get_or_init(CancellationToken::new);
        // Either this sees the cancellation, or `set_cause` sees the token.
        fence(Ordering::SeqCst);
        if self.is_over() {
            token.cancel();
        }
        token
    }

    pub(crate) fn beat(&self) {
        self.heartbeat.store(clock::tick(), Ordering::Relaxed);
    }

    /// The stamp of the last heartbeat.
    pub(crate) fn heartbeat(&self) -> u64 {
        self.heartbeat.load(Ordering::Relaxed)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.cause.get().is_some()
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause.get()
    }

    /// Records why the run must stop; the latest cause wins, because a restart may turn into a stop for good. Wakes
    /// nothing; returns whether anything waits, to be [woken](Self::announce).
    pub(crate) fn set_cause(&self, cause: Cause) -> bool {
        self.cause.set(cause);
        // Either this sees the token, or whatever makes it sees the cancellation.
        fence(Ordering::SeqCst);
        self.token.get().is_some()
    }

    /// Wakes the tasks that wait for the cancellation.
    pub(crate) fn announce(&self) {
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }

    /// Sets the cause and wakes the waiting tasks.
    pub(crate) fn cancel(&self, cause: Cause) {
        if self.set_cause(cause) {
            self.announce();
        }
    }
}
