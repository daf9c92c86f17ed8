//! A worker's gate, as its cell holds it: closed while there is a reason.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering, fence},
};

use tokio::sync::Notify;

use crate::lifecycle::options::Suspend;

/// Why a gate is closed. It is open when no bit is set.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    Manual = 1,
    Idle = 2,
}

/// The gate of one worker, kept across its restarts.
#[derive(Debug, Default)]
pub(crate) struct GateCell {
    policy: Suspend,
    reasons: AtomicU8,
    /// Made by the first who waits.
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

    /// Adds a reason. Says whether that closed the gate: then [`wake`](Self::wake).
    #[must_use]
    pub(crate) fn close(&self, reason: Reason) -> bool {
        self.reasons.fetch_or(reason as u8, Ordering::AcqRel) == 0
    }

    /// Takes one reason away. Says whether that opened the gate.
    #[must_use]
    pub(crate) fn open(&self, reason: Reason) -> bool {
        self.reasons.fetch_and(!(reason as u8), Ordering::AcqRel) == reason as u8
    }

    /// Takes all reasons away. Says whether that opened the gate.
    #[must_use]
    pub(crate) fn open_wide(&self) -> bool {
        self.reasons.swap(0, Ordering::AcqRel) != 0
    }

    /// The gate was turned: wakes those who wait at it, so not to be called under a lock.
    pub(crate) fn wake(&self) {
        // Whoever is about to wait finds the gate turned, or is found here.
        fence(Ordering::SeqCst);
        if let Some(turned) = self.turned.get() {
            turned.notify_waiters();
        }
    }

    /// Notifies those who wait for a turn.
    pub(crate) fn turned(&self) -> &Notify {
        self.turned.get_or_init(Box::default)
    }
}
