//! What a cut covers and is kept all the same: what the program has not taken back, and what it may not have performed.

use control_panel::{
    Replica,
    journal::Journal,
    replica::{Grant, Version, codec::Limits},
};

use crate::{HERE, THERE, Words, builder, frame};

/// What came back to a peer that was retired, and was not taken, is not lost with what a cut covers.
#[test]
fn void_operations_that_were_not_taken_are_kept_below_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let open = || {
        let journal = Journal::open(&path).unwrap();
        let replica = journal.replica(builder(HERE).members([THERE, HERE])).unwrap();
        (journal, replica)
    };
    let (journal, mut here) = open();
    let mut there = builder(THERE).members([THERE, HERE]).build();
    let meet = |here: &mut Replica<Words>, there: &mut Replica<Words>| {
        for _ in 0..4 {
            let _ = (here.settle(), there.settle());
            journal.flush().unwrap();
            if let Some(delta) = here.outbox() {
                there.merge(delta);
            }
            journal.flush().unwrap();
            if let Some(delta) = there.outbox() {
                here.merge(delta);
            }
        }
    };
    meet(&mut here, &mut there);
    // Both at the same time: the word is void.
    there.retire(HERE).unwrap();
    frame(&mut here, "void");
    meet(&mut here, &mut there);
    there.invite(HERE, Grant::Write).unwrap();
    meet(&mut here, &mut there);
    for word in 0..200 {
        there.commit(format!("{word} ").repeat(200));
        meet(&mut here, &mut there);
    }
    there.cut().unwrap();
    for _ in 0..3 {
        meet(&mut here, &mut there);
    }
    assert!(
        journal.since(&Version::new(), &Limits::default()).unwrap().snapshot.is_some(),
        "it is compacted"
    );
    journal.close().unwrap();
    drop((journal, here));

    let (journal, mut here) = open();
    let _ = here.settle();
    let taken: Vec<_> = here.take_void().into_iter().map(|(_, word)| word).collect();
    assert_eq!(taken, ["void"]);
    let _ = here.settle();
    journal.close().unwrap();
    let (_journal, mut here) = open();
    let _ = here.settle();
    assert!(here.take_void().is_empty(), "once");
}

/// What was handed out to be performed, and was not noted as performed, is handed out again after a crash: so it is kept.
#[test]
fn effects_that_may_not_have_happened_are_not_let_go_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let open = |performed| {
        let journal = Journal::open(&path).unwrap();
        let replica = journal.replica(builder(HERE).performed(performed)).unwrap();
        (journal, replica)
    };
    let is_compacted =
        |journal: &Journal| journal.since(&Version::new(), &Limits::default()).unwrap().snapshot.is_some();
    let (journal, mut here) = open(0);
    let mut given = Vec::new();
    for word in 0..200 {
        frame(&mut here, &format!("{word} ").repeat(300));
        journal.flush().unwrap();
        let _ = here.settle();
        given.extend(here.settled_ops());
    }
    here.cut().unwrap();
    for _ in 0..3 {
        let _ = here.settle();
        journal.flush().unwrap();
    }
    let performed = here.performed();
    assert_eq!(given.len(), 200);
    assert!(!is_compacted(&journal));
    // It crashes before it noted any of them.
    drop((journal, here));
    let (journal, mut here) = open(0);
    let _ = here.settle();
    assert_eq!(here.settled_ops().len(), 200, "all of them once more");
    journal.close().unwrap();
    drop((journal, here));
    // Now they are noted.
    let (journal, mut here) = open(performed);
    for _ in 0..3 {
        frame(&mut here, "more");
        journal.flush().unwrap();
    }
    let _ = here.settle();
    assert!(is_compacted(&journal));
    let more: Vec<_> = here.settled_ops().into_iter().map(|(_, word)| word).collect();
    assert!(more.iter().all(|word| word == "more") && !more.is_empty(), "{} of them", more.len());
}
