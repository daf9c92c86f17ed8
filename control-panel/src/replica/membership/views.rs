//! What each chain, and this replica, knows of the members.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    act::{ActId, Deed},
    members::{Finals, Scope, View},
    membership::Membership,
    watermark::ChainState,
};
use crate::replica::{
    Peer,
    graph::{ChainId, Graph},
    run::Run,
};

impl Membership {
    /// Takes in which acts the run has in its past, that the chain had not before, and all votes for its author's. Returns whether there are any of the
    /// first, and of both, or a retirement that is final.
    ///
    /// The view of a run is a function of the acts in its past, of which runs acknowledge them there, and of what runs there found final. It is found
    /// anew where one of these changed.
    pub(super) fn learn<Op>(
        &mut self,
        graph: &Graph<Op>,
        chain: ChainId,
        run: &Run<Op>,
        begins: bool,
    ) -> (bool, bool) {
        let Self { chains, acts, .. } = self;
        let state = &mut chains[chain.index()];
        let learned = state.known.learn(run.header.seq, run.next_seq(), |act| {
            let act = &acts[act];
            graph.heard(chain, act.chain).next_seq >= act.next_seq
        });
        let heard = |of: ChainId| graph.heard(chain, of).next_seq;
        let voted: Vec<ActId> = self.unvoted(chain).filter(|id| self.is_voted(*id, &heard)).collect();
        for &act in &voted {
            self.chains[chain.index()].known.vote(act, run.header.seq, run.next_seq());
        }
        let mut news = learned + voted.len();
        self.acks += news;
        let is_branch = begins && graph.chain(chain).fork.is_some();
        if news > 0 || is_branch || self.hears_acks(graph, chain) {
            news += self.refresh_view(graph, chain, run.next_seq());
        } else if cfg!(debug_assertions) && !self.acts.is_empty() {
            let found = self.view_of(graph, chain, run.next_seq());
            debug_assert_eq!(found, *self.chains[chain.index()].view, "nothing it follows from changed");
        }
        (learned > 0, news > 0)
    }

    /// The retirements by a chain's author that need its word, which the chain has not given.
    pub(super) fn unvoted(&self, chain: ChainId) -> impl Iterator<Item = ActId> + '_ {
        let state = &self.chains[chain.index()];
        let author = self.peers.name(state.peer);
        state.known.all().filter(move |id| {
            let act = &self.acts[*id];
            act.needs_word() && act.author() == author && state.known.get_voted(*id).is_none()
        })
    }

    /// Whether all others have voted for a retirement, as far as so much of each chain says.
    pub(super) fn is_voted(&self, act: ActId, heard: &dyn Fn(ChainId) -> u64) -> bool {
        let scope = self.scope(&[], heard, None);
        let has_seen = |voter| scope.chains_of(voter).any(|chain| scope.seen_by(chain, act).is_some());
        self.acts[act].voters.iter().all(has_seen)
    }

    /// Whether acknowledgements can change a chain's view, and there are some that it does not take in.
    pub(super) fn awaits_acks(&self, state: &ChainState) -> bool {
        (state.view.open || self.has_votes) && state.acks < self.acks
    }

    fn hears_acks<Op>(&self, graph: &Graph<Op>, chain: ChainId) -> bool {
        let state = &self.chains[chain.index()];
        self.awaits_acks(state) && self.acks_heard(graph, chain) > state.acks
    }

    /// How many acknowledgements a chain has in its past.
    pub(super) fn acks_heard<Op>(&self, graph: &Graph<Op>, chain: ChainId) -> usize {
        let of =
            |(id, _): (ChainId, _)| Some(self.chains.get(id.index())?.news(graph.heard(chain, id).next_seq));
        graph.chains().filter_map(of).sum()
    }

    fn view_of<Op>(&self, graph: &Graph<Op>, chain: ChainId, next_seq: u64) -> View {
        let state = &self.chains[chain.index()];
        let known: Vec<ActId> = state.known.all().collect();
        let heard = |other| if other == chain { next_seq } else { graph.heard(chain, other).next_seq };
        self.scope(&known, &heard, None).view(self.finals_in(&heard))
    }

    /// The retirements that a run in this past found final.
    fn finals_in(&self, heard: &dyn Fn(ChainId) -> u64) -> Finals {
        let mut finals = Finals::new();
        for (index, state) in self.chains.iter().enumerate().filter(|(_, state)| !state.finals.is_empty()) {
            let next_seq = heard(ChainId::from_index(index));
            finals.extend(state.finals.iter().filter(|(_, end)| *end <= next_seq).map(|(id, _)| *id));
        }
        finals
    }

    /// Returns how many retirements are final that were not.
    pub(super) fn refresh_view<Op>(&mut self, graph: &Graph<Op>, chain: ChainId, next_seq: u64) -> usize {
        let view = self.view_of(graph, chain, next_seq);
        let acks = self.acks_heard(graph, chain);
        // Most chains know what this replica knows: they share its view.
        let view = if view == *self.live.view { Arc::clone(&self.live.view) } else { Arc::new(view) };
        let state = &mut self.chains[chain.index()];
        let before = state.finals.len();
        let new = view.finals.difference(&state.view.finals);
        state.finals.extend(new.map(|id| (*id, next_seq)));
        let found = state.finals.len() - before;
        (state.view, state.acks) = (view, acks + found);
        (state.low.lowest, state.plain) = (None, None);
        self.acks += found;
        found
    }

    /// Returns whether the members, or those that count, are others than before.
    pub(super) fn refresh_live<Op>(&mut self, graph: &Graph<Op>, acts_changed: bool) -> bool {
        // An acknowledgement of an act is one too.
        if !acts_changed {
            return false;
        }
        let before = self.find_live_view(graph);
        self.live.version += 1;
        self.chains.iter_mut().for_each(|state| state.plain = None);
        let now = Arc::clone(&self.live.view);
        if !now.open {
            self.live.decided = self.acts.len();
        }
        self.notices.members(&before.members, &now.members);
        for (id, act) in self.acts.iter().enumerate() {
            if act.deed == Deed::Retire && !act.closed && !now.effective.contains(&id) {
                self.notices.contested(id, act.author(), act.target);
            }
        }
        let flipped = before.effective.symmetric_difference(&now.effective);
        let targets: BTreeSet<Peer> = flipped.map(|&id| self.acts[id].target).collect();
        for &peer in &targets {
            self.judge_again(graph, peer);
            self.take_lows_again(graph, peer);
        }
        self.judge_closed_by(graph, &targets);
        true
    }

    /// Returns what it was before.
    pub(super) fn find_live_view<Op>(&mut self, graph: &Graph<Op>) -> Arc<View> {
        let view = Arc::new(self.live_view(graph));
        self.live.next = view.open.then(|| Arc::new(self.next_view()));
        std::mem::replace(&mut self.live.view, view)
    }

    fn live_view<Op>(&self, graph: &Graph<Op>) -> View {
        let known: Vec<ActId> = (0..self.acts.len()).collect();
        // What a crash may take back acknowledges nothing.
        let own = graph.own_chain();
        let heard = |chain| if Some(chain) == own { self.live.confirmed } else { u64::MAX };
        let mut finals = self.finals_in(&heard);
        finals.extend(&self.live.view.finals);
        self.scope(&known, &heard, Some(self.me.peer)).view_where(finals)
    }

    /// That of a run which this replica would make now, but for what only that run acknowledges.
    fn next_view(&self) -> View {
        let known: Vec<ActId> = (0..self.acts.len()).collect();
        let mut finals = self.finals_in(&|_| u64::MAX);
        finals.extend(&self.live.view.finals);
        self.scope(&known, &|_| u64::MAX, None).view(finals)
    }

    /// Whether a run that this replica makes finds a retirement final which no run did.
    pub(super) fn finds_final(&self) -> bool {
        let found = || self.finals_in(&|_| u64::MAX);
        self.live.next.as_ref().is_some_and(|next| !next.finals.is_subset(&found()))
    }

    pub(super) fn scope<'a>(
        &'a self,
        known: &'a [ActId],
        heard: &'a dyn Fn(ChainId) -> u64,
        live: Option<Peer>,
    ) -> Scope<'a> {
        let Self { genesis, acts, chains, peers, .. } = self;
        Scope { genesis, acts, known, chains, peers, heard, live }
    }
}
