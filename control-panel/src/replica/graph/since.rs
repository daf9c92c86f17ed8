//! What another replica lacks.

use std::{collections::BTreeMap, sync::Arc};

use super::{Branches, ChainId, Graph};
use crate::replica::{
    Author, Stamp, Version,
    run::{Operation, Run},
    short::Few,
    version::End,
};

impl<Op> Graph<Op> {
    /// What a replica of that version lacks, as far as it is kept, each run behind its past. Where it has runs of an author that
    /// this graph does not know, instead of those that it has, it gets all of that author: that is how forks are found.
    pub(crate) fn since(&self, version: &Version) -> Vec<Arc<Run<Op>>> {
        let mut runs = Vec::new();
        for (author, branches) in &self.authors {
            let known = self.known(branches, version.ends(*author));
            for id in &branches.chains {
                let chain = &self.chains[id.index()];
                let count = self.known_of(*id, *author, branches, version, &known);
                runs.extend(chain.runs[chain.position(count)..].iter().cloned());
            }
        }
        // A run's time is above those of all in its past.
        runs.sort_by_key(|run| (run.header.lamport, run.header.author));
        runs
    }

    /// Whether [`since`](Self::since) has all that a replica of that version lacks. If not, it needs a snapshot.
    pub(crate) fn reaches(&self, version: &Version) -> bool {
        self.authors.iter().all(|(author, branches)| version.get(*author) >= branches.forgotten)
    }

    /// Of which authors runs are gone, and below which number.
    pub(crate) fn forgotten(&self) -> Version {
        self.authors.iter().map(|(author, branches)| (*author, branches.forgotten)).collect()
    }

    /// The kept runs of a chain that end after a sequence number.
    pub(crate) fn runs_from(&self, chain: ChainId, next_seq: u64) -> Few<Arc<Run<Op>>> {
        let chain = &self.chains[chain.index()];
        chain.runs[chain.position(next_seq)..].iter().cloned().collect()
    }

    /// Whether an operation with exactly that stamp is here and kept, and is the state's or a revocation.
    pub(crate) fn has_revocable(&self, stamp: &Stamp) -> bool {
        let branches = self.authors.get(&stamp.author);
        branches.into_iter().flat_map(|branches| &branches.chains).any(|id| {
            let chain = &self.chains[id.index()];
            let run = chain.runs.get(chain.position(stamp.seq));
            let index = run.and_then(|run| stamp.seq.checked_sub(run.header.seq));
            run.zip(index).is_some_and(|(run, index)| {
                let operation = usize::try_from(index).ok().and_then(|index| run.operations.get(index));
                let can_be = operation.is_some_and(|operation| {
                    matches!(
                        operation,
                        Operation::Apply(_) | Operation::Unknown(_) | Operation::Revoke { .. }
                    )
                });
                can_be && run.header.lamport + index == stamp.lamport
            })
        })
    }

    /// How much of a chain, from the genesis, a replica of that version has at least.
    fn known_of(
        &self,
        id: ChainId,
        author: Author,
        branches: &Branches,
        version: &Version,
        known: &BTreeMap<ChainId, u64>,
    ) -> u64 {
        let ends = version.ends(author);
        if ends.is_empty() {
            // A count does not tell branches apart: of those, what is after the fork may be missing.
            let forks = branches.chains.iter().filter_map(|id| self.chains[id.index()].fork);
            let shared = forks.map(|fork| fork.mark.next_seq).min();
            return version.get(author).min(shared.unwrap_or(u64::MAX));
        }
        let chain = &self.chains[id.index()];
        let tip = chain.tip().mark.next_seq;
        if let ([_], [end]) = (&branches.chains[..], ends) {
            // Ahead of this graph, or forked: the other one finds out, as this graph's version is a place that it knows. Unless
            // its branch waits here, so that this version does not change.
            if end.next_seq > tip && !self.gaps.has_unnamed(end.hash) {
                return tip;
            }
        }
        // What it has of the chain, or of those that the chain comes from.
        let lineage = std::iter::successors(Some((id, u64::MAX)), |(id, upto)| {
            let fork = self.chains[id.index()].fork?;
            Some((fork.parent, fork.mark.next_seq.min(*upto)))
        });
        lineage.filter_map(|(id, upto)| Some(upto.min(*known.get(&id)?))).max().unwrap_or(0)
    }

    /// How much of each of an author's chains a replica has that has these ends: of those that the ends are in, and those that these
    /// come from.
    fn known(&self, branches: &Branches, ends: &[End]) -> BTreeMap<ChainId, u64> {
        let mut known = BTreeMap::new();
        if ends.is_empty() {
            return known;
        }
        let tips: BTreeMap<_, _> =
            branches.chains.iter().rev().map(|id| (self.chains[id.index()].tip().hash, *id)).collect();
        for end in ends {
            let at = |id: &ChainId| {
                let tip = self.chains[id.index()].ending_at(end.next_seq);
                tip.is_some_and(|tip| tip.hash == end.hash)
            };
            let by_tip = tips.get(&end.hash).filter(|id| at(id));
            let Some(id) = by_tip.or_else(|| branches.chains.iter().find(|id| at(id))) else { continue };
            let mut place = Some((*id, end.next_seq));
            while let Some((id, upto)) = place {
                let before = known.entry(id).or_insert(0);
                if *before >= upto {
                    break;
                }
                *before = upto;
                let fork = self.chains[id.index()].fork;
                place = fork.map(|fork| (fork.parent, fork.mark.next_seq.min(upto)));
            }
        }
        known
    }
}
