//! Forgetting what is below a stable cut, and starting from what is left.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Branches, Chain, ChainId, Fork, Graph, Limits, Mark, Tip,
    heard::{News, Row},
    limits::LAST,
};
use crate::replica::{Author, RunHash, version::End};

/// Where the chains of a graph stood at a Lamport time: what a graph needs to go on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tips {
    /// All runs that end at or below it are covered by the tips.
    pub(crate) level: u64,
    /// Sorted by author and hash. A number that refers to a chain is an index in here.
    pub(crate) chains: Vec<ChainTip>,
}

/// Where one chain stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChainTip {
    pub(crate) author: Author,
    pub(crate) tip: Tip,
    /// The chain that it is a branch of, and where it left that.
    pub(crate) fork: Option<(usize, Mark)>,
    /// What its author had admitted of other chains: the chain, the place, and how much of it the author itself declared.
    pub(crate) heard: Vec<(usize, Mark, u64)>,
}

impl<Op> Graph<Op> {
    /// Drops runs wholly at or below a Lamport time that is stable. Chains keep their last hash, number and time, so later runs attach;
    /// a head that names a forgotten run is accepted, and its time counts as not above the level.
    pub(crate) fn forget_below(&mut self, level: u64) {
        self.level = self.level.max(level);
        for index in 0..self.chains.len() {
            let id = ChainId::from_index(index);
            let chain = &mut self.chains[index];
            if chain.forget_below(id, level) {
                let branches = self.authors.get_mut(&chain.author).expect("a chain's author is known");
                branches.forgotten = branches.forgotten.max(chain.base().mark.next_seq);
            }
        }
        self.gaps.forget_below(level);
    }

    /// Where the chains stood at a Lamport time that is not below what was forgotten. `u64::MAX` is now.
    pub(crate) fn tips(&self, level: u64) -> Tips {
        debug_assert!(level >= self.level);
        let mark = |id: ChainId| self.chain(id).tip_at(level).mark;
        let began = |id: ChainId| match self.chain(id).fork {
            // One that begins where its parent stands is found as a fork again.
            Some(fork) => {
                mark(id).next_seq > fork.mark.next_seq || mark(fork.parent).next_seq > fork.mark.next_seq
            }
            None => mark(id).next_seq > 0,
        };
        // Which of two branches is the parent is arbitrary, so that may have nothing yet.
        let parents: BTreeSet<_> = self
            .chains()
            .filter(|(id, _)| began(*id))
            .flat_map(|(id, _)| std::iter::successors(Some(id), |id| Some(self.chain(*id).fork?.parent)))
            .collect();
        let mut order: Vec<_> = parents.into_iter().collect();
        order.sort_by_key(|id| (self.chain(*id).author, self.chain(*id).tip_at(level).hash, *id));
        let places: BTreeMap<_, _> = order.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let chains = order.iter().map(|id| {
            let chain = self.chain(*id);
            let tip = chain.tip_at(level);
            let row = chain.row_at(*id, tip);
            let heard = row.iter().filter_map(|(other, cell)| {
                Some((*places.get(&other)?, cell.heard, cell.declared)).filter(|_| other != *id)
            });
            let mut heard: Vec<_> = heard.collect();
            heard.sort_unstable_by_key(|(chain, ..)| *chain);
            let fork = chain.fork.and_then(|fork| Some((*places.get(&fork.parent)?, fork.mark)));
            ChainTip { author: chain.author, tip, fork, heard }
        });
        Tips { level: level.min(self.clock), chains: chains.collect() }
    }

    /// A graph that goes on from there. `None` if the tips contradict themselves, as those of a lying peer may.
    pub(crate) fn from_tips(genesis: RunHash, own: Author, limits: Limits, tips: &Tips) -> Option<Self> {
        let mut graph = Self::new(genesis, own, limits);
        graph.level = tips.level;
        // Half of what admission takes, so that a lying peer leaves as much for those to come.
        let in_range = |mark: &Mark| mark.next_seq.max(mark.clock) <= LAST / 2;
        let known = |chain: usize| tips.chains.get(chain);
        if tips.level > LAST / 2 || tips.chains.len() > limits.authors {
            return None;
        }
        for (index, chain) in tips.chains.iter().enumerate() {
            let fork = match chain.fork {
                Some((parent, mark)) => {
                    let parent_chain = known(parent).filter(|parent| parent.author == chain.author)?;
                    let fits = mark.next_seq <= parent_chain.tip.mark.next_seq.min(chain.tip.mark.next_seq);
                    // Acyclic: a fork is no later than its parent's, and of equals the first chain is the parent.
                    let older = parent_chain.fork.is_none_or(|(_, older)| older.next_seq < mark.next_seq);
                    if !fits || !older || !in_range(&mark) {
                        return None;
                    }
                    Some(Fork { parent: ChainId::from_index(parent), mark })
                }
                None => None,
            };
            let at_genesis = chain.tip == Tip { hash: genesis, mark: Mark::default() };
            if !in_range(&chain.tip.mark) || (chain.tip.mark.next_seq == 0 && !at_genesis) {
                return None;
            }
            let id = ChainId::from_index(index);
            let mut row = Row::default();
            for &(other, mark, declared) in &chain.heard {
                let bound = known(other)?.tip.mark.next_seq;
                if mark.next_seq > bound || declared > mark.next_seq || !in_range(&mark) {
                    return None;
                }
                let other = ChainId::from_index(other);
                row.raise(News { chain: other, declared: false, mark });
                row.raise(News { chain: other, declared: true, mark: Mark { next_seq: declared, clock: 0 } });
            }
            row.raise(News { chain: id, declared: true, mark: chain.tip.mark });
            let mut added = Chain::new(chain.author, chain.tip, fork, row);
            added.fresh = true;
            graph.fresh.push(id);
            graph.chains.push(added);
            graph.clock = graph.clock.max(chain.tip.mark.clock);
            let Tip { hash, mark } = chain.tip;
            graph.version.advance(chain.author, hash, End { next_seq: mark.next_seq, hash });
            let branches = graph.authors.entry(chain.author);
            let branches = branches.or_insert(Branches { chains: Vec::new(), forgotten: 0, reported: false });
            branches.chains.push(id);
            branches.forgotten = branches.forgotten.max(chain.tip.mark.next_seq);
        }
        let roots = |author| {
            let of_author = |chain: &&ChainTip| chain.author == author && chain.fork.is_none();
            tips.chains.iter().filter(of_author).count()
        };
        if graph.authors.keys().any(|author| roots(*author) != 1) {
            return None;
        }
        graph.own_chain = graph.authors.get(&own).and_then(|branches| branches.chains.first().copied());
        Some(graph)
    }
}
