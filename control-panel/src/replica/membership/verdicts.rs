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
        self.doubt((chain, seq), verdict);
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

    /// Notes a run that is closed: whether its author is to be reported is found when all that was admitted with it is known.
    pub(super) fn doubt(&mut self, place: Place, verdict: Verdict) {
        if verdict == Verdict::Void(Void::Closed) {
            self.doubted.insert(place);
        }
    }

    /// Reports the authors of closed runs, as far as that is certain: while a retirement is not final, what its outcome says of a run may be that it is void
    /// by no fault of its author's, or that what closes it is. An author that is honest is not reported for a time.
    pub(super) fn report_backdated(&mut self) {
        if self.doubted.is_empty() {
            return;
        }
        let Self { doubted, void, closure, live, notices, chains, peers, .. } = self;
        doubted.retain(|place| {
            let closed = closure.get(*place).filter(|_| void.get(place) == Some(&Void::Closed));
            let is_open = closed.is_some_and(|closed| closed.lamport > live.ceiling);
            if closed.is_some() && !is_open {
                let peer = peers.name(chains[place.0.index()].peer);
                notices.misbehaved(peer, Misbehaviour::Backdated);
            }
            is_open
        });
    }

    /// Reports an author that did what its own past does not grant. One whose invitation fell has done no wrong.
    pub(super) fn report_ungranted(&mut self, judged: &Judged) {
        let grant = self.chains[judged.chain.index()].view.members.get(&judged.peer);
        if grant.is_some_and(|grant| !judged.needs.given_by(*grant)) {
            self.notices.misbehaved(judged.peer, Misbehaviour::NotGranted);
        }
    }
}
