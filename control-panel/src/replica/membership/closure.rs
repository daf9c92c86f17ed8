//! Runs below what their authors had promised.
//!
//! A run's low says: of every member I have all up to here. Whatever comes from elsewhere at or below it was made by a chain that
//! had gone further: a fork. An honest author has one chain at a time, so its runs are above every low that lacks them.
//!
//! Only other peers' lows close a run: a peer with two branches could else void on one what all have of the other. And the word of
//! a run that is void itself, as its peer was retired without it, counts no more: no watermark waited for it, so the run that it
//! would close may be stable. A run with acts is closed by any, as which runs are void depends on the acts that count.
//!
//! So whether a run is closed can change while its closers may yet become void. Until one of them is at or below what all have
//! (each later retirement has that in its past), or all are void for good, what it closes is not called stable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::members::{PeerIndex, Peers};
use crate::replica::graph::{ChainId, Graph};

/// What a run promised by its low.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Promise {
    pub(super) low: u64,
    pub(super) seq: u64,
    pub(super) next_seq: u64,
    pub(super) clock: u64,
    /// Whether it had acts in its past that its chain had not before: it may count where earlier ones are void.
    pub(super) learned: bool,
}

/// A run below such promises.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed {
    /// Whatever becomes of its closers.
    pub(super) for_good: bool,
    /// Of each chain the first, and those that learned of acts: all others are void where these are.
    pub(super) closers: Vec<(ChainId, Promise)>,
    pub(super) lamport: u64,
}

/// A run's place.
pub(super) type Place = (ChainId, u64);

/// Which chains could have closed runs, and what is closed.
#[derive(Debug, Default)]
pub(super) struct Closure {
    /// The highest low of any run, and the highest of any other peer. What is admitted later is not in those runs' pasts.
    pub(super) highest: [(u64, PeerIndex); 2],
    /// Peers whose chains can have runs below a low that lacks them.
    pub(super) suspects: BTreeSet<PeerIndex>,
    pub(super) closed: BTreeMap<Place, Closed>,
    /// Those of which it is not certain, by Lamport time.
    pub(super) undecided: BTreeSet<(u64, Place)>,
    /// By chain, where a low rose above the stable level or acts were learned: those at or below it are dropped with the next.
    pub(super) promises: Vec<VecDeque<Promise>>,
}

impl Closure {
    /// Whether a run that is being admitted is below a promise made before. All up to `stable` is stable: there another member's
    /// promise lasts whatever becomes of others.
    pub(super) fn closes(
        &mut self,
        place: Place,
        lamport: u64,
        peers: &Peers,
        peer: PeerIndex,
        stable: u64,
    ) -> bool {
        let [first, second] = self.highest;
        let highest = if first.1 == peer { second } else { first };
        if lamport > highest.0 {
            return false;
        }
        let mut closers = Vec::new();
        for other in (0..peers.len()).filter(|other| *other != peer && lamport > stable) {
            for &chain in peers.chains(other) {
                let promises = self.promises.get(chain.index()).into_iter().flatten();
                let mut above = promises.filter(|promise| promise.low >= lamport);
                closers.extend(above.next().map(|first| (chain, *first)));
                closers.extend(above.filter(|promise| promise.learned).map(|promise| (chain, *promise)));
            }
        }
        let for_good = lamport <= stable;
        debug_assert!(for_good || !closers.is_empty(), "whose low is the highest?");
        if !for_good {
            self.undecided.insert((lamport, place));
        }
        self.closed.insert(place, Closed { for_good, closers, lamport });
        true
    }

    pub(super) fn suspects(&self, peer: PeerIndex) -> bool {
        self.suspects.contains(&peer)
    }

    /// Returns whether that is new.
    pub(super) fn suspect(&mut self, peer: PeerIndex) -> bool {
        self.suspects.insert(peer)
    }

    pub(super) fn get(&self, place: Place) -> Option<&Closed> {
        self.closed.get(&place)
    }

    /// A run is closed whatever becomes of its closers.
    pub(super) fn close_for_good(&mut self, place: Place) {
        if let Some(closed) = self.closed.get_mut(&place) {
            (closed.for_good, closed.closers) = (true, Vec::new());
            self.undecided.remove(&(closed.lamport, place));
        }
    }

    /// Takes in what a chain's last run promises, and returns the runs that have another closer by this.
    pub(super) fn raise<Op>(
        &mut self,
        graph: &Graph<Op>,
        (by, peer): (ChainId, PeerIndex),
        promise: Promise,
        peers: &Peers,
        stable: u64,
    ) -> Vec<Place> {
        if self.promises.len() <= by.index() {
            self.promises.resize_with(by.index() + 1, VecDeque::new);
        }
        let low = promise.low;
        let promises = &mut self.promises[by.index()];
        if !promise.learned && promises.back().is_some_and(|last| last.low >= low) {
            return Vec::new();
        }
        while promises.front().is_some_and(|first| first.low <= stable) {
            promises.pop_front();
        }
        promises.push_back(promise);
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
                let (place, lamport) = ((chain, run.header.seq), run.header.lamport);
                let closed =
                    self.closed.entry(place).or_insert_with(|| Closed { lamport, ..Closed::default() });
                let is_new = promise.learned || closed.closers.iter().all(|(of, _)| *of != by);
                if !closed.for_good && is_new {
                    closed.closers.push((by, promise));
                    self.undecided.insert((lamport, place));
                    found.push(place);
                }
                next_seq = run.next_seq();
            }
        }
        found
    }

    /// Drops what is kept of a chain's runs before `next_seq`.
    pub(super) fn forget(&mut self, chain: ChainId, next_seq: u64) {
        self.closed.retain(|&(of, seq), _| of != chain || seq >= next_seq);
        self.undecided.retain(|&(_, (of, seq))| of != chain || seq >= next_seq);
    }
}
