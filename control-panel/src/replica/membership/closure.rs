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

use std::collections::{BTreeMap, BTreeSet};

use super::{
    members::{PeerIndex, Peers},
    verdict::Right,
};
use crate::replica::{
    gallop::partition_point_from_end,
    graph::{ChainId, Graph},
    run::Run,
};

/// A run whose low others are below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closer {
    pub(super) chain: ChainId,
    pub(super) seq: u64,
    pub(super) next_seq: u64,
    pub(super) clock: u64,
}

impl Closer {
    fn new<Op>(chain: ChainId, run: &Run<Op>) -> Self {
        Self { chain, seq: run.header.seq, next_seq: run.next_seq(), clock: run.clock() }
    }
}

/// A run below such promises.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed {
    /// Whatever becomes of its closers.
    pub(super) for_good: bool,
    /// Of each chain the first, and those that learned of acts: all others are void where these are.
    pub(super) closers: Vec<Closer>,
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
    /// Of each chain. Those at or below the watermark are needed as well, where an owner forked: a function of the set looks at all.
    pub(super) promises: Vec<Promises>,
}

/// What a chain promised.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct Promises {
    /// The low where the chain leaves its parent, or of the last run that is forgotten.
    pub(super) base: u64,
    /// The lows and numbers of the runs with which the low rose, or acts were learned: 16 bytes for each such run, until it is forgotten.
    pub(super) rows: Vec<(u64, u64)>,
}

impl Promises {
    /// The low of the last run that begins before `next_seq`.
    fn low_at(&self, next_seq: u64) -> u64 {
        let before = partition_point_from_end(&self.rows, |(_, seq)| *seq < next_seq);
        before.checked_sub(1).map_or(self.base, |last| self.rows[last].0)
    }

    /// The low of the last run that begins before `next_seq` and counts, of those with which it rose. What is forgotten is at or below `level`, and stable.
    fn counting_at(&self, next_seq: u64, level: u64, counts: impl Fn(u64) -> bool) -> u64 {
        let before = &self.rows[..partition_point_from_end(&self.rows, |(_, seq)| *seq < next_seq)];
        let last = before.iter().rev().find(|(_, seq)| counts(*seq));
        last.map_or(self.base.min(level), |(low, _)| *low)
    }

    fn last(&self) -> u64 {
        self.rows.last().map_or(self.base, |(low, _)| *low)
    }

    fn forget(&mut self, next_seq: u64) {
        self.base = self.low_at(next_seq);
        let gone = self.rows.partition_point(|(_, seq)| *seq < next_seq);
        self.rows.drain(..gone);
    }
}

/// Whether it has to become certain whether a run is closed: not of one that only acknowledges, as that changes no state. To wait for it would be to acknowledge what closes it,
/// by which two that write as one peer close each other's next acknowledgement, without end.
pub(super) fn is_awaited<Op>(graph: &Graph<Op>, (chain, seq): Place) -> bool {
    graph.run_after(chain, seq).is_none_or(|run| run.header.seq != seq || Right::needed(run) > Right::Read)
}

impl Closure {
    /// A chain begins, with a low.
    pub(super) fn begin(&mut self, chain: ChainId, base: u64) {
        debug_assert_eq!(self.promises.len(), chain.index());
        self.promises.push(Promises { base, rows: Vec::new() });
    }

    /// A chain's low as of its last run that begins before `next_seq`.
    pub(super) fn low_at(&self, chain: ChainId, next_seq: u64) -> u64 {
        self.promises[chain.index()].low_at(next_seq)
    }

    /// A chain's low as of its last run that begins before `next_seq` and counts; whether one does is asked by the number that it begins with.
    pub(super) fn counting_low_at<Op>(
        &self,
        graph: &Graph<Op>,
        (chain, next_seq): (ChainId, u64),
        counts: impl Fn(u64) -> bool,
    ) -> u64 {
        self.promises[chain.index()].counting_at(next_seq, graph.level(), counts)
    }

    /// Whether a run that is being admitted is below a promise made before. `learned` says whether a run had acts in its past that its
    /// chain had not before.
    pub(super) fn closes<Op>(
        &mut self,
        graph: &Graph<Op>,
        (place, lamport): (Place, u64),
        peer: PeerIndex,
        peers: &Peers,
        learned: impl Fn(Place) -> bool,
    ) -> bool {
        if self.is_above(peer, lamport) {
            return false;
        }
        let mut closers = Vec::new();
        for &chain in (0..peers.len()).filter(|other| *other != peer).flat_map(|other| peers.chains(other)) {
            let promises = &self.promises[chain.index()].rows;
            let above = &promises[promises.partition_point(|(low, _)| *low < lamport)..];
            let places = above.iter().enumerate().map(|(index, (_, seq))| (index == 0, (chain, *seq)));
            let counting = places.filter(|(is_first, place)| *is_first || learned(*place));
            let runs = counting.filter_map(|(_, (_, seq))| graph.run_after(chain, seq));
            closers.extend(runs.map(|run| Closer::new(chain, run)));
        }
        // What closes a run is above it, so kept where that is.
        let for_good = lamport <= graph.level();
        debug_assert!(for_good || !closers.is_empty(), "the highest low is of some run that closes it");
        if !for_good && is_awaited(graph, place) {
            self.undecided.insert((lamport, place));
        }
        self.closed.insert(place, Closed { for_good, closers, lamport });
        true
    }

    /// Whether a time is above all that others promised than that peer.
    #[inline]
    pub(super) fn is_above(&self, peer: PeerIndex, lamport: u64) -> bool {
        let [first, second] = self.highest;
        let highest = if first.1 == peer { second } else { first };
        lamport > highest.0
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
            closed.for_good = true;
            self.undecided.remove(&(closed.lamport, place));
        }
    }

    /// Takes in what a chain's last run promises by its low. `false`, and nothing happened, if that may close runs.
    #[inline]
    pub(super) fn promise(&mut self, by: ChainId, peer: PeerIndex, promise: (u64, u64)) -> bool {
        if self.has_promised(by, promise.0) {
            return true;
        }
        let harmless = self.suspects.iter().all(|suspect| *suspect == peer);
        if harmless {
            self.add_promise(by, peer, promise);
        }
        harmless
    }

    #[inline]
    fn has_promised(&self, by: ChainId, low: u64) -> bool {
        self.promises[by.index()].last() >= low
    }

    fn add_promise(&mut self, by: ChainId, peer: PeerIndex, (low, seq): (u64, u64)) {
        let promises = &mut self.promises[by.index()];
        debug_assert!(promises.last() <= low);
        promises.rows.push((low, seq));
        let [first, second] = &mut self.highest;
        if first.1 == peer {
            first.0 = low.max(first.0);
        } else if low > first.0 {
            *second = *first;
            *first = (low, peer);
        } else if low > second.0 {
            *second = (low, peer);
        }
    }

    /// Takes in what a chain's last run promises by its low, and returns the runs that this closes too.
    pub(super) fn raise<Op>(
        &mut self,
        graph: &Graph<Op>,
        (by, peer): (ChainId, PeerIndex),
        (low, run, learned): (u64, &Run<Op>, bool),
        peers: &Peers,
    ) -> Vec<Place> {
        if !learned && self.has_promised(by, low) {
            return Vec::new();
        }
        self.add_promise(by, peer, (low, run.header.seq));
        let closer = Closer::new(by, run);
        let mut found = Vec::new();
        let others = self.suspects.iter().filter(|suspect| **suspect != peer);
        for &chain in others.flat_map(|suspect| peers.chains(*suspect)) {
            let mut next_seq = graph.heard(by, chain).next_seq;
            while let Some(run) = graph.run_after(chain, next_seq).filter(|run| run.header.lamport <= low) {
                let (place, lamport) = ((chain, run.header.seq), run.header.lamport);
                let entry =
                    self.closed.entry(place).or_insert_with(|| Closed { lamport, ..Closed::default() });
                let is_new = learned || entry.closers.iter().all(|other| other.chain != by);
                if !entry.for_good && is_new {
                    entry.closers.push(closer);
                    if is_awaited(graph, place) {
                        self.undecided.insert((lamport, place));
                    }
                    found.push(place);
                }
                next_seq = run.next_seq();
            }
        }
        found
    }

    /// Drops what is kept of runs that are not any more: of each chain those before a number of `kept`.
    pub(super) fn forget(&mut self, kept: &[u64], is_kept: impl Fn(Place) -> bool) {
        self.closed.retain(|place, _| is_kept(*place));
        self.undecided.retain(|(_, place)| is_kept(*place));
        for (promises, next_seq) in self.promises.iter_mut().zip(kept) {
            promises.forget(*next_seq);
        }
    }
}
