//! Bytes that a broken or hostile peer sends.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{DecodeError, Limits, Postcard, Refused, wire::put_varint},
    world::{Op, apply, author, decode, delta, history, run, same},
};
use crate::{
    replica::{Delta, run::Run},
    testing::{Rng, TestKeys},
};

type Runs = BTreeMap<[u8; 32], Arc<Run<Op>>>;

/// Whatever happened to the bytes: refused, or another delta that has one encoding and no hash that is another run's.
fn is_safe(bytes: &[u8], originals: &Runs) -> bool {
    let Ok(read) = decode(bytes) else { return false };
    let again = read.encode().unwrap();
    if again != bytes {
        // Only where a signature came that another covers: it is left out.
        let signatures =
            |delta: &Delta<Op>| delta.runs.iter().filter(|run| !run.signature.is_empty()).count();
        let reread = decode(&again).unwrap();
        assert!(signatures(&reread) < signatures(&read), "two encodings of one delta");
        assert!(reread.runs.iter().zip(&read.runs).all(|(a, b)| same(a, b)));
        assert_eq!(reread.encode().unwrap(), again);
    }
    for run in &read.runs {
        assert!(originals.get(&run.hash.0).is_none_or(|original| same(run, original)), "a hash taken over");
    }
    true
}

fn sample(seed: u64) -> (Vec<u8>, Runs) {
    let runs = history(seed, 3, 24);
    let bytes = delta(&runs).encode().unwrap();
    (bytes, runs.into_iter().map(|run| (run.hash.0, run)).collect())
}

#[test]
fn every_truncation_is_refused() {
    for seed in 0..4 {
        let (bytes, _) = sample(seed);
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end]).unwrap_err();
            assert!(error.offset() <= end);
            assert!(matches!(error.refused(), Refused::Truncated { .. }), "{end}: {error}");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_or_another_delta() {
    for seed in 0..2 {
        let (bytes, originals) = sample(seed);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            is_safe(&flipped, &originals);
        }
    }
}

#[test]
fn with_signatures_every_flipped_bit_is_refused() {
    for seed in 0..2 {
        let (bytes, _) = sample(seed);
        let codec = Postcard::<Op>::new();
        let decode = |bytes: &[u8]| Delta::decode_signed(bytes, &codec, &Limits::default(), &TestKeys);
        let verify = |bytes: &[u8]| Delta::<Op>::verify(bytes, &Limits::default(), &TestKeys);
        decode(&bytes).unwrap();
        verify(&bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = decode(&flipped).map(|_| ());
            assert!(refused.is_err(), "seed {seed}, bit {bit}");
            assert_eq!(verify(&flipped), refused, "seed {seed}, bit {bit}");
        }
    }
}

#[test]
fn mutations_and_noise_never_panic() {
    let (mut rng, mut taken) = (Rng::new(1), 0);
    let samples: Vec<_> = (0..16).map(sample).collect();
    for round in 0..10_000 {
        let (original, originals) = &samples[round % 16];
        let mut bytes = original.clone();
        for _ in 0..=rng.index(4) {
            let at = rng.index(bytes.len());
            match rng.index(5) {
                0 => bytes[at] = rng.next_u64() as u8,
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, rng.next_u64() as u8),
                3 => bytes.truncate(at.max(1)),
                _ => {
                    let piece = bytes[at..(at + rng.index(40)).min(bytes.len())].to_vec();
                    let to = rng.index(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        taken += u32::from(is_safe(&bytes, originals));
        let noise: Vec<_> = (0..rng.index(300)).map(|_| rng.next_u64() as u8).collect();
        is_safe(&noise, originals);
        let noise: Vec<_> = [3, 3].into_iter().chain(noise.into_iter().map(|byte| byte & 0x3f)).collect();
        is_safe(&noise, originals);
    }
    assert!(taken > 100, "only {taken} mutations were read at all");
}

fn refused(bytes: &[u8], limits: &Limits) -> Refused {
    let error = Delta::<Op>::decode(bytes, &Postcard::new(), limits).unwrap_err();
    error.refused().clone()
}

fn with(parts: &[&[u8]], number: u64) -> Vec<u8> {
    let mut bytes = parts.concat();
    put_varint(&mut bytes, number);
    bytes
}

#[test]
fn what_is_declared_is_checked_before_it_is_believed() {
    let limits = Limits::default();
    let first = [&[0b10_0010][..], &[1; 32], &[0], &[9; 32], &[0]].concat();
    let many = [&[0b10][..], &[1; 32], &[0], &[9; 32], &[0]].concat();
    let headed = [&[0b10_0110][..], &[1; 32], &[0], &[9; 32], &[0]].concat();
    let signed = [&[0b11_0010][..], &[1; 32], &[0], &[9; 32], &[0], &[1]].concat();
    let max = u64::from(u32::MAX);
    for (what, bytes) in [
        ("runs", with(&[&[3]], max)),
        ("op_bytes in an operation", with(&[&[3, 1], &first], max << 1)),
        ("run_ops in a run", with(&[&[3, 1], &many], max)),
        ("heads in a run", with(&[&[3, 1], &headed], max)),
        ("signature_bytes", with(&[&[3, 1], &signed], max)),
    ] {
        match refused(&bytes, &limits) {
            Refused::Limit { what: found, .. } => assert_eq!(found, what),
            other => panic!("{what}: {other:?}"),
        }
        // The same, within the limit but beyond what is left.
        let mut bytes = bytes;
        bytes.truncate(bytes.len() - 5);
        put_varint(&mut bytes, 100);
        // Known from the count, not where the bytes end.
        match refused(&bytes, &limits) {
            Refused::Truncated { missing } => assert!(missing >= 50, "{what}: {missing}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn each_limit_holds() {
    let runs = history(5, 4, 40);
    let bytes = delta(&runs).encode().unwrap();
    let limits = Limits::default();
    decode(&bytes).unwrap();
    for (what, limits) in [
        ("bytes", limits.with_bytes(bytes.len() - 1)),
        ("runs", limits.with_runs(runs.len() - 1)),
        ("ops", limits.with_ops(delta(&runs).len() - 1)),
        ("run_ops in a run", limits.with_run_ops(1)),
        ("op_bytes in an operation", limits.with_op_bytes(10)),
        ("heads in a run", limits.with_heads(1)),
        ("authors", limits.with_authors(3)),
        ("signature_bytes", limits.with_signature_bytes(7)),
    ] {
        match refused(&bytes, &limits) {
            Refused::Limit { what: found, .. } => assert_eq!(found, what),
            other => panic!("{what}: {other:?}"),
        }
    }
    let exact =
        limits.with_bytes(bytes.len()).with_runs(runs.len()).with_ops(delta(&runs).len()).with_authors(4);
    Delta::<Op>::decode(&bytes, &Postcard::new(), &exact).unwrap();
}

#[test]
fn versions_and_trailing_bytes_are_named() {
    let bytes = delta(&[run(author(0), None, &[], vec![apply(1, "")])]).encode().unwrap();
    let newer = [&[4], &bytes[1..]].concat();
    assert_eq!(refused(&newer, &Limits::default()), Refused::Version { found: 4, known: 3 });
    let error: DecodeError = decode(&newer).unwrap_err();
    assert!(error.to_string().contains("version 4") && error.to_string().contains("version 3"));
    let longer = [&bytes[..], &[0, 0]].concat();
    assert_eq!(refused(&longer, &Limits::default()), Refused::Trailing { left: 2 });
}

/// A clock that jumps forward is read, for the replica to refuse and to blame its author; one beyond 64 bits is not.
#[test]
fn clocks_do_not_overflow() {
    let start = [&[3, 1, 0b10_1010][..], &[1; 32], &[0], &[9; 32], &[0]];
    let jump = with(&start, u64::MAX - 2);
    let read = decode(&[&jump[..], &[1]].concat()).unwrap();
    assert_eq!(read.runs[0].clock(), u64::MAX - 1);
    for beyond in [u64::MAX - 1, u64::MAX] {
        let bytes = [&with(&start, beyond)[..], &[1]].concat();
        assert!(matches!(refused(&bytes, &Limits::default()), Refused::Malformed(_)), "{beyond}");
    }
    let seq = [&[3, 1, 0b10_0010][..], &[1; 32], &[0], &[9; 32]];
    let bytes = [&with(&seq, u64::MAX)[..], &[1]].concat();
    assert!(matches!(refused(&bytes, &Limits::default()), Refused::Malformed(_)));
}

/// A relay that spells out what the delta holds already changes no hash, but makes a second encoding of one delta.
#[test]
fn a_second_way_to_write_a_delta_is_refused() {
    let first = run(author(0), None, &[], vec![apply(1, "a")]);
    let second = run(author(1), None, &[&first], vec![apply(2, "b")]);
    let bytes = delta(&[first.clone(), second.clone()]).encode().unwrap();
    let head = bytes.windows(3).rposition(|bytes| bytes == [1, 0, 0]).unwrap() + 1;
    let mut spelled_out = bytes.clone();
    spelled_out.splice(head..head + 2, [&[1, 0][..], &first.hash.0].concat());
    // What the Lamport time gets from that head has to be said now.
    let word = 2 + bytes[2..].windows(33).position(|bytes| bytes[1..] == [2; 32]).unwrap();
    spelled_out[word] |= 0b1000;
    spelled_out.insert(head + 34, 1);
    assert_eq!(
        refused(&spelled_out, &Limits::default()),
        Refused::NotCanonical("a head that is here is spelled out")
    );
    let longer = [&[0x81, 0][..], &bytes[1..]].concat();
    assert!(matches!(refused(&longer, &Limits::default()), Refused::NotCanonical(_)));
}

#[test]
fn a_run_that_continues_the_one_before_it_does_not_name_it() {
    let first = [&[0b10_0010][..], &[1; 32], &[0], &[9; 32], &[0], &[1]].concat();
    let hash = decode(&[&[3, 1], &first[..]].concat()).unwrap().runs[0].hash;
    let named = [&[3, 2], &first[..], &[0b10_1010], &hash.0, &[1, 1, 1]].concat();
    assert!(matches!(refused(&named, &Limits::default()), Refused::NotCanonical(_)));
    // Another predecessor is another branch.
    let branch = [&[3, 2], &first[..], &[0b10_1010], &[9; 32], &[0, 1, 1]].concat();
    decode(&branch).unwrap();
}

#[test]
fn heads_are_in_order() {
    let head = |index: u8, peer: u8| [&[index << 1 | 1][..], &[peer; 32], &[0], &[0], &[7; 32]].concat();
    let run = |heads: [Vec<u8>; 2]| {
        let start = [&[3, 1, 0b10_0110][..], &[1; 32], &[0], &[9; 32], &[0], &[2]].concat();
        [&start[..], &heads.concat(), &[1]].concat()
    };
    decode(&run([head(1, 2), head(2, 3)])).unwrap();
    let unsorted = run([head(1, 3), head(2, 2)]);
    assert_eq!(refused(&unsorted, &Limits::default()), Refused::NotCanonical("heads are not in order"));
}
