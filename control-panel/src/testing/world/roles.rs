//! Which node is which peer's.

use super::{World, faults::Twins};
use crate::replica::Peer;

/// Peers in the order of their numbers, from 1.
pub(super) fn peer(index: usize) -> Peer {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
    Peer(bytes)
}

/// The nodes in their order: one for each peer, the copy of one, and those that join. The crowd has numbers of peers, and no nodes.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    peers: usize,
    crowd: usize,
    joins: usize,
    pub(super) twins: Option<Twins>,
}

impl Roles {
    pub(super) fn new(world: &World, twins: Option<Twins>) -> Self {
        let &World { peers, crowd, joins, .. } = world;
        Self { peers, crowd, joins, twins }
    }

    /// How many peers are members from the beginning.
    pub(super) fn members(&self) -> usize {
        self.peers + self.crowd
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.peers + usize::from(self.twins.is_some()) + self.joins
    }

    /// The peer of each node.
    pub(super) fn peers(&self) -> impl Iterator<Item = Peer> + '_ {
        (0..self.nodes()).map(|node| peer(self.number(node)))
    }

    /// Whether a node begins later: a copy, or one that joins.
    pub(super) fn begins_later(&self, node: usize) -> bool {
        node >= self.peers
    }

    /// Which of those that join a node is.
    pub(super) fn joiner(&self, node: usize) -> Option<usize> {
        node.checked_sub(self.nodes() - self.joins)
    }

    /// The peer of one that joins.
    pub(super) fn joining(&self, index: usize) -> Peer {
        peer(self.members() + index)
    }

    /// Whether a peer is one of so many that join and only read.
    pub(super) fn is_reader(&self, of: Peer, readers: usize) -> bool {
        (0..readers).any(|index| self.joining(index) == of)
    }

    /// The number of a node's peer: a copy has its original's.
    pub(super) fn number(&self, node: usize) -> usize {
        match (self.joiner(node), &self.twins) {
            (Some(index), _) => self.members() + index,
            (None, Some(twins)) if twins.copy == node => twins.original,
            _ => node,
        }
    }

    /// Whether a node is a copy, or copied.
    pub(super) fn is_twin(&self, node: usize) -> bool {
        self.twins.as_ref().is_some_and(|twins| [twins.original, twins.copy].contains(&node))
    }

    /// Whether two nodes ever connect: of two copies each has its own half of the others, as no one has two connections with one peer.
    pub(super) fn may_connect(&self, one: usize, other: usize) -> bool {
        let half = |of: usize, to: usize| match &self.twins {
            Some(twins) if twins.original == of => to != twins.copy && to % 2 == 0,
            Some(twins) if twins.copy == of => to != twins.original && to % 2 == 1,
            _ => true,
        };
        half(one, other) && half(other, one)
    }
}
