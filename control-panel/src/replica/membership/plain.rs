//! Plain runs: those of a member that knows of all acts, needs no more than all know it may do, and is above what others promised.
//!
//! That is nearly every run. Its verdict follows from what was found of its chain before, so that it costs two comparisons.

use super::{
    membership::Membership,
    verdict::{Judged, Right, Verdict},
};
use crate::replica::{
    graph::{ChainId, Graph},
    run::Run,
};

impl Membership {
    /// Judges a plain run: it is valid, and changes nothing but clocks and lows. `None`, and nothing
    /// happened that is not to happen, if it is not plain.
    #[inline(always)]
    pub(super) fn judge_plain<Op>(
        &mut self,
        graph: &Graph<Op>,
        chain: ChainId,
        run: &Run<Op>,
    ) -> Option<Verdict> {
        let state = self.chains.get(chain.index())?;
        let (needs, seq) = (Right::needed(run), run.header.seq);
        let (peer, view) = (state.peer, &self.live.view);
        let plain = state.plain.is_some_and(|right| needs <= right)
            && !view.open
            && self.closure.is_above(peer, run.header.lamport);
        if !plain {
            return None;
        }
        if cfg!(debug_assertions) {
            assert_eq!(self.learn(graph, chain, run, false), (false, false), "it knows all acts");
            assert!(!self.closes(graph, (chain, seq), run.header.lamport), "it is above all lows");
        }
        let low = self.raise_low(graph, chain, run.clock());
        if !self.closure.promise(chain, peer, (low, seq)) {
            // Where someone may have gone on below it, the closed are looked for.
            return None;
        }
        self.take_levels(graph, chain, run, (needs, low));
        debug_assert_eq!(self.live.ceiling, self.ceiling(graph));
        self.live.settle(false);
        self.settle_closings();
        debug_assert_eq!(self.find_verdict(&Judged::new(chain, run)), Verdict::Valid);
        Some(Verdict::Valid)
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
        if !state.known.unseen.is_empty() || self.awaits_acks(state) || self.unvoted(chain).next().is_some() {
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
