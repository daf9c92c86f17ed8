//! Why a worker was told to stop.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence},
    },
};

use tokio_util::sync::CancellationToken;

use super::timer::Timer;
use crate::{observe::Span, util::clock};

/// Why a worker, or one generation of it, was told to stop: what [`Context::cause`](crate::Context::cause),
/// events and reports say.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Cause {
    /// The panel shuts down, or was dropped.
    Shutdown = 1,
    /// It is to start anew: [`WorkerHandle::restart`](crate::WorkerHandle::restart).
    Restart,
    /// Somebody stopped it: [`WorkerHandle::stop`](crate::WorkerHandle::stop).
    Stopped,
    /// The watchdog found it stuck.
    Stuck,
    /// Another worker of its group failed or ended.
    Dependency,
    /// The program's policy wants it gone: [`WorkerHandle::stop_for`](crate::WorkerHandle::stop_for).
    Policy,
    /// A newer task took its key.
    Replaced,
    /// A worker failed too often or was stuck, and that was to end the whole panel.
    Escalated,
    /// The panel's runtime is gone, and with it the task that would have restarted it.
    RuntimeGone,
    /// It was not ready in time: [`Worker::ready_within`](crate::Worker::ready_within).
    NotReady,
}

impl Cause {
    /// In the order of their numbers.
    const ALL: [Self; 10] = [
        Self::Shutdown,
        Self::Restart,
        Self::Stopped,
        Self::Stuck,
        Self::Dependency,
        Self::Policy,
        Self::Replaced,
        Self::Escalated,
        Self::RuntimeGone,
        Self::NotReady,
    ];
}

impl Cause {
    /// Whether no generation follows the one that was told this first.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Shutdown
            | Self::Stopped
            | Self::Policy
            | Self::Replaced
            | Self::Escalated
            | Self::RuntimeGone => true,
            Self::Restart | Self::Stuck | Self::Dependency | Self::NotReady => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shutdown => "the panel shuts down",
            Self::Restart => "it is restarted",
            Self::Stopped => "it was stopped",
            Self::Stuck => "it was stuck",
            Self::Dependency => "another worker of its group ended",
            Self::Policy => "the policy wants it gone",
            Self::Replaced => "a newer task took its key",
            Self::Escalated => "a worker failed too often, or was stuck, for the panel to go on",
            Self::RuntimeGone => "the panel's runtime is gone",
            Self::NotReady => "it was not ready in time",
        })
    }
}

/// A cause, once there is one. In a byte, as every worker has two of these.
#[derive(Debug, Default)]
pub(super) struct CauseCell(AtomicU8);

impl CauseCell {
    pub(super) fn get(&self) -> Option<Cause> {
        let number = usize::from(self.0.load(Ordering::Acquire));
        Cause::ALL.get(number.checked_sub(1)?).copied()
    }

    pub(super) fn set(&self, cause: Cause) {
        self.0.store(cause as u8, Ordering::Release);
    }
}

/// The time that a generation has: until it is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Term {
    /// None until it is told to stop.
    cause: CauseCell,
    /// For those who wait for it, or hand it on. Most never do.
    token: OnceLock<CancellationToken>,
    /// What is logged in that time is inside this.
    pub(super) span: Span,
    /// The clock's tick at the last heartbeat; 0 before the first.
    heartbeat: AtomicU64,
    /// Whether the generation's code was ever run: it may wait for a thread before.
    entered: AtomicBool,
    /// Whether nothing of the generation is left.
    ended: AtomicBool,
    /// Tells when the time is over in which it is to be ready, for those that say that they are.
    ready_timer: OnceLock<Arc<Timer>>,
}

impl Term {
    pub(super) fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    /// The generation's code is about to be run.
    pub(super) fn enter(&self) {
        self.entered.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_entered(&self) -> bool {
        self.entered.load(Ordering::Relaxed)
    }

    /// Nothing of the generation is left, and no other began yet.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.await_no_more();
    }

    /// This timer says when the generation is not ready in time.
    pub(super) fn await_by(&self, timer: Arc<Timer>) {
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
    pub(super) fn heartbeat(&self) -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_back_what_it_was_given() {
        let cell = CauseCell::default();
        assert_eq!(cell.get(), None);
        for cause in Cause::ALL {
            cell.set(cause);
            assert_eq!(cell.get(), Some(cause));
        }
    }
}
