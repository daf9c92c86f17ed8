//! The transitive closure of all runs, kept in full: what the graph's rows are compared with.

use std::collections::{BTreeMap, BTreeSet};

use super::harness::{TestRun, origin};
use crate::replica::{
    RunHash,
    graph::{ChainId, Graph, Mark},
};

/// All right runs, each with everything that it depends on.
#[derive(Default)]
pub(super) struct Oracle {
    pub(super) runs: BTreeMap<RunHash, TestRun>,
    past: BTreeMap<RunHash, BTreeSet<RunHash>>,
}

impl Oracle {
    /// Adds a run whose past is known, and checks its time against the definition.
    pub(super) fn add(&mut self, run: &TestRun) {
        let heads = run.header.heads.iter().map(|head| head.hash);
        let direct: Vec<_> = heads.chain([run.header.previous]).filter(|hash| *hash != origin()).collect();
        let time = direct.iter().map(|hash| self.runs[hash].clock()).max().unwrap_or(0) + 1;
        assert_eq!(run.header.lamport, time, "a derived time");
        let mut past: BTreeSet<_> = direct.iter().flat_map(|hash| &self.past[hash]).copied().collect();
        past.extend(direct);
        self.past.insert(run.hash, past);
        self.runs.insert(run.hash, run.clone());
    }

    /// Whether a run is another or in its past.
    fn reaches(&self, from: RunHash, to: RunHash) -> bool {
        from == to || self.past.get(&from).is_some_and(|past| past.contains(&to))
    }

    /// The runs of a chain from the genesis, those shared with its parents included.
    fn lineage(&self, graph: &Graph<u64>, chain: ChainId) -> Vec<TestRun> {
        let mut lineage = Vec::new();
        let mut hash = graph.chain(chain).tip().hash;
        while let Some(run) = self.runs.get(&hash) {
            lineage.push(run.clone());
            hash = run.header.previous;
        }
        lineage.reverse();
        lineage
    }

    /// Checks all rows of a graph.
    pub(super) fn check(&self, graph: &Graph<u64>) {
        let chains: Vec<_> = graph.chains().map(|(id, _)| id).collect();
        for &of in &chains {
            let tip = graph.chain(of).tip().hash;
            for &other in &chains {
                let lineage = self.lineage(graph, other);
                let known = lineage.iter().take_while(|run| self.reaches(tip, run.hash));
                let mark = known
                    .last()
                    .map_or(Mark::default(), |run| Mark { next_seq: run.next_seq(), clock: run.clock() });
                assert_eq!(graph.heard(of, other), mark, "{of:?} of {other:?}");
                for run in &lineage {
                    let covered = self.reaches(tip, run.hash);
                    assert_eq!(graph.covers(of, (other, run.next_seq())), covered, "{of:?} of {run:?}");
                }
            }
        }
    }
}
