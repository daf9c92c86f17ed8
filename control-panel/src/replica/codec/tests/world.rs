//! Deltas as an honest group writes them, from a seed.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::super::{Coding, Limits, Postcard};
use crate::{
    replica::{
        Author, Delta, Grant, Peer, RunHash, Stamp,
        identify::{Identify, Identity},
        run::{Digest, Head, Header, Operation, Run},
        signature::Signed,
    },
    testing::{Rng, TestKeys},
};

pub(super) type Op = (u32, String);

pub(super) fn peer(number: usize) -> Peer {
    Peer([number as u8 + 1; 32])
}

pub(super) fn author(number: usize) -> Author {
    Author { peer: peer(number), incarnation: number as u32 % 2 }
}

/// A run of these operations after `previous`, signed by its author.
pub(super) fn run(
    author: Author,
    previous: Option<&Run<Op>>,
    heads: &[&Run<Op>],
    operations: Vec<Operation<Op>>,
) -> Arc<Run<Op>> {
    run_of(0, author, previous, heads, operations)
}

pub(super) fn run_of(
    schema: u32,
    author: Author,
    previous: Option<&Run<Op>>,
    heads: &[&Run<Op>],
    operations: Vec<Operation<Op>>,
) -> Arc<Run<Op>> {
    let coding = Coding::new(Postcard::<Op>::new(), Limits::default());
    let clock = heads.iter().copied().chain(previous).map(Run::clock).max().unwrap_or(0);
    let mut names: Vec<_> = heads
        .iter()
        .map(|run| Head { author: run.header.author, seq: run.next_seq() - 1, hash: run.hash })
        .collect();
    names.sort_by_key(|head| (head.author, head.hash));
    let header = Header {
        author,
        seq: previous.map_or(0, Run::next_seq),
        lamport: clock + 1,
        previous: previous.map_or(RunHash([9; 32]), |run| run.hash),
        heads: names.into(),
        schema,
        fingerprint: u64::from(schema) << 40,
    };
    let signer = Arc::new(TestKeys.signer(author.peer));
    let (names, mut bytes) = (Signed { names: Box::new(coding), signer }, Vec::new());
    for operation in &operations {
        names.encode(operation, &mut bytes);
    }
    let Identity { hash, signature } = names.identify(&header, &operations, &bytes);
    Arc::new(Run { header, operations: operations.into(), hash, bytes: bytes.into(), signature })
}

pub(super) fn apply(number: u32, text: &str) -> Operation<Op> {
    Operation::Apply((number, text.to_owned()))
}

pub(super) fn any_operation(rng: &mut Rng) -> Operation<Op> {
    let number = rng.next_u64();
    match rng.index(12) {
        0 => Operation::Ack { digest: None },
        1 => Operation::Ack { digest: Some(Digest { level: number >> 40, digest: number }) },
        2 => Operation::Invite {
            peer: peer(rng.index(9)),
            grant: [Grant::Read, Grant::Write, Grant::Owner][rng.index(3)],
        },
        3 => Operation::Retire { peer: peer(rng.index(9)) },
        4 => Operation::Revoke {
            stamp: Box::new(Stamp { lamport: number >> 20, author: author(rng.index(9)), seq: number >> 50 }),
        },
        5 => Operation::Cut { upto: number },
        _ => apply(number as u32 >> 12, &"text".repeat(rng.index(30))),
    }
}

/// The runs of `authors` authors, in an order that respects their pasts, with a fork now and then.
pub(super) fn history(seed: u64, authors: usize, runs: usize) -> Vec<Arc<Run<Op>>> {
    let mut rng = Rng::new(seed);
    let mut all: Vec<Arc<Run<Op>>> = Vec::new();
    let mut last = BTreeMap::<usize, Arc<Run<Op>>>::new();
    for _ in 0..runs {
        let number = rng.index(authors);
        let schema =
            if rng.index(40) == 0 { 3 } else { last.get(&number).map_or(0, |run| run.header.schema) };
        let heads: Vec<_> = last
            .iter()
            .filter(|(other, _)| **other != number && rng.index(2) == 0)
            .map(|(_, run)| run)
            .collect();
        let heads: Vec<_> = heads.into_iter().map(Arc::as_ref).collect();
        let count = if rng.index(3) == 0 { 1 + rng.index(4) } else { 1 };
        let operations = (0..count).map(|_| any_operation(&mut rng)).collect();
        let previous = last.get(&number).map(Arc::as_ref);
        let made = run_of(schema, author(number), previous, &heads, operations);
        all.push(Arc::clone(&made));
        // A fork: the next run has the same predecessor.
        if rng.index(30) != 0 {
            last.insert(number, made);
        }
    }
    let mut hashes = BTreeSet::new();
    all.retain(|run| hashes.insert(run.hash));
    all
}

pub(super) fn delta(runs: &[Arc<Run<Op>>]) -> Delta<Op> {
    Delta::of(runs.to_vec())
}

pub(super) fn decode(bytes: &[u8]) -> Result<Delta<Op>, super::super::DecodeError> {
    Delta::decode(
        bytes,
        &Postcard::migrating(3, |_, bytes| super::super::read_postcard(bytes)),
        &Limits::default(),
    )
}

/// All but the signature, which may be left out where another covers it.
pub(super) fn same(a: &Run<Op>, b: &Run<Op>) -> bool {
    a.hash == b.hash
        && a.header == b.header
        && *a.bytes == *b.bytes
        && a.operations.len() == b.operations.len()
}
