//! What cuts cover: behind it nothing new begins.
//!
//! A replica that has forgotten what a cut covers cannot place a branch that leaves a chain there. It has forgotten as all members have
//! the cut. So a member that has the cut does not admit such a branch by itself, whatever it has forgotten: it waits until another member's
//! run names it. That one can only be of a member that had no cut yet, and then the one that forgot had it before it did.

use super::{Chain, ChainId, Fork, Graph, Mark, Tip, heard::Row};
use crate::replica::{
    Peer, RunHash, Stamp,
    run::{Operation, Run},
};

/// Up to where a run cuts.
#[inline]
pub(super) fn cut_of<Op>(run: &Run<Op>) -> Option<u64> {
    if run.operations.are_plain() {
        return None;
    }
    let cuts = run.operations.iter().filter_map(|operation| match operation {
        Operation::Cut { upto } => Some(*upto),
        _ => None,
    });
    cuts.max()
}

impl<Op> Graph<Op> {
    /// Takes in a cut up to a Lamport time, of an author that had this.
    pub(super) fn cover(&mut self, upto: u64, row: &Row) {
        for (other, cell) in row.iter() {
            let chain = &mut self.chains[other.index()];
            let covered = chain.tip_at(upto).mark.next_seq.min(cell.heard.next_seq);
            chain.covered = chain.covered.max(covered);
        }
    }

    /// The same for the cuts of a graph that was restored: of each chain the latest that reaches furthest.
    pub(super) fn cover_restored(&mut self) {
        for index in 0..self.chains.len() {
            let (id, chain) = (ChainId::from_index(index), &self.chains[index]);
            let cuts = chain.runs.iter().filter_map(|run| Some((cut_of(run)?, Tip::of(run))));
            let Some((upto, tip)) = cuts.max_by_key(|(upto, _)| *upto) else { continue };
            self.cover(upto, &chain.row_at(id, tip));
        }
    }

    /// Where a branch behind an end of this chain leaves which chain: the end of a branch's shared part is its parent's.
    pub(super) fn fork_at(&self, id: ChainId, mark: Mark) -> Fork {
        match self.chains[id.index()].fork {
            Some(fork) if fork.mark.next_seq == mark.next_seq => fork,
            _ => Fork { parent: id, mark },
        }
    }

    /// Whether a cut covers what follows that place on some chain.
    pub(super) fn is_covered(&self, chains: &[ChainId], place: Fork) -> bool {
        self.after(chains, place).any(|chain| chain.covered > place.mark.next_seq)
    }

    /// Whether what followed that place on some chain is forgotten.
    pub(super) fn is_forgotten(&self, chains: &[ChainId], place: Fork) -> bool {
        self.after(chains, place).any(|chain| chain.base().mark.next_seq > place.mark.next_seq)
    }

    /// Whether a chain of one of these peers leaves another of its author where a cut covers that one, and no run of another peer whose word `counts`
    /// names it: none will.
    pub(crate) fn has_cut_off(
        &self,
        of: impl Fn(Peer) -> bool,
        counts: impl Fn(ChainId, &Run<Op>) -> bool,
    ) -> bool {
        let forked = self.authors.iter().filter(|(_, branches)| branches.chains.len() > 1);
        let mut forked = forked.filter(|(author, _)| of(author.peer)).map(|(_, branches)| &branches.chains);
        forked.any(|chains| chains.iter().any(|id| self.is_cut_off(*id, chains, &counts)))
    }

    fn is_cut_off(
        &self,
        id: ChainId,
        branches: &[ChainId],
        counts: &impl Fn(ChainId, &Run<Op>) -> bool,
    ) -> bool {
        let chain = self.chain(id);
        let places = branches.iter().filter_map(|other| self.chain(*other).fork);
        let mut places = places.filter(|place| place.parent == id || chain.fork == Some(*place));
        places.any(|place| {
            let from = place.mark.next_seq;
            let is_named = || {
                let mut others = self.chains().filter(|(_, other)| other.author.peer != chain.author.peer);
                others.any(|(other, _)| self.is_named_by(other, (id, from), counts))
            };
            chain.covered <= from && self.is_covered(branches, place) && !is_named()
        })
    }

    /// Whether a chain's author names what another has behind a place, with a run whose word counts; one that is forgotten did.
    fn is_named_by(
        &self,
        by: ChainId,
        (id, from): (ChainId, u64),
        counts: &impl Fn(ChainId, &Run<Op>) -> bool,
    ) -> bool {
        if self.heard(by, id).next_seq <= from {
            return false;
        }
        let chain = self.chain(by);
        if chain.base_row.mark(id).next_seq > from {
            // What a branch shares is looked at where its parent is.
            return chain.fork.is_none_or(|fork| fork.mark != chain.base().mark);
        }
        chain.first_with(id, from).is_none_or(|run| counts(by, run))
    }

    /// Whether this replica's author has branches, and this replica, whose own is one of them, is the one to go on as another: that whose
    /// first run has the greater hash.
    pub(crate) fn yields(&self) -> bool {
        let Some(own) = self.own_chain else { return false };
        let branches = &self.authors[&self.own].chains;
        let places = branches.iter().filter_map(|id| self.chain(*id).fork);
        places.into_iter().any(|place| {
            let first = |chain: &Chain<Op>| chain.beginning_at(place.mark.next_seq).map(|run| run.hash);
            let lowest = self.after(branches, place).filter_map(first).min();
            let is_ours = place.parent == own || self.chain(own).fork == Some(place);
            is_ours && first(self.chain(own)) > lowest
        })
    }

    /// The chains that have a run behind a place.
    fn after(&self, chains: &[ChainId], place: Fork) -> impl Iterator<Item = &Chain<Op>> {
        let all = chains.iter().map(|id| (*id, self.chain(*id)));
        let behind =
            move |(id, chain): &(ChainId, &Chain<Op>)| *id == place.parent || chain.fork == Some(place);
        all.filter(behind).map(|(_, chain)| chain)
    }

    /// How much of each chain an operation that is kept has in its past.
    pub(crate) fn past_of(
        &self,
        (stamp, hash): (Stamp, RunHash),
    ) -> Option<impl Fn(ChainId) -> u64 + use<Op>> {
        let branches = self.authors.get(&stamp.author)?;
        let (id, tip) = branches.chains.iter().find_map(|id| {
            let chain = self.chain(*id);
            let run = chain.runs.get(chain.position(stamp.seq)).filter(|run| run.hash == hash)?;
            Some((*id, Tip::of(run)))
        })?;
        let row: Row = self.chain(id).row_at(id, tip);
        Some(move |chain| row.mark(chain).next_seq)
    }
}
