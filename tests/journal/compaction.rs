//! What a stable cut covers is let go of: a file does not grow without end with what no one can ask for any more.

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

/// What came back to a peer that was retired, and was not taken, is not lost with what a cut covers.
#[test]
fn void_operations_that_were_not_taken_are_kept_below_the_cut() {
    use control_panel::replica::Grant;

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

/// Three members that meet at random, one of which has a journal and is closed and started again: it is what it was, each time.
#[test]
fn a_restart_changes_nothing_whatever_was_let_go_of() {
    let seeds = std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(4);
    for seed in 0..seeds {
        let cuts = restarts(seed);
        assert!(cuts >= 3, "seed {seed}: only {cuts} starts went on from a snapshot");
    }
}

fn restarts(seed: u64) -> u32 {
    use control_panel::{Peer, replica::ReplicaNotice, testing::Rng};

    let peers = [HERE, THERE, Peer([3; 32])];
    let builder = |peer| builder(peer).members(peers).history(30);
    let (folder, mut rng) = (tempfile::tempdir().unwrap(), Rng::new(seed));
    let path = folder.path().join("app.journal");
    let start = || {
        let journal = Journal::open(&path).unwrap();
        let replica = journal.replica(builder(HERE)).unwrap();
        (journal, replica)
    };
    let (mut journal, here) = start();
    let mut replicas = [here, builder(peers[1]).build(), builder(peers[2]).build()];
    let (mut cuts, mut words) = (0, 0_u64);
    for round in 0..260 {
        let at = rng.index(3);
        for _ in 0..rng.below(3) {
            words += 1;
            replicas[at].commit(format!("{words} ").repeat(if rng.chance(60) { 700 } else { 1 }));
        }
        for notice in replicas[at].settle().notices {
            assert!(!matches!(notice, ReplicaNotice::PeerMisbehaved { .. }), "seed {seed}: {notice:?}");
        }
        if at == 0 {
            journal.flush().unwrap();
        }
        let sent = replicas[at].outbox();
        for to in (0..3).filter(|to| *to != at) {
            if let Some(delta) = sent.as_ref().filter(|_| rng.chance(70)) {
                replicas[to].merge(delta.clone());
            }
            if rng.chance(25) {
                let lacked = replicas[at].since(replicas[to].version());
                replicas[to].merge(lacked);
            }
        }
        if round % 20 == 19 {
            let here = &mut replicas[0];
            let _ = here.settle();
            journal.close().unwrap();
            let was = (here.author(), here.version().clone(), here.state().clone());
            let (members, clock) = (here.members().collect::<Vec<_>>(), here.clock());
            let (again, replica) = start();
            assert_eq!(
                (replica.author(), replica.version().clone(), replica.state().clone()),
                was,
                "seed {seed}"
            );
            assert_eq!((replica.members().collect::<Vec<_>>(), replica.clock()), (members, clock));
            assert!(replica.watermark() >= here.watermark(), "seed {seed}: what was stable stays so");
            let missing = again.since(&Version::new(), &Limits::default()).unwrap();
            cuts += u32::from(missing.snapshot.is_some());
            (journal, replicas[0]) = (again, replica);
        }
    }
    for _ in 0..4 {
        for (at, to) in [(0, 1), (1, 2), (2, 0), (0, 2), (2, 1), (1, 0)] {
            let _ = replicas[at].settle();
            journal.flush().unwrap();
            drop(replicas[at].outbox());
            journal.flush().unwrap();
            let lacked = replicas[at].since(replicas[to].version());
            replicas[to].merge(lacked);
            let _ = replicas[to].settle();
        }
    }
    let states: Vec<_> = replicas.iter().map(|replica| replica.state().0.len() as u64).collect();
    assert_eq!(states, [words; 3], "seed {seed}");
    assert!(replicas.iter().all(|replica| replica.state() == replicas[0].state()), "seed {seed}");
    cuts
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

/// A state that serde does not bring back: `untagged` needs a format that says of which type a value is.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
struct Odd {
    count: u64,
    last: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Word(String),
}

impl State for Odd {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.count += 1;
        self.last = Some(Value::Word(word.clone()));
    }
}

/// It is said, once, why a file grows.
#[test]
fn a_state_that_does_not_come_back_is_reported_as_not_compacted() {
    use control_panel::{
        ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
        journal::{Fault, JournalEvent},
    };

    #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    enum Update {
        #[intent(skip)]
        #[serde(skip)]
        Journal(JournalEvent),
    }
    impl From<JournalEvent> for Update {
        fn from(event: JournalEvent) -> Self {
            Self::Journal(event)
        }
    }
    #[derive(Debug, Default)]
    struct Seen(Vec<String>);
    impl Reducer for Seen {
        type Intent = Update;
        fn apply(&mut self, queued: QueuedIntent<Update>) {
            let Update::Journal(event) = queued.intent;
            let JournalEvent::NotCompacted { error } = &event else { panic!("{event}") };
            assert!(matches!(error.fault(), Fault::State(_)));
            self.0.push(event.to_string());
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let builder = Replica::builder(HERE, Odd::default()).history(50);
    let mut replica = journal.replica(builder.codec(Postcard::new(), Limits::default())).unwrap();
    let mut panel = ControlPanel::<Update>::new();
    panel.spawn(journal.writer(IntentSource::Restore));
    let mut seen = Seen::default();
    for number in 0..600 {
        replica.commit(format!("{number} ").repeat(300));
        let _ = replica.settle();
        let _ = replica.outbox();
        while journal.durable() < journal.handed_over() {
            std::thread::yield_now();
        }
        panel.run_frame(&mut seen, &mut (), []);
    }
    panel.shutdown_blocking();
    journal.close().unwrap();
    drop(replica);
    assert_eq!(seen.0.len(), 1, "{:?}", seen.0);
    for part in ["app.journal: not compacted (", "`Deserialize`", "untagged"] {
        assert!(seen.0[0].contains(part), "{}", seen.0[0]);
    }
    // All of it is there.
    let journal = Journal::open(&path).unwrap();
    let builder = Replica::builder(HERE, Odd::default());
    let replica = journal.replica(builder.codec(Postcard::new(), Limits::default())).unwrap();
    assert_eq!(replica.state().count, 600);
}
