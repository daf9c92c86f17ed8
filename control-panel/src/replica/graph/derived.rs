//! Whether the times of a restored graph are what admission would have found.
//!
//! A joiner's next run has a time that follows from these. Where one was made up, all other members refuse that run, and blame the joiner for it.

use super::{Chain, ChainId, Graph, Mark, Tip, heard::Cell};
use crate::replica::run::{Head, Run};

/// The time of the place that a head names.
enum HeadTime {
    At(u64),
    /// Its time is not here any more: it is at most the level.
    Forgotten,
}

impl<Op> Graph<Op> {
    /// Whether each kept run's time follows from the run before it and from its heads, each place that is named is here or was, and no time of what is forgotten is
    /// above the level.
    pub(super) fn has_derived_times(&self) -> bool {
        self.chains.iter().all(|chain| {
            self.is_derived_base(chain)
                && chain.base_row.iter().all(|(other, Cell { heard, .. })| self.is_place(other, heard))
                && chain.news.iter().all(|news| self.is_place(news.chain, news.mark))
                && self.has_derived_runs(chain)
        })
    }

    fn is_derived_base(&self, chain: &Chain<Op>) -> bool {
        let Tip { mark, .. } = chain.base();
        match chain.fork {
            None => mark.clock <= if mark.next_seq == 0 { 0 } else { self.level },
            Some(fork) => {
                let parent = self.chain(fork.parent);
                let is_left_at = |at: Mark| match parent.ending_at(at.next_seq) {
                    Some(end) => end.mark == at,
                    None => at.next_seq < parent.base().mark.next_seq && at.clock <= self.level,
                };
                let begins = mark.next_seq == fork.mark.next_seq;
                is_left_at(fork.mark) && if begins { mark == fork.mark } else { mark.clock <= self.level }
            }
        }
    }

    fn has_derived_runs(&self, chain: &Chain<Op>) -> bool {
        let mut previous = chain.base().mark.clock;
        chain.runs.iter().all(|run| {
            let before = std::mem::replace(&mut previous, run.clock());
            self.is_derived(run, before)
        })
    }

    fn is_derived(&self, run: &Run<Op>, previous: u64) -> bool {
        let (mut latest, mut unknown_times) = (previous, false);
        for head in &run.header.heads {
            match self.time_of(head) {
                Some(HeadTime::At(clock)) => latest = latest.max(clock),
                Some(HeadTime::Forgotten) => unknown_times = true,
                None => return false,
            }
        }
        let most = if unknown_times { latest.max(self.level) } else { latest };
        (latest..=most).contains(&(run.header.lamport - 1))
    }

    fn time_of(&self, head: &Head) -> Option<HeadTime> {
        let branches = self.authors.get(&head.author)?;
        let next_seq = head.seq + 1;
        let mut forgotten = false;
        for id in &branches.chains {
            let chain = self.chain(*id);
            if let Some(end) = chain.ending_at(next_seq).filter(|end| end.hash == head.hash) {
                return Some(HeadTime::At(end.mark.clock));
            }
            forgotten |= chain.has_forgotten(next_seq);
        }
        forgotten.then_some(HeadTime::Forgotten)
    }

    /// Whether a place in what an author had admitted may be one: no further than its chain reaches, with no greater time than it has. It may have a lower one: that of a
    /// place before it, where its own was forgotten.
    fn is_place(&self, id: ChainId, mark: Mark) -> bool {
        let chain = self.chain(id);
        match chain.ending_at(mark.next_seq) {
            Some(end) => mark.clock <= end.mark.clock,
            None if mark.next_seq < chain.base().mark.next_seq => match chain.fork {
                Some(fork) if mark.next_seq <= fork.mark.next_seq => self.is_place(fork.parent, mark),
                _ => mark.clock <= self.level,
            },
            None => false,
        }
    }
}
