//! The program that wrote the fixture. What it is must not change: its journal is checked in, and later versions read it.

use std::{
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use control_panel::{
    Author, ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica, Stamp,
    State,
    journal::{Journal, JournalError, JournalEvent, Recorded, Recording, Restored, Start},
    replica::codec::{Limits, Postcard},
    requests::{Reply, reply},
};
use serde::{Deserialize, Serialize, Serializer};

pub(crate) const HERE: Peer = Peer([1; 32]);
pub(crate) const THERE: Peer = Peer([2; 32]);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Words(pub(crate) Vec<String>);

impl State for Words {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        self.0.push(word.clone());
    }
}

/// What has no bytes.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Secret;

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no one is to read it"))
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Update {
    Typed(String),
    Opened {
        page: u32,
        zoom: f32,
    },
    Count(Reply<usize>),
    Unlock(Secret),
    Fails,
    #[intent(skip)]
    MouseMoved(f32, f32),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    #[intent(from, skip)]
    #[serde(skip)]
    Journal(#[expect(dead_code, reason = "no one looks at it")] JournalEvent),
}

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) words: Replica<Words>,
    pub(crate) page: u32,
    frames: u64,
    /// At the start.
    pub(crate) restored: Restored<u32>,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.words.commit(word),
            Update::Opened { page, .. } => self.page = page,
            Update::Count(reply) => reply.send(self.words.state().0.len()),
            Update::ApplyRemoteDelta { delta } => self.words.merge(delta),
            Update::Fails => panic!("as recorded"),
            Update::Unlock(_) | Update::MouseMoved(..) | Update::Journal(_) => {}
        }
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
        drop(self.words.outbox());
        self.frames += 1;
    }

    fn digest(&self) -> Option<u64> {
        Some(self.words.clock() * 1_000_000 + self.frames * 1_000 + u64::from(self.page))
    }
}

pub(crate) fn replica(peer: Peer) -> control_panel::replica::ReplicaBuilder<Words> {
    Replica::builder(peer, Words::default()).members([HERE, THERE]).codec(Postcard::new(), Limits::default())
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let words = start.replica(replica(HERE))?;
        let restored = start.restore(IntentSource::Restore, 0, |last, queued: QueuedIntent<Update>| {
            if let Update::Opened { page, .. } = queued.intent {
                *last = page;
            }
        })?;
        Ok(Self { words, page: restored.state, frames: 0, restored })
    }

    fn fingerprint() -> u64 {
        0
    }
}

/// The effect of this number.
pub(crate) fn effect(seq: u64) -> Stamp {
    Stamp { lamport: 1 + seq, author: Author { peer: HERE, incarnation: 0 }, seq }
}

/// Makes the journal: three sessions, of which the second ends by a crash.
pub(crate) fn make(path: &Path) {
    let mut other = replica(THERE).build();
    for session in 0..3_u32 {
        let journal = Journal::open(path).unwrap();
        let mut app: App = journal.begin().unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        let mut frame = |app: &mut App, updates: Vec<Update>| {
            panel.run_frame(app, &mut (), updates.into_iter().map(|update| (IntentSource::LocalUI, update)));
        };
        frame(&mut app, vec![Update::Opened { page: 7 + session, zoom: 1.5 }, Update::MouseMoved(1.0, 2.0)]);
        for word in ["a lamp", "a chair", &"long ".repeat(60)] {
            frame(&mut app, vec![Update::Typed(format!("{session}: {word}"))]);
        }
        for _ in 0..3 {
            other.commit(format!("{session}: from there"));
        }
        let delta = other.outbox().unwrap();
        frame(&mut app, vec![Update::Typed("between".into()), Update::ApplyRemoteDelta { delta }]);
        frame(&mut app, vec![]);
        let (question, mut answer) = reply();
        frame(
            &mut app,
            vec![Update::Count(question), Update::Unlock(Secret), Update::Journal(JournalEvent::Recovered)],
        );
        assert!(answer.try_take().is_some());
        if session == 1 {
            catch_unwind(AssertUnwindSafe(|| frame(&mut app, vec![Update::Fails]))).unwrap_err();
        }
        frame(&mut app, vec![Update::Typed("last".into())]);
        drop(panel);
        journal.flush().unwrap();
        if session == 0 {
            journal.begin_effect(effect(0)).unwrap();
            journal.effect_done(effect(0)).unwrap();
            journal.begin_effect(effect(1)).unwrap();
        }
        if session != 1 {
            journal.close().unwrap();
        }
    }
}

/// All that is written down beside the journal. Nothing that is random: not the numbers of lives.
pub(crate) fn words(recording: &Recording) -> String {
    let mut out = String::new();
    let (sessions, frames, intents) = (recording.sessions(), recording.frames(), recording.intents());
    writeln!(out, "{sessions} sessions, {frames} frames, {intents} intents, {} by name", recording.opaque())
        .unwrap();
    recording.each_intent::<App>(u64::MAX, |frame, place, intent| {
        let intent = if intent.contains("ApplyRemoteDelta") { "a delta".to_owned() } else { intent };
        writeln!(out, "{frame}:{place} {intent}").unwrap();
    });
    let replay = recording.replay_with::<App>(u64::MAX, |frame, app| {
        let App { words, page, frames, .. } = app.expect("it begins");
        let (count, last) = (words.state().0.len(), words.state().0.last());
        writeln!(
            out,
            "after {frame}: clock {}, {count} words, last {last:?}, page {page}, {frames}",
            words.clock()
        )
        .unwrap();
    });
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert!(replay.recorded_panic.is_some());
    for word in &replay.state.expect("a state").words.state().0 {
        writeln!(out, "{word}").unwrap();
    }
    out
}
