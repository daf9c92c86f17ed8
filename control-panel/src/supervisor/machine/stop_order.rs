//! The order of a shutdown, a topological one: a worker that comes `after` another is stopped before it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

use super::{ChildSpec, Machine};
use crate::{
    intent::Origin,
    lifecycle::{Cause, SpawnError},
    util::Name,
};

/// How many are stopped in one step. Few under test, so that much happens between two steps.
const AT_ONCE: usize = if cfg!(test) { 2 } else { 256 };

/// The workers that are stopped only when others have ended.
#[derive(Debug)]
pub(super) struct StopOrder {
    cause: Cause,
    /// Workers that wait for no other and are not stopped yet.
    due: VecDeque<Origin>,
    /// How many workers must end before this one is stopped.
    blockers: BTreeMap<Origin, usize>,
    /// The workers that its end unblocks.
    frees: BTreeMap<Origin, BTreeSet<Origin>>,
}

impl Machine {
    /// Checks whether these may be admitted together: every name in an `after` is that of one of them or of a living
    /// worker, and none comes after itself, directly or through others. Specs given together form
    /// a chain, each after the one before.
    pub(super) fn check_order(&self, new: &[(Origin, &ChildSpec)]) -> Result<(), SpawnError> {
        if new.iter().all(|(_, spec)| spec.options.after.is_empty()) {
            return Ok(());
        }
        let specs: Vec<_> = self.specs().chain(new.iter().copied()).collect();
        let names: BTreeSet<&str> = specs.iter().map(|(_, spec)| &*spec.name).collect();
        let is_unknown = |name: &&Name| !names.contains(&***name);
        if let Some(name) = new.iter().flat_map(|(_, spec)| &spec.options.after).find(is_unknown) {
            return Err(SpawnError::UnknownAfter(name.clone()));
        }
        let chain = new.windows(2).map(|pair| (pair[0].0, pair[1].0));
        let cycle = StopOrder::new(Cause::Shutdown, &specs, self.neighbours().chain(chain)).find_cycle();
        let circular = specs.iter().find(|(id, _)| cycle == Some(*id));
        circular.map_or(Ok(()), |(_, spec)| Err(SpawnError::CircularAfter(spec.name.clone())))
    }

    /// Stops all workers for good.
    pub(crate) fn stop_all(&mut self, cause: Cause) {
        if self.is_stopping() {
            return;
        }
        self.stopping = Some(self.stop_order(cause));
        self.settle_groups();
        let (mut idle, mut due) = (Vec::new(), VecDeque::with_capacity(self.members.len()));
        for (id, member) in self.members.iter() {
            if !member.is_running() {
                idle.push(id);
            } else if !self.is_blocked(id) {
                due.push_back(id);
            }
        }
        // Nothing of these runs, or will: they block no other worker.
        for id in idle {
            self.stop(id, cause);
        }
        if let Some(order) = &mut self.stopping {
            order.due = due;
        }
        self.stop_some();
    }

    /// During a shutdown, stops some more of the unblocked workers. In steps, so that the first can end while the last
    /// are being cancelled, and no caller waits long for a decision about thousands. Returns whether there are more.
    pub(crate) fn stop_some(&mut self) -> bool {
        let Some(order) = &mut self.stopping else { return false };
        let (cause, more) = (order.cause, order.due.len().min(AT_ONCE));
        for _ in 0..more {
            let next = self.stopping.as_mut().and_then(|order| order.due.pop_front());
            let Some(id) = next else { break };
            self.stop(id, cause);
        }
        self.stops_more()
    }

    /// Whether unblocked workers are still to be stopped.
    pub(crate) fn stops_more(&self) -> bool {
        self.stopping.as_ref().is_some_and(|order| !order.due.is_empty())
    }

    /// A worker ended: stops those that it was the last to block.
    pub(super) fn next_in_order(&mut self, id: Origin) {
        let Some(order) = &mut self.stopping else { return };
        let (freed, cause) = (order.ended(id), order.cause);
        for id in freed {
            self.stop(id, cause);
        }
    }

    /// Near the deadline, `after` is no longer honoured.
    pub(crate) fn skip_order(&mut self) {
        while self.stop_some() {}
        let Some(order) = &mut self.stopping else { return };
        let (blocked, cause) = (mem::take(&mut order.blockers), order.cause);
        order.frees.clear();
        for id in blocked.into_keys() {
            self.stop(id, cause);
        }
    }

    fn is_blocked(&self, id: Origin) -> bool {
        self.stopping.as_ref().is_some_and(|order| order.blockers.contains_key(&id))
    }

    fn stop_order(&self, cause: Cause) -> StopOrder {
        let is_ordered =
            !self.groups.is_empty() || self.specs().any(|(_, spec)| !spec.options.after.is_empty());
        let specs: Vec<_> = self.specs().filter(|_| is_ordered).collect();
        StopOrder::new(cause, &specs, self.neighbours())
    }

    fn specs(&self) -> impl Iterator<Item = (Origin, &ChildSpec)> {
        self.members.iter().map(|(id, member)| (id, &member.spec))
    }
}

impl StopOrder {
    /// Each worker is stopped before those that it comes `after`, and before the earlier one of two neighbours.
    fn new(
        cause: Cause,
        specs: &[(Origin, &ChildSpec)],
        neighbours: impl Iterator<Item = (Origin, Origin)>,
    ) -> Self {
        let mut order =
            Self { cause, due: VecDeque::new(), blockers: BTreeMap::new(), frees: BTreeMap::new() };
        let mut named: BTreeMap<&str, Vec<Origin>> = BTreeMap::new();
        for (id, spec) in specs {
            named.entry(&spec.name).or_default().push(*id);
        }
        for (id, spec) in specs {
            for &other in spec.options.after.iter().filter_map(|name| named.get(&**name)).flatten() {
                order.block(other, *id);
            }
        }
        for (before, after) in neighbours {
            order.block(before, after);
        }
        order
    }

    pub(super) fn cause(&self) -> Cause {
        self.cause
    }

    /// See [`check`](super::check).
    pub(super) fn check(&self) {
        let mut blockers: BTreeMap<Origin, usize> = BTreeMap::new();
        for &id in self.frees.values().flatten() {
            *blockers.entry(id).or_default() += 1;
        }
        assert_eq!(blockers, self.blockers, "a worker counts the ends that unblock it");
        let early = self.due.iter().find(|id| self.blockers.contains_key(id));
        assert!(early.is_none(), "{early:?} is blocked, and due to be stopped");
    }

    /// Blocks one worker until another has ended.
    fn block(&mut self, id: Origin, until: Origin) {
        if self.frees.entry(until).or_default().insert(id) {
            *self.blockers.entry(id).or_default() += 1;
        }
    }

    /// Removes a worker that ended. Returns the workers that this unblocks.
    fn ended(&mut self, id: Origin) -> Vec<Origin> {
        if self.frees.is_empty() {
            return Vec::new();
        }
        let freed = self.frees.remove(&id).unwrap_or_default();
        if self.blockers.remove(&id).is_some() {
            // It ended before its turn: the workers that it blocked now wait for its own blockers.
            let before: Vec<_> = self
                .frees
                .iter()
                .filter(|(_, freed)| freed.contains(&id))
                .map(|(&before, _)| before)
                .collect();
            for until in before {
                self.frees.entry(until).or_default().remove(&id);
                for &id in &freed {
                    self.block(id, until);
                }
            }
        }
        freed.into_iter().filter(|&id| self.unblock(id)).collect()
    }

    /// Removes one blocker. Returns whether it was the last.
    fn unblock(&mut self, id: Origin) -> bool {
        let Some(blockers) = self.blockers.get_mut(&id) else { return false };
        *blockers -= 1;
        let free = *blockers == 0;
        if free {
            self.blockers.remove(&id);
        }
        free
    }

    /// Returns one worker that would have to end before itself, if there is any.
    ///
    /// Kahn's algorithm (Communications of the ACM 5, 1962): if whatever is not blocked ends, again and again, only cycles are left,
    /// and the workers that these block. Walking from any of them to what blocks it reaches a cycle.
    fn find_cycle(mut self) -> Option<Origin> {
        let is_free = |id: &Origin| !self.blockers.contains_key(id);
        let mut free: Vec<Origin> = self.frees.keys().copied().filter(is_free).collect();
        while let Some(id) = free.pop() {
            free.extend(self.ended(id));
        }
        let (mut at, _) = self.blockers.first_key_value()?;
        for _ in 0..self.blockers.len() {
            (at, _) = self.frees.iter().find(|(_, freed)| freed.contains(at))?;
        }
        Some(*at)
    }
}
