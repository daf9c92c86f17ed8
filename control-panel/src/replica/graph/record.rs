//! A graph as plain data: what a replica that joins goes on from.

use std::sync::Arc;

use super::{
    Branches, Chain, ChainId, Fork, Graph, Limits, Mark, Tip,
    heard::{Cell, News, Row},
    limits::LAST,
};
use crate::replica::{Author, Peer, RunHash, run::Run, version::End};

/// Every chain, with what is kept of it. A number that refers to a chain is an index in `chains`.
///
/// The chains are in their graph's order, so what else names chains of that graph names the same in the one restored.
pub(crate) struct Record<Op> {
    /// Runs that end at or below it are forgotten.
    pub(crate) level: u64,
    pub(crate) chains: Vec<ChainRecord<Op>>,
}

/// One chain.
pub(crate) struct ChainRecord<Op> {
    pub(crate) author: Author,
    /// The chain that it is a branch of, always an earlier one, and where it left that.
    pub(crate) fork: Option<(usize, Mark)>,
    /// What the runs begin after.
    pub(crate) base: Tip,
    /// What its author had admitted there: the chain, the place, and how much of it the author itself declared.
    pub(crate) base_row: Vec<(usize, Mark, u64)>,
    pub(crate) runs: Vec<RunRecord<Op>>,
}

/// A run, and what its author had admitted with it: the chain, whether the author itself declared it, and the place.
pub(crate) struct RunRecord<Op> {
    pub(crate) run: Arc<Run<Op>>,
    pub(crate) news: Vec<(usize, bool, Mark)>,
}

impl<Op> Clone for Record<Op> {
    fn clone(&self) -> Self {
        Self { level: self.level, chains: self.chains.clone() }
    }
}

impl<Op> Clone for ChainRecord<Op> {
    fn clone(&self) -> Self {
        let (base_row, runs) = (self.base_row.clone(), self.runs.clone());
        Self { author: self.author, fork: self.fork, base: self.base, base_row, runs }
    }
}

impl<Op> Clone for RunRecord<Op> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run), news: self.news.clone() }
    }
}

impl<Op> Record<Op> {
    /// The runs, each chain's in its order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Arc<Run<Op>>> {
        self.chains.iter().flat_map(|chain| chain.runs.iter().map(|run| &run.run))
    }
}

impl<Op> Graph<Op> {
    /// All of it but what waits for others. Costs the runs that are kept: a reference and some 100 bytes for each.
    pub(crate) fn to_record(&self) -> Record<Op> {
        Record { level: self.level, chains: self.chains.iter().map(Chain::record).collect() }
    }

    /// The waiting runs of a chain from one of its ends to a signature.
    pub(crate) fn signed_after(&self, run: &Run<Op>) -> Vec<Arc<Run<Op>>> {
        self.gaps.signed_after(run.header.author, Tip::of(run)).unwrap_or_default()
    }

    /// The graph of a record. `None` if the record contradicts itself, as a lying peer's may: what is asked of the graph later must
    /// neither panic nor run in circles.
    pub(crate) fn restore(
        genesis: RunHash,
        own: Author,
        limits: Limits,
        record: &Record<Op>,
    ) -> Option<Self> {
        let mut graph = Self::new(genesis, own, limits);
        if record.level > LAST / 2 || record.chains.len() > limits.chains {
            return None;
        }
        graph.level = record.level;
        for chain in &record.chains {
            graph.add(chain, record.chains.len())?;
        }
        if !graph.has_derived_times() {
            return None;
        }
        graph.cover_restored();
        graph.own_chain = graph.authors.get(&own).and_then(|branches| branches.chains.first().copied());
        Some(graph)
    }

    fn add(&mut self, record: &ChainRecord<Op>, chains: usize) -> Option<()> {
        let index = self.chains.len();
        let id = ChainId::from_index(index);
        let branches = self.authors.get(&record.author);
        let fork = match record.fork {
            // Another chain of the author's is its root; the branches come after it.
            None if branches.is_some() => return None,
            None => None,
            Some((parent, mark)) => {
                let parent_chain = self.chains.get(parent).filter(|chain| chain.author == record.author)?;
                let fits = mark.next_seq <= parent_chain.tip().mark.next_seq.min(record.base.mark.next_seq);
                // A branch of a branch left it after its own beginning, or it is a branch of that one's parent.
                let later = parent_chain.fork.is_none_or(|older| older.mark.next_seq < mark.next_seq);
                if !fits || !later || !in_range(mark) {
                    return None;
                }
                Some(Fork { parent: ChainId::from_index(parent), mark })
            }
        };
        let begins = fork.map_or(0, |fork| fork.mark.next_seq);
        if !in_range(record.base.mark) || (record.base.mark.next_seq == begins && record.runs.is_empty()) {
            return None;
        }
        if fork.is_none() && begins == record.base.mark.next_seq && record.base.hash != self.genesis {
            return None;
        }
        let mut row = Row::default();
        for &(other, mark, declared) in &record.base_row {
            if other >= chains || declared > mark.next_seq || !in_range(mark) {
                return None;
            }
            let chain = ChainId::from_index(other);
            row.raise(News { chain, declared: false, mark });
            row.raise(News { chain, declared: true, mark: Mark { next_seq: declared, clock: 0 } });
        }
        let mut chain = Chain::new(record.author, record.base, fork, row);
        for RunRecord { run, news } in &record.runs {
            self.check_shape(run).ok()?;
            let Tip { hash, mark } = chain.tip();
            let follows = run.header.author == record.author
                && (run.header.previous, run.header.seq) == (hash, mark.next_seq)
                && run.header.lamport > mark.clock
                && in_range(Tip::of(run).mark);
            if !follows || news.iter().any(|(other, _, mark)| *other >= chains || !in_range(*mark)) {
                return None;
            }
            let news: Vec<_> = news
                .iter()
                .map(|&(other, declared, mark)| News { chain: ChainId::from_index(other), declared, mark })
                .collect();
            chain.push(Arc::clone(run), Tip::of(run), &news);
        }
        let tip = chain.tip();
        chain.row = chain.row_at(id, tip);
        chain.fresh = true;
        self.fresh.push(id);
        self.clock = self.clock.max(tip.mark.clock);
        let end = End { next_seq: tip.mark.next_seq, hash: tip.hash };
        self.version.advance(&mut chain.slot, &record.author, &tip.hash, end);
        let forgotten = if record.base.mark.next_seq > begins { record.base.mark.next_seq } else { 0 };
        let branches = self.authors.entry(record.author);
        let branches = branches.or_insert(Branches { chains: Vec::new(), forgotten: 0, reported: false });
        // The fork was reported where it was found.
        branches.reported = !branches.chains.is_empty();
        branches.chains.push(id);
        branches.forgotten = branches.forgotten.max(forgotten);
        self.chains.push(chain);
        Some(())
    }

    /// Whether the operations up to an end are here, or were: everything that builds on it can be admitted.
    pub(crate) fn knows(&self, author: Author, end: Tip) -> bool {
        let Some(branches) = self.authors.get(&author) else { return false };
        let same = |id: &ChainId| {
            self.chain(*id).ending_at(end.mark.next_seq).is_some_and(|known| known.hash == end.hash)
        };
        end.mark.next_seq < branches.forgotten || branches.chains.iter().any(same)
    }

    /// Whether all that the record has forgotten is here, or was: then its runs can be admitted.
    pub(crate) fn reaches_record(&self, record: &Record<Op>) -> bool {
        record.chains.iter().all(|chain| {
            let begins = chain.base.mark.next_seq;
            // A branch that begins where its parent's runs are kept.
            let in_parent = chain.fork.is_some_and(|(parent, mark)| {
                let parent = record.chains.get(parent);
                mark.next_seq == begins && parent.is_some_and(|parent| parent.base.mark.next_seq <= begins)
            });
            begins == 0 || in_parent || self.knows(chain.author, chain.base)
        })
    }

    /// Runs that end at or below it may be gone.
    pub(crate) fn level(&self) -> u64 {
        self.level
    }

    /// What the first run of every chain names.
    pub(crate) fn genesis(&self) -> RunHash {
        self.genesis
    }

    /// This replica's own runs are another author's from now on, which has none yet.
    pub(crate) fn go_on_as(&mut self, own: Author) {
        debug_assert!(!self.authors.contains_key(&own));
        (self.own, self.own_chain) = (own, None);
        self.fresh = (0..self.chains.len()).map(ChainId::from_index).collect();
        self.chains.iter_mut().for_each(|chain| chain.fresh = true);
    }

    /// Whether a run is here, or was and is forgotten.
    pub(crate) fn has_run(&self, run: &Run<Op>) -> bool {
        let end = Tip::of(run);
        self.knows(run.header.author, end)
    }

    /// The incarnations of a peer that have a chain here.
    pub(crate) fn lives(&self, peer: Peer) -> impl Iterator<Item = u32> {
        self.chains_of(peer).map(|id| self.chain(id).author.incarnation)
    }
}

impl<Op> Chain<Op> {
    fn record(&self) -> ChainRecord<Op> {
        let cell = |(chain, cell): (ChainId, Cell)| (chain.index(), cell.heard, cell.declared);
        let mut from = 0;
        let runs = self.runs.iter().zip(&self.ends).map(|(run, end)| {
            let news = &self.news[std::mem::replace(&mut from, *end)..*end];
            let news = news.iter().map(|news| (news.chain.index(), news.declared, news.mark)).collect();
            RunRecord { run: Arc::clone(run), news }
        });
        let runs = runs.collect();
        let fork = self.fork.map(|fork| (fork.parent.index(), fork.mark));
        let base_row = self.base_row.iter().map(cell).collect();
        ChainRecord { author: self.author, fork, base: self.base, base_row, runs }
    }
}

/// Half of what admission takes, so that a lying peer leaves as much for those to come.
fn in_range(mark: Mark) -> bool {
    mark.next_seq.max(mark.clock) <= LAST / 2
}
