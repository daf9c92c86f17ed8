//! The desired lifecycle of each node. Pure: no clock, no I/O; a counter says which node was used longest ago.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::intent::{LifecycleCause, NodeKey};

/// What is wanted for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lifecycle {
    /// It has a webview.
    Active,
    /// The webview it had is kept, none is made.
    Warm,
    /// It has none.
    Cold,
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "Active",
            Self::Warm => "Warm",
            Self::Cold => "Cold",
        })
    }
}

/// How many nodes may be active and warm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) active: usize,
    pub(crate) warm: usize,
}

/// A change of one node's lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Change {
    pub(crate) from: Lifecycle,
    pub(crate) to: Lifecycle,
    pub(crate) cause: LifecycleCause,
}

/// The lifecycle of every node that was ever active. All others are cold.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lifecycles {
    nodes: BTreeMap<NodeKey, Standing>,
    /// By when they were last used: the first is the least recently used.
    active: BTreeSet<(u64, NodeKey)>,
    warm: BTreeSet<(u64, NodeKey)>,
    /// How often anything was used.
    uses: u64,
    /// How often anything was changed.
    version: u64,
    changes: BTreeMap<Change, u64>,
}

#[derive(Debug, Clone, Copy)]
struct Standing {
    lifecycle: Lifecycle,
    used: u64,
    last_change: Change,
}

impl Lifecycles {
    pub(crate) fn of(&self, key: NodeKey) -> Lifecycle {
        self.nodes.get(&key).map_or(Lifecycle::Cold, |node| node.lifecycle)
    }

    /// When this node was last used, by a counter that goes up.
    pub(crate) fn last_used(&self, key: NodeKey) -> Option<u64> {
        self.nodes.get(&key).map(|node| node.used)
    }

    /// A number that changes whenever any node's lifecycle or rank does.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The last change of this node, with its cause.
    #[cfg(test)]
    pub(crate) fn last_change(&self, key: NodeKey) -> Option<Change> {
        self.nodes.get(&key).map(|node| node.last_change)
    }

    /// The active nodes, the least recently used first.
    pub(crate) fn active(&self) -> impl ExactSizeIterator<Item = NodeKey> {
        self.active.iter().map(|(_, key)| *key)
    }

    /// The warm nodes, the least recently used first.
    pub(crate) fn warm(&self) -> impl ExactSizeIterator<Item = NodeKey> {
        self.warm.iter().map(|(_, key)| *key)
    }

    /// How often each change was made since the start.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (Change, u64)> {
        self.changes.iter().map(|(change, count)| (*change, *count))
    }

    /// Whether no more nodes are active and warm than these limits allow.
    pub(crate) fn within(&self, limits: Limits) -> bool {
        self.active.len() <= limits.active && self.warm.len() <= limits.warm
    }

    /// Makes a node active, and the most recently used.
    pub(crate) fn promote(&mut self, key: NodeKey, cause: LifecycleCause) {
        self.uses += 1;
        self.set(key, Lifecycle::Active, cause, self.uses);
    }

    /// Makes a node active, but not before `first`, if that is active: of all others it is the most recently used.
    pub(crate) fn promote_behind(&mut self, first: Option<NodeKey>, key: NodeKey, cause: LifecycleCause) {
        self.promote(key, cause);
        if let Some(first) = first.filter(|first| self.of(*first) == Lifecycle::Active) {
            self.promote(first, cause);
        }
    }

    /// Makes a node cold.
    pub(crate) fn demote_to_cold(&mut self, key: NodeKey, cause: LifecycleCause) {
        if let Some(node) = self.nodes.get(&key) {
            self.set(key, Lifecycle::Cold, cause, node.used);
        }
    }

    /// Demotes the least recently used until the limits hold: from active to warm, from warm to cold.
    ///
    /// `granted` is what the policy allows when memory is plenty; `limits` is what applies now. What goes beyond
    /// the former goes for the policy's sake, the rest for `pressure`.
    pub(crate) fn enforce(&mut self, granted: Limits, limits: Limits, pressure: LifecycleCause) {
        // Where nothing may stay warm, there is no stop on the way.
        let less = if limits.warm == 0 { Lifecycle::Cold } else { Lifecycle::Warm };
        while self.active.len() > limits.active
            && let Some(&(used, key)) = self.active.first()
        {
            let beyond = self.active.len() > granted.active;
            self.set(key, less, if beyond { LifecycleCause::ActiveLimit } else { pressure }, used);
        }
        while self.warm.len() > limits.warm
            && let Some(&(used, key)) = self.warm.first()
        {
            let beyond = self.warm.len() > granted.warm;
            self.set(key, Lifecycle::Cold, if beyond { LifecycleCause::WarmLimit } else { pressure }, used);
        }
    }

    fn set(&mut self, key: NodeKey, to: Lifecycle, cause: LifecycleCause, used: u64) {
        self.version += 1;
        let from = self.of(key);
        if let Some(node) = self.nodes.get(&key) {
            let before = (node.used, key);
            self.active.remove(&before);
            self.warm.remove(&before);
        }
        match to {
            Lifecycle::Active => _ = self.active.insert((used, key)),
            Lifecycle::Warm => _ = self.warm.insert((used, key)),
            Lifecycle::Cold => {}
        }
        let change = Change { from, to, cause };
        let last_change = match self.nodes.get(&key) {
            Some(node) if from == to => node.last_change,
            _ => change,
        };
        self.nodes.insert(key, Standing { lifecycle: to, used, last_change });
        if from != to {
            *self.changes.entry(change).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LifecycleCause::*, *};

    const PLENTY: Limits = Limits { active: 2, warm: 2 };

    fn visited(keys: &[u32], granted: Limits, limits: Limits) -> Lifecycles {
        let mut nodes = Lifecycles::default();
        for &key in keys {
            nodes.promote(NodeKey(key), UserSelected);
            nodes.enforce(granted, limits, MemoryPressureWarning);
            assert!(nodes.within(limits));
        }
        nodes
    }

    fn keys(nodes: impl Iterator<Item = NodeKey>) -> Vec<u32> {
        nodes.map(|key| key.0).collect()
    }

    #[test]
    fn the_least_recently_used_goes_warm_then_cold() {
        let nodes = visited(&[1, 2, 3, 4, 5], PLENTY, PLENTY);
        assert_eq!(keys(nodes.active()), [4, 5]);
        assert_eq!(keys(nodes.warm()), [2, 3]);
        assert_eq!(nodes.of(NodeKey(1)), Lifecycle::Cold);
        let last = nodes.last_change(NodeKey(1)).expect("it changed");
        assert_eq!((last.from, last.to, last.cause), (Lifecycle::Warm, Lifecycle::Cold, WarmLimit));
    }

    #[test]
    fn using_a_node_again_saves_it() {
        let nodes = visited(&[1, 2, 1, 3], PLENTY, PLENTY);
        assert_eq!(keys(nodes.active()), [1, 3]);
        assert_eq!(keys(nodes.warm()), [2]);
        let promotions: u64 =
            nodes.changes().filter(|(change, _)| change.cause == UserSelected).map(|(_, n)| n).sum();
        assert_eq!(promotions, 3, "using an active node is no change");
    }

    #[test]
    fn what_is_prefetched_stands_behind_the_page_that_is_looked_at() {
        let mut nodes = visited(&[1, 2], PLENTY, PLENTY);
        for guess in [7, 8, 9] {
            nodes.promote_behind(Some(NodeKey(2)), NodeKey(guess), SelectedPrewarm);
            nodes.enforce(PLENTY, PLENTY, MemoryPressureWarning);
            assert_eq!(keys(nodes.active()), [guess, 2]);
        }
        assert_eq!(keys(nodes.warm()), [7, 8]);
        let made: Vec<_> = nodes.changes().filter(|(change, _)| change.cause == SelectedPrewarm).collect();
        assert!(matches!(made[..], [(_, 3)]), "the page that is looked at did not change: {made:?}");
        nodes.promote_behind(Some(NodeKey(1)), NodeKey(5), SelectedPrewarm);
        assert_eq!(nodes.of(NodeKey(1)), Lifecycle::Cold, "what is not active is not made so");
    }

    #[test]
    fn pressure_takes_from_the_least_recently_used_first() {
        let mut nodes = visited(&[1, 2, 3, 4], PLENTY, PLENTY);
        nodes.enforce(PLENTY, Limits { active: 1, warm: 1 }, MemoryPressureWarning);
        assert_eq!((keys(nodes.active()), keys(nodes.warm())), (vec![4], vec![3]));
        let last = |key| nodes.last_change(NodeKey(key)).map(|change| (change.to, change.cause));
        assert_eq!(last(3), Some((Lifecycle::Warm, MemoryPressureWarning)));
        assert_eq!(last(2), Some((Lifecycle::Cold, MemoryPressureWarning)));
        // Three were warm for a moment, one more than the policy grants at the best of times.
        assert_eq!(last(1), Some((Lifecycle::Cold, WarmLimit)));
    }

    #[test]
    fn where_nothing_may_stay_warm_the_active_go_cold_at_once() {
        let mut nodes = visited(&[1, 2, 3, 4], PLENTY, PLENTY);
        nodes.enforce(PLENTY, Limits { active: 1, warm: 0 }, MemoryPressureCritical);
        assert_eq!((keys(nodes.active()), keys(nodes.warm())), (vec![4], vec![]));
        for gone in [1, 2, 3] {
            assert_eq!(nodes.of(NodeKey(gone)), Lifecycle::Cold);
            let last = nodes.last_change(NodeKey(gone)).expect("it changed");
            assert_eq!(last.cause, MemoryPressureCritical, "node {gone}");
        }
    }

    #[test]
    fn under_pressure_the_narrower_limits_hold_after_every_promotion() {
        let nodes = visited(&[1, 2, 3, 4, 5, 6], PLENTY, Limits { active: 1, warm: 0 });
        assert_eq!(keys(nodes.active()), [6]);
        assert!(nodes.changes().all(|(change, _)| change.to != Lifecycle::Warm));
    }

    #[test]
    fn closing_frees_the_place_and_closing_twice_changes_nothing() {
        let mut nodes = visited(&[1, 2], PLENTY, PLENTY);
        nodes.demote_to_cold(NodeKey(2), UserClosed);
        nodes.demote_to_cold(NodeKey(2), UserClosed);
        nodes.demote_to_cold(NodeKey(99), UserClosed);
        assert_eq!(keys(nodes.active()), [1]);
        let closed = Change { from: Lifecycle::Active, to: Lifecycle::Cold, cause: UserClosed };
        assert_eq!(nodes.changes().find(|(change, _)| *change == closed), Some((closed, 1)));
    }

    #[test]
    fn no_warm_cache_means_none() {
        let none = Limits { active: 1, warm: 0 };
        let nodes = visited(&[1, 2, 3], none, none);
        assert_eq!((keys(nodes.active()), keys(nodes.warm())), (vec![3], vec![]));
    }
}
