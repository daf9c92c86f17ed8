//! Peers have nothing that a crash would lose.

use control_panel::{
    Delta,
    journal::Journal,
    replica::{
        Version,
        codec::{Limits, Postcard},
    },
};

use crate::{HERE, THERE, builder, frame};

#[test]
fn nothing_leaves_a_replica_before_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("app.journal")).unwrap();
    let mut here = journal.replica(builder(HERE).members([HERE, THERE])).unwrap();
    frame(&mut here, "a");
    let nothing = Version::new();
    assert!(here.outbox().is_none());
    assert!(here.since(&nothing).is_empty());
    assert!(journal.since(&nothing, &Limits::default()).unwrap().is_empty());

    let before = journal.durable();
    journal.flush().unwrap();
    assert!(journal.durable() > before);
    assert_eq!(here.outbox().unwrap().operations().count(), 1);
    assert_eq!(here.since(&nothing).operations().count(), 1);
    assert_eq!(journal.since(&nothing, &Limits::default()).unwrap().deltas.len(), 1);
    assert!(here.outbox().is_none(), "once");
}

#[test]
fn a_peer_gets_what_it_lacks_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("app.journal")).unwrap();
    let mut here = journal.replica(builder(HERE).members([HERE, THERE])).unwrap();
    let mut there = builder(THERE).members([HERE, THERE]).build();
    let mut sent = Vec::new();
    for round in 0..5 {
        for word in 0..3 {
            frame(&mut here, &format!("{round} {word}"));
        }
        there.commit(format!("{round} there"));
        here.merge(there.outbox().unwrap());
        let _ = here.settle();
        journal.flush().unwrap();
        let mut operations = 0;
        for bytes in journal.since(there.version(), &Limits::default()).unwrap().deltas {
            let delta = Delta::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap();
            operations += delta.operations().count();
            there.merge(delta);
        }
        sent.push(operations);
        let _ = there.settle();
        assert_eq!(there.state(), here.state());
    }
    assert_eq!(sent, [3; 5]);

    // In pieces within the limits that it asks for.
    let limits = Limits::default().with_bytes(600);
    let parts = journal.since(&Version::new(), &limits).unwrap().deltas;
    assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= 600));
    let mut third = builder(THERE).members([HERE, THERE]).incarnation(9).build();
    for part in &parts {
        third.merge(Delta::decode(part, &Postcard::new(), &limits).unwrap());
    }
    let _ = third.settle();
    assert_eq!(third.state(), here.state());
}

#[test]
fn a_copy_that_went_on_as_the_same_author_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("app.journal")).unwrap();
    let mut here = journal.replica(builder(HERE).members([HERE, THERE])).unwrap();
    let author = here.author();
    let twin = || builder(HERE).members([HERE, THERE]).incarnation(author.incarnation).build();
    // As many operations of one author, but others.
    let mut other = twin();
    other.commit("there".to_owned());
    let _ = other.outbox();
    frame(&mut here, "here");
    journal.flush().unwrap();
    assert_eq!(here.author(), other.author());
    let served = journal.since(other.version(), &Limits::default()).unwrap();
    assert_eq!(served.deltas.len(), 1, "counts alone would say that it lacks nothing");
}

/// What a replica rejoined with is in its journal as runs, too: one that lacks only what is above the cut is given it from there.
#[test]
fn peers_get_what_a_rejoin_brought_from_the_journal() {
    use control_panel::{Peer, replica::Grant};

    let carol = Peer([3; 32]);
    let mut here = builder(HERE).members([HERE]).build();
    frame(&mut here, "old");
    here.cut().unwrap();
    let _ = here.settle();
    here.invite(THERE, Grant::Write).unwrap();
    here.invite(carol, Grant::Write).unwrap();
    let _ = here.settle();
    let mut third = builder(carol).members([HERE]).join(here.snapshot().unwrap()).unwrap();
    frame(&mut here, "new");

    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("app.journal")).unwrap();
    let mut there = journal.replica(builder(THERE).members([HERE])).unwrap();
    there.rejoin(here.snapshot().unwrap()).unwrap();
    let _ = there.settle();
    journal.flush().unwrap();
    let missing = journal.since(third.version(), &Limits::default()).unwrap();
    assert!(missing.snapshot.is_none(), "it has what the cut covers");
    for bytes in missing.deltas {
        third.merge(Delta::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap());
    }
    let _ = third.settle();
    assert_eq!(third.state().0, ["old", "new"]);
    // One that has nothing is given the snapshot.
    let missing = journal.since(&Version::new(), &Limits::default()).unwrap();
    assert!(missing.snapshot.is_some() && missing.version.covers(third.version()));
}
