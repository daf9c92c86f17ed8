//! What a stable cut covers is let go of: a file does not grow without end with what no one can ask for any more.

mod kept;
mod restarts;
mod unkept;

use std::{
    fs,
    path::{Path, PathBuf},
};

use control_panel::{
    Author, Delta, Replica, Stamp, State,
    journal::Journal,
    replica::{
        ReplicaBuilder, Snapshot, Version,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::{HERE, THERE, Words, builder, frame, start};

/// A state that does not grow with its operations.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Tally {
    count: u64,
    bytes: u64,
    last: String,
}

impl State for Tally {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.count += 1;
        self.bytes += word.len() as u64;
        self.last.clone_from(word);
    }
}

const HISTORY: usize = 500;

fn tally() -> ReplicaBuilder<Tally> {
    Replica::builder(HERE, Tally::default()).history(HISTORY).codec(Postcard::new(), Limits::default())
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// Frames of 50 operations of 44 bytes each.
fn frames(journal: &Journal, replica: &mut Replica<Tally>, count: u64) {
    for frame in 0..count {
        for _ in 0..50 {
            let word = format!("{:.>42}", replica.state().count);
            replica.commit(word);
        }
        let _ = replica.settle();
        let _ = replica.outbox();
        if frame % 4 == 3 {
            journal.flush().unwrap();
        }
    }
}

#[test]
fn a_hundred_thousand_operations_take_no_more_than_those_that_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut sizes = Vec::new();
    let mut before: Option<(Author, Version, Tally)> = None;
    for _ in 0..4 {
        let journal = Journal::open(&path).unwrap();
        let mut replica = journal.replica(tally()).unwrap();
        if let Some((author, version, state)) = before {
            // The same life, with all that it was, whose chain goes on.
            assert_eq!((replica.author(), replica.version(), replica.state()), (author, &version, &state));
        }
        let first = replica.commit("first".to_owned());
        assert_eq!(first.seq, replica.version().get(replica.author()) - 1, "no number twice");
        for _ in 0..5 {
            frames(&journal, &mut replica, 100);
            sizes.push(size(&path));
        }
        journal.close().unwrap();
        before = Some((replica.author(), replica.version().clone(), replica.state().clone()));
    }
    let (_, _, state) = before.unwrap();
    assert_eq!(state.count, 100_004);
    // 100,000 of them are 4.4 MB. A file that has no room grows to twice its length.
    assert!(sizes.iter().all(|size| *size < 1_300_000), "{sizes:?}");
    assert!(sizes[19] <= 2 * sizes[0], "{sizes:?}");
}

/// A journal whose replica forgot almost all that it wrote, and a member that was never there.
struct Cut {
    folder: TempDir,
    journal: Journal,
    here: Replica<Words>,
    /// As of before the first word.
    empty: Replica<Words>,
}

impl Cut {
    fn path(&self) -> PathBuf {
        self.folder.path().join("app.journal")
    }

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (journal, mut here) = start(&folder.path().join("app.journal")).unwrap();
        for word in 0..300 {
            frame(&mut here, &format!("{word} ").repeat(200));
            journal.flush().unwrap();
        }
        here.cut().unwrap();
        for word in ["after", "the cut"] {
            frame(&mut here, word);
            journal.flush().unwrap();
        }
        here.invite(THERE, control_panel::replica::Grant::Write).unwrap();
        frame(&mut here, "last");
        journal.flush().unwrap();
        let empty = builder(THERE).members([HERE]).build();
        Self { folder, journal, here, empty }
    }
}

/// Gives what it lacks, and says how many snapshots that were.
fn carry(journal: &Journal, to: &mut Replica<Words>) -> usize {
    let (mut snapshots, limits) = (0, Limits::default());
    let mut missing = journal.since(to.version(), &limits).unwrap();
    loop {
        if let Some(bytes) = &missing.snapshot {
            to.rejoin(Snapshot::decode(bytes, &Postcard::new(), &limits).unwrap()).unwrap();
            snapshots += 1;
        }
        for bytes in &missing.deltas {
            to.merge(Delta::decode(bytes, &Postcard::new(), &limits).unwrap());
        }
        if !missing.more {
            break;
        }
        missing = journal.following(missing, &limits).unwrap();
    }
    let _ = to.settle();
    snapshots
}

#[test]
fn a_peer_behind_the_cut_gets_the_snapshot_and_what_came_after_it() {
    let mut cut = Cut::new();
    assert_eq!(carry(&cut.journal, &mut cut.empty), 1);
    assert_eq!(cut.empty.state(), cut.here.state());
    assert_eq!(cut.empty.version(), cut.here.version());
    // One that is not behind it needs none.
    frame(&mut cut.here, "more");
    cut.journal.flush().unwrap();
    assert_eq!(carry(&cut.journal, &mut cut.empty), 0);
    assert_eq!(cut.empty.state(), cut.here.state());
    // Also a link that has no snapshot says so.
    let link = cut.here.link();
    assert!(link.since(&Version::new(), &Limits::default()).unwrap().is_none());
}

#[test]
fn what_is_below_the_cut_is_gone_from_the_file_and_a_restart_has_it_all_the_same() {
    let Cut { folder, journal, here, .. } = Cut::new();
    let path = folder.path().join("app.journal");
    let (author, version, state) = (here.author(), here.version().clone(), here.state().clone());
    journal.close().unwrap();
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() < 900_000, "{} bytes, of which the state is 290 KB", bytes.len());

    let (journal, mut here) = start(&path).unwrap();
    assert_eq!((here.author(), here.version(), here.state()), (author, &version, &state));
    assert!(here.outbox().is_none(), "what it had sent is not sent again");
    let stamp = here.commit("and on".to_owned());
    assert_eq!((stamp.author, stamp.seq), (author, version.get(author)), "its own chain goes on");
    let _ = here.settle();
    journal.flush().unwrap();
    // After a crash it is another life, with all of it.
    drop((journal, here));
    let (_journal, here) = start(&path).unwrap();
    assert!(here.author().incarnation > author.incarnation);
    assert_eq!(here.state().0.last().map(String::as_str), Some("and on"));
    assert_eq!(here.state().0.len(), state.0.len() + 1);
}

#[test]
fn a_copy_of_a_compacted_journal_is_another_life() {
    let cut = Cut::new();
    cut.journal.close().unwrap();
    let copy = cut.folder.path().join("copy.journal");
    fs::copy(cut.path(), &copy).unwrap();
    let (_journal, there) = start(&copy).unwrap();
    assert!(there.author().incarnation > cut.here.author().incarnation);
    assert_eq!(there.state(), cut.here.state());
}
