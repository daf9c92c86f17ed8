//! What another replica lacks.

use std::sync::Arc;

use super::{Branches, Graph};
use crate::replica::{Version, run::Run};

impl<Op> Graph<Op> {
    /// What a replica of that version lacks, as far as it is kept, each run behind its past. Of a forked author everything from the
    /// fork on, as a count does not tell branches apart.
    pub(crate) fn since(&self, version: &Version) -> Vec<Arc<Run<Op>>> {
        let mut runs = Vec::new();
        for (author, branches) in &self.authors {
            let count = version.get(*author).min(self.fork_of(branches));
            for id in &branches.chains {
                let chain = &self.chains[id.index()];
                runs.extend(chain.runs[chain.position(count)..].iter().cloned());
            }
        }
        // A run's time is above those of all in its past. Stable, so chains stay as they are without looking at hashes.
        runs.sort_by_key(|run| (run.header.lamport, run.header.author));
        runs
    }

    /// Whether [`since`](Self::since) has all that a replica of that version lacks. If not, it needs a snapshot.
    pub(crate) fn reaches(&self, version: &Version) -> bool {
        self.authors.iter().all(|(author, branches)| version.get(*author) >= branches.forgotten)
    }

    /// How many operations the branches of an author share.
    fn fork_of(&self, branches: &Branches) -> u64 {
        let forks = branches.chains.iter().filter_map(|id| self.chains[id.index()].fork);
        forks.map(|fork| fork.mark.next_seq).min().unwrap_or(u64::MAX)
    }
}
