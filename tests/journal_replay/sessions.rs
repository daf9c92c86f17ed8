//! What a session begins with, where there are many: each as the life that it was, with what it had then, and each run read once in a whole replay.

use std::{
    cell::Cell,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
    replica::{
        ReplicaBuilder,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::PEERS;

thread_local! {
    /// How many operations were read.
    static READ: Cell<usize> = const { Cell::new(0) };
}

#[derive(Clone, Debug, Hash, PartialEq, Serialize)]
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        READ.set(READ.get() + 1);
        String::deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
struct Words(Vec<Word>);

impl State for Words {
    type Op = Word;

    fn apply(&mut self, word: &Word, _: &Stamp) {
        self.0.push(word.clone());
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Typed(String),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<Word>,
    },
}

#[derive(Debug)]
struct App(Replica<Words>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.0.commit(Word(word)),
            Update::ApplyRemoteDelta { delta } => self.0.merge(delta),
        }
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (self.0.state(), self.0.clock(), self.0.author()).hash(&mut hasher);
        Some(hasher.finish())
    }
}

fn builder(me: usize) -> ReplicaBuilder<Words> {
    let builder = Replica::builder(PEERS[me], Words::default()).members(PEERS);
    builder.codec(Postcard::new(), Limits::default())
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self(start.replica(builder(0))?))
    }
}

/// A session of these frames of one intent, and what is done with its replica behind the last one.
fn session(path: &Path, frames: Vec<Update>, behind: impl FnOnce(&mut Replica<Words>, &Journal)) -> App {
    let journal = Journal::open(path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app: App = journal.begin().unwrap();
    for update in frames {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, update)]);
    }
    drop(panel);
    behind(&mut app.0, &journal);
    app
}

fn typed(words: impl IntoIterator<Item = String>) -> Vec<Update> {
    words.into_iter().map(Update::Typed).collect()
}

fn close(_: &mut Replica<Words>, journal: &Journal) {
    journal.close().unwrap();
}

#[track_caller]
fn replays(path: &Path, last: &App) -> Recording {
    let recording = Recording::open(path).unwrap();
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    let state = replay.state.unwrap();
    assert_eq!((state.0.state(), state.0.author()), (last.0.state(), last.0.author()));
    assert_eq!(Recording::from_bytes(&recording.to_bytes()).unwrap(), recording);
    recording
}

#[test]
fn in_a_replay_of_many_sessions_each_run_is_read_once() {
    const SESSIONS: usize = 24;
    const FRAMES: usize = 10;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut lengths = Vec::new();
    for number in 0..SESSIONS {
        let last = session(&path, typed((0..FRAMES).map(|frame| format!("{number}.{frame}"))), close);
        assert_eq!(last.0.state().0.len(), (number + 1) * FRAMES);
        if number + 1 == SESSIONS / 2 || number + 1 == SESSIONS {
            READ.set(0);
            lengths.push(replays(&path, &last).to_bytes().len());
            // All but the last session's are there when a session begins; and what is committed is read back.
            assert_eq!(READ.get(), number * FRAMES + (number + 1) * FRAMES, "of a replay");
        }
    }
    assert!(lengths[1] < lengths[0] * 9 / 4, "an export grows with what it holds: {lengths:?}");

    let mut timeline = Timeline::<App>::new(Recording::open(&path).unwrap());
    READ.set(0);
    let visits = [SESSIONS - 1, 3, SESSIONS - 1, 0, 12];
    for number in visits {
        let frame = u64::try_from(number * FRAMES + 5).unwrap();
        assert_eq!(timeline.at(frame).unwrap().0.state().0.len(), number * FRAMES + 5);
    }
    assert!(timeline.deviation().is_none());
    let committed = visits.len() * 5;
    assert_eq!(READ.get(), (SESSIONS - 1) * FRAMES + committed, "of a slider that is dragged to and fro");
}

/// From a backup the next session is a new life; what the life before it did since comes back by a peer.
#[test]
fn a_session_is_replayed_as_the_life_that_it_was_though_another_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let [path, backup] = ["app.journal", "backup.journal"].map(|name| folder.path().join(name));
    session(&path, typed(["one".to_owned()]), close);
    fs::copy(&path, &backup).unwrap();
    let mut peer = builder(1).build();
    let taken_back = session(&path, typed(["two".to_owned(), "three".to_owned()]), |replica, journal| {
        journal.flush().unwrap();
        let _ = replica.outbox();
        peer.merge(replica.since(peer.version()));
        let _ = peer.settle();
        journal.close().unwrap();
    });
    let (one, all) = (taken_back.0.author(), peer.since(&control_panel::Version::new()));
    let from_peer = Update::ApplyRemoteDelta { delta: all };
    let last = session(&backup, vec![from_peer, Update::Typed("four".to_owned())], close);
    assert!(last.0.author() != one && last.0.state().0.len() == 4, "{last:?}");
    replays(&backup, &last);
    // And so does one that wrote nothing itself.
    let last = session(&backup, typed([]), close);
    assert_eq!(last.0.state().0.len(), 4);
    let silent = folder.path().join("silent.journal");
    fs::copy(&backup, &silent).unwrap();
    peer.commit(Word("five".to_owned()));
    let delta = peer.since(last.0.version());
    let last = session(&silent, vec![Update::ApplyRemoteDelta { delta }], close);
    assert_eq!(last.0.state().0.len(), 5);
    replays(&silent, &last);
}

/// A crash may take back the last frame, and leave what was admitted in it.
#[test]
fn what_no_frame_names_is_known_from_the_next_session_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    session(&path, typed(["one".to_owned()]), close);
    session(&path, typed(["two".to_owned()]), |replica, journal| {
        replica.commit(Word("three".to_owned()));
        let mut peer = builder(1).build();
        peer.commit(Word("there".to_owned()));
        replica.merge(peer.outbox().unwrap());
        let _ = replica.settle();
        // And no close.
        journal.flush().unwrap();
    });
    session(&path, typed(["four".to_owned()]), close);
    let last = session(&path, typed(["five".to_owned()]), close);
    assert_eq!(last.0.state().0.len(), 6);
    replays(&path, &last);
}

/// A program that records from its second start on.
#[test]
fn what_was_there_before_anything_was_recorded_is_known_from_the_first_frame_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut replica = journal.replica(builder(0)).unwrap();
    replica.commit(Word("one".to_owned()));
    let _ = replica.settle();
    journal.close().unwrap();
    session(&path, typed(["two".to_owned()]), close);
    let last = session(&path, typed(["three".to_owned()]), close);
    assert_eq!(last.0.state().0.len(), 3);
    replays(&path, &last);
}
