//! Tasks with a limit, and tasks of which only the newest of a key counts.

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
    intent::order::Origin,
    lifecycle::{cause::Cause, status::Refusal},
};

/// So long the place of a task that was stopped by hand stays empty, for one that waited by then: a loop that stops one task
/// after the other gets to that one first. Longer than a thread is preempted for as a rule, shorter than a person notices.
pub(super) const STOP_PAUSE: Duration = Duration::from_millis(25);

/// Names a pool of this panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PoolId(pub(crate) u64);

/// Names a key of this panel's pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyId(pub(crate) u64);

/// Where a task belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) pool: PoolId,
    /// How many run at once.
    pub(crate) limit: usize,
    /// How many may wait for that.
    pub(crate) backlog: usize,
    /// Of a key only the newest counts.
    pub(crate) key: Option<KeyId>,
}

#[derive(Debug, Default)]
pub(super) struct Pools {
    by_id: BTreeMap<PoolId, Pool>,
    /// Those of a key that count, oldest first: the first one is placed or waits in its pool, the second waits for the first
    /// to be gone.
    keys: BTreeMap<KeyId, VecDeque<Origin>>,
    /// The newest of all tasks.
    newest: Option<Origin>,
}

#[derive(Debug, Default)]
struct Pool {
    /// All that live, those included that were told to stop and have not yet; but not those that were called off.
    members: usize,
    /// Those that run, are about to, or were.
    placed: usize,
    waiting: VecDeque<Origin>,
    /// The newest task when one was last stopped by hand: the older ones may be about to be stopped too.
    stopped_up_to: Option<Origin>,
}

/// How a task got in.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    pub(super) waits: bool,
    /// The task of its key that is to make way.
    pub(super) replaces: Option<Replaced>,
}

/// A task that makes way for a newer one of its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Replaced {
    /// It has a place, which is had once it is gone.
    Placed(Origin),
    /// It still waited: its turn is the newer one's from now on.
    CalledOff(Origin),
}

impl Pools {
    /// Finds a task its place.
    pub(super) fn admit(&mut self, id: Origin, place: Option<Place>) -> Result<Admitted, Refusal> {
        let Some(place) = place else { return Ok(Admitted::default()) };
        self.newest = self.newest.max(Some(id));
        let pool = self.by_id.entry(place.pool).or_default();
        let tasks = place.key.and_then(|key| self.keys.get_mut(&key));
        if let Some((tasks, before)) =
            tasks.and_then(|tasks| tasks.back().copied().map(|before| (tasks, before)))
        {
            // The newest of a key is never one too many: it waits in the place of the one before, or else that has a place of
            // its own, and no more than one waits for each of those.
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
        // Who waits for one of its key to be gone takes a place of the backlog.
        if pool.members >= place.limit.saturating_add(place.backlog) {
            return Err(Refusal::Backlog);
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

    /// A task is stopped by hand.
    fn stopped(&mut self, place: Place) {
        if let Some(pool) = self.by_id.get_mut(&place.pool) {
            pool.stopped_up_to = self.newest;
        }
    }

    /// Whether this one may be about to be stopped by hand, as others of its pool were.
    fn may_be_next_to_stop(&self, id: Origin, place: Place) -> bool {
        self.by_id.get(&place.pool).is_some_and(|pool| pool.stopped_up_to >= Some(id))
    }

    /// How many tasks of a pool live.
    fn count(&self, pool: PoolId) -> usize {
        self.by_id.get(&pool).map_or(0, |pool| pool.members)
    }

    /// A task is gone. Returns who takes its place.
    pub(super) fn left(&mut self, id: Origin, place: Place) -> Option<Origin> {
        let pool = self.by_id.get_mut(&place.pool)?;
        pool.members -= 1;
        let mut successor = None;
        if let Some(key) = place.key {
            let tasks = self.keys.get_mut(&key)?;
            let at = tasks.iter().position(|&task| task == id)?;
            tasks.remove(at);
            if at > 0 {
                // It went before the one that it was to replace.
                return None;
            }
            successor = tasks.front().copied();
            if successor.is_none() {
                self.keys.remove(&key);
            }
        }
        if let Some(at) = pool.waiting.iter().position(|&waiting| waiting == id) {
            pool.waiting.remove(at);
            // Nobody waits for one that waits: a newer one of its key has its turn instead.
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

#[cfg(test)]
impl Pools {
    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty() && self.keys.is_empty()
    }
}

impl Machine {
    /// The keys whose tasks live.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.pools.keys.keys().copied()
    }

    /// Whether it is a task that waits for a place, or for the one that it replaces.
    pub(crate) fn waits_for_a_place(&self, id: Origin) -> bool {
        let waits = |member: &Child| member.spec.place.is_some() && matches!(member.state, State::Waiting);
        self.members.get(id).is_some_and(waits)
    }

    /// How many tasks of a pool live, those that wait included.
    pub(crate) fn pool_len(&self, pool: PoolId) -> usize {
        self.pools.count(pool)
    }

    /// Stops every task of a pool: those that wait first, so that none of them takes the place of one that runs.
    pub(crate) fn stop_pool(&mut self, pool: PoolId, cause: Cause) {
        let of_pool = |member: &Child| member.spec.place.is_some_and(|place| place.pool == pool);
        let tasks = self.members.iter().filter(|(_, member)| of_pool(member));
        let (waiting, others): (Vec<_>, Vec<_>) =
            tasks.map(|(id, member)| (id, matches!(member.state, State::Waiting))).partition(|task| task.1);
        for (id, _) in waiting.into_iter().chain(others) {
            self.stop(id, cause);
        }
    }

    /// A task is stopped by a handle: others may follow.
    pub(super) fn note_stop(&mut self, place: Option<Place>, cause: Cause) {
        if let Some(place) = place.filter(|_| cause != Cause::Replaced && !self.is_stopping()) {
            self.pools.stopped(place);
        }
    }

    /// A task is gone: the next takes its place, after a pause where the task was stopped by hand and the next may be too.
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
