//! Graphs with operations of one number, and ways to make runs that no honest replica makes.

use std::{collections::BTreeMap, sync::Arc};

use crate::replica::{
    Author, Grant, Peer, RunHash,
    graph::{Graph, Limits},
    identify::{Identify, InProcess, genesis},
    run::{Head, Header, Operation, Run},
    short::Bytes,
};

pub(super) type TestRun = Arc<Run<u64>>;

pub(super) const IDENTIFY: InProcess<u64> =
    InProcess { payload: Some(|op, bytes| bytes.extend_from_slice(&op.to_be_bytes())) };

pub(super) fn author(peer: u8) -> Author {
    Author { peer: Peer([peer; 32]), incarnation: 0 }
}

pub(super) fn origin() -> RunHash {
    genesis(&BTreeMap::from([(Peer([0; 32]), Grant::Owner)]))
}

pub(super) fn graph(own: u8) -> Graph<u64> {
    graph_with(own, Limits::default())
}

pub(super) fn graph_with(own: u8, limits: Limits) -> Graph<u64> {
    Graph::new(origin(), author(own), limits)
}

/// Makes a graph's next run.
pub(super) fn seal(graph: &mut Graph<u64>, ops: &[u64]) -> TestRun {
    graph.seal(ops.iter().map(|op| Operation::Apply(*op)).collect(), 0, 0, &IDENTIFY).run
}

/// Makes a graph's next run: a cut.
pub(super) fn cut(graph: &mut Graph<u64>, upto: u64) -> TestRun {
    graph.seal(vec![Operation::Cut { upto }], 0, 0, &IDENTIFY).run
}

/// Offers runs and admits what can be. Returns how many were.
pub(super) fn take<'a>(graph: &mut Graph<u64>, runs: impl IntoIterator<Item = &'a TestRun>) -> usize {
    for run in runs {
        graph.offer(Arc::clone(run));
    }
    std::iter::from_fn(|| graph.admit_next()).count()
}

/// A run as some program may make it.
pub(super) fn forge(header: Header, ops: &[u64]) -> TestRun {
    let operations: Vec<_> = ops.iter().map(|op| Operation::Apply(*op)).collect();
    let identity = IDENTIFY.identify(&header, &operations, &[]);
    Arc::new(Run {
        header,
        operations: operations.into(),
        hash: identity.hash,
        bytes: Bytes::default(),
        signature: identity.signature,
    })
}

/// What an author's run after `previous` says if it is honest and knows these ends too.
pub(super) fn follow(author: Author, previous: Option<&TestRun>, known: &[&TestRun]) -> Header {
    let mut heads: Vec<_> = known.iter().map(|run| head(run)).collect();
    heads.sort_by_key(|head| (head.author, head.hash));
    Header {
        author,
        seq: previous.map_or(0, |run| run.next_seq()),
        lamport: known.iter().chain(&previous).map(|run| run.clock()).max().unwrap_or(0).saturating_add(1),
        previous: previous.map_or(origin(), |run| run.hash),
        heads: heads.into(),
        schema: 0,
        fingerprint: 0,
    }
}

pub(super) fn head(run: &TestRun) -> Head {
    Head { author: run.header.author, seq: run.next_seq() - 1, hash: run.hash }
}

/// What a graph has, whatever the order in which it came.
pub(super) fn contents(graph: &Graph<u64>) -> BTreeMap<RunHash, (Author, u64, u64)> {
    let runs = graph.chains().flat_map(|(_, chain)| &chain.runs);
    runs.map(|run| (run.hash, (run.header.author, run.header.seq, run.header.lamport))).collect()
}

/// `SplitMix64`.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}
