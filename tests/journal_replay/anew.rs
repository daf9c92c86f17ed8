//! A recording that has grown longer than what is kept begins anew: with a start, as only there a state is made of what the file has. So it replays from there on.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use control_panel::{
    Author, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
    replica::codec::{Limits, Postcard},
};
use serde::{Deserialize, Serialize};

use crate::PEERS;

/// It does not grow with its operations.
#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) count: u64,
    last: String,
}

impl State for Tally {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.count += 1;
        self.last.clone_from(word);
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(super) enum Update {
    Typed(String),
    Turned(u64),
}

/// What is this program's own.
#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
pub(super) struct Own {
    page: u64,
    pub(super) turns: u64,
}

impl Own {
    fn apply(&mut self, update: &Update) {
        if let Update::Turned(page) = update {
            (self.page, self.turns) = (*page, self.turns + 1);
        }
    }
}

#[derive(Debug)]
pub(super) struct App {
    pub(super) tally: Replica<Tally>,
    pub(super) own: Own,
    gone: u64,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.own.apply(&queued.intent);
        if let Update::Typed(word) = queued.intent {
            self.tally.commit(word);
        }
    }

    fn settle(&mut self) {
        let _ = (self.tally.settle(), self.tally.outbox());
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (self.tally.state(), self.tally.author(), self.tally.clock(), &self.own).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(PEERS[0], Tally::default()).history(100);
        let tally = start.replica(builder.codec(Postcard::new(), Limits::default()))?;
        let each = |own: &mut Own, queued: QueuedIntent<Update>| own.apply(&queued.intent);
        let restored = start.restore(IntentSource::Restore, Own::default(), each)?;
        Ok(Self { tally, own: restored.state, gone: restored.gone })
    }
}

const FRAMES: u64 = 200;

pub(super) type End = (Author, Tally, Own);

/// So many frames, of which each fifth turns the page; and what it ends with.
fn session(path: &Path, keep: u64, closes: bool) -> End {
    let journal = Journal::open(path).unwrap();
    journal.keep_recorded(keep);
    let mut app: App = journal.begin().unwrap();
    assert_eq!(app.gone, 0);
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 0..FRAMES {
        let count = app.tally.state().count;
        let typed = Update::Typed(format!("{count} {:.>400}", frame * 7919));
        let turned = (frame % 5 == 0).then_some(Update::Turned(count));
        let intents = [Some(typed), turned].into_iter().flatten();
        panel.run_frame(&mut app, &mut (), intents.map(|intent| (IntentSource::LocalUI, intent)));
        if frame % 16 == 0 {
            journal.flush().unwrap();
        }
    }
    drop(panel);
    journal.flush().unwrap();
    if closes {
        journal.close().unwrap();
    }
    (app.tally.author(), app.tally.state().clone(), app.own)
}

pub(super) fn replayed(recording: &Recording) -> End {
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    let App { tally, own, .. } = replay.state.unwrap();
    (tally.author(), tally.state().clone(), own)
}

#[test]
fn a_recorded_journal_does_not_grow_without_end_and_replays_from_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (mut begins, mut longest, mut life) = (Vec::new(), 0, None);
    for number in 1..=20 {
        let end = session(&path, 300 << 10, true);
        let (author, tally, own) = &end;
        assert_eq!(*life.get_or_insert(*author), *author, "the same life goes on");
        assert_eq!((tally.count, own.turns), (number * FRAMES, number * FRAMES / 5), "session {number}");
        longest = fs::metadata(&path).unwrap().len().max(longest);
        let recording = Recording::open(&path).unwrap();
        if begins.last() != Some(&recording.gone()) {
            begins.push(recording.gone());
        }
        if number % 4 == 0 {
            assert_eq!(replayed(&recording), end, "session {number}");
        }
    }
    assert!((4..10).contains(&begins.len()) && begins.is_sorted(), "{begins:?}");
    // 20 sessions are 3.4 MB, once in operations and once in intents; what is kept is 300 KB, and the operations of three times as long at most.
    assert!(longest < 1_900_000, "{longest} bytes, {begins:?}");

    let recording = Recording::open(&path).unwrap();
    let gone = recording.gone();
    assert!(
        gone >= 2_000 && recording.last_frame() == 20 * FRAMES,
        "frames have the numbers that they had: {gone}"
    );
    assert_eq!(recording.frames() as u64, 20 * FRAMES - gone);
    let exported = Recording::from_bytes(&recording.to_bytes()).unwrap();
    assert_eq!(exported, recording);
    let end = replayed(&exported);
    let mut timeline = Timeline::<App>::new(recording);
    assert_eq!(timeline.frames(), Some((gone + 1, 20 * FRAMES)));
    assert_eq!(timeline.at(gone + 1).unwrap().tally.state().count, gone + 1);
    assert_eq!(timeline.at(20 * FRAMES).unwrap().own, end.2);
}

/// One that crashes goes on as another life, with all of it.
#[test]
fn a_recording_that_began_anew_survives_crashes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut lives = Vec::new();
    for number in 1..=8 {
        let end = session(&path, 200 << 10, false);
        lives.push(end.0);
        assert_eq!((end.1.count, end.2.turns), (number * FRAMES, number * FRAMES / 5));
        let recording = Recording::open(&path).unwrap();
        assert_eq!(replayed(&recording), end, "session {number}, {} are gone", recording.gone());
    }
    lives.dedup();
    assert_eq!(lives.len(), 8);
    assert!(Recording::open(&path).unwrap().gone() > 0);
}

/// With everything kept nothing changes.
#[test]
fn what_is_to_be_kept_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    for _ in 0..6 {
        session(&path, u64::MAX, true);
    }
    let recording = Recording::open(&path).unwrap();
    assert_eq!((recording.gone(), recording.sessions(), recording.frames() as u64), (0, 6, 6 * FRAMES));
    let (_, tally, own) = replayed(&recording);
    assert_eq!((tally.count, own.turns), (6 * FRAMES, 6 * FRAMES / 5));
}
