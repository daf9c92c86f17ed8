//! Published runs in memory, for a replica without a journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
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
    runs: Vec<Placed<Op>>,
}

/// A run, and beside it what says whether a replica has it: most of those that are passed over were made long ago, and a look into each would wait for memory.
struct Placed<Op> {
    author: AuthorKey,
    next_seq: u64,
    run: Arc<Run<Op>>,
}

impl<Op> Placed<Op> {
    fn new(run: Arc<Run<Op>>) -> Self {
        Self { author: key(run.header.author), next_seq: run.next_seq(), run }
    }
}

impl<Op> Clone for Placed<Op> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run), ..*self }
    }
}

/// An author, in short. Two may have the same: then it says nothing.
type AuthorKey = u64;

fn key(Author { peer, incarnation }: Author) -> AuthorKey {
    let first = peer.0.first_chunk().expect("a key has 32 bytes");
    u64::from_le_bytes(*first).wrapping_add(u64::from(incarnation).rotate_left(32))
}

impl<Op> Default for Shelf<Op> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<Op> Shelf<Op> {
    /// With these runs behind all others; `before` is the version before them. Blocks grow as the digits of a binary counter, so a run is copied some
    /// twelve times at most.
    pub(super) fn with(&self, runs: Vec<Arc<Run<Op>>>, before: &Version) -> Self {
        let mut blocks = self.blocks.clone();
        if runs.is_empty() {
            return Self { blocks };
        }
        let mut before = before.clone();
        let mut runs: Vec<_> = runs.into_iter().map(Placed::new).collect();
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

    /// Runs that a replica of that version lacks, each behind its past, some at a time. Where it has an end of an author's chain that is not here, it gets all of that
    /// author, and so it does of a forked one but for what its ends follow: that is how forks are found.
    ///
    /// Costs a look at the place of each run that was published since it had all, when that one is [read](Lacked::read); of chains with forks, at the runs.
    pub(super) fn since(&self, version: &Version, published: &Version) -> Lacked<Op> {
        let is_plain = |author: Author| version.ends(author).len() <= 1 && published.ends(author).len() <= 1;
        let plain = published.iter().all(|(author, _)| is_plain(author));
        let known = plain.then(|| Known::of(version, published)).flatten();
        let plain = known.is_some();
        let begin = self.blocks.iter().rposition(|block| plain && version.covers(&block.before));
        let blocks = self.blocks[begin.unwrap_or(0)..].to_vec();
        Lacked {
            blocks,
            version: version.clone(),
            published: published.clone(),
            next: known.map(|known| (known, (0, 0))),
            together: FIRST,
        }
    }
}

/// Runs that are read on the way to a peer together: they stay in the processor's cache for all that is done with them there. At first they are few, so that the peer has
/// some while more are read, and each time twice as many.
const FIRST: usize = if cfg!(test) { 16 } else { 128 };
const TOGETHER: usize = if cfg!(test) { 64 } else { 1024 };

/// What a replica has of each author: none has a fork, and no two have one key.
#[derive(Debug)]
struct Known(Vec<Has>);

/// Of which author, how many operations, and where that ends.
type Has = (AuthorKey, u64, Option<End>);

impl Known {
    fn of(version: &Version, published: &Version) -> Option<Self> {
        let has = |author| (key(author), version.get(author), version.ends(author).first().copied());
        let mut known: Vec<_> = published.iter().map(|(author, _)| has(author)).collect();
        known.sort_unstable_by_key(|(key, ..)| *key);
        known.is_sorted_by(|one, other| one.0 < other.0).then_some(Self(known))
    }

    /// Of an author that was published.
    fn get(&self, key: AuthorKey) -> Has {
        let place = self.0.binary_search_by_key(&key, |(key, ..)| *key);
        place.map_or((key, 0, None), |place| self.0[place])
    }
}

/// What is left of what a replica lacks.
#[derive(Debug)]
pub(super) struct Lacked<Op> {
    blocks: Vec<Arc<Block<Op>>>,
    version: Version,
    published: Version,
    /// What it has, and the block and the run in it that is read next; `None` where chains have forks.
    next: Option<(Known, (usize, usize))>,
    /// How many are read next.
    together: usize,
}

impl<Op> Lacked<Op> {
    /// The next runs, and none if there is no other.
    pub(super) fn read(&mut self) -> Vec<Arc<Run<Op>>> {
        if let Some(mut runs) = self.unforked() {
            sort(&mut runs);
            return runs;
        }
        self.next = None;
        self.forked()
    }

    /// Likewise, of chains without forks. `None` if the version's end of one is another run than the one that ends there here: then nothing behind that was read.
    fn unforked(&mut self) -> Option<Vec<Arc<Run<Op>>>> {
        let (known, at) = self.next.as_mut()?;
        let (mut block, mut index) = *at;
        let (mut lacked, mut last) = (Vec::with_capacity(self.together), None::<Has>);
        let mut touched = 0;
        while let Some(runs) = self.blocks.get(block).map(|block| &block.runs)
            && lacked.len() < self.together
        {
            let Some(Placed { author, next_seq, run }) = runs.get(index) else {
                (block, index) = (block + 1, 0);
                continue;
            };
            index += 1;
            // One author writes many runs in a row.
            let (_, has, end) = match last {
                Some(last @ (key, ..)) if key == *author => last,
                _ => *last.insert(known.get(*author)),
            };
            if end.is_some_and(|end| end.next_seq == *next_seq && end.hash != run.hash) {
                return None;
            }
            if *next_seq > has {
                touched ^= run.touch();
                lacked.push(run);
            }
        }
        // Most of these were made long ago, and are in no cache. What was only read comes while the next is read; a count of references that is raised is waited for.
        std::hint::black_box(touched);
        let lacked = lacked.into_iter().cloned().collect();
        *at = (block, index);
        self.together = (2 * self.together).min(TOGETHER);
        Some(lacked)
    }

    /// All at once.
    fn forked(&mut self) -> Vec<Arc<Run<Op>>> {
        let Self { blocks, version, published, .. } = self;
        let mut lacking: BTreeMap<Author, Vec<&Arc<Run<Op>>>> = BTreeMap::new();
        for Placed { run, .. } in blocks.iter().flat_map(|block| &block.runs) {
            lacking.entry(run.header.author).or_default().push(run);
        }
        for (author, runs) in &mut lacking {
            let has = version.get(*author);
            let is_plain = version.ends(*author).len() <= 1 && published.ends(*author).len() <= 1;
            if version.ends(*author).is_empty() || (is_plain && !differs(runs, *author, version)) {
                runs.retain(|run| run.next_seq() > has);
            } else {
                let known = ancestors(runs, *author, version);
                runs.retain(|run| !known.contains(&run.hash));
            }
        }
        let mut runs: Vec<_> = lacking.into_values().flatten().cloned().collect();
        sort(&mut runs);
        blocks.clear();
        runs
    }
}

impl<Op> fmt::Debug for Block<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("runs", &self.runs.len()).finish_non_exhaustive()
    }
}

/// A run's time is above those of all in its past. Those of one author are in order already, as they were published.
fn sort<Op>(runs: &mut [Arc<Run<Op>>]) {
    if !runs.is_sorted_by(|run, next| run.header.lamport < next.header.lamport) {
        runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.header.seq));
    }
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
