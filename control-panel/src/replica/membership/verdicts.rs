//! The verdicts of runs, and what changes them.

use super::{Verdict, Void, closure::Place, membership::Membership, verdict::Judged};
use crate::replica::{Misbehaviour, Peer, graph::Graph};

impl Membership {
    pub(super) fn judge_place<Op>(&mut self, graph: &Graph<Op>, (chain, seq): Place) {
        let run = graph.run_after(chain, seq).filter(|run| run.header.seq == seq);
        let Some(run) = run else { return };
        let judged = Judged::new(chain, run);
        let verdict = self.find_verdict(&judged);
        self.record(&judged, verdict);
        self.report_backdated(judged.peer, verdict);
    }

    pub(super) fn judge_again<Op>(&mut self, graph: &Graph<Op>, peer: Peer) {
        let Some(index) = self.peers.get(&peer) else { return };
        for chain in self.peers.chains(index).to_vec() {
            let mut next_seq = 0;
            while let Some(run) = graph.run_after(chain, next_seq) {
                let judged = Judged::new(chain, run);
                let verdict = self.find_verdict(&judged);
                self.record(&judged, verdict);
                next_seq = judged.next_seq;
            }
        }
    }

    pub(super) fn find_verdict(&self, judged: &Judged) -> Verdict {
        let known = &self.chains[judged.chain.index()].known;
        let genesis = self.genesis.get(&judged.peer).copied();
        let void = judged.by_acts(&self.acts, known, &self.live.view.effective, genesis);
        let closed = || self.is_closed((judged.chain, judged.seq)).then_some(Void::Closed);
        // One that was retired, or whose invitation fell, and has not heard of it may go on below what others promised, by no fault of its own.
        void.or_else(closed).map_or(Verdict::Valid, Verdict::Void)
    }

    pub(super) fn record(&mut self, judged: &Judged, verdict: Verdict) {
        let place = (judged.chain, judged.seq);
        let before = match verdict {
            Verdict::Valid => self.void.remove(&place),
            Verdict::Void(void) => self.void.insert(place, void),
        };
        let before = before.map_or(Verdict::Valid, Verdict::Void);
        if before != verdict {
            self.changed.entry(place).or_insert(before);
        }
    }

    pub(super) fn report_backdated(&mut self, peer: Peer, verdict: Verdict) {
        if verdict == Verdict::Void(Void::Closed) {
            self.notices.misbehaved(peer, Misbehaviour::Backdated);
        }
    }

    /// Reports an author that did what its own past does not grant. One whose invitation fell has done no wrong.
    pub(super) fn report_ungranted(&mut self, judged: &Judged) {
        let grant = self.chains[judged.chain.index()].view.members.get(&judged.peer);
        if grant.is_some_and(|grant| !judged.needs.given_by(*grant)) {
            self.notices.misbehaved(judged.peer, Misbehaviour::NotGranted);
        }
    }
}
