//! The acts that a run makes.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    act::{Act, ActId, Deed, Floor, Key, Rank},
    membership::Membership,
};
use crate::replica::{
    Grant, Peer,
    graph::{ChainId, Graph},
    run::{Operation, Run},
};

impl Membership {
    /// Whether a peer may be an owner, or become one by an act that is not here, with precedence over an owner of this rank.
    fn may_be_senior(&self, peer: &Peer, rank: Rank) -> bool {
        matches!(rank, Rank::Invited(_))
            || self.genesis.get(peer) == Some(&Grant::Owner) && Rank::Genesis(*peer) <= rank
    }

    /// The run's own acts, if its author may make them.
    pub(super) fn make_acts<Op>(
        &mut self,
        graph: &Graph<Op>,
        chain: ChainId,
        run: &Run<Op>,
        closed: bool,
    ) -> bool {
        let state = &self.chains[chain.index()];
        let (view, low) = (Arc::clone(&state.view), state.low.level);
        let author = run.header.author;
        if view.members.get(&author.peer) != Some(&Grant::Owner) {
            return false;
        }
        let mut past: BTreeSet<ActId> = state.known.all().collect();
        let known: Vec<ActId> = past.iter().copied().collect();
        let nothing = |_| 0;
        let rank = self.scope(&known, &nothing, None).rank(&author.peer);
        let Some(rank) = rank else { return false };
        let first = self.acts.len();
        for (index, operation) in run.operations.iter().enumerate() {
            let (deed, target) = match *operation {
                Operation::Invite { peer, grant } => (Deed::Invite(grant), peer),
                Operation::Retire { peer } => (Deed::Retire, peer),
                _ => continue,
            };
            let stamp = run.stamp(index);
            let key = Key { lamport: stamp.lamport, author, seq: stamp.seq, hash: run.hash };
            let index = self.peers.enter(target);
            let retires = deed == Deed::Retire;
            let heard =
                |of: ChainId| if of == chain { run.next_seq() } else { graph.heard(chain, of).next_seq };
            let vector =
                self.peers.chains(index).iter().filter(|_| retires).map(|&of| (of, heard(of))).collect();
            let known: Vec<ActId> = past.iter().copied().collect();
            let (voters, has_witness) = if retires {
                let (voters, has_witness) =
                    self.scope(&known, &heard, None).voters(&view, author.peer, target);
                (voters, has_witness && self.may_be_senior(&target, rank))
            } else {
                (Vec::new(), false)
            };
            let counted = view.counted.iter().any(|counted| counted.peer == index);
            let floor = (!retires && !counted).then_some(Floor { clock: key.lamport, low });
            let by_genesis = self.genesis.get(&author.peer) == Some(&Grant::Owner);
            let id = self.acts.len();
            self.acts.push(Act {
                deed,
                target,
                key,
                chain,
                run_seq: run.header.seq,
                next_seq: run.next_seq(),
                rank,
                by_genesis,
                past: past.clone(),
                vector,
                voters,
                has_witness,
                low,
                floor,
                closed,
            });
            past.insert(id);
            self.has_votes |= self.scope(&[], &nothing, None).is_voted_on(id);
            self.suspect(index);
        }
        let made = first..self.acts.len();
        if made.is_empty() {
            return false;
        }
        for (index, state) in self.chains.iter_mut().enumerate() {
            if index != chain.index() {
                state.known.unseen.extend(made.clone());
                state.plain = None;
            }
        }
        let known = &mut self.chains[chain.index()].known;
        self.acks += made.len();
        made.for_each(|id| known.see(id, run.next_seq(), run.next_seq()));
        self.refresh_view(graph, chain, run.next_seq());
        true
    }
}
