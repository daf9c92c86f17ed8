//! How much one signature may cover, and that all of it can be handed on.

use std::sync::Arc;

use super::{
    super::{DecodeError, Limits, Postcard, Refused},
    world::{Op, apply, author, delta, peer, run},
};
use crate::{
    replica::{
        Delta, Misbehaviour, Peer, Replica, ReplicaNotice, Stamp, State,
        run::Run,
        signature::{LONGEST_STRETCH, Link, seldom_signed},
        signed::Signature,
    },
    testing::TestKeys,
};

/// Bytes of a run's text.
const TEXT: usize = 40 << 10;

/// A chain of about so many bytes, of which only the last run is signed: no author's program writes it if it is long.
fn under_one_signature(of: usize, bytes: usize) -> Vec<Arc<Run<Op>>> {
    let text = "x".repeat(TEXT);
    let mut runs = Vec::<Arc<Run<Op>>>::new();
    for number in 0..u32::try_from(bytes / TEXT).unwrap() {
        let next = run(author(of), runs.last().map(AsRef::as_ref), &[], vec![apply(number, &text)]);
        if let Some(before) = runs.last_mut() {
            Arc::get_mut(before).unwrap().signature = Signature::default();
        }
        runs.push(next);
    }
    runs
}

fn alternating(chains: Vec<Vec<Arc<Run<Op>>>>) -> Vec<Arc<Run<Op>>> {
    let mut runs: Vec<_> = chains.into_iter().flatten().collect();
    runs.sort_by_key(|run| run.header.seq);
    runs
}

fn decode(bytes: &[u8]) -> Result<Delta<Op>, DecodeError> {
    Delta::decode_signed(bytes, &Postcard::new(), &Limits::default(), &TestKeys)
}

#[test]
fn more_than_the_longest_stretch_is_refused() {
    let runs = under_one_signature(0, LONGEST_STRETCH + 3 * TEXT);
    let weight = Link::of(&*runs[0]).weight;
    let most = LONGEST_STRETCH / weight;
    let seq = most as u64;
    for longer in [false, true] {
        // The signed run comes beside.
        let runs = &under_one_signature(0, TEXT * (most + 1 + usize::from(longer)));
        let bytes = delta(runs).encode().unwrap();
        let expected = Refused::SeldomSigned { author: author(0), seq };
        let refused = decode(&bytes).err().map(|error| error.refused().clone());
        assert_eq!(refused, longer.then_some(expected));
        let verified = Delta::<Op>::verify(&bytes, &Limits::default(), &TestKeys);
        assert_eq!(verified.err(), decode(&bytes).err());
    }
    // With another's run between any two it is one stretch all the same.
    let both = alternating([0, 1].map(|of| under_one_signature(of, LONGEST_STRETCH + 3 * TEXT)).into());
    let error = decode(&delta(&both).encode().unwrap()).unwrap_err();
    assert!(matches!(error.refused(), Refused::SeldomSigned { .. }), "{error}");
}

/// Nobody is named for a long stretch that it did not provably write.
#[test]
fn what_is_forged_is_forged_however_long() {
    let mut runs = under_one_signature(0, LONGEST_STRETCH + 3 * TEXT);
    Arc::get_mut(runs.last_mut().unwrap()).unwrap().signature = [1; 8][..].into();
    let error = decode(&delta(&runs).encode().unwrap()).unwrap_err();
    assert!(matches!(error.refused(), Refused::Signature { .. }), "{error}");
}

#[derive(Clone, Default)]
pub(super) struct Nothing;

impl State for Nothing {
    type Op = Op;

    fn apply(&mut self, _: &Op, _: &Stamp) {}
}

/// A program that carries deltas by itself, and leaves signatures to the replica.
#[test]
fn a_replica_takes_no_longer_stretch_either() {
    let members: Vec<_> = (0..2).map(peer).collect();
    let mut replica = Replica::builder(peer(1), Nothing)
        .members(members)
        .codec(Postcard::new(), Limits::default())
        .verifier(TestKeys)
        .build();
    replica.merge(delta(&under_one_signature(0, LONGEST_STRETCH + 3 * TEXT)));
    let settled = replica.settle();
    let by: Peer = peer(0);
    let expected = ReplicaNotice::PeerMisbehaved { peer: by, what: Misbehaviour::Signature };
    assert!(settled.notices.contains(&expected), "{:?}", settled.notices);
}

/// A member's chains side by side, as another received each: whoever gets them from that one takes each piece.
#[test]
fn stretches_side_by_side_are_handed_on_within_the_limit() {
    for (chains, bytes) in [(5, LONGEST_STRETCH - TEXT), (70, 300 << 10)] {
        let runs = alternating((0..chains).map(|of| under_one_signature(of, bytes)).collect());
        let parts = delta(&runs).parts(&Limits::default().with_bytes(256 << 10));
        assert_eq!(parts.iter().map(Delta::len).sum::<usize>(), runs.len());
        for part in parts {
            decode(&part.encode().unwrap()).unwrap();
        }
    }
}

/// It is older than the rule: it is not sent, as that would be charged to the one that sends it. All else is.
#[test]
fn what_others_would_refuse_is_not_handed_on() {
    let [long, other] = [0, 1].map(|of| under_one_signature(of, LONGEST_STRETCH * 3 / 2));
    let mut other = other;
    let middle = other.len() / 2;
    other[middle] = {
        let signed =
            run(author(1), Some(&other[middle - 1]), &[], vec![apply(middle as u32, &"x".repeat(TEXT))]);
        assert_eq!(signed.hash, other[middle].hash);
        signed
    };
    let runs = alternating(vec![long, other.clone()]);
    let limits = Limits::default().with_bytes(256 << 10);
    let given = delta(&runs).pieces(&limits);
    assert!(given.iter().all(|piece| decode(&piece.encode().unwrap()).is_ok()));
    assert_eq!(given.iter().map(|piece| piece.runs.len()).sum::<usize>(), other.len());
    assert!(given.iter().flat_map(Delta::authors).all(|of| of == author(1)));
    assert_eq!(delta(&runs).parts(&limits).iter().map(|part| part.runs.len()).sum::<usize>(), runs.len());
}

/// An author that forked: what leads to both branches came with the short one, and a signature in the long one stands first. It goes with the one that it came with.
#[test]
fn what_leads_to_branches_is_handed_on_with_the_shorter() {
    let mut runs = under_one_signature(0, LONGEST_STRETCH - 3 * TEXT);
    let fork = Arc::clone(runs.last().unwrap());
    for (first, length) in [(1_000, 8), (2_000, 1)] {
        let mut branch = Vec::<Arc<Run<Op>>>::new();
        for number in first..first + length {
            let before = branch.last().map_or(&*fork, AsRef::as_ref);
            let next = run(author(0), Some(before), &[], vec![apply(number, &"y".repeat(TEXT))]);
            if let Some(before) = branch.last_mut() {
                Arc::get_mut(before).unwrap().signature = Signature::default();
            }
            branch.push(next);
        }
        runs.append(&mut branch);
    }
    let hash = fork.hash;
    drop(fork);
    let trunk = runs.iter_mut().find(|run| run.hash == hash).unwrap();
    Arc::get_mut(trunk).unwrap().signature = Signature::default();
    let limits = Limits::default();
    for limits in [limits.with_bytes(256 << 10), limits] {
        let pieces = delta(&runs).pieces(&limits);
        assert_eq!(pieces.iter().map(|piece| piece.runs.len()).sum::<usize>(), runs.len());
        for piece in pieces {
            decode(&piece.encode().unwrap()).unwrap();
        }
    }
}

/// Acknowledgements are a byte each, and name many: what is under one signature is bounded by what it takes to hand it on.
#[test]
fn an_author_leaves_little_unsigned_whatever_its_runs_name() {
    let others: Vec<_> = (1..9).map(|of| run(author(of), None, &[], vec![apply(1, "a")])).collect();
    let heads: Vec<_> = others.iter().map(AsRef::as_ref).collect();
    let mut runs = Vec::<Arc<Run<Op>>>::new();
    for number in 0..12_000 {
        runs.push(run(author(0), runs.last().map(AsRef::as_ref), &heads, vec![apply(number, "")]));
    }
    let all: Vec<_> = others.iter().chain(&runs).cloned().collect();
    let read = decode(&delta(&all).encode().unwrap()).unwrap();
    assert!(runs.iter().map(|run| Link::of(&**run).weight).sum::<usize>() > LONGEST_STRETCH);
    assert_eq!(seldom_signed(read.runs.iter().map(|run| Link::of(run))), None);
    for part in read.parts(&Limits::default().with_bytes(256 << 10)) {
        assert!(part.encode().unwrap().len() <= 260 << 10);
    }
}

pub(super) fn two() -> [Replica<Nothing>; 2] {
    let members: Vec<_> = (0..2).map(peer).collect();
    [0, 1].map(|at| {
        Replica::builder(peer(at), Nothing)
            .members(members.clone())
            .codec(Postcard::new(), Limits::default())
            .signer(TestKeys.signer(peer(at)))
            .verifier(TestKeys)
            .build()
    })
}

/// The later part comes first, and waits: what it brings unsigned is signed by what comes then, so no stretch is longer for it.
#[test]
fn a_signature_that_comes_while_its_run_waits_is_kept() {
    let [mut author, mut other] = two();
    for number in 0..5 {
        author.commit((number, String::new()));
        let _ = (author.settle(), author.outbox());
    }
    let runs = author.since(&crate::Version::new()).runs.into_vec();
    for part in [&runs[2..5], &runs[..4]] {
        let read = decode(&delta(part).encode().unwrap()).unwrap();
        assert_eq!(read.runs.iter().filter(|run| !run.signature.is_empty()).count(), 1);
        other.merge(read);
    }
    let _ = other.settle();
    let signed: Vec<_> =
        other.since(&crate::Version::new()).runs.iter().map(|run| !run.signature.is_empty()).collect();
    assert_eq!(signed, [false, false, false, true, true]);
}
