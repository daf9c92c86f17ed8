//! One run of a worker, until it is to stop.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering, fence},
};

use tokio_util::sync::CancellationToken;

use super::cause::{Cause, CauseCell};
use crate::util::{clock, span::Span, timer::Timer};

/// The time that a generation has: until it is cancelled.
#[derive(Debug, Default)]
pub(crate) struct RunToken {
    /// None until it is told to stop.
    cause: CauseCell,
    /// For those who wait for it, or hand it on. Most never do.
    token: OnceLock<CancellationToken>,
    /// What is logged in that time is inside this.
    pub(crate) span: Span,
    /// The clock's tick at the last heartbeat; 0 before the first.
    heartbeat: AtomicU64,
    /// Whether the generation's code was ever run: it may wait for a thread before.
    entered: AtomicBool,
    /// Whether nothing of the generation is left.
    ended: AtomicBool,
    /// Tells when the time is over in which it is to be ready, for those that say that they are.
    ready_timer: OnceLock<Arc<Timer>>,
}

impl RunToken {
    pub(crate) fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// The generation's code is about to be run.
    pub(crate) fn enter(&self) {
        self.entered.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed)
    }

    /// Nothing of the generation is left, and no other began yet.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.await_no_more();
    }

    /// This timer says when the generation is not ready in time.
    pub(crate) fn await_by(&self, timer: Arc<Timer>) {
        // Set once: a generation begins once.
        self.ready_timer.set(timer).ok();
    }

    /// It is ready, or will not be.
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
        // Either this sees that it was cancelled, or `tell` sees the token.
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

    /// Says why it is to stop: the last cause counts, as who was to start anew may be told to end. Wakes nobody yet, but says
    /// whether there is anybody to [wake](Self::announce).
    pub(crate) fn tell(&self, cause: Cause) -> bool {
        self.cause.set(cause);
        // Either this sees the token, or whoever makes it sees that it was cancelled.
        fence(Ordering::SeqCst);
        self.token.get().is_some()
    }

    /// Wakes those who wait for it.
    pub(crate) fn announce(&self) {
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }

    /// Both.
    pub(crate) fn cancel(&self, cause: Cause) {
        if self.tell(cause) {
            self.announce();
        }
    }
}
