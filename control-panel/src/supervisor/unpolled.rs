//! Detects workers that no thread polls. A loop that draws frames notices that by itself; one that sleeps until
//! something is ready draws none, so the clock looks too.

use std::time::Duration;

/// How long workers may wait while none of them is polled.
const LONG: Duration = Duration::from_secs(2);

/// The state of earlier looks. Pure.
#[derive(Default)]
pub(super) struct Unpolled {
    /// How many workers had been polled by then.
    polls: u64,
    /// Since when some are unpolled while that number has not changed.
    since: Option<Duration>,
}

impl Unpolled {
    /// Takes one more look. `now` comes from a clock that counts no more time than it waited for.
    pub(super) fn look(&mut self, now: Duration, polls: u64, unpolled: usize) -> bool {
        match self.since {
            Some(since) if unpolled > 0 && polls == self.polls => now.saturating_sub(since) >= LONG,
            _ => {
                (self.polls, self.since) = (polls, (unpolled > 0).then_some(now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_the_time_in_which_some_wait_and_none_is_polled() {
        let mut seen = Unpolled::default();
        let mut look = |millis, polls, unpolled| seen.look(Duration::from_millis(millis), polls, unpolled);
        assert!(!look(0, 0, 0) && !look(5_000, 0, 0), "none waits");
        assert!(!look(6_000, 0, 1) && !look(7_999, 0, 2) && look(8_000, 0, 2));
        assert!(look(8_100, 0, 1), "still");
        assert!(
            !look(8_200, 1, 1) && !look(10_100, 1, 1) && look(10_200, 1, 1),
            "from the last that was polled"
        );
        assert!(!look(10_300, 1, 0) && !look(10_400, 1, 1) && !look(12_300, 1, 1));
    }
}
