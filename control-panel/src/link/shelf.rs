//! Published runs in memory, for a replica without a journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::replica::{Author, RunHash, Version, run::Run, version::End};

/// Blocks are joined up to this size: one that publishes copies references of so many runs at most.
const BLOCK: usize = 4096;

/// Runs in the order of their publication. The references are the replica's own: with what it forgets it is laid anew. Cloning one costs a
/// reference for each block.
pub(super) struct Shelf<Op> {
    blocks: Vec<Arc<Block<Op>>>,
}

struct Block<Op> {
    /// What was published before its first run.
    before: Version,
    runs: Vec<Arc<Run<Op>>>,
}

impl<Op> Default for Shelf<Op> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<Op> Shelf<Op> {
    /// With these runs behind all others; `before` is the version before them. Blocks grow as the digits of a binary counter, so a run is copied some
    /// twelve times at most.
    pub(super) fn with(&self, mut runs: Vec<Arc<Run<Op>>>, before: &Version) -> Self {
        let mut blocks = self.blocks.clone();
        if runs.is_empty() {
            return Self { blocks };
        }
        let mut before = before.clone();
        while let Some(last) = blocks.last() {
            if last.runs.len() > runs.len() || last.runs.len() + runs.len() > BLOCK {
                break;
            }
            runs = last.runs.iter().cloned().chain(runs).collect();
            before = last.before.clone();
            blocks.pop();
        }
        blocks.push(Arc::new(Block { before, runs }));
        Self { blocks }
    }

    /// Runs that a replica of that version lacks, each behind its past. Where it has an end of an author's chain that is not here, it gets all of that
    /// author, and so it does of a forked one but for what its ends follow: that is how forks are found.
    ///
    /// Costs a look at each run that was published since it had all.
    pub(super) fn since(&self, version: &Version, published: &Version) -> Vec<Arc<Run<Op>>> {
        let is_plain = |author: Author| version.ends(author).len() <= 1 && published.ends(author).len() <= 1;
        let plain = published.iter().all(|(author, _)| is_plain(author));
        let begin = self.blocks.iter().rposition(|block| plain && version.covers(&block.before));
        if plain && let Some(mut runs) = unforked(&self.blocks[begin.unwrap_or(0)..], version) {
            sort(&mut runs);
            return runs;
        }
        let mut lacking: BTreeMap<Author, Vec<&Arc<Run<Op>>>> = BTreeMap::new();
        for run in self.blocks[begin.unwrap_or(0)..].iter().flat_map(|block| &block.runs) {
            lacking.entry(run.header.author).or_default().push(run);
        }
        for (author, runs) in &mut lacking {
            let has = version.get(*author);
            if version.ends(*author).is_empty() || (is_plain(*author) && !differs(runs, *author, version)) {
                runs.retain(|run| run.next_seq() > has);
            } else {
                let known = ancestors(runs, *author, version);
                runs.retain(|run| !known.contains(&run.hash));
            }
        }
        let mut runs: Vec<_> = lacking.into_values().flatten().cloned().collect();
        sort(&mut runs);
        runs
    }
}

/// A run's time is above those of all in its past.
fn sort<Op>(runs: &mut [Arc<Run<Op>>]) {
    runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
}

/// What the version lacks of chains without forks, in one pass. `None` if its end of one is another run than the one that ends there here.
fn unforked<Op>(blocks: &[Arc<Block<Op>>], version: &Version) -> Option<Vec<Arc<Run<Op>>>> {
    let mut lacked = Vec::new();
    let mut last: Option<(Author, u64, &[End])> = None;
    for run in blocks.iter().flat_map(|block| &block.runs) {
        let author = run.header.author;
        // One author writes many runs in a row.
        let (_, has, ends) = match last {
            Some(last) if last.0 == author => last,
            _ => *last.insert((author, version.get(author), version.ends(author))),
        };
        let next_seq = run.next_seq();
        if ends.iter().any(|end| end.next_seq == next_seq && end.hash != run.hash) {
            return None;
        }
        if next_seq > has {
            lacked.push(Arc::clone(run));
        }
    }
    Some(lacked)
}

/// Whether an end of that version is another run than the one that ends there here.
fn differs<Op>(runs: &[&Arc<Run<Op>>], author: Author, version: &Version) -> bool {
    version.ends(author).iter().any(|end| {
        let mut there = runs.iter().filter(|run| run.next_seq() == end.next_seq).peekable();
        there.peek().is_some() && there.all(|run| run.hash != end.hash)
    })
}

/// The runs that the ends of that version follow, and those ends.
fn ancestors<Op>(runs: &[&Arc<Run<Op>>], author: Author, version: &Version) -> BTreeSet<RunHash> {
    let previous: BTreeMap<RunHash, RunHash> =
        runs.iter().map(|run| (run.hash, run.header.previous)).collect();
    let mut known = BTreeSet::new();
    for end in version.ends(author) {
        let mut at = Some(end.hash).filter(|hash| previous.contains_key(hash));
        while let Some(hash) = at.filter(|hash| known.insert(*hash)) {
            at = previous.get(&hash).copied().filter(|hash| previous.contains_key(hash));
        }
    }
    known
}
