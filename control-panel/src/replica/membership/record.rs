//! What a membership found out, as plain data: what a replica that joins goes on from.
//!
//! All of it but the genesis is what the giver says. It cannot be derived from what is kept: the acts that it follows from may be
//! forgotten. Numbers are those of the giver's: of chains in its graph's record, of acts and peers in this one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Void,
    act::{Act, Deed, Known, Seen},
    act_record::ActRecord,
    closure::{Closed, Closer, Closure, Place, Promises, is_awaited},
    members::{Effective, View},
    membership::Membership,
    verdict::Judged,
    watermark::{ChainState, Live, Low, PeerLevel},
};
use crate::replica::{
    Author, Grant, Peer,
    graph::{ChainId, Graph},
    run::Run,
};

/// All that a membership found out.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Record<C = ChainRecord> {
    peers: Vec<Peer>,
    pub(super) acts: Vec<ActRecord>,
    pub(super) chains: Vec<C>,
    /// Which retirements are final to this replica.
    finals: BTreeSet<usize>,
    highest: [(u64, usize); 2],
    suspects: BTreeSet<usize>,
    closed: Vec<ClosedRecord>,
    /// Of each chain.
    promises: Vec<Promises>,
    awaited: u64,
    void: Vec<(usize, u64, u8)>,
    last_operation: u64,
    decided: usize,
    /// The clock and low of each peer.
    levels: Vec<(u64, u64)>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct ChainRecord {
    /// Which acts are in its past, from which run on, and where that run ends.
    pub(super) seen: Vec<SeenRecord>,
    /// For which of its author's retirements all others have voted in its past.
    pub(super) voted: Vec<SeenRecord>,
    /// Which retirements are final in its view, and where the run ends with which they became so.
    pub(super) finals: Vec<(usize, u64)>,
    pub(super) low: u64,
}

/// An act, and where the run begins and ends with which it is in the past.
pub(super) type SeenRecord = (usize, u64, u64);

/// A run's chain, number and time, whether it is closed for good, and by which runs: their chains, numbers, ends and clocks.
type ClosedRecord = (usize, u64, u64, bool, Vec<(usize, u64, u64, u64)>);

impl Membership {
    /// What was found out, to be [restored](Self::restore) on a replica of another peer.
    pub(crate) fn to_record(&self) -> Record {
        let chain = |state: &ChainState| {
            let record = |seen: &Seen| (seen.act, seen.from, seen.next_seq);
            let (seen, voted) = (state.known.seen().map(record), state.known.voted().map(record));
            ChainRecord {
                seen: seen.collect(),
                voted: voted.collect(),
                finals: state.finals.clone(),
                low: state.low.level,
            }
        };
        let Closure { highest, suspects, closed, promises, .. } = &self.closure;
        Record {
            peers: (0..self.peers.len()).map(|peer| self.peers.name(peer)).collect(),
            acts: self.acts.iter().map(ActRecord::of).collect(),
            chains: self.chains.iter().map(chain).collect(),
            finals: self.live.view.finals.clone(),
            highest: *highest,
            suspects: suspects.clone(),
            closed: closed.iter().map(closed_record).collect(),
            promises: promises.clone(),
            awaited: self.live.awaited,
            void: self.void.iter().map(|(&(chain, seq), void)| (chain.index(), seq, *void as u8)).collect(),
            last_operation: self.live.last_operation,
            decided: self.live.decided,
            levels: self.live.peers.iter().map(|level| (level.clock, level.low)).collect(),
        }
    }

    /// The membership of a record, on a replica that has the graph which was recorded with it. All up to `stable` is known to be stable.
    /// `None` if the record contradicts itself or the graph, as a lying peer's may.
    pub(crate) fn restore<Op>(
        genesis: &BTreeMap<Peer, Grant>,
        me: Author,
        record: &Record,
        graph: &Graph<Op>,
        stable: u64,
    ) -> Option<Self> {
        let ids: Vec<ChainId> = graph.chains().map(|(id, _)| id).collect();
        record.check(graph)?;
        let mut membership = Self::new(genesis, me);
        // The giver's numbers.
        membership.peers = record.peers.iter().copied().collect();
        if membership.peers.len() != record.peers.len() {
            return None;
        }
        let here = membership.peers.enter(me.peer);
        membership.begin()?;
        membership.acts = record.acts.iter().map(|act| act.act(&ids)).collect();
        for ((chain, it), state) in graph.chains().zip(&record.chains) {
            let peer = membership.peers.get(&it.author.peer)?;
            membership.peers.add_chain(peer, chain);
            let seen = |all: &[SeenRecord]| {
                all.iter().map(|&(act, from, next_seq)| Seen { act, from, next_seq }).collect()
            };
            membership.chains.push(ChainState {
                peer,
                known: Known::restore(seen(&state.seen), seen(&state.voted), record.acts.len()),
                view: membership.with_finals(&state.finals),
                finals: state.finals.clone(),
                acks: 0,
                low: Low { level: state.low, lowest: None },
                plain: None,
            });
        }
        let closed: BTreeMap<Place, Closed> =
            record.closed.iter().map(|closed| closed_from(closed, &ids)).collect();
        let undecided =
            closed.iter().filter(|(place, closed)| !closed.for_good && is_awaited(graph, **place));
        membership.closure = Closure {
            highest: record.highest,
            suspects: record.suspects.clone(),
            undecided: undecided.map(|(place, closed)| (closed.lamport, *place)).collect(),
            closed,
            promises: record.promises.clone(),
        };
        for &(chain, seq, void) in &record.void {
            membership.void.insert((ids[chain], seq), void_of(void)?);
        }
        let levels: Vec<_> = record.levels.iter().map(|&(clock, low)| PeerLevel { clock, low }).collect();
        let finals = record.finals.iter().map(|id| (*id, 0)).collect::<Vec<_>>();
        membership.live = Live::new(here, membership.with_finals(&finals));
        // What it goes on from is no crash's to take back.
        membership.live.confirmed = graph.own_next_seq();
        membership.live.own = levels.get(here).map_or(0, |level| level.low);
        membership.find_views(graph);
        membership.live.clock = graph.clock();
        membership.live.last_operation = record.last_operation;
        membership.live.decided = record.decided;
        membership.live.peers = levels;
        (membership.live.watermark, membership.live.stable) = (stable, stable);
        membership.live.awaited = record.awaited;
        if !membership.live.could_settle() {
            return None;
        }
        membership.live.ceiling = membership.ceiling(graph);
        membership.live.settle(true);
        membership.settle_closings();
        membership.report_no_more();
        Some(membership)
    }

    /// Finds what follows from which chains know which acts, and which retirements are final.
    fn find_views<Op>(&mut self, graph: &Graph<Op>) {
        self.acks = self.chains.iter().map(|state| state.news(u64::MAX)).sum();
        let scope = self.scope(&[], &|_| 0, None);
        self.has_votes = (0..self.acts.len()).any(|act| scope.is_voted_on(act));
        self.find_live_view(graph);
        // Most chains know the same.
        let mut same: BTreeMap<(Effective, Effective), Arc<View>> = BTreeMap::new();
        for (chain, it) in graph.chains() {
            let state = &self.chains[chain.index()];
            if state.news(u64::MAX) == 0 {
                continue;
            }
            let key = (state.known.all().collect(), state.view.finals.clone());
            if let Some(view) = same.get(&key) {
                self.chains[chain.index()].view = Arc::clone(view);
                self.chains[chain.index()].acks = self.acks_heard(graph, chain);
                continue;
            }
            self.refresh_view(graph, chain, it.tip().mark.next_seq);
            let view = &self.chains[chain.index()].view;
            // Then it depends on no acknowledgement.
            if !view.open && !self.has_votes {
                same.insert(key, Arc::clone(view));
            }
        }
    }

    /// Whether a run is void that its chain has or had, as far as the acts say: which of the forgotten were closed is not known any more.
    pub(crate) fn would_void<Op>(&self, chain: ChainId, run: &Run<Op>) -> bool {
        !self.find_verdict(&Judged::new(chain, run)).applies()
    }

    /// Whether a peer's runs can have an invitation in their past, or need none.
    pub(crate) fn was_invited(&self, peer: Peer) -> bool {
        let invited = |act: &Act| act.target == peer && act.deed != Deed::Retire;
        self.genesis.contains_key(&peer) || self.acts.iter().any(invited)
    }

    /// The members that the group began with.
    pub(crate) fn genesis(&self) -> &BTreeMap<Peer, Grant> {
        &self.genesis
    }

    /// This replica is another life of its peer from now on.
    pub(crate) fn go_on_as(&mut self, me: Author) {
        debug_assert_eq!(self.me.peer, me.peer);
        self.me = me;
        self.live.confirmed = 0;
    }
}

impl Record {
    /// Whether all numbers are of something, and no time is above the greatest.
    fn check<Op>(&self, graph: &Graph<Op>) -> Option<()> {
        let (peers, acts, clock) = (self.peers.len(), self.acts.len(), graph.clock());
        let clocks: Vec<_> = graph.chains().map(|(_, chain)| chain.tip().mark.clock).collect();
        let chains = clocks.len();
        let is_peer = |peer: usize| peer < peers;
        let is_act = |act: usize| act < acts;
        let is_chain = |chain: usize| chain < chains;
        let act = |(id, act): (usize, &ActRecord)| {
            is_chain(act.chain)
                && act.past.iter().all(|other| *other < id)
                && act.vector.iter().all(|(chain, _)| is_chain(*chain))
        };
        let chain = |(chain, latest): (&ChainRecord, &u64)| {
            let is_right = |seen: &[SeenRecord]| {
                let acts: BTreeSet<_> = seen.iter().map(|(act, ..)| *act).collect();
                acts.iter().all(|act| is_act(*act))
                    && seen.is_sorted_by_key(|(_, from, next_seq)| (*from, *next_seq))
                    && acts.len() == seen.len()
            };
            chain.low <= *latest
                && is_right(&chain.seen)
                && is_right(&chain.voted)
                && chain.finals.iter().all(|(act, _)| is_act(*act))
        };
        let promised = |(of, chain): (&Promises, &ChainRecord)| {
            let lows = || [of.base].into_iter().chain(of.rows.iter().map(|(low, _)| *low));
            of.rows.is_sorted() && lows().is_sorted() && lows().next_back() == Some(chain.low)
        };
        let right = self.chains.len() == chains
            && self.levels.len() <= peers
            && self.levels.iter().all(|(at, low)| low <= at && *at <= clock)
            && self.acts.iter().enumerate().all(act)
            && self.finals.iter().all(|act| is_act(*act))
            && self.chains.iter().zip(&clocks).all(chain)
            && self.highest.iter().all(|(low, peer)| *low <= clock && (is_peer(*peer) || *low == 0))
            && self.suspects.iter().all(|peer| is_peer(*peer))
            && self.closed.iter().all(|(chain, .., closers)| {
                is_chain(*chain) && closers.iter().all(|(chain, ..)| is_chain(*chain))
            })
            && self.closed.iter().all(|(_, _, lamport, ..)| (1..=clock).contains(lamport))
            && self.promises.len() == chains
            && self.promises.iter().zip(&self.chains).all(promised)
            && self.awaited <= clock
            && self.void.iter().all(|(chain, ..)| is_chain(*chain))
            && self.decided <= acts
            && self.last_operation <= clock;
        right.then_some(())
    }
}

fn void_of(void: u8) -> Option<Void> {
    [Void::Closed, Void::Retired, Void::NotGranted].into_iter().find(|it| *it as u8 == void)
}

fn closed_record((&(chain, seq), closed): (&Place, &Closed)) -> ClosedRecord {
    let closers = closed.closers.iter();
    let closers = closers.map(|closer| (closer.chain.index(), closer.seq, closer.next_seq, closer.clock));
    (chain.index(), seq, closed.lamport, closed.for_good, closers.collect())
}

fn closed_from((chain, seq, lamport, for_good, closers): &ClosedRecord, ids: &[ChainId]) -> (Place, Closed) {
    let closers = closers.iter().map(|&(chain, seq, next_seq, clock)| {
        let chain = ids[chain];
        Closer { chain, seq, next_seq, clock }
    });
    ((ids[*chain], *seq), Closed { for_good: *for_good, closers: closers.collect(), lamport: *lamport })
}
