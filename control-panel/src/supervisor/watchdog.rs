//! The watchdog: finds what should change and has not for too long.
//!
//! Pure: observations with their times go in, findings come out. What counts is the time since a state was *first
//! seen*, on a clock that counts no more than it waited for. So an alarm may be a little late but is never early, and a
//! machine that starves all threads starves that clock too.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{activity::Poll, unpolled::Unpolled};
use crate::intent::Origin;

/// The mark that must change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// The poll that a thread is in.
    Poll(Poll),
    /// When the run last sent a heartbeat.
    Heartbeat { generation: u64, at: u64 },
}

/// Something that is watched now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) origin: Origin,
    /// A finding applies to exactly this run of the worker, or to none.
    pub(crate) generation: u64,
    pub(crate) mark: Mark,
    pub(crate) limit: Duration,
}

/// The result of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    /// For at least this long.
    Stuck(Duration),
    Recovered,
}

/// Watches the workers of one panel. Remembers only what the last look showed.
#[derive(Default)]
pub(crate) struct Watchdog {
    since: BTreeMap<(Origin, Mark), Duration>,
    stuck: BTreeSet<Origin>,
    /// Workers that it has never seen run.
    pub(super) unpolled: Unpolled,
}

impl Watchdog {
    /// Looks at everything that is watched, with `now` in the clock's own time. Each worker is found stuck once, and
    /// recovered once.
    pub(crate) fn look(&mut self, now: Duration, subjects: &[Subject]) -> Vec<(Origin, Finding)> {
        let before = std::mem::take(&mut self.since);
        let mut stuck: BTreeMap<Origin, Duration> = BTreeMap::new();
        for &Subject { origin, mark, limit, .. } in subjects {
            let since = before.get(&(origin, mark)).copied().unwrap_or(now);
            self.since.insert((origin, mark), since);
            let unchanged = now.saturating_sub(since);
            if unchanged >= limit {
                let longest = stuck.entry(origin).or_default();
                *longest = unchanged.max(*longest);
            }
        }
        let new = stuck.iter().filter(|(origin, _)| !self.stuck.contains(origin));
        let new = new.map(|(&origin, &unchanged)| (origin, Finding::Stuck(unchanged)));
        let recovered = self.stuck.iter().filter(|origin| !stuck.contains_key(origin));
        let recovered = recovered.map(|&origin| (origin, Finding::Recovered));
        let findings = new.chain(recovered).collect();
        self.stuck = stuck.into_keys().collect();
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const LIMIT: Duration = Duration::from_millis(100);

    fn silent(origin: u64, at: u64) -> Subject {
        let mark = Mark::Heartbeat { generation: 1, at };
        Subject { origin: Origin(origin), generation: 1, mark, limit: LIMIT }
    }

    #[test]
    fn what_stays_the_same_is_found_once_and_recovers_once() {
        let mut dog = Watchdog::default();
        for now in [0, 25, 50, 75, 99] {
            assert_eq!(dog.look(now * MS, &[silent(1, 7)]), [], "at {now}");
        }
        assert_eq!(dog.look(100 * MS, &[silent(1, 7)]), [(Origin(1), Finding::Stuck(LIMIT))]);
        assert_eq!(dog.look(500 * MS, &[silent(1, 7)]), []);
        assert_eq!(dog.look(525 * MS, &[silent(1, 8)]), [(Origin(1), Finding::Recovered)]);
        assert_eq!(dog.look(624 * MS, &[silent(1, 8)]), []);
        assert_eq!(dog.look(625 * MS, &[silent(1, 8)]), [(Origin(1), Finding::Stuck(LIMIT))]);
        assert_eq!(dog.look(650 * MS, &[]), [(Origin(1), Finding::Recovered)], "it ended");
        assert!(dog.since.is_empty() && dog.stuck.is_empty(), "and is forgotten");
    }

    #[test]
    fn what_changes_between_any_two_looks_is_never_found() {
        let mut dog = Watchdog::default();
        for look in 0..1_000_u32 {
            let subjects = [silent(1, u64::from(look)), silent(2, u64::from(look / 4))];
            assert_eq!(dog.look(look * 25 * MS, &subjects), [], "at look {look}");
        }
    }

    /// A timely heartbeat does not excuse a long poll, and neither does a poll of another worker.
    #[test]
    fn each_of_a_workers_promises_counts() {
        let mut dog = Watchdog::default();
        let look = |dog: &mut Watchdog, now: u32, subjects: &[Subject]| dog.look(now * MS, subjects);
        assert_eq!(look(&mut dog, 0, &[silent(1, 1), silent(1, 2), silent(2, 1)]), []);
        assert_eq!(look(&mut dog, 60, &[silent(1, 1), silent(1, 3), silent(2, 2)]), []);
        let found = look(&mut dog, 120, &[silent(1, 1), silent(1, 4), silent(2, 2)]);
        assert_eq!(found, [(Origin(1), Finding::Stuck(120 * MS))]);
        let found = look(&mut dog, 180, &[silent(1, 4), silent(2, 2)]);
        assert_eq!(found, [(Origin(2), Finding::Stuck(120 * MS)), (Origin(1), Finding::Recovered)]);
    }
}
