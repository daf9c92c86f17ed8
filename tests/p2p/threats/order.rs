//! Rows 10 to 14: which author wrote what, and when.

use std::{fs, time::Duration};

use control_panel::{
    Version,
    replica::{
        Misbehaviour, ReplicaNotice,
        codec::{ForkProof, Limits},
    },
    workers::p2p_sync::PeerSignatures,
};

use super::{Against, MALLORY};
use crate::{
    forge::Forged,
    node::{Node, Setup, folders, for_a_while, until},
    raw::{DELTA, Raw, secret},
};

/// Its own signature is right, and its time does not follow from what it says that it has seen: nothing of it is taken, and the time of others does not move.
#[test]
fn row_10_a_clock_that_jumps_is_refused_and_moves_no_other() {
    let mut against = Against::new();
    let mut carol = against.carol();
    let by = secret(&against.setups[MALLORY]);
    let line = against.greet(MALLORY);
    for lamport in [2, 1 << 40, 1 << 63, u64::MAX] {
        let forged = Forged { by: &by, members: &against.members, incarnation: 0, lamport, word: "late" };
        line.send(DELTA, &forged.delta());
    }
    against.until("it is reported", |alice| !alice.app.notices.is_empty());
    carol.commit("true");
    until(&mut [&mut against.alice, &mut carol], "another's word is here", |nodes| {
        nodes[0].words() == ["true"]
    });
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_millis(500));
    assert_eq!(against.alice.words(), ["true"]);
    assert_eq!(against.misdeeds(MALLORY), [Misbehaviour::Clock], "once, whatever the number of them");
    assert!(against.alice.app.replica.clock() < 100, "{}", against.alice.app.replica.clock());

    // As it should be it is taken: what is written by hand here is right in all else.
    let forged = Forged { by: &by, members: &against.members, incarnation: 0, lamport: 1, word: "right" };
    line.send(DELTA, &forged.delta());
    until(&mut [&mut against.alice, &mut carol], "it is here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });
    assert_eq!(against.alice.words(), carol.words());
}

/// All have acknowledged what there is, and one of them writes from before that, to sort before it: void on each replica.
#[test]
fn row_11_what_is_dated_back_is_void_everywhere() {
    let (folders, members) = folders(3);
    let setups: Vec<_> = folders.iter().map(|folder| Setup::new(folder.path(), &members)).collect();
    let [mut alice, mut bob, mut carol] = [0, 1, 2].map(|me| setups[me].start());
    bob.knows(&mut alice);
    carol.knows(&mut alice);
    alice.commit("first");
    bob.commit("second");
    until(&mut [&mut alice, &mut bob, &mut carol], "both words are stable everywhere", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2 && node.app.replica.watermark() >= 1)
    });
    bob.stop();
    // With its key, and as if it had heard of nothing.
    let by = secret(&setups[1]);
    let line = Raw::new(by.clone());
    let line = line.dial(members[0], alice.address());
    line.greet();
    let back = Forged { by: &by, members: &members, incarnation: 0, lamport: 1, word: "to sort before" };
    line.send(DELTA, &back.delta());
    until(&mut [&mut alice, &mut carol], "both know", |nodes| {
        nodes.iter().all(|node| node.misdeeds(members[1]).contains(&Misbehaviour::Backdated))
    });
    for_a_while(&mut [&mut alice, &mut carol], Duration::from_millis(300));
    assert_eq!(alice.words(), carol.words());
    assert_eq!(alice.words().len(), 2);
}

/// The second of three never comes, then it does.
#[test]
fn row_12_nothing_is_applied_across_a_gap_and_it_closes() {
    let mut against = Against::new();
    let mut carol = against.carol();
    let mut mallory = against.replica(MALLORY);
    for word in ["one", "two", "three"] {
        mallory.commit(word.to_owned());
        let _ = mallory.settle();
        drop(mallory.outbox());
    }
    let small = Limits::default().with_bytes(1);
    let parts = mallory.since(&Version::new()).parts(&small);
    let deltas: Vec<_> = parts.iter().map(|part| part.encode().unwrap()).collect();
    assert_eq!(deltas.len(), 3, "a word each");
    let line = against.greet(MALLORY);
    line.send(DELTA, &deltas[0]);
    line.send(DELTA, &deltas[2]);
    carol.commit("beside");
    until(&mut [&mut against.alice, &mut carol], "what fits is here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2)
    });
    for_a_while(&mut [&mut against.alice, &mut carol], Duration::from_secs(1));
    assert!(!against.alice.words().contains(&"three".to_owned()));
    let watermark = against.alice.app.replica.watermark();
    assert!(watermark <= 1, "nothing behind the gap is stable: {watermark}");
    line.send(DELTA, &deltas[1]);
    until(&mut [&mut against.alice, &mut carol], "all is here and there", |nodes| {
        nodes.iter().all(|node| node.words().len() == 4)
    });
    assert_eq!(against.alice.words(), carol.words());
    assert!(against.alice.app.notices.is_empty(), "{:?}", against.alice.app.notices);
}

/// One number, two words: both are kept in one order everywhere, and anyone can check the proof.
#[test]
fn row_13_two_words_for_one_number_are_kept_reported_and_proved() {
    let mut against = Against::new();
    let mut carol = against.carol();
    let line = against.greet(MALLORY);
    for word in ["this", "that"] {
        let mut twice = against.replica(MALLORY);
        twice.commit(word.to_owned());
        let _ = twice.settle();
        line.send(DELTA, &twice.since(&Version::new()).encode().unwrap());
    }
    let mallory = against.members[MALLORY];
    let is_fork = |what: &Misbehaviour| matches!(what, Misbehaviour::Fork { .. });
    until(&mut [&mut against.alice, &mut carol], "both are here and there, and both know", |nodes| {
        nodes.iter().all(|node| node.words().len() == 2 && node.misdeeds(mallory).iter().any(is_fork))
    });
    assert_eq!(against.alice.words(), carol.words());
    // Of what the friend was sent.
    let proof = ForkProof::find(&carol.app.replica.since(&Version::new())).unwrap();
    assert!(proof.verify(&PeerSignatures) && proof.author().peer == mallory);
    let bytes = proof.encode().to_vec();
    let mut forged = bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    let verifies = |bytes: &[u8]| {
        ForkProof::decode(bytes, &Limits::default()).is_ok_and(|proof| proof.verify(&PeerSignatures))
    };
    assert!(verifies(&bytes) && !verifies(&forged));
    // The owner retires it.
    against.alice.app.replica.retire(mallory).unwrap();
    until(&mut [&mut against.alice, &mut carol], "it is out", |nodes| {
        nodes.iter().all(|node| node.app.replica.members().all(|(member, _)| member != mallory))
    });
    against.until("and not talked to", |_| line.closed().is_some());
    assert_eq!(against.alice.words(), carol.words());
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn has_all(node: &Node, words: &[&str]) -> bool {
    words.iter().all(|word| node.words().iter().any(|known| known == word))
        && node.words().len() == words.len()
}

/// The folder is copied while its program runs, and the copy is started elsewhere: one key, two lives, no word lost.
#[test]
fn row_14_a_copied_folder_is_another_life_and_loses_no_word() {
    let (folders, members) = folders(2);
    let elsewhere = tempfile::tempdir().unwrap();
    let alice = Setup { journal: true, ..Setup::new(folders[0].path(), &members) };
    let mut alice = alice.start();
    let known = vec![(members[0], alice.address())];
    let bob = Setup { journal: true, known, ..Setup::new(folders[1].path(), &members) };
    let mut original = bob.start();
    original.commit("before");
    until(&mut [&mut alice, &mut original], "it is here", |nodes| nodes[0].words() == ["before"]);
    copy(folders[1].path(), elsewhere.path());
    let mut copied = Setup { folder: elsewhere.path().into(), ..bob }.start();
    assert_ne!(copied.app.replica.author(), original.app.replica.author(), "one key, another life");
    original.commit("of the original");
    copied.commit("of the copy");
    // The first has one connection with that key at a time: they come and go. What one of them wrote before it heard of the other is void, and it
    // writes it again when that is certain.
    let words = ["before", "of the original", "of the copy"];
    until(&mut [&mut alice, &mut original, &mut copied], "all three have all", |nodes| {
        nodes.iter().all(|node| has_all(node, &words))
    });
    let misdeeds = alice.misdeeds(members[1]);
    assert!(misdeeds.iter().all(|what| *what == Misbehaviour::Backdated), "no number twice: {misdeeds:?}");
    assert_eq!(alice.words(), copied.words());
}

/// A backup is put back: what it lacks comes from a peer, and it writes as a life that no one knew.
#[test]
fn row_14_a_restored_backup_goes_on_as_another_life_and_gets_back_what_it_lacks() {
    let (folders, members) = folders(2);
    let backup = tempfile::tempdir().unwrap();
    let alice = Setup { journal: true, ..Setup::new(folders[0].path(), &members) };
    let mut alice = alice.start();
    let known = vec![(members[0], alice.address())];
    let setup = Setup { journal: true, known, ..Setup::new(folders[1].path(), &members) };
    let mut bob = setup.start();
    bob.commit("saved");
    until(&mut [&mut alice, &mut bob], "it is here", |nodes| nodes[0].words() == ["saved"]);
    let before = bob.app.replica.author();
    bob.stop();
    copy(folders[1].path(), backup.path());
    let mut bob = setup.start();
    assert_eq!(bob.app.replica.author(), before, "it was closed, and goes on");
    bob.commit("since");
    until(&mut [&mut alice, &mut bob], "it is here", |nodes| nodes[0].words().len() == 2);
    bob.stop();

    copy(backup.path(), folders[1].path());
    let mut bob = setup.start();
    assert_eq!(bob.words(), ["saved"]);
    assert_ne!(bob.app.replica.author(), before);
    bob.commit("after");
    let words = ["saved", "since", "after"];
    until(&mut [&mut alice, &mut bob], "both have all", |nodes| {
        nodes.iter().all(|node| has_all(node, &words))
    });
    // What it said before it heard of its other life was void, as that had promised to say nothing earlier: it said it again.
    let void = bob.app.notices.iter().any(|notice| matches!(notice, ReplicaNotice::OwnVoid { .. }));
    assert!(void, "{:?}", bob.app.notices);
    let misdeeds = alice.misdeeds(members[1]);
    assert!(misdeeds.iter().all(|what| *what == Misbehaviour::Backdated), "no number twice: {misdeeds:?}");
    assert_eq!(alice.words(), bob.words());
}
