//! A chain: the runs of one author, from the genesis or from where it forked.

use std::sync::Arc;

use super::heard::{Mark, News, Row};
use crate::replica::{Author, RunHash, gallop::partition_point_from_end, run::Run};

/// Names a chain on this replica: a dense index in order of discovery. It is never sent, and never decides an order.
///
/// Each branch of a forked author is a chain of its own; which of them is called the branch depends on what came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChainId(u32);

impl ChainId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }

    pub(in crate::replica) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer than 2^32 chains"))
    }
}

/// The end of some run: what the next one names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Tip {
    pub(crate) hash: RunHash,
    pub(crate) mark: Mark,
}

impl Tip {
    #[inline]
    pub(super) fn of<Op>(run: &Run<Op>) -> Self {
        Self { hash: run.hash, mark: Mark { next_seq: run.next_seq(), clock: run.clock() } }
    }
}

/// Where a branch leaves another chain of its author: it shares what that one has up to `mark`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fork {
    pub(crate) parent: ChainId,
    pub(crate) mark: Mark,
}

/// The runs of one author, each naming the previous one.
pub(crate) struct Chain<Op> {
    pub(crate) author: Author,
    /// Those that are kept, in order; of a branch, those after the fork.
    pub(crate) runs: Vec<Arc<Run<Op>>>,
    pub(crate) fork: Option<Fork>,
    /// What `runs` begins after: the genesis, the fork, or the last run forgotten.
    pub(super) base: Tip,
    /// The end of the last run, beside the chain: asked for several times a run, of chains whose runs may be cold.
    tip: Tip,
    /// The number of that run's first operation: likewise.
    last_seq: u64,
    /// What its author had admitted there.
    pub(super) base_row: Row,
    /// What its author had admitted as of the last run.
    pub(super) row: Row,
    /// How `runs` changed `base_row` into `row`: one run's after another's, in `runs`' order.
    pub(super) news: Vec<News>,
    /// Where each run's news end in `news`.
    pub(super) ends: Vec<usize>,
    /// Whether it grew since this replica's last run.
    pub(super) fresh: bool,
    /// Where the graph's version has its author.
    pub(super) slot: usize,
    /// Up to here some cut covers it: see `cover.rs`.
    pub(super) covered: u64,
}

impl<Op> Chain<Op> {
    pub(super) fn new(author: Author, base: Tip, fork: Option<Fork>, base_row: Row) -> Self {
        let row = base_row.clone();
        Self {
            author,
            runs: vec![],
            fork,
            base,
            tip: base,
            last_seq: base.mark.next_seq,
            base_row,
            row,
            news: vec![],
            ends: vec![],
            fresh: false,
            slot: 0,
            covered: base.mark.next_seq,
        }
    }

    /// The end of its last run.
    pub(crate) fn tip(&self) -> Tip {
        debug_assert_eq!(self.tip, self.runs.last().map_or(self.base, |run| Tip::of(run)));
        self.tip
    }

    /// What its runs begin after.
    pub(crate) fn base(&self) -> Tip {
        self.base
    }

    /// Appends a run that is known to follow, with what it changed in `row`.
    #[inline(always)]
    pub(super) fn push(&mut self, run: Arc<Run<Op>>, tip: Tip, news: &[News]) {
        debug_assert_eq!(tip, Tip::of(&run));
        debug_assert_eq!((run.header.previous, run.header.seq), (self.tip().hash, self.tip().mark.next_seq));
        debug_assert!(run.header.lamport > self.tip().mark.clock);
        if !news.is_empty() {
            self.news.extend_from_slice(news);
        }
        self.ends.push(self.news.len());
        (self.tip, self.last_seq) = (tip, run.header.seq);
        self.runs.push(run);
    }

    /// The index of the first kept run that ends after `next_seq`.
    pub(super) fn position(&self, next_seq: u64) -> usize {
        if self.tip().mark.next_seq <= next_seq {
            return self.runs.len();
        }
        if self.runs.is_empty() {
            return 0;
        }
        debug_assert_eq!(Some(self.last_seq), self.runs.last().map(|run| run.header.seq));
        if self.last_seq <= next_seq {
            return self.runs.len() - 1;
        }
        // Runs of one operation: as many as operations.
        let behind = usize::try_from(self.tip().mark.next_seq - next_seq).unwrap_or(usize::MAX);
        match self.runs.len().checked_sub(behind) {
            Some(guess) if self.runs[guess].header.seq == next_seq => guess,
            _ => partition_point_from_end(&self.runs, |run| run.next_seq() <= next_seq),
        }
    }

    /// The run that begins at `seq`, if it is kept.
    pub(super) fn beginning_at(&self, seq: u64) -> Option<&Arc<Run<Op>>> {
        self.runs.get(self.position(seq)).filter(|run| run.header.seq == seq)
    }

    /// The end of the run that ends before `next_seq`, if that is known: the base counts.
    pub(super) fn ending_at(&self, next_seq: u64) -> Option<Tip> {
        if next_seq == self.base.mark.next_seq {
            return Some(self.base);
        }
        let index = self.position(next_seq).checked_sub(1)?;
        let run = self.runs.get(index)?;
        (run.next_seq() == next_seq).then(|| Tip::of(run))
    }

    /// Whether a run of this chain may have ended there that is gone, and not the last of those.
    pub(super) fn has_forgotten(&self, next_seq: u64) -> bool {
        let begin = self.fork.map_or(0, |fork| fork.mark.next_seq);
        (begin + 1..self.base.mark.next_seq).contains(&next_seq)
    }

    /// What the runs after `from` and up to `upto` changed.
    pub(super) fn news_between(&self, from: u64, upto: u64) -> &[News] {
        let (from, upto) = (self.position(from), self.position(upto));
        self.news.get(self.news_before(from)..self.news_before(upto)).unwrap_or_default()
    }

    /// The first kept run with which its author had heard more of a chain than `upto`.
    pub(super) fn first_with(&self, chain: ChainId, upto: u64) -> Option<&Arc<Run<Op>>> {
        let tells = |news: &News| news.chain == chain && news.mark.next_seq > upto;
        let at = self.news.iter().position(tells)?;
        self.runs.get(self.ends.partition_point(|end| *end <= at))
    }

    /// What the last run changed: its own heads come first, in their order.
    pub(super) fn last_news(&self) -> &[News] {
        let from = self.ends.len().checked_sub(2).map_or(0, |index| self.ends[index]);
        &self.news[from..]
    }

    fn news_before(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |index| self.ends[index])
    }

    /// What its author had admitted as of `next_seq`: the end of a kept run, or the base.
    pub(super) fn row_at(&self, id: ChainId, tip: Tip) -> Row {
        debug_assert_eq!(self.ending_at(tip.mark.next_seq), Some(tip));
        let mut row = self.base_row.clone();
        for news in self.news_between(self.base.mark.next_seq, tip.mark.next_seq) {
            row.raise(*news);
        }
        row.raise(News { chain: id, declared: true, mark: tip.mark });
        row
    }

    /// The last end at or below a Lamport time, no earlier than the base.
    pub(super) fn tip_at(&self, level: u64) -> Tip {
        let kept = self.runs.partition_point(|run| run.clock() <= level);
        kept.checked_sub(1).map_or(self.base, |index| Tip::of(&self.runs[index]))
    }

    /// Drops the runs wholly at or below a Lamport time that end at or before `had`, itself such an end. Returns whether there were any.
    pub(super) fn forget_below(&mut self, id: ChainId, level: u64, had: u64) -> bool {
        let below = self.tip_at(level);
        let tip = if below.mark.next_seq <= had { Some(below) } else { self.ending_at(had) };
        let Some(tip) = tip.filter(|tip| tip.mark.next_seq > self.base.mark.next_seq) else { return false };
        self.base_row = self.row_at(id, tip);
        let runs = self.position(tip.mark.next_seq);
        let news = self.news_before(runs);
        self.runs.drain(..runs);
        self.news.drain(..news);
        self.ends.drain(..runs);
        self.ends.iter_mut().for_each(|end| *end -= news);
        self.base = tip;
        true
    }
}
