//! What each chain, and this replica, knows of the members.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    act::{ActId, Deed},
    members::Scope,
    membership::Membership,
};
use crate::replica::{
    Peer,
    graph::{ChainId, Graph},
    run::Run,
};

impl Membership {
    /// Takes in which acts the run has in its past, that the chain had not before. Returns whether there are any.
    pub(super) fn learn<Op>(&mut self, graph: &Graph<Op>, chain: ChainId, run: &Run<Op>) -> bool {
        let Self { chains, acts, .. } = self;
        let state = &mut chains[chain.index()];
        let learned = state.known.learn(run.header.seq, run.next_seq(), |act| {
            let act = &acts[act];
            graph.heard(chain, act.chain).next_seq >= act.next_seq
        });
        if learned || !state.view.missing.is_empty() {
            self.refresh_view(graph, chain, run.next_seq(), learned);
        }
        learned
    }

    pub(super) fn refresh_view<Op>(
        &mut self,
        graph: &Graph<Op>,
        chain: ChainId,
        next_seq: u64,
        anyway: bool,
    ) {
        let state = &self.chains[chain.index()];
        let known: Vec<ActId> = state.known.all().collect();
        let heard = |other| if other == chain { next_seq } else { graph.heard(chain, other).next_seq };
        let scope = self.scope(&known, &heard, None);
        if !anyway && !scope.may_conclude(&state.view) {
            return;
        }
        let view = scope.view(&state.view);
        // Most chains know what this replica knows: they share its view.
        let view = if view == *self.live.view { Arc::clone(&self.live.view) } else { Arc::new(view) };
        let state = &mut self.chains[chain.index()];
        state.view = view;
        (state.low.lowest, state.plain) = (None, None);
    }

    /// Returns whether members, or who counts, are others than before.
    pub(super) fn refresh_live<Op>(&mut self, graph: &Graph<Op>, acts_changed: bool) -> bool {
        if !acts_changed && self.live.view.missing.is_empty() {
            return false;
        }
        let known: Vec<ActId> = (0..self.acts.len()).collect();
        let everything = |_| u64::MAX;
        let scope = self.scope(&known, &everything, Some(self.me.peer));
        if !acts_changed && !scope.may_conclude(&self.live.view) {
            return false;
        }
        let view = Arc::new(scope.view(&self.live.view));
        let before = std::mem::replace(&mut self.live.view, view);
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
        }
        self.judge_closed_by(graph, &targets);
        true
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
