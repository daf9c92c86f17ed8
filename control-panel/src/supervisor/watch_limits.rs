//! What the watchdog watches in a panel, and what follows from its findings there.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    activity,
    cell::WorkerCell,
    registry::Registry,
    unpolled::Unpolled,
    watchdog::{Finding, Mark, Subject},
};
use crate::{intent::Origin, util::clock::Watch};

/// What to watch of a panel's living workers.
#[derive(Default)]
pub(super) struct WatchLimits {
    /// How many workers have each limit.
    limits: BTreeMap<Duration, usize>,
    /// The workers that promise heartbeats.
    promised: BTreeMap<Origin, Arc<WorkerCell>>,
    /// The limit that the clock knows; `None` while it does not know the panel.
    known: Option<Duration>,
}

impl WatchLimits {
    /// Adds a worker. Returns the limit that the clock must learn, if that changes.
    #[must_use]
    pub(super) fn enter(&mut self, cell: &Arc<WorkerCell>) -> Option<Duration> {
        let limit = cell.run.shortest_limit()?;
        *self.limits.entry(limit).or_default() += 1;
        if cell.run.heartbeat.is_some() {
            self.promised.insert(cell.origin, Arc::clone(cell));
        }
        if self.known.is_some_and(|known| known <= limit) {
            return None;
        }
        self.known = Some(limit);
        self.known
    }

    /// Removes a worker.
    pub(super) fn leave(&mut self, cell: &WorkerCell) {
        self.promised.remove(&cell.origin);
        let Some(limit) = cell.run.shortest_limit() else { return };
        if let Some(count) = self.limits.get_mut(&limit) {
            *count -= 1;
            if *count == 0 {
                self.limits.remove(&limit);
            }
        }
    }

    /// Returns the shortest limit, and records that the clock knows it.
    fn shortest(&mut self) -> Option<Duration> {
        self.known = self.limits.first_key_value().map(|(&limit, _)| limit);
        self.known
    }
}

impl Registry {
    /// Wakes a sleeping loop, which then finds the warning in the status. Must not be called under the lock.
    fn look_for_unpolled(&self, seen: &mut Unpolled, now: Duration) {
        let polls = self.first_polls();
        let found = if seen.look(now, polls, self.unpolled()) { polls + 1 } else { 0 };
        let before = self.overdue.swap(found, Ordering::Relaxed);
        if found != 0 && before != found {
            self.wake_loop_for_warning();
        }
    }
}

impl Watch for Registry {
    fn look(&self, now: Duration) -> Option<Duration> {
        // Only the clock's thread takes this lock.
        let (dog, polled) = (&mut *self.watchdog.lock(), activity::polled());
        self.look_for_unpolled(&mut dog.unpolled, now);
        let mut state = self.lock();
        let limit = state.attention.shortest()?;
        let mut subjects = Vec::new();
        for poll in polled.into_iter().filter(|poll| poll.panel == self.number) {
            let Some(cell) = state.cells.get(poll.origin) else { continue };
            let Some(limit) = cell.run.longest_poll() else { continue };
            let (origin, generation) = (poll.origin, cell.generation());
            subjects.push(Subject { origin, generation, mark: Mark::Poll(poll), limit });
        }
        for (&origin, cell) in &state.attention.promised {
            let Some(limit) = cell.run.heartbeat else { continue };
            let run_token = cell.run_token();
            // No heartbeat is expected from a worker that was asked to pause, or that still waits for a thread.
            if state.machine.owes_heartbeats(origin) && run_token.is_entered() && !cell.gate.is_closed() {
                let generation = cell.generation();
                let mark = Mark::Heartbeat { generation, at: run_token.heartbeat() };
                subjects.push(Subject { origin, generation, mark, limit });
            }
        }
        drop(state);
        let findings = dog.look(now, &subjects);
        let still = if findings.is_empty() { Vec::new() } else { activity::polled() };
        let moved_on = |subject: &Subject| matches!(subject.mark, Mark::Poll(poll) if !still.contains(&poll));
        for (origin, finding) in findings {
            let own = || subjects.iter().filter(|subject| subject.origin == origin);
            match finding {
                Finding::Stuck(time) if !own().any(moved_on) => {
                    let generation = own().next().map_or(0, |subject| subject.generation);
                    self.change(|state| state.machine.found_stuck(origin, generation, time));
                }
                Finding::Stuck(_) => {}
                Finding::Recovered => self.change(|state| state.machine.recovered(origin)),
            }
        }
        Some(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::{cell::tests::cell, options::RunOptions};

    fn limited(origin: u64, poll: Option<u64>, heartbeat: Option<u64>) -> Arc<WorkerCell> {
        let stuck_after = poll.map_or(Duration::MAX, Duration::from_secs);
        let heartbeat = heartbeat.map(Duration::from_secs);
        Arc::new(cell(origin, RunOptions { stuck_after, heartbeat, ..RunOptions::default() }))
    }

    #[test]
    fn the_clock_learns_limits_shorter_than_all_before() {
        let secs = |seconds| Some(Duration::from_secs(seconds));
        let mut attention = WatchLimits::default();
        let free = limited(1, None, None);
        let (ten, again) = (limited(2, Some(10), None), limited(3, Some(10), None));
        let beats = limited(4, Some(10), Some(3));
        assert_eq!((attention.enter(&free), attention.shortest()), (None, None), "no worker is watched");
        assert_eq!((attention.enter(&ten), attention.enter(&again)), (secs(10), None), "passed on once");
        assert_eq!((attention.enter(&beats), attention.shortest()), (secs(3), secs(3)));
        assert_eq!(attention.promised.len(), 1);
        attention.leave(&beats);
        attention.leave(&ten);
        assert_eq!((attention.shortest(), attention.promised.len()), (secs(10), 0));
        attention.leave(&again);
        attention.leave(&free);
        assert_eq!(attention.shortest(), None);
        assert_eq!(attention.enter(&ten), secs(10), "the clock has forgotten the panel");
    }
}
