//! Nearly every run: the next of its author, its heads in chains that the author named before.
//!
//! It does what `judge.rs` does, without looking for what is seldom there, and leaves everything else to it.

use std::sync::Arc;

use super::{
    Admitted, ChainId, Graph, Mark, Tip,
    chain::Chain,
    heard::{News, Row},
    judge::Verdict,
    limits::LAST,
    members::Anyone,
};
use crate::replica::{
    Author,
    run::{Head, Header, Run},
};

/// How many chains are looked through for an author's: more are searched.
const FEW: usize = 8;

/// The chain, its row with the run, the run's heads, and what they changed.
type Extension = (ChainId, Row, Vec<(ChainId, Mark)>, Vec<News>);

impl<Op> Graph<Op> {
    /// Admits a run that follows, where no other waits: then there is nothing to admit after it. Else it is offered.
    #[inline]
    pub(crate) fn extend_alone(&mut self, run: Arc<Run<Op>>) -> Option<Admitted<Op>> {
        let is_alone = self.queue.is_empty() && self.gaps.len() == 0;
        let run = match if is_alone { self.extend(run) } else { Err(run) } {
            Ok(admitted) => {
                self.turn += 1;
                return Some(admitted);
            }
            Err(run) => run,
        };
        self.offer(run);
        None
    }

    /// Admits a run that follows. Returns it, and nothing happened, if it does not: what becomes of it then is judged.
    pub(super) fn extend(&mut self, run: Arc<Run<Op>>) -> Result<Admitted<Op>, Arc<Run<Op>>> {
        if !self.is_in_shape(&run) {
            return Err(run);
        }
        debug_assert!(self.check_shape(&run).is_ok());
        let Some(id) = self.followed(&run) else { return Err(run) };
        let mut heads = std::mem::take(&mut self.heads);
        let follows = self.follows(id, &run, &mut heads);
        self.heads = heads;
        if follows { Ok(self.extend_by(id, run)) } else { Err(run) }
    }

    /// The same for a run that this graph [prepared](Self::prepare), so that nothing needs to be checked.
    pub(super) fn extend_own(&mut self, run: Arc<Run<Op>>) -> Result<Admitted<Op>, Arc<Run<Op>>> {
        let Some(id) = self.own_chain.filter(|_| !self.has_branches()) else { return Err(run) };
        self.heads.clear();
        for head in &run.header.heads {
            let names = |id: &&ChainId| self.chains[id.index()].author == head.author;
            let Some(other) = self.fresh.iter().find(names) else { return Err(run) };
            self.heads.push((*other, self.chains[other.index()].tip().mark));
        }
        Ok(self.extend_by(id, run))
    }

    /// Admits a run that follows, whose heads are found.
    #[inline]
    fn extend_by(&mut self, id: ChainId, run: Arc<Run<Op>>) -> Admitted<Op> {
        let (judged, tip) = (self.judged(id, &run), Tip::of(&run));
        let mark = News { chain: id, declared: true, mark: tip.mark };
        self.news.clear();
        if self.heads.is_empty() {
            self.chains[id.index()].row.raise(mark);
        } else {
            let mut row = std::mem::take(&mut self.chains[id.index()].row);
            for head in &self.heads {
                row.hear(&self.chains, *head, &mut self.news);
            }
            row.raise(mark);
            self.chains[id.index()].row = row;
        }
        let row = &self.chains[id.index()].row;
        debug_assert!(judged == Some((id, row.clone(), self.heads.clone(), self.news.clone())));
        self.append(id, tip, run)
    }

    /// What `check_shape` checks.
    #[inline]
    fn is_in_shape(&self, run: &Run<Op>) -> bool {
        let Header { seq, lamport, heads, .. } = &run.header;
        let count = run.operations.len();
        let in_range = |first: u64| first <= LAST && first + count as u64 <= LAST;
        let names = |head: &Head| (head.author, head.hash);
        let sorted = || heads.windows(2).all(|pair| names(&pair[0]) < names(&pair[1]));
        (1..=self.limits.run_ops).contains(&count)
            && heads.len() <= self.limits.heads
            && *lamport > 0
            && in_range(*lamport)
            && in_range(*seq)
            && heads.iter().all(|head| head.seq < LAST)
            && (heads.len() < 2 || sorted())
    }

    /// The chain whose end a run follows, where no author has two.
    fn followed(&self, run: &Run<Op>) -> Option<ChainId> {
        if self.has_branches() {
            return None;
        }
        let ends = |id: &ChainId| self.chain(*id).ends_before(run);
        if self.chains.len() <= FEW {
            // Their numbers tell most apart.
            let place = self.chains.iter().position(|chain| chain.ends_before(run));
            return place.map(ChainId::from_index);
        }
        let last = self.last.filter(ends);
        last.or_else(|| self.only_chain(&run.header.author).filter(ends))
    }

    /// The chain of an author, where none has two.
    fn only_chain(&self, author: &Author) -> Option<ChainId> {
        if self.chains.len() <= FEW {
            let place = self.chains.iter().position(|chain| chain.author == *author);
            return place.map(ChainId::from_index);
        }
        self.authors.get(author)?.chains.first().copied()
    }

    /// Whether all that a run names is here, and is news, and its time follows from that. Finds its heads.
    fn follows(&self, id: ChainId, run: &Run<Op>, heads: &mut Vec<(ChainId, Mark)>) -> bool {
        let chain = self.chain(id);
        let mut latest = chain.tip().mark.clock;
        heads.clear();
        let mut likely = chain.last_news().iter();
        for head in &run.header.heads {
            // Of many chains an author tends to name the same in each run, in the same order.
            let likely = likely.next().map(|news| news.chain);
            let likely = likely.filter(|id| self.chain(*id).author == head.author);
            let Some(other) = likely.or_else(|| self.only_chain(&head.author)) else { return false };
            let Some(mark) = self.chain(other).place_of(head) else { return false };
            let again = heads.last().is_some_and(|(last, _)| *last == other);
            if again || mark.next_seq <= chain.row.cell(other).declared {
                return false;
            }
            latest = latest.max(mark.clock);
            heads.push((other, mark));
        }
        run.header.lamport == latest + 1
    }

    /// What `judge` finds, in debug builds: the same.
    #[inline]
    fn judged(&mut self, id: ChainId, run: &Run<Op>) -> Option<Extension> {
        if !cfg!(debug_assertions) {
            return None;
        }
        let heads = self.heads.clone();
        let row = self.chain(id).row.clone();
        let verdict = self.judge(run, &Anyone);
        self.chains[id.index()].row = row;
        let found = std::mem::replace(&mut self.heads, heads);
        match verdict {
            Verdict::Admit(id, row) => Some((id, row, found, self.news.clone())),
            _ => None,
        }
    }
}

impl<Op> Chain<Op> {
    /// Whether a run follows the last one that is kept.
    #[inline]
    fn ends_before(&self, run: &Run<Op>) -> bool {
        let (Tip { hash, mark }, header) = (self.tip(), &run.header);
        mark.next_seq == header.seq
            && hash == header.previous
            && self.author == header.author
            && !self.runs.is_empty()
    }

    /// The place that a head names, if a run that ends there is kept.
    fn place_of(&self, head: &Head) -> Option<Mark> {
        let tip = self.tip();
        let named = if tip.mark.next_seq == head.seq + 1 { Some(tip) } else { self.ending_at(head.seq + 1) };
        named.filter(|tip| tip.hash == head.hash).map(|tip| tip.mark)
    }
}
