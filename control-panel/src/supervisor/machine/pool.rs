//! Pools: tasks under a concurrency limit with a bounded backlog, and keyed tasks of which only the newest counts.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Action, Machine,
    child::{Child, State},
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, SpawnError},
};

/// How long the place of a task that was stopped by hand stays empty before a task that was already waiting takes it,
/// so that a loop stopping one task after another reaches that one first. Longer than a thread is usually preempted,
/// shorter than a person notices.
pub(super) const STOP_PAUSE: Duration = Duration::from_millis(25);

/// Identifies a pool within its panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(pub(crate) u64);

/// Identifies a key of this panel's pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyId(pub(crate) u64);

/// A task's pool, with the limits that apply to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) pool: PoolId,
    /// How many run at once.
    pub(crate) limit: usize,
    /// How many may wait for a place.
    pub(crate) backlog: usize,
    /// Of all tasks with the same key, only the newest counts.
    pub(crate) key: Option<KeyId>,
}

#[derive(Debug, Default)]
pub(super) struct Pools {
    pub(super) by_id: BTreeMap<PoolId, Pool>,
    /// The tasks of each key that count, oldest first: the first has a place or waits for one in its pool, the second
    /// waits for the first to end.
    pub(super) keys: BTreeMap<KeyId, VecDeque<Origin>>,
    /// The newest of all tasks.
    newest: Option<Origin>,
}

#[derive(Debug, Default)]
pub(super) struct Pool {
    /// All living tasks, including cancelled ones that have not ended, but not those called off while waiting.
    members: usize,
    /// Tasks with a place: about to run, running, or stopping.
    placed: usize,
    waiting: VecDeque<Origin>,
    /// The newest task at the last stop by hand: older tasks may be about to be stopped too.
    stopped_up_to: Option<Origin>,
}

/// How a task was admitted.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    pub(super) waits: bool,
    /// The older task of the same key that makes way.
    pub(super) replaces: Option<Replaced>,
}

/// A task that makes way for a newer one of its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Replaced {
    /// It has a place, which becomes free once it ends.
    Placed(Origin),
    /// It still waits: the newer task takes over its turn.
    CalledOff(Origin),
}

impl Pools {
    /// Finds a place for a task.
    pub(super) fn admit(&mut self, id: Origin, place: Option<Place>) -> Result<Admitted, SpawnError> {
        let Some(place) = place else { return Ok(Admitted::default()) };
        self.newest = self.newest.max(Some(id));
        let pool = self.by_id.entry(place.pool).or_default();
        let tasks = place.key.and_then(|key| self.keys.get_mut(&key));
        if let Some((tasks, before)) =
            tasks.and_then(|tasks| tasks.back().copied().map(|before| (tasks, before)))
        {
            // The newest task of a key never exceeds the backlog: it waits in the place of its predecessor, or its
            // predecessor has a place of its own, and at most one task waits for each of those.
            let in_line = pool.waiting.iter_mut().find(|waiting| **waiting == before);
            let replaces = if tasks.len() > 1 || in_line.is_some() {
                tasks.pop_back();
                if let Some(turn) = in_line {
                    *turn = id;
                }
                Replaced::CalledOff(before)
            } else {
                pool.members += 1;
                Replaced::Placed(before)
            };
            tasks.push_back(id);
            return Ok(Admitted { waits: true, replaces: Some(replaces) });
        }
        let waits = pool.placed >= place.limit;
        // A task that waits for its predecessor to end still counts towards the backlog.
        if pool.members >= place.limit.saturating_add(place.backlog) {
            return Err(SpawnError::Backlog);
        }
        pool.members += 1;
        if let Some(key) = place.key {
            self.keys.entry(key).or_default().push_back(id);
        }
        if waits {
            pool.waiting.push_back(id);
        } else {
            pool.placed += 1;
        }
        Ok(Admitted { waits, replaces: None })
    }

    /// A task was stopped by hand.
    fn stopped(&mut self, place: Place) {
        if let Some(pool) = self.by_id.get_mut(&place.pool) {
            pool.stopped_up_to = self.newest;
        }
    }

    /// Whether this task may be about to be stopped by hand, as others of its pool were.
    fn may_be_next_to_stop(&self, id: Origin, place: Place) -> bool {
        self.by_id.get(&place.pool).is_some_and(|pool| pool.stopped_up_to >= Some(id))
    }

    /// How many tasks of a pool live.
    fn count(&self, pool: PoolId) -> usize {
        self.by_id.get(&pool).map_or(0, |pool| pool.members)
    }

    /// A task is gone. Returns the task that takes its place.
    pub(super) fn left(&mut self, id: Origin, place: Place) -> Option<Origin> {
        let pool = self.by_id.get_mut(&place.pool)?;
        pool.members -= 1;
        let mut successor = None;
        if let Some(key) = place.key {
            let tasks = self.keys.get_mut(&key)?;
            let at = tasks.iter().position(|&task| task == id)?;
            tasks.remove(at);
            if at > 0 {
                // It ended before the task that it was to replace.
                return None;
            }
            successor = tasks.front().copied();
            if successor.is_none() {
                self.keys.remove(&key);
            }
        }
        if let Some(at) = pool.waiting.iter().position(|&waiting| waiting == id) {
            pool.waiting.remove(at);
            // No task waits for one that is itself waiting: a newer one of its key has taken over its turn.
            return None;
        }
        let next = successor.or_else(|| pool.waiting.pop_front());
        if next.is_none() {
            pool.placed -= 1;
        }
        if pool.members == 0 {
            self.by_id.remove(&place.pool);
        }
        next
    }
}

impl Machine {
    /// The keys that have living tasks.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.pools.keys.keys().copied()
    }

    /// Whether it is a task that waits for a place, or for the task that it replaces.
    pub(crate) fn waits_for_a_place(&self, id: Origin) -> bool {
        let waits = |member: &Child| member.spec.place.is_some() && matches!(member.state, State::Waiting);
        self.members.get(id).is_some_and(waits)
    }

    /// How many tasks of a pool live, waiting ones included.
    pub(crate) fn pool_len(&self, pool: PoolId) -> usize {
        self.pools.count(pool)
    }

    /// Stops every task of a pool, waiting ones first, so that none of them takes the place of a running one.
    pub(crate) fn stop_pool(&mut self, pool: PoolId, cause: Cause) {
        let of_pool = |member: &Child| member.spec.place.is_some_and(|place| place.pool == pool);
        let tasks = self.members.iter().filter(|(_, member)| of_pool(member));
        let (waiting, others): (Vec<_>, Vec<_>) =
            tasks.map(|(id, member)| (id, matches!(member.state, State::Waiting))).partition(|task| task.1);
        for (id, _) in waiting.into_iter().chain(others) {
            self.stop(id, cause);
        }
    }

    /// See [`check`](super::check).
    pub(super) fn check_pools(&self) {
        let of_pool = |pool: PoolId| {
            let tasks = self.members.iter();
            tasks.filter_map(move |(id, task)| {
                Some((id, task, task.spec.place.filter(|place| place.pool == pool)?))
            })
        };
        for (&pool_id, pool) in &self.pools.by_id {
            let (mut living, mut following) = (0, 0);
            for (id, task, place) in of_pool(pool_id) {
                living += 1;
                let follows = place.key.and_then(|key| self.pools.keys.get(&key));
                let follows = follows.is_some_and(|tasks| tasks.iter().skip(1).any(|&task| task == id));
                following += usize::from(follows);
                let lists =
                    pool.waiting.iter().filter(|&&waiting| waiting == id).count() + usize::from(follows);
                match task.state {
                    State::Waiting => assert_eq!(lists, 1, "{id} waits in exactly one list of {pool_id:?}"),
                    State::Leaving { .. } => {
                        assert!(lists <= 1, "{id} leaves, and waits twice in {pool_id:?}");
                    }
                    State::Due { .. } | State::Running { .. } | State::Stopping { .. } => {
                        assert_eq!(lists, 0, "{id} has a place, and waits for one in {pool_id:?}");
                    }
                }
                assert!(pool.placed <= place.limit, "{pool_id:?} runs more tasks than its limit");
            }
            assert_eq!(pool.members, living, "{pool_id:?} counts its living tasks");
            let listed = pool.placed + pool.waiting.len() + following;
            assert_eq!(
                pool.members, listed,
                "{pool_id:?}: a task has a place, waits for one, or follows another"
            );
        }
        for (key, tasks) in &self.pools.keys {
            assert!(
                (1..=2).contains(&tasks.len()),
                "{key:?} has one task, and one that follows it: {tasks:?}"
            );
        }
    }

    /// Notes that a task was stopped through a handle: others may follow.
    pub(super) fn note_stop(&mut self, place: Option<Place>, cause: Cause) {
        if let Some(place) = place.filter(|_| cause != Cause::Replaced && !self.is_stopping()) {
            self.pools.stopped(place);
        }
    }

    /// A task is gone: the next takes its place. It does so after a pause if the task was stopped by hand and the next
    /// one may be too.
    pub(super) fn next_in_pool(
        &mut self,
        id: Origin,
        place: Option<Place>,
        cause: Option<Cause>,
        now: Instant,
    ) {
        let Some(place) = place else { return };
        let Some(next) = self.pools.left(id, place) else { return };
        let by_hand = cause.is_some_and(|cause| cause != Cause::Replaced);
        let pause = by_hand && !self.is_stopping() && self.pools.may_be_next_to_stop(next, place);
        let Some(member) = self.members.get_mut(next) else { return };
        if let State::Waiting = member.state {
            member.state = State::Due { at: pause.then(|| now + STOP_PAUSE) };
            self.actions.push(Action::Wake(next));
        }
    }
}
