//! Low and watermark: what a member had admitted from all, and what all had admitted.
//!
//! One number, the lowest clock heard, says what this replica has. Two levels say what all have: the low of each member, which is
//! that number in the member's past, and the lowest of these (a matrix clock, of which only the minima are kept).

use std::sync::Arc;

use super::{
    act::{ActId, Known},
    closure::Closed,
    members::{Counted, PeerIndex, Peers, View},
    membership::Membership,
    verdict::Right,
};
use crate::replica::{
    Peer,
    gallop::partition_point_from_end,
    graph::{ChainId, Graph},
};

/// What is kept of a chain, as of its last run: a function of that run and its past, as each run's follows from that of the run before it
/// and from what it has in its past. So a branch begins with what its parent's was where it leaves that.
#[derive(Debug)]
pub(super) struct ChainState {
    pub(super) peer: PeerIndex,
    pub(super) known: Known,
    pub(super) view: Arc<View>,
    /// Which retirements became final in its view, and where the run ends with which they did.
    pub(super) finals: Vec<(ActId, u64)>,
    /// How much news, of all chains, the view takes in.
    pub(super) acks: usize,
    pub(super) low: Low,
    /// See `plain.rs`.
    pub(super) plain: Option<Right>,
}

impl ChainState {
    /// How much its runs before `next_seq` say of acts: which they have in their past, all votes for one of them, and that one is final.
    pub(super) fn news(&self, next_seq: u64) -> usize {
        self.known.count(next_seq) + partition_point_from_end(&self.finals, |(_, end)| *end <= next_seq)
    }
}

/// The lowest clock of a view's members, and which member's it is: while that one's does not rise, the lowest does not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Low {
    pub(super) level: u64,
    pub(super) lowest: Option<Counted>,
}

impl Low {
    /// Takes the lowest anew. `all` says that the view is another than at the last call.
    #[inline(always)]
    pub(super) fn raise(
        &mut self,
        view: &View,
        all: bool,
        own: (PeerIndex, u64),
        clock: impl Fn(&Counted) -> u64,
    ) {
        let (me, now) = own;
        let clock = |counted: &Counted| {
            if counted.peer == me { now } else { clock(counted).max(counted.floor.clock) }
        };
        if !all && self.lowest.is_some_and(|lowest| clock(&lowest) <= self.level) {
            return;
        }
        let mut lowest = None;
        let mut level = now;
        for counted in &view.counted {
            let clock = clock(counted);
            if lowest.is_none() || clock < level {
                (level, lowest) = (clock, Some(counted));
            }
        }
        debug_assert!(level <= now, "a member's low is at most its clock");
        // A view may come to count one more; what was promised before stays promised.
        self.level = level.max(self.level);
        self.lowest = lowest.copied();
    }
}

/// The latest clock of a peer's in a chain's past, over all its chains.
#[inline]
pub(super) fn clock_in<Op>(graph: &Graph<Op>, of: ChainId, peers: &Peers, peer: PeerIndex) -> u64 {
    match peers.chains(peer) {
        &[chain] => graph.heard(of, chain).clock,
        chains => chains.iter().map(|&chain| graph.heard(of, chain).clock).max().unwrap_or(0),
    }
}

/// What this replica admitted, as a whole.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) me: PeerIndex,
    pub(super) view: Arc<View>,
    /// Of a run that this replica would make now, while a retirement is not final.
    pub(super) next: Option<Arc<View>>,
    /// Another number for each view.
    pub(super) version: u64,
    /// The greatest of all.
    pub(super) clock: u64,
    /// The greatest of an operation other than an `Ack`.
    pub(super) last_operation: u64,
    /// What this replica admitted of all, declared or not: what a run that it made now would say.
    pub(super) low: Low,
    /// This peer's own low: as its runs say that no crash takes back.
    pub(super) own: u64,
    /// Of this author's operations those before it are such.
    pub(super) confirmed: u64,
    /// The latest clock and the highest low of each peer.
    pub(super) peers: Vec<PeerLevel>,
    /// What all have, as far as the retirements allow.
    pub(super) watermark: u64,
    /// What of that is certain: see `closure.rs`.
    pub(super) stable: u64,
    /// The greatest clock of a run that closes another: all wait for the watermark to reach it.
    pub(super) awaited: u64,
    /// Acts below this number stand or fell for good: no retirement was open after them.
    pub(super) decided: ActId,
    /// Above it verdicts may change yet, while a retirement is not final.
    pub(super) ceiling: u64,
    /// The member that has this low.
    pub(super) holder: Option<Counted>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PeerLevel {
    pub(super) clock: u64,
    pub(super) low: u64,
}

impl Live {
    pub(super) fn new(me: PeerIndex, view: Arc<View>) -> Self {
        Self {
            me,
            view,
            next: None,
            version: 0,
            clock: 0,
            last_operation: 0,
            low: Low::default(),
            own: 0,
            confirmed: 0,
            peers: Vec::new(),
            watermark: 0,
            stable: 0,
            awaited: 0,
            decided: 0,
            ceiling: u64::MAX,
            holder: None,
        }
    }

    /// A member's low, as far as it is known here.
    #[inline]
    pub(super) fn low_of(&self, counted: &Counted) -> u64 {
        let low = if counted.peer == self.me { self.own } else { self.level(counted.peer).low };
        low.max(counted.floor.low)
    }

    /// What a peer's runs say.
    #[inline]
    pub(super) fn level(&self, peer: PeerIndex) -> PeerLevel {
        self.peers.get(peer).copied().unwrap_or_default()
    }

    /// Takes in a run's clock and low.
    #[inline(always)]
    pub(super) fn take(&mut self, peer: PeerIndex, clock: u64, low: u64) {
        if self.peers.len() <= peer {
            self.peers.resize(peer + 1, PeerLevel::default());
        }
        self.clock = clock.max(self.clock);
        let level = &mut self.peers[peer];
        *level = PeerLevel { clock: clock.max(level.clock), low: low.max(level.low) };
        debug_assert!(level.low <= level.clock);
    }

    /// Whether every member's clock is past what is stable: otherwise these levels contradict each other.
    pub(super) fn could_settle(&self) -> bool {
        let clock = |counted: &&Counted| match counted.peer {
            peer if peer == self.me => self.clock,
            peer => self.level(peer).clock.max(counted.floor.clock),
        };
        let lowest = self.view.counted.iter().map(|counted| clock(&counted)).min().unwrap_or(self.clock);
        (self.watermark..=self.clock).contains(&lowest)
    }

    /// All up to the clocks of what closes a run.
    pub(super) fn awaits(&mut self, closed: Option<&Closed>) {
        let clocks = closed.into_iter().flat_map(|closed| &closed.closers).map(|closer| closer.clock);
        self.awaited = clocks.fold(self.awaited, u64::max);
    }

    /// Takes the watermark anew. `all` says that the view is another than at the last call.
    #[inline(always)]
    pub(super) fn settle(&mut self, all: bool) {
        let peers = &self.peers;
        let clock = |counted: &Counted| peers.get(counted.peer).map_or(0, |level| level.clock);
        self.low.raise(&self.view, all, (self.me, self.clock), clock);
        if !all && self.holder.is_some_and(|holder| self.low_of(&holder) <= self.watermark) {
            return;
        }
        let lows = self.view.counted.iter().map(|counted| (self.low_of(counted), counted));
        let Some((level, holder)) = lows.min_by_key(|(low, _)| *low) else { return };
        // Among the honest none of this changes anything; but a forked owner may invite and retire below what was promised.
        let level = level.min(self.low.level).min(self.ceiling).max(self.watermark);
        self.watermark = level;
        self.holder = Some(*holder);
    }
}

impl Membership {
    /// A chain's low as of its last run that begins before `next_seq` and is not void as retired.
    pub(super) fn counting_low<Op>(&self, graph: &Graph<Op>, chain: ChainId, next_seq: u64) -> u64 {
        let counts = |seq| !self.is_void_as_retired(chain, seq);
        self.closure.counting_low_at(graph, (chain, next_seq), counts)
    }

    /// Finds anew what a peer has of all, as far as its runs count: which of them are void as retired is different now.
    pub(super) fn take_lows_again<Op>(&mut self, graph: &Graph<Op>, peer: Peer) {
        let Some(index) = self.peers.get(&peer) else { return };
        let highest_of = |upto: &dyn Fn(ChainId) -> u64| {
            let chains = self.peers.chains(index).iter();
            chains.map(|&chain| self.counting_low(graph, chain, upto(chain))).max().unwrap_or(0)
        };
        let low = highest_of(&|_| u64::MAX);
        let own = graph.own_chain();
        let durable = highest_of(&|chain| if own == Some(chain) { self.live.confirmed } else { u64::MAX });
        if let Some(level) = self.live.peers.get_mut(index) {
            level.low = low;
        }
        if index == self.live.me {
            self.live.own = durable;
        }
    }
}
