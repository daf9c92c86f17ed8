//! How a replica is set up.

use std::collections::BTreeMap;

use super::{Author, Grant, Peer, Replica, State, Undoable};

/// Sets a [`Replica`] up. Made by [`Replica::builder`].
///
/// What says "the same everywhere" is part of the group's identity: replicas that differ in it do not understand each other.
#[must_use = "a builder does nothing until `build`"]
pub struct ReplicaBuilder<S: State> {
    pub(crate) me: Author,
    pub(crate) init: S,
    pub(crate) members: BTreeMap<Peer, Grant>,
    pub(crate) redo_budget: usize,
    pub(crate) schema: u32,
    pub(crate) fingerprint: u64,
}

impl<S: State> ReplicaBuilder<S> {
    pub(crate) fn new(peer: Peer, init: S) -> Self {
        Self {
            me: Author { peer, incarnation: 0 },
            init,
            members: BTreeMap::from([(peer, Grant::Owner)]),
            redo_budget: 4096,
            schema: 0,
            fingerprint: 0,
        }
    }

    /// The members that the group begins with, all of them owners, in any order. The same everywhere. Default: this replica alone.
    pub fn members(mut self, peers: impl IntoIterator<Item = Peer>) -> Self {
        self.members = peers.into_iter().map(|peer| (peer, Grant::Owner)).collect();
        self
    }

    /// Adds a member that the group begins with, or changes what it may do. The same everywhere.
    pub fn member(mut self, peer: Peer, grant: Grant) -> Self {
        self.members.insert(peer, grant);
        self
    }

    /// Which life of this peer the replica is, from 0: each start that cannot continue the log of the last takes the next. Default: 0.
    pub fn incarnation(mut self, incarnation: u32) -> Self {
        self.me.incarnation = incarnation;
        self
    }

    /// Goes back by undo records instead of clones.
    pub fn undoing(self) -> Self
    where
        S: Undoable,
    {
        self
    }

    /// The most operations that a `settle` applies, undoes and redoes on the frame thread, together. What is beyond it becomes a
    /// [`Redo`](super::Redo). Default: 4,096.
    pub fn redo_budget(mut self, ops: usize) -> Self {
        self.redo_budget = ops;
        self
    }

    /// The number of the operations' schema, from 0: raised with each change of what `Op` can hold. Default: 0.
    pub fn schema(mut self, schema: u32) -> Self {
        self.schema = schema;
        self
    }

    /// Which reducer this program runs: raised with each change of what `apply` does. Replicas of different fingerprints do not skip
    /// operations that panic, but stop at them. Default: 0.
    pub fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// The replica, before its first operation.
    pub fn build(self) -> Replica<S> {
        Replica::from_builder(self)
    }
}

impl<S: State> std::fmt::Debug for ReplicaBuilder<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplicaBuilder")
            .field("author", &self.me)
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
