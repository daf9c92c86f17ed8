//! One signature for a chain, forgers, and deltas in pieces.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    super::{Limits, Postcard, Refused, parts::looks, read_postcard},
    world::{Op, apply, author, delta, history, peer, run, same},
};
use crate::{
    replica::{Delta, Peer, RunHash, Signer, Verifier, run::Run, signed::Signature},
    testing::TestKeys,
};

#[derive(Default)]
struct Counted(AtomicUsize);

impl Verifier for Counted {
    fn verify(&self, peer: &Peer, hash: &RunHash, signature: &[u8]) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        TestKeys.verify(peer, hash, signature)
    }
}

fn chain(length: u32, text: &str) -> Vec<Arc<Run<Op>>> {
    chain_of(0, length, text)
}

fn chain_of(of: usize, length: u32, text: &str) -> Vec<Arc<Run<Op>>> {
    let mut runs: Vec<Arc<Run<Op>>> = Vec::new();
    for number in 0..length {
        runs.push(run(author(of), runs.last().map(AsRef::as_ref), &[], vec![apply(number, text)]));
    }
    runs
}

fn decode(bytes: &[u8], verifier: &dyn Verifier) -> Result<Delta<Op>, super::super::DecodeError> {
    Delta::decode_signed(bytes, &Postcard::new(), &Limits::default(), verifier)
}

#[test]
fn one_signature_covers_a_chain() {
    let (runs, keys) = (chain(2_000, "a"), Counted::default());
    let bytes = delta(&runs).encode().unwrap();
    let read = decode(&bytes, &keys).unwrap();
    assert_eq!((read.runs.len(), keys.0.into_inner()), (2_000, 1));
    assert_eq!(read.runs.iter().filter(|run| !run.signature.is_empty()).count(), 1);
}

#[test]
fn a_long_chain_keeps_a_signature_for_each_256_kib() {
    let (runs, keys) = (chain(4_000, &"x".repeat(800)), Counted::default());
    let bytes = delta(&runs).encode().unwrap();
    let read = decode(&bytes, &keys).unwrap();
    let pieces = runs.iter().map(|run| run.bytes.len()).sum::<usize>() / (256 << 10);
    assert!((pieces..=pieces + 2).contains(&keys.0.into_inner()));
    // And no hand-over makes the stretches longer.
    assert_eq!(read.encode().unwrap(), bytes);
}

/// Bytes are verified without a list of their runs, and to the same end: which run is not proved is said alike.
#[test]
fn an_unsigned_end_proves_nothing() {
    for length in [10, 1_000] {
        let mut runs = chain(length, "a");
        let end = runs.len() - 1;
        Arc::get_mut(&mut runs[end]).unwrap().signature = Signature::default();
        let bytes = delta(&runs).encode().unwrap();
        let error = decode(&bytes, &TestKeys).unwrap_err();
        assert_eq!(error.refused(), &Refused::Signature { author: author(0), seq: end as u64 });
        assert_eq!(Delta::<Op>::verify(&bytes, &Limits::default(), &TestKeys), Err(error));
    }
}

/// What no member wrote never reaches the user's types, however much before it is proved.
#[test]
fn no_operation_is_read_before_all_are_proved() {
    let read = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&read);
    let codec = Postcard::<Op>::migrating(99, move |_, bytes| {
        counted.fetch_add(1, Ordering::Relaxed);
        read_postcard(bytes)
    });
    let decode = |runs: &[_]| {
        Delta::decode_signed(&delta(runs).encode().unwrap(), &codec, &Limits::default(), &TestKeys)
    };
    let mut runs = chain(200, "a");
    assert_eq!(decode(&runs).unwrap().runs.len(), 200);
    assert_eq!(read.swap(0, Ordering::Relaxed), 200);
    Arc::get_mut(&mut runs[199]).unwrap().signature = Signature::default();
    decode(&runs).unwrap_err();
    Arc::get_mut(&mut runs[199]).unwrap().signature = [1; 8][..].into();
    decode(&runs).unwrap_err();
    assert_eq!(read.load(Ordering::Relaxed), 0);
}

#[test]
fn what_several_authors_wrote_is_verified_without_being_read() {
    for seed in 0..20 {
        let bytes = delta(&history(seed, 5, 400)).encode().unwrap();
        let (reading, verifying) = (Counted::default(), Counted::default());
        let read = decode(&bytes, &reading).map(|_| ());
        assert_eq!(Delta::<Op>::verify(&bytes, &Limits::default(), &verifying), read, "seed {seed}");
        assert!(read.is_ok() && reading.0.into_inner() == verifying.0.into_inner(), "seed {seed}");
    }
}

/// Row 15 of the threats: a relay that makes up an author's run, or changes one.
#[test]
fn a_relay_cannot_forge() {
    let mut runs = chain(3, "a");
    let forged = run(author(0), Some(&runs[1]), &[], vec![apply(9, "forged")]);
    runs[2] = forged;
    let signature = TestKeys.signer(peer(1)).sign(&runs[2].hash);
    Arc::get_mut(&mut runs[2]).unwrap().signature = signature[..].into();
    let error = decode(&delta(&runs).encode().unwrap(), &TestKeys).unwrap_err();
    assert!(matches!(error.refused(), Refused::Signature { seq: 2, .. }));
    assert!(error.offset() > 0);
}

/// Its signature is good, but it names another author's run as its previous one: that is not proved by it.
#[test]
fn another_authors_signature_covers_nothing() {
    let mut victim = run(author(0), None, &[], vec![apply(1, "never written")]);
    Arc::get_mut(&mut victim).unwrap().signature = Signature::default();
    let mut attacker = run(author(2), None, &[], vec![apply(2, "b")]);
    {
        let attacker = Arc::get_mut(&mut attacker).unwrap();
        attacker.header.previous = victim.hash;
        attacker.hash = super::super::hash::run_hash(&attacker.header, 1, &attacker.bytes);
        attacker.signature = TestKeys.signer(peer(2)).sign(&attacker.hash)[..].into();
    }
    let error = decode(&delta(&[victim, attacker]).encode().unwrap(), &TestKeys).unwrap_err();
    assert!(matches!(error.refused(), Refused::Signature { seq: 0, .. }));
}

/// A signature inside a chain would be handed on, and an honest replica blamed for it.
#[test]
fn a_bad_signature_under_a_good_one_is_refused() {
    let mut runs = chain(1_000, &"x".repeat(800));
    let bytes = delta(&runs).encode().unwrap();
    let kept =
        decode(&bytes, &TestKeys).unwrap().runs.iter().position(|run| !run.signature.is_empty()).unwrap();
    Arc::get_mut(&mut runs[kept]).unwrap().signature = [1; 8][..].into();
    assert!(decode(&delta(&runs).encode().unwrap(), &TestKeys).is_err());
}

#[test]
fn pieces_stand_alone_and_hold_everything() {
    for seed in 0..60 {
        let mut runs = history(seed, 3, 120);
        // As it was received: most signatures are left out.
        if seed % 2 == 0 {
            runs = decode(&delta(&runs).encode().unwrap(), &TestKeys).unwrap().runs.into_vec();
        }
        let limits = Limits::default().with_bytes(6_000).with_runs(30 + seed as usize);
        let parts = delta(&runs).parts(&limits);
        assert!(seed % 2 == 0 || parts.len() > 2);
        let mut seen = BTreeSet::new();
        for part in &parts {
            let bytes = part.encode().unwrap();
            // A stretch under one signature is whole, however long.
            let within = if seed % 2 == 0 { Limits::default() } else { limits };
            let read = Delta::decode_signed(&bytes, &Postcard::new(), &within, &TestKeys).unwrap();
            seen.extend(read.runs.iter().map(|run| run.hash));
            assert!(read.runs.iter().all(|read| runs.iter().any(|run| same(read, run))));
        }
        assert_eq!(seen.len(), runs.len());
        assert_eq!(parts.iter().map(Delta::len).sum::<usize>(), delta(&runs).len());
    }
}

#[test]
fn pieces_of_a_received_chain_end_where_signatures_are() {
    let runs =
        decode(&delta(&chain(4_000, &"x".repeat(800))).encode().unwrap(), &TestKeys).unwrap().runs.into_vec();
    let limits = Limits::default().with_bytes(1 << 20);
    let parts = delta(&runs).parts(&limits);
    assert!(parts.len() > 3);
    for part in parts {
        Delta::<Op>::decode_signed(&part.encode().unwrap(), &Postcard::new(), &limits, &TestKeys).unwrap();
    }
}

/// As it is received.
fn under_one_signature(runs: &[Arc<Run<Op>>]) -> Vec<Arc<Run<Op>>> {
    let runs = decode(&delta(runs).encode().unwrap(), &TestKeys).unwrap().runs.into_vec();
    assert_eq!(runs.iter().filter(|run| !run.signature.is_empty()).count(), 1);
    runs
}

fn alternating([one, other]: [Vec<Arc<Run<Op>>>; 2]) -> Vec<Arc<Run<Op>>> {
    one.into_iter().zip(other).flat_map(|(one, other)| [one, other]).collect()
}

/// Two wrote apart, and a third that got what each wrote under one signature hands on both at a time: no piece ends before its signatures.
#[test]
fn a_stretch_under_one_signature_is_handed_on_whole() {
    let both = alternating([0, 1].map(|of| under_one_signature(&chain_of(of, 300, &"x".repeat(200)))));
    let parts = delta(&both).parts(&Limits::default().with_bytes(16 << 10));
    assert_eq!(parts.iter().map(Delta::len).sum::<usize>(), both.len());
    for part in parts {
        decode(&part.encode().unwrap(), &TestKeys).unwrap();
    }
}

/// What waits for its signature to the very end is not looked at for each piece before it.
#[test]
fn cutting_what_is_signed_late_costs_a_few_looks_at_each_run() {
    let late = under_one_signature(&chain_of(0, 5_000, "a"));
    for both in [[late.clone(), chain_of(1, 5_000, "a")], [chain_of(1, 5_000, "a"), late]] {
        let delta = delta(&alternating(both));
        looks::take();
        let parts = delta.parts(&Limits::default().with_bytes(2 << 10));
        let looks = looks::take();
        assert!(looks < 5 * 10_000, "{looks} looks at 10,000 runs, in {} pieces", parts.len());
    }
}

/// A peer far behind lacks runs by the ten thousand: each is looked at a few times, not once for each piece.
#[test]
fn cutting_costs_a_look_at_each_run() {
    let delta = delta(&chain(10_000, "a"));
    looks::take();
    let parts = delta.parts(&Limits::default().with_bytes(2 << 10));
    assert!(parts.len() > 20, "{} pieces", parts.len());
    let looks = looks::take();
    assert!(looks < 4 * 10_000, "{looks} looks at 10,000 runs, in {} pieces", parts.len());
}

/// What has room is counted closely: a peer far behind is sent few pieces, and signatures.
#[test]
fn pieces_are_within_their_bytes_and_full() {
    for bytes in [4 << 10, 64 << 10] {
        let runs = chain(8_000, &"a".repeat(20));
        let limits = Limits::default().with_bytes(bytes);
        let lengths: Vec<_> =
            delta(&runs).parts(&limits).iter().map(|part| part.encode().unwrap().len()).collect();
        assert!(lengths.iter().all(|length| *length <= bytes), "{lengths:?}");
        let full = &lengths[..lengths.len() - 1];
        assert!(!full.is_empty() && full.iter().all(|length| *length > bytes / 10 * 9), "{lengths:?}");
        // Of several authors, which name each other, and branches of some.
        for seed in 0..20 {
            for part in delta(&history(seed, 5, 400)).parts(&limits) {
                assert!(part.encode().unwrap().len() <= bytes || part.runs.len() == 1);
            }
        }
    }
}
