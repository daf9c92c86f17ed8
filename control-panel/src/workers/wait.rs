//! Instants of which hosts may ask for any.

use std::time::Duration;

use tokio::time::Instant;

/// What stands for ever.
pub(super) const LONG: Duration = Duration::from_secs(30 * 24 * 3_600);

/// So long after: a wait that no clock can count, a host's way to say "never", is a very long one.
pub(super) fn after(instant: Instant, wait: Duration) -> Instant {
    instant.checked_add(wait).unwrap_or(instant + LONG)
}
