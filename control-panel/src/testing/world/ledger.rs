//! All runs that any replica stored, whatever replicas forget, and what each has in its past.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::replica::{
    Author, Delta, Peer, RunHash, Stamp,
    run::{Operation, Run},
};

#[derive(Debug)]
pub(super) struct Ledger<Op> {
    runs: BTreeMap<RunHash, Arc<Run<Op>>>,
    /// By the number of their first operation.
    places: BTreeMap<(Author, u64), RunHash>,
}

/// Some runs.
pub(super) type Runs = BTreeSet<RunHash>;

impl<Op> Ledger<Op> {
    pub(super) fn new() -> Self {
        Self { runs: BTreeMap::new(), places: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, delta: &Delta<Op>) {
        for run in &delta.runs {
            self.runs.insert(run.hash, Arc::clone(run));
            self.places.insert((run.header.author, run.header.seq), run.hash);
        }
    }

    /// Each behind its past.
    pub(super) fn runs(&self) -> Vec<Arc<Run<Op>>> {
        let mut runs: Vec<_> = self.runs.values().cloned().collect();
        runs.sort_by_key(|run| (run.header.lamport, run.header.author, run.hash));
        runs
    }

    /// The replicas' own operations of all runs but some, with their places.
    pub(super) fn acts(&self, but: &Runs) -> Vec<(Stamp, &Operation<Op>)> {
        let runs = self.runs.values().filter(|run| !but.contains(&run.hash));
        let all = runs.flat_map(|run| {
            run.operations.iter().enumerate().map(|(index, operation)| (run.stamp(index), operation))
        });
        all.filter(|(_, operation)| !matches!(operation, Operation::Apply(_))).collect()
    }

    /// The run that has an operation, whose author did not fork.
    pub(super) fn run_of(&self, stamp: &Stamp) -> Option<&Run<Op>> {
        let (_, hash) = self.places.range((stamp.author, 0)..=(stamp.author, stamp.seq)).next_back()?;
        self.runs.get(hash).map(|run| &**run).filter(|run| stamp.seq < run.next_seq())
    }

    /// A run and all in its past.
    pub(super) fn upto(&self, hash: RunHash) -> Runs {
        let (mut past, mut open) = (Runs::new(), vec![hash]);
        while let Some(hash) = open.pop() {
            if let Some(run) = self.runs.get(&hash).filter(|_| past.insert(hash)) {
                open.extend(directly_before(run));
            }
        }
        past
    }

    /// A run and all that have it in their past.
    pub(super) fn from(&self, hash: RunHash) -> Runs {
        let mut later = Runs::from([hash]);
        for run in self.runs() {
            if directly_before(&run).any(|before| later.contains(&before)) {
                later.insert(run.hash);
            }
        }
        later
    }

    /// Whether two runs of the peer's have one before them.
    pub(super) fn forks(&self, peer: Peer) -> bool {
        let mut before = BTreeSet::new();
        // The first one of an author has none, and all have their author.
        self.of(peer).any(|run| !before.insert((run.header.author, run.header.previous)))
    }

    /// The runs of a peer's, forks and all.
    pub(super) fn of(&self, peer: Peer) -> impl Iterator<Item = &Run<Op>> {
        self.runs.values().map(|run| &**run).filter(move |run| run.header.author.peer == peer)
    }
}

fn directly_before<Op>(run: &Run<Op>) -> impl Iterator<Item = RunHash> + '_ {
    run.header.heads.iter().map(|head| head.hash).chain([run.header.previous])
}
