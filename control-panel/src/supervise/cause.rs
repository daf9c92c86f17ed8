//! Why a worker was told to stop.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU8, AtomicU64, Ordering, fence},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::clock;
use crate::observe::Span;

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
    /// A worker failed too often, and that was to end the whole panel.
    Escalated,
}

impl Cause {
    const ALL: [Self; 8] = [
        Self::Shutdown,
        Self::Restart,
        Self::Stopped,
        Self::Stuck,
        Self::Dependency,
        Self::Policy,
        Self::Replaced,
        Self::Escalated,
    ];
}

impl Cause {
    /// Whether no generation follows the one that was told this first.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Shutdown | Self::Stopped | Self::Policy | Self::Replaced | Self::Escalated => true,
            Self::Restart | Self::Stuck | Self::Dependency => false,
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
            Self::Escalated => "a worker failed too often for the panel to go on",
        })
    }
}

/// The time that a generation has: until it is cancelled.
#[derive(Debug, Default)]
pub(crate) struct Term {
    /// 0 until it is told to stop.
    cause: AtomicU8,
    /// For those who wait for it, or hand it on. Most never do.
    token: OnceLock<CancellationToken>,
    /// What is logged in that time is inside this.
    pub(super) span: Span,
    /// The clock's tick at the last heartbeat; 0 before the first.
    heartbeat: AtomicU64,
}

impl Term {
    pub(super) fn new(span: Span) -> Self {
        Self { span, ..Self::default() }
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.token.get_or_init(CancellationToken::new);
        // Either this sees that it was cancelled, or `cancel` sees the token.
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

    /// How long ago the last heartbeat was, if there was one.
    pub(crate) fn last_heartbeat(&self) -> Option<Duration> {
        let stamp = self.heartbeat();
        (stamp != 0).then(|| clock::since(stamp))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.cause.load(Ordering::Acquire) != 0
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        let number = self.cause.load(Ordering::Acquire);
        Cause::ALL.into_iter().find(|&cause| cause as u8 == number)
    }

    /// Says why it is to stop: the last cause counts, as who was to start anew may be told to end. Wakes nobody yet.
    pub(crate) fn tell(&self, cause: Cause) {
        self.cause.store(cause as u8, Ordering::Release);
    }

    /// Wakes those who wait for it.
    pub(crate) fn announce(&self) {
        fence(Ordering::SeqCst);
        if let Some(token) = self.token.get() {
            token.cancel();
        }
    }

    /// Both.
    pub(crate) fn cancel(&self, cause: Cause) {
        self.tell(cause);
        self.announce();
    }
}
