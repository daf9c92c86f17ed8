//! A member that leaves signatures out: what one covers is handed on whole.

use std::sync::{Arc, Mutex};

use control_panel::{
    Version,
    replica::{RunHash, Signer},
    workers::p2p_sync::PeerKey,
};

use super::{Against, MALLORY};
use crate::{
    node::{Setup, until},
    raw::DELTA,
};

/// As many runs are of the one in the middle.
const OWN: usize = 400;

/// Signs one run alone, and remembers for which a signature was asked last.
struct SignsOne {
    key: PeerKey,
    one: Option<RunHash>,
    last: Arc<Mutex<Option<RunHash>>>,
}

impl Signer for SignsOne {
    fn sign(&self, hash: &RunHash) -> Vec<u8> {
        *self.last.lock().unwrap() = Some(*hash);
        if self.one == Some(*hash) { self.key.sign(hash) } else { Vec::new() }
    }
}

/// So many words of 60 KiB under one signature, as a delta.
fn under_one_signature(setup: &Setup, incarnation: u32, words: u32) -> Vec<u8> {
    let last = Arc::<Mutex<Option<RunHash>>>::default();
    let write = |one| {
        let signer = SignsOne { key: setup.key(), one, last: Arc::clone(&last) };
        let mut replica = setup.builder().incarnation(incarnation).signer(signer).build();
        for number in 0..words {
            replica.commit(format!("{incarnation} {number} {}", "x".repeat(60 << 10)));
            let _ = (replica.settle(), replica.outbox());
        }
        replica.since(&Version::new()).encode().unwrap()
    };
    write(None);
    let one = last.lock().unwrap().take();
    write(one)
}

/// Each of two chains is within what a delta may have, and both together are not: one that took them could only hand on both at a time, and a third would blame it. So it takes
/// neither, the member is named, and the third hears all else.
#[test]
fn what_could_not_be_handed_on_is_not_taken() {
    let mut against = Against::new();
    let long = [0, 1].map(|incarnation| under_one_signature(&against.setups[MALLORY], incarnation, 150));
    assert!(long.iter().all(|delta| (8 << 20..16 << 20).contains(&delta.len())));
    // The third is sent few runs at first, and both chains with what follows.
    for number in 0..OWN {
        against.alice.commit(&number.to_string());
    }
    for (number, delta) in (1..).zip(&long) {
        let line = against.greet(MALLORY);
        line.send(DELTA, delta);
        against.until("it is taken or refused", |alice| {
            alice.words().len() == OWN + 150 * number || !alice.app.misbehaved.is_empty()
        });
        drop(line);
    }
    against.alice.commit("true");
    let mut carol = against.carol();
    until(&mut [&mut against.alice, &mut carol], "the third has its word", |nodes| {
        nodes[1].words().iter().any(|word| *word == "true") || !nodes[1].app.misbehaved.is_empty()
    });
    let blamed: Vec<_> = carol.app.misbehaved.iter().map(|misbehaved| &*misbehaved.what).collect();
    assert!(blamed.is_empty(), "of one that handed on what it got: {blamed:?}");
    assert_eq!(carol.words().len(), OWN + 1);
    assert_eq!(against.reported(MALLORY), ["a delta with more under one signature than can be handed on"]);
}
