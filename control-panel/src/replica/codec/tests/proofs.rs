//! Row 13 of the threats: one place, two operations, and a proof that any peer can check.

use std::sync::Arc;

use super::{
    super::{ForkProof, Limits},
    world::{Op, apply, author, delta, peer, run},
};
use crate::{
    replica::{Signer, run::Run, signed::Signature},
    testing::{Rng, TestKeys},
};

/// A chain that forks after its second run, and other authors' runs between.
fn forked() -> Vec<Arc<Run<Op>>> {
    let first = run(author(0), None, &[], vec![apply(1, "first")]);
    let second = run(author(0), Some(&first), &[], vec![apply(2, "second")]);
    let other = run(author(1), None, &[&second], vec![apply(3, "other")]);
    let (mut left, right) = (
        run(author(0), Some(&second), &[], vec![apply(4, "left")]),
        run(author(0), Some(&second), &[&other], vec![apply(4, "right")]),
    );
    Arc::get_mut(&mut left).unwrap().signature = Signature::default();
    let after = run(author(0), Some(&left), &[], vec![apply(5, "after")]);
    vec![first, second, other, left, right, after]
}

#[test]
fn a_fork_is_proved() {
    let runs = forked();
    let proof = ForkProof::find(&delta(&runs)).unwrap();
    assert_eq!((proof.author(), proof.seq()), (author(0), 2));
    let mut hashes = [runs[3].hash, runs[4].hash];
    hashes.sort();
    assert_eq!(proof.runs(), hashes);
    let read = ForkProof::decode(proof.encode(), &Limits::default()).unwrap();
    assert_eq!(read, proof);
    assert!(read.verify(&TestKeys));
}

#[test]
fn a_chain_without_a_fork_proves_nothing() {
    let runs = forked();
    assert_eq!(ForkProof::find(&delta(&runs[..4])), None);
    let honest = delta(&[runs[0].clone(), runs[1].clone()]).encode().unwrap();
    assert!(ForkProof::decode(&honest, &Limits::default()).is_err());
    // Two incarnations, or two authors, begin at one place.
    let begin = |number| run(author(number), None, &[], vec![apply(1, "first")]);
    assert_eq!(ForkProof::find(&delta(&[begin(0), begin(1), begin(2)])), None);
}

#[test]
fn a_branch_that_is_not_signed_proves_nothing() {
    let runs = forked();
    // Without the run that covers the left branch.
    assert_eq!(ForkProof::find(&delta(&runs[..5])), None);
}

#[test]
fn a_forged_or_damaged_proof_does_not_verify() {
    let mut runs = forked();
    let forged = TestKeys.signer(peer(7)).sign(&runs[4].hash);
    Arc::get_mut(&mut runs[4]).unwrap().signature = forged[..].into();
    let proof = ForkProof::find(&delta(&runs)).unwrap();
    assert!(!ForkProof::decode(proof.encode(), &Limits::default()).unwrap().verify(&TestKeys));

    let good = ForkProof::find(&delta(&forked())).unwrap();
    for bit in 0..good.encode().len() * 8 {
        let mut bytes = good.encode().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let proof = ForkProof::decode(&bytes, &Limits::default());
        assert!(proof.is_err() || !proof.unwrap().verify(&TestKeys), "bit {bit}");
    }
    let mut rng = Rng::new(4);
    for _ in 0..2_000 {
        let noise: Vec<_> = (0..rng.index(200)).map(|_| rng.next_u64() as u8 & 0x37).collect();
        assert!(ForkProof::decode(&noise, &Limits::default()).is_err());
    }
}
