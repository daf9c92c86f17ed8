//! What an author had admitted of each other chain: its row of the matrix clock.

use super::{ChainId, chain::Chain};

/// A place in a chain: how many operations, and the Lamport time of the last of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Mark {
    pub(crate) next_seq: u64,
    /// 0 where there is none.
    pub(crate) clock: u64,
}

/// What is known of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// With all that follows from the heads' own pasts.
    pub(super) heard: Mark,
    /// By heads that the author itself named. The same on every replica whatever it has forgotten, so heads are judged by it.
    pub(super) declared: u64,
}

/// A change of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) chain: ChainId,
    pub(super) declared: bool,
    pub(super) mark: Mark,
}

/// One cell for each chain, up to the last one heard of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row(Vec<Cell>);

impl Row {
    pub(super) fn cell(&self, chain: ChainId) -> Cell {
        self.0.get(chain.index()).copied().unwrap_or_default()
    }

    pub(super) fn mark(&self, chain: ChainId) -> Mark {
        self.cell(chain).heard
    }

    /// Raises a cell. Returns whether that changed it.
    #[inline]
    pub(super) fn raise(&mut self, news: News) -> bool {
        let index = news.chain.index();
        if index >= self.0.len() {
            self.0.resize(index + 1, Cell::default());
        }
        let cell = &mut self.0[index];
        let before = *cell;
        if news.mark.next_seq > cell.heard.next_seq {
            cell.heard.next_seq = news.mark.next_seq;
            // A forgotten operation's time is not known: then the mark's is 0.
            cell.heard.clock = cell.heard.clock.max(news.mark.clock);
        }
        if news.declared {
            cell.declared = cell.declared.max(news.mark.next_seq);
        }
        *cell != before
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * std::mem::size_of::<Cell>()
    }

    /// The cells that hold something.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ChainId, Cell)> + '_ {
        let cells = self.0.iter().enumerate();
        cells
            .filter(|(_, cell)| **cell != Cell::default())
            .map(|(index, cell)| (ChainId::from_index(index), *cell))
    }

    /// Takes in a declared head and all that is in its past. What changed is added to `changed`.
    pub(super) fn hear<Op>(&mut self, chains: &[Chain<Op>], head: (ChainId, Mark), changed: &mut Vec<News>) {
        let (id, mark) = head;
        // Rows are most of what a large group costs: no doubling.
        if self.0.capacity() < chains.len() {
            let room = chains.len().next_multiple_of(8) - self.0.len();
            self.0.reserve_exact(room);
        }
        let mut note = |row: &mut Self, news: News| {
            if row.raise(news) {
                changed.push(news);
            }
        };
        let chain = &chains[id.index()];
        let old = self.mark(id).next_seq;
        note(self, News { chain: id, declared: true, mark });
        let mut fork = chain.fork;
        while let Some(at) = fork {
            note(self, News { chain: at.parent, declared: true, mark: at.mark });
            fork = chains[at.parent.index()].fork;
        }
        if old < chain.base.mark.next_seq && mark.next_seq >= chain.base.mark.next_seq {
            for (other, cell) in chain.base_row.iter() {
                note(self, News { chain: other, declared: false, mark: cell.heard });
            }
        }
        // Each run's news have all of its past that its chain had not heard before, so this need not go further.
        for news in chain.news_between(old, mark.next_seq) {
            // What an honest author names besides covers this: the check is all there is to do.
            if news.mark.next_seq > self.mark(news.chain).next_seq {
                note(self, News { declared: false, ..*news });
            }
        }
    }
}
