//! Tasks with a limit, and tasks of which only the newest of a key counts.

use std::collections::{BTreeMap, VecDeque};

use super::{Action, Machine, member::State};
use crate::{queued::Origin, worker::Refusal};

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
    pools: BTreeMap<PoolId, Pool>,
    /// Those of a key that live, oldest first: the first one is placed or waits in its pool, the others wait for it.
    keys: BTreeMap<KeyId, VecDeque<Origin>>,
}

#[derive(Debug, Default)]
struct Pool {
    /// All that live, those included that were told to stop and have not yet.
    members: usize,
    /// Those that run, or are about to.
    placed: usize,
    waiting: VecDeque<Origin>,
}

/// How a task got in.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    pub(super) waits: bool,
    /// The task of its key that is to make way.
    pub(super) replaces: Option<Origin>,
}

impl Pools {
    /// Finds a task its place.
    pub(super) fn admit(&mut self, id: Origin, place: Option<Place>) -> Result<Admitted, Refusal> {
        let Some(place) = place else { return Ok(Admitted::default()) };
        let pool = self.pools.entry(place.pool).or_default();
        let replaces = place.key.and_then(|key| self.keys.get(&key)?.back().copied());
        // Replaced tasks count until they are gone, so that no flood of new ones piles them up.
        let bound = place.limit.saturating_add(place.backlog);
        let bound = if replaces.is_some() { bound.saturating_mul(2) } else { bound };
        let waits = replaces.is_some() || pool.placed >= place.limit;
        if pool.members >= bound {
            return Err(Refusal::Backlog);
        }
        pool.members += 1;
        if let Some(key) = place.key {
            self.keys.entry(key).or_default().push_back(id);
        }
        match replaces {
            Some(_) => {}
            None if waits => pool.waiting.push_back(id),
            None => pool.placed += 1,
        }
        Ok(Admitted { waits, replaces })
    }

    /// A task is gone. Returns who takes its place.
    fn left(&mut self, id: Origin, place: Place) -> Option<Origin> {
        let pool = self.pools.get_mut(&place.pool)?;
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
            if let Some(successor) = successor {
                pool.waiting.insert(at, successor);
            }
            return None;
        }
        let next = successor.or_else(|| pool.waiting.pop_front());
        if next.is_none() {
            pool.placed -= 1;
        }
        if pool.members == 0 {
            self.pools.remove(&place.pool);
        }
        next
    }
}

#[cfg(test)]
impl Pools {
    pub(super) fn is_empty(&self) -> bool {
        self.pools.is_empty() && self.keys.is_empty()
    }
}

impl Machine {
    /// The keys whose tasks live.
    pub(crate) fn keys(&self) -> impl Iterator<Item = KeyId> {
        self.pools.keys.keys().copied()
    }

    /// A task is gone: the next takes its place.
    pub(super) fn next_in_pool(&mut self, id: Origin, place: Option<Place>) {
        let next = place.and_then(|place| self.pools.left(id, place));
        let Some(member) = next.and_then(|next| self.members.get_mut(next)) else { return };
        if let (State::Waiting, Some(next)) = (&member.state, next) {
            member.state = State::Due { at: None };
            self.actions.push(Action::Wake(next));
        }
    }
}
