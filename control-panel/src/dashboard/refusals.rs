//! What was refused, counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Why a request or a connection was refused or dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Host,
    Origin,
    Token,
    Viewers,
    Connections,
    /// It did not read or write for too long.
    Slow,
    /// What it sent is no request, or too large a one.
    Malformed,
}

impl Refused {
    pub(super) const ALL: [(Self, &'static str); 7] = [
        (Self::Host, "host"),
        (Self::Origin, "origin"),
        (Self::Token, "token"),
        (Self::Viewers, "viewers"),
        (Self::Connections, "connections"),
        (Self::Slow, "slow"),
        (Self::Malformed, "malformed"),
    ];
}

/// How often each happened, and how many viewers are there now.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counts: [AtomicU64; Refused::ALL.len()],
    viewers: AtomicUsize,
    /// Viewers that went away.
    left: AtomicU64,
}

impl Refusals {
    pub(super) fn count(&self, why: Refused) {
        self.counts[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn of(&self, why: Refused) -> u64 {
        self.counts[why as usize].load(Ordering::Relaxed)
    }

    pub(super) fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    pub(super) fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    /// Whether one more viewer fits; then it counts until it [leaves](Self::leave).
    pub(super) fn enter(&self, most: usize) -> bool {
        let more = |viewers| (viewers < most).then_some(viewers + 1);
        self.viewers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    pub(super) fn leave(&self) {
        self.viewers.fetch_sub(1, Ordering::Relaxed);
        self.left.fetch_add(1, Ordering::Relaxed);
    }
}
