//! A delta of one run is read and written without a table: as with one.

use std::sync::Arc;

use super::{
    super::{Limits, Postcard, decode::decode_all, encode::encode_all, lone, read_postcard},
    world::{Op, history, same},
};
use crate::{
    replica::{run::Run, short::Few},
    testing::TestKeys,
};

/// Reads all that is in the histories.
fn codec() -> Postcard<Op> {
    Postcard::migrating(3, |_, bytes| read_postcard(bytes))
}

fn with_a_table(bytes: &[u8]) -> Option<Few<Arc<Run<Op>>>> {
    decode_all(bytes, &codec(), &Limits::default(), None).ok()
}

fn alone(bytes: &[u8]) -> Option<Arc<Run<Op>>> {
    lone::decode_lone(bytes, &codec(), &Limits::default(), None)
}

fn assert_same(run: &Run<Op>, other: &Run<Op>) {
    assert!(same(run, other));
    assert_eq!(*run.signature, *other.signature);
    assert_eq!(format!("{:?}", &*run.operations), format!("{:?}", &*other.operations));
}

#[test]
fn it_has_the_bytes_and_the_run_that_it_has_with_a_table() {
    let (mut written, mut read, mut others) = (0, 0, 0);
    for run in (0..40).flat_map(|seed| history(seed, 4, 12)) {
        let bytes = encode_all(std::slice::from_ref(&run)).unwrap();
        let Some(out) = lone::encode_lone(&run) else { panic!("its authors are different ones") };
        assert_eq!(out, bytes);
        written += 1;
        assert_same(&with_a_table(&bytes).unwrap()[0], &run);
        if let Some(found) = alone(&bytes) {
            assert_same(&found, &run);
            assert_eq!(found.operations.are_plain(), run.operations.are_plain());
            read += 1;
        } else {
            assert!(run.operations.len() > 1, "all others are simple");
            others += 1;
        }
    }
    assert!(written > 400 && read > 200 && others > 50, "{written} {read} {others}");
}

#[test]
fn it_takes_nothing_that_is_refused_with_a_table() {
    let (mut taken, mut left) = (0, 0);
    for run in (0..4).flat_map(|seed| history(seed, 4, 6)) {
        let bytes = encode_all(std::slice::from_ref(&run)).unwrap();
        for end in 0..bytes.len() {
            assert!(alone(&bytes[..end]).is_none());
        }
        assert!(alone(&[&bytes[..], &[0]].concat()).is_none());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match alone(&flipped) {
                Some(found) => {
                    taken += 1;
                    assert_same(&with_a_table(&flipped).expect("the same is taken")[0], &found);
                    assert_eq!(lone::encode_lone(&found).unwrap(), flipped);
                }
                None => left += 1,
            }
        }
    }
    assert!(taken > 1_000 && left > 100, "{taken} {left}");
}

#[test]
fn each_limit_is_kept() {
    let run = history(3, 4, 12)
        .into_iter()
        .find(|run| run.operations.is_one_plain() && run.header.heads.len() == 2);
    let bytes = encode_all(&[run.unwrap()]).unwrap();
    let read = |limits: &Limits| lone::decode_lone(&bytes[..], &codec(), limits, None).is_some();
    let limits = Limits::default();
    assert!(read(&limits));
    for lower in [
        limits.with_bytes(bytes.len() - 1),
        limits.with_runs(0),
        limits.with_ops(0),
        limits.with_op_bytes(0),
        limits.with_heads(1),
        limits.with_authors(2),
        limits.with_signature_bytes(1),
    ] {
        assert!(!read(&lower), "{lower:?}");
        let with_a_table = decode_all(&bytes[..], &codec(), &lower, None);
        assert!(with_a_table.is_err(), "{lower:?}");
    }
    assert!(read(&limits.with_bytes(bytes.len()).with_runs(1).with_ops(1).with_heads(2).with_authors(3)));
}

#[test]
fn what_its_author_did_not_sign_is_not_read() {
    let run = history(5, 4, 12).into_iter().find(|run| run.operations.is_one_plain()).unwrap();
    let read = |run: &Run<Op>| {
        let bytes = lone::encode_lone(run).unwrap();
        lone::decode_lone(&bytes[..], &codec(), &Limits::default(), Some(&TestKeys)).is_some()
    };
    let of = |signature: &[u8]| Run {
        header: run.header.clone(),
        operations: run.operations.to_vec().into(),
        hash: run.hash,
        bytes: run.bytes.clone(),
        signature: signature.into(),
    };
    assert!(read(&of(&run.signature)));
    assert!(!read(&of(&[])));
    let mut wrong = run.signature.to_vec();
    wrong[0] ^= 1;
    assert!(!read(&of(&wrong)));
}
