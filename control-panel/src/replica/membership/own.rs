//! This replica's own word: it counts when no crash takes it back.
//!
//! What is stable stands on what each member said that it has. Of another peer's run this replica knows that it is durable, as it was sent. What it says itself is not,
//! at first: a life that begins without its last frame may retire, or vote for a retirement, without what the life before had admitted. So this replica's low, its votes and
//! acknowledgements count, for itself, when its runs that say so are durable.

use super::{membership::Membership, watermark::ChainState};
use crate::replica::graph::{ChainId, Graph};

impl Membership {
    /// This author's operations before this one are durable, whether they are admitted yet or not.
    pub(crate) fn confirm<Op>(&mut self, graph: &Graph<Op>, next_seq: u64) {
        let before = self.live.confirmed;
        if next_seq <= before {
            return;
        }
        self.live.confirmed = next_seq;
        let Some(chain) = graph.own_chain().filter(|chain| chain.index() < self.chains.len()) else { return };
        self.live.own = self.live.own.max(self.counting_low(graph, chain, next_seq));
        let is_new = |end: u64| (before + 1..=next_seq).contains(&end);
        let ChainState { known, finals, .. } = &self.chains[chain.index()];
        let acknowledged = known.seen().chain(known.voted()).any(|seen| is_new(seen.next_seq))
            || finals.iter().any(|(_, end)| is_new(*end));
        let view_changed = self.refresh_live(graph, acknowledged);
        if view_changed {
            self.live.ceiling = self.ceiling(graph);
        }
        self.live.settle(view_changed);
        self.settle_closings();
        self.report_backdated();
    }

    /// Takes in the low of a run by this peer, where that is durable: what it made in another life is.
    pub(super) fn take_own<Op>(&mut self, graph: &Graph<Op>, (chain, next_seq): (ChainId, u64), low: u64) {
        if graph.own_chain() != Some(chain) || next_seq <= self.live.confirmed {
            self.live.own = self.live.own.max(low);
        }
    }

    /// Whether this author's runs say more than those of them that are durable.
    pub(crate) fn is_unconfirmed<Op>(&self, graph: &Graph<Op>) -> bool {
        self.live.level(self.live.me).low > self.live.own
            || graph.own_chain().is_some_and(|chain| {
                let state = &self.chains[chain.index()];
                state.news(u64::MAX) > state.news(self.live.confirmed)
            })
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.live.confirmed
    }

    /// Whether there never was another member.
    pub(crate) fn is_alone(&self) -> bool {
        self.acts.is_empty() && self.genesis.len() == 1 && self.genesis.contains_key(&self.me.peer)
    }
}
