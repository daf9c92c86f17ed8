//! The order of a shutdown, a topological one: a worker that comes `after` another is stopped before it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

use super::{ChildSpec, Machine};
use crate::{
    intent::Origin,
    lifecycle::{Cause, SpawnError},
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
    pub(super) fn check_order(&self, specs: &[&ChildSpec]) -> Result<(), SpawnError> {
        if specs.iter().all(|spec| spec.options.after.is_empty()) {
            return Ok(());
        }
        let nodes: Vec<&ChildSpec> =
            self.members.values().map(|member| &member.spec).chain(specs.iter().copied()).collect();
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, spec) in nodes.iter().enumerate() {
            named.entry(&spec.name).or_default().push(at);
        }
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (at, spec) in nodes.iter().enumerate() {
            for name in &spec.options.after {
                edges[at].extend(named.get(&**name).into_iter().flatten());
            }
        }
        if let Some(name) =
            specs.iter().flat_map(|spec| &spec.options.after).find(|name| !named.contains_key(&***name))
        {
            return Err(SpawnError::UnknownAfter(name.clone()));
        }
        let new = self.members.len()..nodes.len();
        for later in new.skip(1) {
            edges[later].push(later - 1);
        }
        let places: BTreeMap<Origin, usize> = self.members.keys().zip(0..).collect();
        for (before, after) in self.neighbours() {
            edges[places[&after]].push(places[&before]);
        }
        find_cycle(&edges).map_or(Ok(()), |at| Err(SpawnError::CircularAfter(nodes[at].name.clone())))
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
        let mut order =
            StopOrder { cause, due: VecDeque::new(), blockers: BTreeMap::new(), frees: BTreeMap::new() };
        if self.groups.is_empty() && self.members.values().all(|member| member.spec.options.after.is_empty())
        {
            return order;
        }
        let mut named: BTreeMap<&str, Vec<Origin>> = BTreeMap::new();
        for (id, member) in self.members.iter() {
            named.entry(&member.spec.name).or_default().push(id);
        }
        for (id, member) in self.members.iter() {
            for &other in member.spec.options.after.iter().filter_map(|name| named.get(&**name)).flatten() {
                order.block(other, id);
            }
        }
        for (before, after) in self.neighbours() {
            order.block(before, after);
        }
        order
    }
}

impl StopOrder {
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
}

/// Returns one node of a cycle, if there is any.
///
/// Kahn's algorithm (Communications of the ACM 5, 1962): repeatedly removing nodes without incoming edges leaves only
/// cycles and the nodes that they lead to. Walking upstream from any of these reaches a cycle.
fn find_cycle(edges: &[Vec<usize>]) -> Option<usize> {
    let mut waiting = vec![0_usize; edges.len()];
    for &target in edges.iter().flatten() {
        waiting[target] += 1;
    }
    let mut free: Vec<usize> = (0..edges.len()).filter(|&node| waiting[node] == 0).collect();
    while let Some(node) = free.pop() {
        for &target in &edges[node] {
            waiting[target] -= 1;
            if waiting[target] == 0 {
                free.push(target);
            }
        }
    }
    let is_left = |&node: &usize| waiting[node] > 0;
    let mut at = (0..edges.len()).find(is_left)?;
    for _ in 0..edges.len() {
        at = (0..edges.len()).filter(is_left).find(|&node| edges[node].contains(&at))?;
    }
    Some(at)
}
