//! What requests without progress are charged to.

use std::time::Duration;

use super::options::{REFILL, REQUESTS};

/// A token bucket: full at first, one more each [`REFILL`].
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    tokens: u32,
    /// Up to when it was refilled.
    refilled: Duration,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self { tokens: REQUESTS, refilled: Duration::ZERO }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        while self.tokens < REQUESTS && now.saturating_sub(self.refilled) >= REFILL {
            self.tokens += 1;
            self.refilled += REFILL;
        }
        if self.tokens == REQUESTS {
            self.refilled = now;
        }
        let has = self.tokens > 0;
        self.tokens -= u32::from(has);
        has
    }

    /// When there is one, at the latest.
    pub(super) fn refills_at(&self) -> Duration {
        if self.tokens > 0 { self.refilled } else { self.refilled + REFILL }
    }
}
