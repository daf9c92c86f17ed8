//! Runs below what their authors had promised.
//!
//! A run's low says: of every member I have all up to here. Whatever comes from elsewhere at or below it was made by a chain that
//! had gone further: a fork. An honest author has one chain at a time, so its runs are above every low that lacks them.
//!
//! Only other peers' lows close a run: a peer with two branches could else void on one what all have of the other.

use std::collections::BTreeSet;

use super::members::{PeerIndex, Peers};
use crate::replica::graph::{ChainId, Graph};

/// Which chains could have closed runs, and what is closed. Once closed, a run stays so.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// The highest low of any run, and the highest of any other peer. What is admitted later is not in those runs' pasts.
    pub(super) highest: [(u64, PeerIndex); 2],
    /// Peers whose chains can have runs below a low that lacks them.
    pub(super) suspects: BTreeSet<PeerIndex>,
    closed: BTreeSet<(ChainId, u64)>,
}

impl Closure {
    pub(super) fn restore(
        highest: [(u64, PeerIndex); 2],
        suspects: BTreeSet<PeerIndex>,
        closed: BTreeSet<(ChainId, u64)>,
    ) -> Self {
        Self { highest, suspects, closed }
    }

    pub(super) fn closed(&self) -> impl Iterator<Item = (ChainId, u64)> + '_ {
        self.closed.iter().copied()
    }

    /// Whether a run that is being admitted is closed by one admitted before.
    pub(super) fn closes(&mut self, (chain, peer): (ChainId, PeerIndex), seq: u64, lamport: u64) -> bool {
        let [first, second] = self.highest;
        let highest = if first.1 == peer { second } else { first };
        let closed = lamport <= highest.0;
        if closed {
            self.closed.insert((chain, seq));
        }
        closed
    }

    pub(super) fn suspects(&self, peer: PeerIndex) -> bool {
        self.suspects.contains(&peer)
    }

    /// Returns whether that is new.
    pub(super) fn suspect(&mut self, peer: PeerIndex) -> bool {
        self.suspects.insert(peer)
    }

    pub(super) fn is_closed(&self, chain: ChainId, seq: u64) -> bool {
        self.closed.contains(&(chain, seq))
    }

    /// Takes in that a chain's last run has this low, and returns the runs that this closes.
    pub(super) fn raise<Op>(
        &mut self,
        graph: &Graph<Op>,
        (by, peer): (ChainId, PeerIndex),
        low: u64,
        peers: &Peers,
    ) -> Vec<(ChainId, u64)> {
        let [first, second] = &mut self.highest;
        if first.1 == peer {
            first.0 = low.max(first.0);
        } else if low > first.0 {
            *second = *first;
            *first = (low, peer);
        } else if low > second.0 {
            *second = (low, peer);
        }
        let mut found = Vec::new();
        let others = self.suspects.iter().filter(|suspect| **suspect != peer);
        for &chain in others.flat_map(|suspect| peers.chains(*suspect)) {
            let mut next_seq = graph.heard(by, chain).next_seq;
            while let Some(run) = graph.run_after(chain, next_seq).filter(|run| run.header.lamport <= low) {
                if self.closed.insert((chain, run.header.seq)) {
                    found.push((chain, run.header.seq));
                }
                next_seq = run.next_seq();
            }
        }
        found
    }

    /// Drops what is kept of a chain's runs before `next_seq`.
    pub(super) fn forget(&mut self, chain: ChainId, next_seq: u64) {
        self.closed.retain(|&(of, seq)| of != chain || seq >= next_seq);
    }
}
