//! Work that was too slow for a frame: that it was is in the record, and a replay, which may be faster or slower, has the same jobs.

use std::{
    cell::Cell,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, QueuedIntent, Reducer, Replica, Stamp, State,
    journal::{Journal, JournalError, Recorded, Recording, Start},
    replica::{
        Redo, Redone, ReplicaNotice,
        codec::{Limits, Postcard},
    },
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::PEERS;

thread_local! {
    /// What a frame may take, on this machine.
    static LIMIT: Cell<Duration> = const { Cell::new(Duration::MAX) };
}

/// Each word takes until the clock shows another time: longer than no time at all, on any machine.
#[derive(Clone, Debug, Default, Hash, PartialEq, Serialize, Deserialize)]
struct Slow(Vec<String>);

impl State for Slow {
    type Op = String;

    fn apply(&mut self, word: &String, _: &Stamp) {
        let began = Instant::now();
        while Instant::now() == began {}
        self.0.push(word.clone());
    }
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Typed(String),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    Redone(Redone<Slow>),
}

#[derive(Debug)]
struct App {
    words: Replica<Slow>,
    jobs: Vec<Redo<Slow>>,
    made: usize,
    /// What was reported of where work is done.
    said: Vec<bool>,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.words.commit(word),
            Update::ApplyRemoteDelta { delta } => self.words.merge(delta),
            Update::Redone(redone) => _ = self.words.finish(redone),
        }
    }

    fn settle(&mut self) {
        let settled = self.words.settle();
        self.made += usize::from(settled.job.is_some());
        self.jobs.extend(settled.job);
        self.said.extend(settled.notices.iter().filter_map(|notice| match notice {
            ReplicaNotice::OffFrame { is_off } => Some(*is_off),
            _ => None,
        }));
        drop(self.words.outbox());
    }

    /// In which frame a word is seen matters.
    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (self.words.state(), self.made, &self.said).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(PEERS[0], Slow::default()).members(PEERS).slow_after(LIMIT.get());
        let words = start.replica(builder.codec(Postcard::new(), Limits::default()))?;
        Ok(Self { words, jobs: Vec::new(), made: 0, said: Vec::new() })
    }
}

/// Each job takes two frames, and each fourth is lost.
fn record(path: &std::path::Path) -> App {
    let journal = Journal::open(path).unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app: App = journal.begin().unwrap();
    let mut other = Replica::builder(PEERS[1], Slow::default())
        .members(PEERS)
        .codec(Postcard::new(), Limits::default())
        .build();
    for frame in 0..40 {
        let mut intents = Vec::new();
        other.commit(format!("there {frame}"));
        let delta = other.outbox().unwrap();
        intents.push((IntentSource::P2pSync, Update::ApplyRemoteDelta { delta }));
        if frame % 3 == 0 {
            intents.push((IntentSource::LocalUI, Update::Typed(format!("here {frame}"))));
        }
        if frame % 2 == 0 {
            for job in app.jobs.drain(..) {
                if !app.made.is_multiple_of(4) {
                    intents.push((IntentSource::Restore, Update::Redone(job.run())));
                }
            }
        }
        panel.run_frame(&mut app, &mut (), intents);
        journal.flush().unwrap();
        // It names what was typed here, so that later words of it are late.
        if frame % 5 == 0 {
            other.merge(app.words.since(other.version()));
            let _ = other.settle();
        }
    }
    drop(panel);
    journal.close().unwrap();
    app
}

#[test]
fn a_replay_has_the_jobs_of_its_record_however_fast_it_is() {
    for [here, there] in [[Duration::ZERO, Duration::MAX], [Duration::MAX, Duration::ZERO]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slow.journal");
        LIMIT.set(here);
        let app = record(&path);
        if here.is_zero() {
            assert!(app.made > 10 && app.said == [true], "{app:?}");
        } else {
            assert!(app.made == 0 && app.said.is_empty(), "{app:?}");
        }
        LIMIT.set(there);
        let recording = Recording::open(&path).unwrap();
        for recording in [Recording::from_bytes(&recording.to_bytes()).unwrap(), recording] {
            let replay = recording.replay::<App>(u64::MAX);
            assert!(replay.is_same(), "{:?}", replay.deviations);
            let again = replay.state.unwrap();
            assert_eq!(again.words.state(), app.words.state());
            assert_eq!((again.made, &again.said), (app.made, &app.said));
        }
    }
}
