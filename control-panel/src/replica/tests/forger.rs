//! Makes runs as they are wanted, and a state that shows the order of what was applied.

use std::sync::Arc;

use crate::replica::{
    Author, Delta, Grant, Misbehaviour, Peer, Replica, ReplicaNotice, RunHash, Stamp, State,
    identify::{Identify, InProcess, genesis},
    run::{Head, Header, Operation, Run},
    short::Bytes,
};

/// Letters, in the order in which they were applied.
#[derive(Clone, Default, Debug, PartialEq)]
pub(super) struct Letters(pub(super) String);

impl State for Letters {
    type Op = char;

    fn apply(&mut self, letter: &char, _: &Stamp) {
        assert!(*letter != '!', "poison");
        assert!(*letter != '?' || !self.0.contains('p'), "poison behind a p");
        self.0.push(*letter);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what a replica calls")]
pub(super) fn payload(letter: &char, bytes: &mut Vec<u8>) {
    bytes.extend(u32::from(*letter).to_le_bytes());
}

pub(super) const fn peer(number: u8) -> Peer {
    Peer([number; 32])
}

pub(super) fn author(number: u8) -> Author {
    Author { peer: peer(number), incarnation: 0 }
}

/// A replica of a group of so many owners.
pub(super) fn replica(number: u8, of: u8) -> Replica<Letters> {
    builder(number, of).build()
}

pub(super) fn builder(number: u8, of: u8) -> crate::replica::ReplicaBuilder<Letters> {
    Replica::builder(peer(number), Letters::default()).members((1..=of).map(peer)).payload(payload)
}

/// The genesis of a group of so many owners.
pub(super) fn root(of: u8) -> RunHash {
    genesis(&(1..=of).map(|number| (peer(number), Grant::Owner)).collect())
}

/// A run with exactly that header, and letters.
pub(super) fn run(header: Header, letters: &str) -> Arc<Run<char>> {
    of(header, letters.chars().map(Operation::Apply).collect())
}

pub(super) fn of(header: Header, operations: Vec<Operation<char>>) -> Arc<Run<char>> {
    let named = InProcess { payload: Some(payload) }.identify(&header, &operations, &[]);
    Arc::new(Run {
        header,
        operations: operations.into(),
        hash: named.hash,
        bytes: Bytes::default(),
        signature: named.signature,
    })
}

/// A header of an author's first run in a group of so many owners.
pub(super) fn first(number: u8, of: u8) -> Header {
    let author = author(number);
    Header { author, seq: 0, lamport: 1, previous: root(of), heads: vec![].into(), schema: 0, fingerprint: 0 }
}

/// A header of the run after that one.
pub(super) fn after(run: &Run<char>) -> Header {
    let Header { author, schema, fingerprint, .. } = run.header;
    let (seq, lamport) = (run.next_seq(), run.clock() + 1);
    Header { author, seq, lamport, previous: run.hash, heads: vec![].into(), schema, fingerprint }
}

pub(super) fn head(run: &Run<char>) -> Head {
    Head { author: run.header.author, seq: run.next_seq() - 1, hash: run.hash }
}

pub(super) fn delta(runs: impl IntoIterator<Item = Arc<Run<char>>>) -> Delta<char> {
    Delta::of(runs.into_iter().collect::<Vec<_>>())
}

/// What a replica reports of peers when it merged that.
pub(super) fn misdeeds(replica: &mut Replica<Letters>, delta: Delta<char>) -> Vec<(Peer, Misbehaviour)> {
    replica.merge(delta);
    let notices = replica.settle().notices;
    let misdeed = |notice| match notice {
        ReplicaNotice::PeerMisbehaved { peer, what } => Some((peer, what)),
        _ => None,
    };
    notices.into_iter().filter_map(misdeed).collect()
}

/// Exchanges until all have everything. Returns what was reported.
pub(super) fn exchange(replicas: &mut [Replica<Letters>]) -> Vec<ReplicaNotice> {
    let mut notices = Vec::new();
    for _ in 0..12 {
        for from in 0..replicas.len() {
            let _ = replicas[from].outbox();
            for to in (0..replicas.len()).filter(|to| *to != from) {
                let delta = replicas[from].since(replicas[to].version());
                replicas[to].merge(delta);
            }
        }
        notices.extend(replicas.iter_mut().flat_map(|replica| replica.settle().notices));
    }
    notices
}

pub(super) fn assert_equal(replicas: &[Replica<Letters>]) -> &str {
    for replica in replicas {
        assert_eq!(replica.state(), replicas[0].state(), "{replica:?} differs");
        assert_eq!(replica.version(), replicas[0].version());
    }
    &replicas[0].state().0
}
