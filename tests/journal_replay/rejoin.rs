//! Sessions that go on from a snapshot of a member, and those after them: each is replayed with what it began with.

use std::hash::{DefaultHasher, Hash, Hasher};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
    replica::{
        Grant, ReplicaBuilder, Snapshot,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};

use crate::{PEERS, Words};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Typed(String),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    /// A snapshot's bytes.
    Rejoin(Vec<u8>),
}

#[derive(Debug)]
struct App(Replica<Words>);

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.0.commit(word),
            Update::ApplyRemoteDelta { delta } => self.0.merge(delta),
            Update::Rejoin(bytes) => {
                let snapshot = Snapshot::decode(&bytes, &Postcard::new(), &Limits::default()).unwrap();
                self.0.rejoin(snapshot).unwrap();
            }
        }
    }

    fn settle(&mut self) {
        let _ = self.0.settle();
        // In a frame: what it acknowledges is part of the record.
        let _ = self.0.outbox();
    }

    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.0.state().0, self.0.clock(), self.0.watermark(), self.0.author()).hash(&mut hasher);
        Some(hasher.finish())
    }
}

fn builder(me: usize) -> ReplicaBuilder<Words> {
    let builder = Replica::builder(PEERS[me], Words::default()).members([PEERS[1]]);
    builder.codec(Postcard::new(), Limits::default())
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self(start.replica(builder(0))?))
    }
}

/// What this session did, and what it began with.
fn session(
    path: &std::path::Path,
    frames: impl FnOnce(&mut dyn FnMut(Update) -> Vec<String>),
) -> Vec<String> {
    let journal = Journal::open(path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app: App = journal.begin().unwrap();
    let began = app.0.state().0.clone();
    frames(&mut |update| {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, update)]);
        app.0.state().0.clone()
    });
    drop(panel);
    journal.close().unwrap();
    began
}

#[test]
fn a_session_that_began_with_a_snapshot_is_replayed_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.journal");
    let mut there = builder(1).build();
    let mut cut = |word: &str, invite: bool| {
        there.commit(word.to_owned());
        let _ = there.settle();
        there.cut().unwrap();
        if invite {
            there.invite(PEERS[0], Grant::Write).unwrap();
        } else {
            // Or the first of the two never acknowledges, and no cut is stable.
            there.retire(PEERS[0]).unwrap();
            let _ = there.settle();
            there.invite(PEERS[0], Grant::Write).unwrap();
        }
        let _ = there.settle();
        there.snapshot().unwrap().encode().unwrap()
    };
    let (first, second) = (cut("old", true), cut("older", false));
    session(&path, |frame| {
        assert_eq!(frame(Update::Rejoin(first)), ["old"]);
        assert_eq!(frame(Update::Typed("new".into())), ["old", "new"]);
    });
    let began = session(&path, |frame| {
        assert_eq!(frame(Update::Typed("newer".into())), ["old", "new", "newer"]);
        let _ = frame(Update::Rejoin(second));
        let _ = frame(Update::Typed("newest".into()));
    });
    assert_eq!(began, ["old", "new"]);
    let mut last = Vec::new();
    let began = session(&path, |frame| last = frame(Update::Typed("last".into())));
    assert!(began.starts_with(&["old".to_owned(), "older".to_owned()]), "{began:?}");

    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.sessions(), 3);
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().0.state().0, last);
    let mut timeline = Timeline::<App>::new(Recording::from_bytes(&recording.to_bytes()).unwrap());
    assert_eq!(*timeline.recording(), recording);
    for (frame, words) in
        [(6, &last[..]), (3, &["old", "new", "newer"].map(str::to_owned)), (1, &["old".to_owned()])]
    {
        assert_eq!(timeline.at(frame).unwrap().0.state().0, words);
    }
    // What is shown to others has no operations, and no state of them either.
    assert!(recording.redacted::<App>().to_bytes().windows(3).all(|bytes| bytes != b"old"));
}
