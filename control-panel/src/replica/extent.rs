//! What a delta adds to a version.

use std::collections::BTreeMap;

use super::{Author, Delta, RunHash, Version, version::End};

/// What a delta adds to a version: which authors' chains it extends, and how far. Enough to bring a version up to the delta
/// without its operations: for a transport that keeps account of what another replica has.
///
/// ```
/// use control_panel::{Peer, Replica, Stamp, State, replica::Extent};
///
/// #[derive(Clone, Default)]
/// struct Words(Vec<&'static str>);
///
/// impl State for Words {
///     type Op = &'static str;
///     fn apply(&mut self, word: &&'static str, _: &Stamp) {
///         self.0.push(word);
///     }
/// }
///
/// let peers = [Peer([1; 32]), Peer([2; 32])];
/// let mut here = Replica::new(peers[0], peers, Words::default());
/// let mut there = Replica::new(peers[1], peers, Words::default());
/// let mut known = there.version().clone();
///
/// here.commit("first");
/// let delta = here.outbox().unwrap();
/// let extent = Extent::of(&delta);
/// assert!(!extent.is_in(&known));
///
/// there.merge(delta);
/// extent.raise(&mut known); // as if its version had been asked for again
/// assert!(extent.is_in(&known) && extent.is_known(&known));
/// assert_eq!(known, *there.version());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent(Vec<Step>);

/// A stretch of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    author: Author,
    /// The run before it.
    previous: RunHash,
    /// Of its last run.
    end: End,
}

impl Extent {
    /// Of the runs of a delta. Costs a look at each header.
    #[must_use]
    pub fn of<Op>(delta: &Delta<Op>) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        // By the hash of the last run of each stretch, but for the stretch that grew last: one author writes many runs in a row.
        let mut open: BTreeMap<(Author, RunHash), usize> = BTreeMap::new();
        let mut last = None;
        for run in &*delta.runs {
            let (author, previous) = (run.header.author, run.header.previous);
            let index = match last {
                Some((end, index)) if end == (author, previous) => index,
                _ => {
                    open.extend(last);
                    open.remove(&(author, previous)).unwrap_or_else(|| {
                        steps.push(Step { author, previous, end: run.end() });
                        steps.len() - 1
                    })
                }
            };
            steps[index].end = run.end();
            last = Some(((author, run.hash), index));
        }
        Self(steps)
    }

    /// Brings a version up to it, of a replica that has it, and so all that it builds on.
    pub fn raise(&self, version: &mut Version) {
        for Step { author, previous, end } in &self.0 {
            version.reach(*author, *previous, *end);
        }
    }

    /// Whether a replica of that version has all of it, as far as that can be seen.
    #[must_use]
    pub fn is_in(&self, version: &Version) -> bool {
        self.0.iter().all(|Step { author, end, .. }| version.has(*author, end))
    }

    /// Whether all of it ends where that version does: then there is nothing new in it.
    #[must_use]
    pub fn is_known(&self, version: &Version) -> bool {
        self.0.iter().all(|Step { author, end, .. }| version.ends(*author).contains(end))
    }
}
