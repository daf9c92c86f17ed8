//! Plain runs: those of a member that knows of all acts, needs no more than all know it may do, and is above what others promised.
//!
//! That is nearly every run. Its verdict follows from what was found of its chain before, so that it costs two comparisons.

use super::{
    membership::Membership,
    verdict::{Judged, Right},
};
use crate::replica::graph::ChainId;

impl Membership {
    /// Whether a run is valid, and changes nothing but clocks and lows: no act is learned of with it, none made, and it is not closed.
    pub(super) fn is_plain(&self, judged: &Judged, lamport: u64) -> bool {
        let state = &self.chains[judged.chain.index()];
        let view = &self.live.view;
        state.plain.is_some_and(|right| judged.needs <= right)
            && view.missing.is_empty()
            && !view.open
            && self.closure.is_above(state.peer, lamport)
    }

    /// Finds out whether the next runs of a chain may be plain, whose last one this is. It holds until the chain learns of an act, or others
    /// stand.
    pub(super) fn find_plain(&mut self, judged: &Judged) {
        if self.chains[judged.chain.index()].plain.is_none() {
            self.chains[judged.chain.index()].plain = self.plain_right(judged.chain, judged);
        }
    }

    fn plain_right(&self, chain: ChainId, judged: &Judged) -> Option<Right> {
        let state = &self.chains[chain.index()];
        if !state.known.unseen.is_empty() || !state.view.missing.is_empty() {
            return None;
        }
        let own = state.view.members.get(&judged.peer);
        let genesis = self.genesis.get(&judged.peer).copied();
        [Right::Write, Right::Read].into_iter().find(|needs| {
            // Of a run however late: what a retirement keeps ends somewhere.
            let late = Judged { next_seq: u64::MAX, needs: *needs, ..*judged };
            let void = late.by_acts(&self.acts, &state.known, &self.live.view.effective, genesis);
            void.is_none() && own.is_none_or(|grant| needs.given_by(*grant))
        })
    }
}
