//! A worker's gate, as its cell holds it: closed while there is at least one reason.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering, fence},
};

use tokio::sync::Notify;

use crate::lifecycle::Suspend;

/// Why a gate is closed. It is open when no bit is set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    Manual = 1,
    Idle = 2,
}

/// The gate of one worker, kept across its restarts.
#[derive(Default)]
pub(crate) struct GateCell {
    policy: Suspend,
    reasons: AtomicU8,
    /// Made by the first task that waits.
    turned: OnceLock<Box<Notify>>,
}

impl GateCell {
    pub(crate) fn new(policy: Suspend) -> Self {
        Self { policy, ..Self::default() }
    }

    pub(crate) fn policy(&self) -> Suspend {
        self.policy
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.reasons.load(Ordering::Acquire) != 0
    }

    /// Adds a reason. Returns whether that closed the gate; if so, call [`wake`](Self::wake).
    #[must_use]
    pub(crate) fn close(&self, reason: Reason) -> bool {
        self.reasons.fetch_or(reason as u8, Ordering::AcqRel) == 0
    }

    /// Removes one reason. Returns whether that opened the gate.
    #[must_use]
    pub(crate) fn open(&self, reason: Reason) -> bool {
        self.reasons.fetch_and(!(reason as u8), Ordering::AcqRel) == reason as u8
    }

    /// Removes all reasons. Returns whether that opened the gate.
    #[must_use]
    pub(crate) fn open_wide(&self) -> bool {
        self.reasons.swap(0, Ordering::AcqRel) != 0
    }

    /// The gate was turned: wakes the tasks waiting at it. Must not be called under a lock.
    pub(crate) fn wake(&self) {
        // A task that is about to wait either sees the gate turned, or is seen here.
        fence(Ordering::SeqCst);
        if let Some(turned) = self.turned.get() {
            turned.notify_waiters();
        }
    }

    /// Notified when the gate turns.
    pub(crate) fn turned(&self) -> &Notify {
        self.turned.get_or_init(Box::default)
    }
}
