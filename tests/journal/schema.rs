//! An operation of a newer schema, from a peer whose program is newer: kept, served and not applied, also across restarts, until this program is too.

use std::path::Path;

use control_panel::{
    Delta, Replica, Version,
    journal::Journal,
    replica::{
        ReplicaBuilder, ReplicaNotice,
        codec::{Limits, Postcard, read_postcard},
    },
};

use crate::{HERE, THERE, Words};

fn codec(schema: u32) -> Postcard<String> {
    Postcard::migrating(schema, |_, bytes| read_postcard(bytes))
}

fn builder(peer: control_panel::Peer, schema: u32) -> ReplicaBuilder<Words> {
    Replica::builder(peer, Words::default()).members([HERE, THERE]).codec(codec(schema), Limits::default())
}

fn start(path: &Path, schema: u32) -> (Journal, Replica<Words>) {
    let journal = Journal::open(path).unwrap();
    let replica = journal.replica(builder(HERE, schema)).unwrap();
    (journal, replica)
}

fn words(replica: &Replica<Words>) -> Vec<&str> {
    replica.state().0.iter().map(String::as_str).collect()
}

#[test]
fn an_operation_of_a_newer_schema_is_kept_and_served_and_applied_once_the_program_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (journal, mut replica) = start(&path, 0);
    replica.commit("old".to_owned());
    let _ = replica.settle();
    let mut newer = builder(THERE, 1).build();
    newer.commit("new".to_owned());
    let bytes = newer.outbox().unwrap().encode().unwrap();
    replica.merge(Delta::decode(&bytes, &codec(0), &Limits::default()).unwrap());
    let notices = replica.settle().notices;
    assert!(matches!(notices[..], [ReplicaNotice::NeedsUpgrade { .. }]), "{notices:?}");
    assert_eq!(words(&replica), ["old"]);
    journal.close().unwrap();

    let (journal, mut replica) = start(&path, 0);
    let notices = replica.settle().notices;
    assert!(
        matches!(notices[..], [ReplicaNotice::NeedsUpgrade { .. }]),
        "said after a restart too: {notices:?}"
    );
    assert_eq!(words(&replica), ["old"]);
    // A third, of the newer program, gets it from here.
    let mut third = builder(THERE, 1).incarnation(9).build();
    for bytes in journal.since(&Version::new(), &Limits::default()).unwrap().deltas {
        third.merge(Delta::decode(&bytes, &codec(1), &Limits::default()).unwrap());
    }
    let _ = third.settle();
    let mut all = words(&third);
    all.sort_unstable();
    assert_eq!(all, ["new", "old"]);
    journal.close().unwrap();

    let (journal, mut replica) = start(&path, 1);
    assert!(replica.settle().notices.is_empty());
    assert_eq!(words(&replica), words(&third));
    journal.close().unwrap();
}
