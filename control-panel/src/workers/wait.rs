//! Instants computed from arbitrary durations given by hosts.

use std::time::Duration;

use tokio::time::Instant;

/// Stands for "never".
pub(super) const LONG: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Returns the instant after this wait. A wait that no clock can represent, which is a host's way to say "never", becomes a
/// very long one.
pub(super) fn after(instant: Instant, wait: Duration) -> Instant {
    instant.checked_add(wait).unwrap_or(instant + LONG)
}
