//! A journal that is not recorded, and let go of what a cut covers.

use std::path::Path;

use control_panel::{
    Peer, Replica, Stamp, State, Version,
    journal::Journal,
    replica::{
        ReplicaBuilder, Snapshot,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};

use crate::copy;

pub(crate) const JOURNAL: &str = "format-6-compacted.journal";

/// How many words, and the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tally(u64, String);

impl State for Tally {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        *self = Self(self.0 + 1, word[..word.len().min(8)].to_owned());
    }
}

fn builder() -> ReplicaBuilder<Tally> {
    let peer = Peer([1; 32]);
    Replica::builder(peer, Tally::default()).members([peer]).codec(Postcard::new(), Limits::default())
}

/// 90 words, of which the cut covers 80.
pub(crate) fn make(path: &Path) {
    let journal = Journal::open(path).unwrap();
    let mut replica = journal.replica(builder()).unwrap();
    let mut frame = |word: u64| {
        replica.commit(format!("word {word} ").repeat(260));
        let _ = replica.settle();
        journal.flush().unwrap();
        let _ = replica.outbox();
        if word == 80 {
            replica.cut().unwrap();
        }
    };
    (1..=90).for_each(&mut frame);
    journal.close().unwrap();
}

fn check(path: &Path) {
    let journal = Journal::open(path).unwrap();
    let missing = journal.since(&Version::new(), &Limits::default()).unwrap();
    let bytes = missing.snapshot.expect("what is below the cut is gone");
    let snapshot = Snapshot::<Tally>::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap();
    assert!(snapshot.level() >= 80 && missing.more);
    let mut replica = journal.replica(builder()).unwrap();
    assert_eq!(replica.state(), &Tally(90, "word 90 ".to_owned()));
    replica.commit("today".to_owned());
    let _ = replica.settle();
    journal.close().unwrap();
    let again = Journal::open(path).unwrap().replica(builder()).unwrap();
    assert_eq!((again.author(), again.state()), (replica.author(), &Tally(91, "today".to_owned())));
}

#[test]
fn the_checked_in_journal_that_was_compacted_is_gone_on_with() {
    let (_folder, path) = copy(JOURNAL);
    check(&path);
}

#[test]
fn what_makes_it_makes_one_that_is_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(JOURNAL);
    make(&path);
    check(&path);
}
