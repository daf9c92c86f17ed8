//! What the simulated networks of `testing` look at.

use super::{Author, Peer, Replica, RunHash, State, version::End};

/// The last run of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Latest {
    pub(crate) author: Author,
    pub(crate) end: End,
    /// The Lamport time of its last operation.
    pub(crate) clock: u64,
}

impl<S: State> Replica<S> {
    /// The last run of each chain, in an order that only grows; `None` for a branch that has nothing after its fork.
    pub(crate) fn latest(&self) -> impl Iterator<Item = Option<Latest>> + '_ {
        self.graph.chains().map(|(_, chain)| {
            let (tip, author) = (chain.tip(), chain.author);
            let shared = chain.fork.map_or(0, |fork| fork.mark.next_seq);
            let end = End { next_seq: tip.mark.next_seq, hash: tip.hash };
            (end.next_seq > shared).then_some(Latest { author, end, clock: tip.mark.clock })
        })
    }

    pub(crate) fn genesis(&self) -> RunHash {
        self.graph.genesis()
    }

    /// What a member said that it has of all members.
    pub(crate) fn low(&self, peer: Peer) -> u64 {
        self.membership.low(peer)
    }

    /// The highest level at which a member's state was found equal by a digest; 0 if none.
    pub(crate) fn agreed_upto(&self, peer: Peer) -> u64 {
        self.desync.agreed_upto(peer)
    }

    /// The latest Lamport time of an operation other than an acknowledgement.
    pub(crate) fn last_operation(&self) -> u64 {
        self.membership.last_operation()
    }
}
