//! Which runs are closed, as promises come and retirements change.

use std::collections::BTreeSet;

use super::{
    Void,
    act::{Act, Deed},
    closure::{Closer, Place, is_awaited},
    members::PeerIndex,
    membership::Membership,
    verdict::{Judged, Right},
    watermark::Live,
};
use crate::replica::{
    Peer,
    graph::{ChainId, Graph},
    run::Run,
};

impl Membership {
    /// Notes the peers whose chains can have runs below a low that lacks them: those with several, the retired, and those that
    /// one of these invited. All others are counted in every low, from their invitation on.
    pub(super) fn suspect(&mut self, peer: PeerIndex) {
        let mut found = vec![peer];
        while let Some(peer) = found.pop() {
            let name = self.peers.name(peer);
            let of_suspect = |act: &Act| {
                act.target == name
                    && (act.deed == Deed::Retire
                        || self.peers.get(&act.author()).is_some_and(|author| self.closure.suspects(author)))
            };
            if self.peers.chains(peer).len() < 2 && !self.acts.iter().any(of_suspect) {
                continue;
            }
            if self.closure.suspect(peer) {
                let targets = self.acts.iter().filter(|act| act.author() == name).map(|act| act.target);
                found.extend(targets.filter_map(|target| self.peers.get(&target)));
            }
        }
    }

    /// Closes what a run's low closes. Returns whether that had acts.
    pub(super) fn close<Op>(
        &mut self,
        graph: &Graph<Op>,
        by: ChainId,
        promise: (u64, &Run<Op>, bool),
    ) -> bool {
        let mut acts_changed = false;
        let peer = self.chains[by.index()].peer;
        for place in self.closure.raise(graph, (by, peer), promise, &self.peers) {
            let mut has_acts = false;
            for act in self.acts.iter_mut().filter(|act| (act.chain, act.run_seq) == place) {
                acts_changed |= !act.closed;
                (act.closed, has_acts) = (true, true);
            }
            if has_acts {
                self.closure.close_for_good(place);
            }
            self.await_closers(graph, place);
            self.judge_place(graph, place);
        }
        acts_changed
    }

    /// What closes a run must become final, as what all have.
    pub(super) fn await_closers<Op>(&mut self, graph: &Graph<Op>, place: Place) {
        if is_awaited(graph, place) {
            self.live.awaits(self.closure.get(place));
        }
    }

    /// Judges again what these peers' runs close: some of those may be void now, or valid.
    pub(super) fn judge_closed_by<Op>(&mut self, graph: &Graph<Op>, peers: &BTreeSet<Peer>) {
        let is_by =
            |closer: &Closer| peers.contains(&self.peers.name(self.chains[closer.chain.index()].peer));
        let closed = self.closure.closed.iter().filter(|(_, closed)| closed.closers.iter().any(is_by));
        let places: Vec<Place> = closed.map(|(place, _)| *place).collect();
        for place in places {
            self.judge_place(graph, place);
        }
    }

    fn is_retired(&self, closer: &Closer) -> bool {
        self.is_void_as_retired(closer.chain, closer.seq)
    }

    /// Whether the run that begins at `seq` is void as its peer was retired without it, so that its promise does not count.
    pub(super) fn is_void_as_retired(&self, chain: ChainId, seq: u64) -> bool {
        let state = &self.chains[chain.index()];
        let peer = self.peers.name(state.peer);
        // What a retirement keeps ends where a run does.
        let judged = Judged { chain, seq, next_seq: seq + 1, peer, needs: Right::Read };
        judged.by_acts(&self.acts, &state.known, &self.live.view.effective, None) == Some(Void::Retired)
    }

    pub(super) fn is_closed(&self, place: Place) -> bool {
        let closed = self.closure.get(place);
        closed.is_some_and(|it| it.for_good || it.closers.iter().any(|closer| !self.is_retired(closer)))
    }

    /// Raises what is called stable: up to the watermark, but not past a run of which it is not certain whether it is closed.
    #[inline(always)]
    pub(super) fn settle_closings(&mut self) {
        let Live { watermark, stable, .. } = self.live;
        if self.closure.undecided.is_empty() {
            self.live.stable = stable.max(watermark);
        } else {
            self.settle_undecided();
        }
    }

    #[inline(never)]
    fn settle_undecided(&mut self) {
        let Live { watermark, .. } = self.live;
        let mut level = watermark;
        while let Some(&(lamport, place)) = self.closure.undecided.first() {
            if lamport > watermark {
                break;
            }
            let closers = self.closure.get(place).map_or(&[][..], |closed| &closed.closers);
            let mut standing = closers.iter().filter(|closer| !self.is_retired(closer)).peekable();
            let stands = standing.peek().is_some();
            if standing.any(|closer| closer.clock <= watermark) || (!stands && !self.live.view.open) {
                self.closure.undecided.remove(&(lamport, place));
            } else {
                level = lamport - 1;
                break;
            }
        }
        self.live.stable = self.live.stable.max(level);
    }
}
