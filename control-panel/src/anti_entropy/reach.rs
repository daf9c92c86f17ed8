//! What a delta adds to a version.

use std::collections::BTreeMap;

use crate::replica::{Author, Delta, RunHash, Version, version::End};

/// Which chains a delta extends, and how far: enough to bring a version up to it, without its operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach(Vec<Step>);

/// A stretch of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    author: Author,
    /// The run before it.
    previous: RunHash,
    /// Of its last run.
    end: End,
}

impl Reach {
    /// Of the runs of a delta. Costs a look at each header.
    pub(crate) fn of<Op>(delta: &Delta<Op>) -> Self {
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
    pub(crate) fn raise(&self, version: &mut Version) {
        for Step { author, previous, end } in &self.0 {
            version.reach(*author, *previous, *end);
        }
    }

    /// Whether a replica of that version has all of it, as far as that can be seen.
    pub(crate) fn is_in(&self, version: &Version) -> bool {
        self.0.iter().all(|Step { author, end, .. }| version.has(*author, end))
    }

    /// Whether all of it ends where that version does: then there is nothing new in it.
    pub(crate) fn is_known(&self, version: &Version) -> bool {
        self.0.iter().all(|Step { author, end, .. }| version.ends(*author).contains(end))
    }
}
