//! Judges each admitted run, once, in any causal order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Change, Right, Verdict, Void,
    acks::Asked,
    act::{Act, ActId, Deed, Known},
    closure::{Closure, Place},
    members::{Finals, PeerIndex, Peers, Scope, View},
    notices::Notices,
    verdict::Judged,
    watermark::{ChainState, Live, Low, clock_in},
};
use crate::replica::{
    Author, Grant, Peer, ReplicaNotice,
    graph::{Admitted, ChainId, Fork, Graph},
    run::{Operation, Run},
};

/// The members of a group, which runs count, and what is stable.
///
/// An admission costs one comparison for most runs, the number of members where it raises a low, and more only where members
/// were invited or retired, or an author forked.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(super) me: Author,
    pub(super) genesis: BTreeMap<Peer, Grant>,
    beginning: Arc<View>,
    pub(super) peers: Peers,
    /// By their numbers.
    pub(super) chains: Vec<ChainState>,
    pub(super) acts: Vec<Act>,
    /// How often a chain came to have an act in its past, or all votes for one, and found a retirement final.
    pub(super) acks: usize,
    /// Whether votes may decide which acts stand: a retirement and an act of its target are concurrent.
    pub(super) has_votes: bool,
    pub(super) closure: Closure,
    pub(super) live: Live,
    pub(super) asked: Asked,
    pub(super) void: BTreeMap<(ChainId, u64), Void>,
    /// Closed runs whose authors may be reported yet.
    pub(super) doubted: BTreeSet<Place>,
    /// What a run's verdict was at the last report, for those that changed since.
    pub(super) changed: BTreeMap<(ChainId, u64), Verdict>,
    pub(super) notices: Notices,
}

impl Membership {
    pub(crate) fn new(genesis: &BTreeMap<Peer, Grant>, me: Author) -> Self {
        let mut peers = Peers::default();
        for peer in genesis.keys() {
            peers.enter(*peer);
        }
        let here = peers.enter(me.peer);
        let beginning = Arc::new(beginning(genesis, &peers, me));
        let live = Live::new(here, Arc::clone(&beginning));
        Self {
            me,
            genesis: genesis.clone(),
            beginning,
            peers,
            chains: Vec::new(),
            acts: Vec::new(),
            acks: 0,
            has_votes: false,
            closure: Closure::default(),
            live,
            asked: Asked::default(),
            void: BTreeMap::new(),
            doubted: BTreeSet::new(),
            changed: BTreeMap::new(),
            notices: Notices::default(),
        }
    }

    /// The same with another numbering of peers. `None` if a genesis member has no number.
    pub(super) fn begin(&mut self) -> Option<()> {
        let known = self.genesis.keys().all(|peer| self.peers.get(peer).is_some());
        self.beginning = Arc::new(beginning(&self.genesis, &self.peers, self.me));
        known.then_some(())
    }

    /// What was contested before this replica began is not reported.
    pub(super) fn report_no_more(&mut self) {
        let fallen = |(id, act): &(usize, &Act)| {
            act.deed == Deed::Retire && !act.closed && !self.live.view.effective.contains(id)
        };
        let fallen: Vec<_> = self.acts.iter().enumerate().filter(fallen).map(|(id, _)| id).collect();
        self.notices.skip_contested(fallen);
    }

    /// Reports an author that is no member: its run was refused.
    #[cfg(test)]
    pub(crate) fn report_stranger(&mut self, peer: Peer) {
        self.notices.misbehaved(peer, crate::replica::Misbehaviour::Stranger);
    }

    /// Judges a run that the graph has just admitted: each one, in the order of admission.
    pub(crate) fn judge<Op>(&mut self, graph: &Graph<Op>, admitted: &Admitted<Op>) -> Verdict {
        let (chain, run) = (admitted.chain, &*admitted.run);
        if let Some(verdict) = self.judge_plain(graph, chain, run) {
            return verdict;
        }
        let judged = Judged::new(chain, run);
        let begins = chain.index() >= self.chains.len();
        if begins {
            self.enter(graph);
        }
        let (learned, heard) = self.learn(graph, chain, run, begins);
        self.report_ungranted(&judged);
        let place = (chain, judged.seq);
        let closed = self.closes(graph, place, run.header.lamport);
        let low = self.raise_low(graph, chain, run.clock());
        let made = judged.needs == Right::Own && self.make_acts(graph, chain, run, closed);
        if made {
            self.closure.close_for_good(place);
        }
        let acts_changed = heard | made | self.close(graph, chain, (low, run, learned));
        if closed {
            self.await_closers(graph, place);
        }
        self.conclude(graph, &judged, run, low, acts_changed)
    }

    /// What a run means for all.
    fn conclude<Op>(
        &mut self,
        graph: &Graph<Op>,
        judged: &Judged,
        run: &Run<Op>,
        low: u64,
        acts_changed: bool,
    ) -> Verdict {
        let view_changed = self.refresh_live(graph, acts_changed);
        // The word of one that was retired without it counts no more: also where its peer is invited again, whose next run may close what this lacks.
        let low = if self.is_void_as_retired(judged.chain, judged.seq) { 0 } else { low };
        self.take_levels(graph, judged.chain, run, (judged.needs, low));
        self.live.ceiling = self.ceiling(graph);
        self.live.settle(view_changed);
        self.settle_closings();
        self.find_plain(judged);
        let verdict = self.find_verdict(judged);
        self.record(judged, verdict);
        self.doubt((judged.chain, judged.seq), verdict);
        self.report_backdated();
        // Its first verdict is returned.
        self.changed.remove(&(judged.chain, judged.seq));
        verdict
    }

    /// Takes in a run's clock and low, and when it wrote.
    #[inline(always)]
    pub(super) fn take_levels<Op>(
        &mut self,
        graph: &Graph<Op>,
        chain: ChainId,
        run: &Run<Op>,
        (needs, low): (Right, u64),
    ) {
        let peer = self.chains[chain.index()].peer;
        debug_assert_eq!(peer == self.live.me, run.header.author.peer == self.me.peer);
        self.live.take(peer, run.clock(), low);
        if peer == self.live.me {
            // Another life's run says nothing for this one.
            if graph.own_chain() == Some(chain) {
                self.asked.made();
            }
            self.take_own(graph, (chain, run.next_seq()), low);
        }
        if needs > Right::Read {
            self.live.last_operation = self.live.last_operation.max(last_operation(run));
        }
    }

    pub(super) fn closes<Op>(&mut self, graph: &Graph<Op>, place: Place, lamport: u64) -> bool {
        let Self { chains, closure, peers, .. } = self;
        let learned = |(of, seq): Place| chains[of.index()].known.learned_at(seq);
        closure.closes(graph, (place, lamport), chains[place.0.index()].peer, peers, learned)
    }

    /// Whether a run that was judged counts now. `seq` is that of its first operation.
    pub(crate) fn verdict(&self, chain: ChainId, seq: u64) -> Verdict {
        self.void.get(&(chain, seq)).map_or(Verdict::Valid, |void| Verdict::Void(*void))
    }

    /// Whether the verdict on a run depends on no retirement that is not final.
    pub(crate) fn is_certain<Op>(&self, chain: ChainId, run: &Run<Op>) -> bool {
        let Run { header, .. } = run;
        header.lamport <= self.live.ceiling
            && !self.closure.undecided.contains(&(header.lamport, (chain, header.seq)))
    }

    /// Whether there are changes or notices to take.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.changed.is_empty() || !self.notices.is_empty()
    }

    /// The runs that became void, or valid again, since the last call, in the order of chains.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        if self.changed.is_empty() {
            return Vec::new();
        }
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|(place, before)| (place, before, self.verdict(place.0, place.1)))
            .filter(|(_, before, now)| before.applies() != now.applies())
            .map(|((chain, seq), _, verdict)| Change { chain, seq, verdict })
            .collect()
    }

    /// What is to be reported, in the order in which it was found.
    pub(crate) fn take_notices(&mut self) -> Vec<ReplicaNotice> {
        self.notices.take()
    }

    /// What all members have, and know that all have: no operation at or below it can come, or become void, any more.
    ///
    /// It is at most the time of the last operation: so it is the same everywhere once the members fell silent.
    #[inline]
    pub(crate) fn watermark(&self) -> u64 {
        self.live.stable.min(self.live.last_operation)
    }

    /// The latest Lamport time of an operation other than an `Ack`.
    #[cfg(feature = "testing")]
    pub(crate) fn last_operation(&self) -> u64 {
        self.live.last_operation
    }

    /// What a member is known to have of all members; this replica's own is what it has.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn low(&self, peer: Peer) -> u64 {
        let index = self.peers.get(&peer);
        let counted = index.and_then(|index| self.live.view.counted.iter().find(|it| it.peer == index));
        counted.map_or(0, |counted| self.live.low_of(counted))
    }

    /// The members in force, in the order of peers.
    pub(crate) fn members(&self) -> &BTreeMap<Peer, Grant> {
        &self.live.view.members
    }

    /// Whether the group ever named that peer: from the beginning, by an invitation, or by a retirement.
    pub(crate) fn knows_peer(&self, peer: Peer) -> bool {
        let known = self.genesis.contains_key(&peer) || peer == self.me.peer;
        known || self.acts.iter().any(|act| act.target == peer)
    }

    /// Another number whenever the members are others.
    pub(crate) fn version(&self) -> u64 {
        self.live.version
    }

    /// Whether a peer could make such a run now.
    #[inline]
    pub(crate) fn may(&self, peer: Peer, right: Right) -> bool {
        self.members().get(&peer).is_some_and(|grant| right.given_by(*grant))
    }

    /// Drops what is kept of runs that the graph has forgotten: those of each chain, by its number, that end at or before a number of `kept`. One
    /// pass for all chains, as a retired member may have a thousand, and a hundred thousand void runs.
    pub(crate) fn forget(&mut self, kept: &[u64]) {
        let is_kept = |(chain, seq): Place| kept.get(chain.index()).is_none_or(|next_seq| seq >= *next_seq);
        self.void.retain(|place, _| is_kept(*place));
        self.changed.retain(|place, _| is_kept(*place));
        self.doubted.retain(|place| is_kept(*place));
        self.closure.forget(kept, is_kept);
    }

    /// Takes in the chains that are new.
    fn enter<Op>(&mut self, graph: &Graph<Op>) {
        for (chain, it) in graph.chains().skip(self.chains.len()) {
            let index = self.peers.enter(it.author.peer);
            self.peers.add_chain(index, chain);
            let state =
                it.fork.map_or_else(|| self.first_state(index), |fork| self.branch_state(index, fork));
            self.acks += state.news(u64::MAX);
            self.closure.begin(chain, state.low.level);
            self.chains.push(state);
            self.suspect(index);
        }
    }

    fn first_state(&self, peer: PeerIndex) -> ChainState {
        let (known, view) = (Known::new(self.acts.len()), Arc::clone(&self.beginning));
        ChainState { peer, known, view, finals: Vec::new(), acks: 0, low: Low::default(), plain: None }
    }

    /// What a branch begins with: its parent's state where it leaves that. Its first run finds the view anew.
    fn branch_state(&self, peer: PeerIndex, Fork { parent, mark }: Fork) -> ChainState {
        let state = &self.chains[parent.index()];
        let finals: Vec<_> =
            state.finals.iter().copied().filter(|(_, next_seq)| *next_seq <= mark.next_seq).collect();
        let known = state.known.as_of(mark.next_seq, self.acts.len());
        let view = self.with_finals(&finals);
        let low = Low { level: self.closure.low_at(parent, mark.next_seq), lowest: None };
        ChainState { peer, known, view, finals, acks: 0, low, plain: None }
    }

    /// What a view is found from, where these are final.
    pub(super) fn with_finals(&self, finals: &[(ActId, u64)]) -> Arc<View> {
        if finals.is_empty() {
            return Arc::clone(&self.beginning);
        }
        let finals = finals.iter().map(|(id, _)| *id).collect();
        Arc::new(View { finals, ..View::clone(&self.beginning) })
    }

    #[inline(always)]
    pub(super) fn raise_low<Op>(&mut self, graph: &Graph<Op>, chain: ChainId, clock: u64) -> u64 {
        let Self { chains, peers, .. } = self;
        let state = &mut chains[chain.index()];
        let ChainState { peer, view, low, .. } = state;
        low.raise(view, low.lowest.is_none(), (*peer, clock), |counted| {
            clock_in(graph, chain, peers, counted.peer)
        });
        low.level
    }
}

#[inline]
fn last_operation<Op>(run: &Run<Op>) -> u64 {
    if run.operations.are_plain() {
        return run.clock();
    }
    let last = run.operations.iter().rposition(|operation| !matches!(operation, Operation::Ack { .. }));
    last.map_or(0, |index| run.stamp(index).lamport)
}

/// What a chain knows that has heard of no act.
fn beginning(genesis: &BTreeMap<Peer, Grant>, peers: &Peers, me: Author) -> View {
    let nothing = |_| 0;
    let live = Some(me.peer);
    let scope = Scope { genesis, acts: &[], known: &[], chains: &[], peers, heard: &nothing, live };
    scope.view(Finals::new())
}
