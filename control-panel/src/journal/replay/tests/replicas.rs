//! Replicas in what is recorded: deltas by reference, acknowledgements, jobs that ran elsewhere.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Recorded, Start, Tape};
use crate::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica,
    journal::{Deviation, DeviationKind, JournalError, intents::IntentRecorder, keeping::RunKeeper},
    replica::{
        Redo, Redone, ReplicaBuilder,
        codec::{Limits, Postcard, words::Words},
        restore::Kept,
    },
    testing::Rng,
};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
#[intent(crate = crate)]
enum Update {
    Typed(String),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    Redone(Redone<Words>),
}

#[derive(Debug)]
struct App {
    words: Replica<Words>,
    outbox: Vec<Delta<String>>,
    jobs: Vec<Redo<Words>>,
    jobs_made: usize,
    finished: usize,
    /// What it saw in passing: a delta shows its operations in a replay too.
    seen: usize,
}

const PEERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

fn builder(peer: Peer) -> ReplicaBuilder<Words> {
    let builder = Replica::builder(peer, Words::default()).members(PEERS);
    builder.codec(Postcard::new(), Limits::default()).redo_budget(6)
}

impl App {
    /// As `Journal::replica` makes it.
    fn kept(tape: &Tape) -> Self {
        let kept = Kept {
            snapshot: None,
            resume: crate::replica::keeper::Resume::default(),
            runs: Vec::new(),
            returned: BTreeSet::new(),
        };
        let keeper = Box::new(RunKeeper::new(tape.handover.clone(), 1));
        Self::of(builder(PEERS[0]).restore(kept, keeper).unwrap())
    }

    fn of(words: Replica<Words>) -> Self {
        Self { words, outbox: Vec::new(), jobs: Vec::new(), jobs_made: 0, finished: 0, seen: 0 }
    }

    fn look(&self) -> (&Words, [usize; 2], String, u64) {
        let figures = [self.seen, self.finished];
        (self.words.state(), figures, format!("{:?}", self.words), self.words.watermark())
    }
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.words.commit(word),
            Update::ApplyRemoteDelta { delta } => {
                self.seen += delta.operations().map(|(_, word)| word.len()).sum::<usize>();
                self.words.merge(delta);
            }
            Update::Redone(redone) => self.finished += usize::from(self.words.finish(redone)),
        }
    }

    fn settle(&mut self) {
        let job = self.words.settle().job;
        self.jobs_made += usize::from(job.is_some());
        self.jobs.extend(job);
        self.outbox.extend(self.words.outbox());
    }

    /// In which frame a job's result is seen matters too.
    fn digest(&self) -> Option<u64> {
        let mut hasher = DefaultHasher::new();
        (&self.words.state().0, self.words.watermark(), self.finished, self.jobs_made).hash(&mut hasher);
        Some(hasher.finish())
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self::of(start.replica(builder(PEERS[0]))?))
    }
}

#[test]
fn a_replica_replays_to_the_same_operations() {
    let mut lost = 0;
    for seed in 0..20 {
        lost += replays(seed);
    }
    assert!(lost > 50, "{lost}");
}

/// How many jobs were lost.
fn replays(seed: u64) -> usize {
    let mut rng = Rng::new(seed);
    let mut tape = Tape::new();
    let mut panel = ControlPanel::<Update>::builder();
    panel.recorder = Some(Box::new(IntentRecorder::new(tape.handover.clone(), Arc::new(1.into()))));
    let (mut panel, mut app, mut other) =
        (panel.build(), App::kept(&tape), App::of(builder(PEERS[1]).build()));
    let mut elsewhere = ControlPanel::<Update>::new();
    let remote = |deltas: &mut Vec<Delta<String>>| -> Vec<_> {
        let intents = deltas.drain(..).map(|delta| Update::ApplyRemoteDelta { delta });
        intents.map(|intent| (IntentSource::P2pSync, intent)).collect()
    };
    let mut elsewhere_done = Vec::new();
    for n in 0..60 {
        let typed = |who: &str| (IntentSource::LocalUI, Update::Typed(format!("{who} {n}")));
        let mut here = if n % 3 == 0 { remote(&mut other.outbox) } else { Vec::new() };
        here.extend((n % 2 == 0).then(|| typed("here")));
        if n % 4 == 1 {
            // A job runs while frames go on.
            here.extend(elsewhere_done.drain(..).map(|done| (IntentSource::P2pSync, Update::Redone(done))));
        }
        panel.run_frame(&mut app, &mut (), here);
        // Some are lost on their way there, some on their way back.
        app.jobs.retain(|_| !rng.chance(25));
        elsewhere_done.extend(app.jobs.drain(..).map(Redo::run));
        elsewhere_done.retain(|_| !rng.chance(25));
        other.jobs.clear();
        let mut there = if n % 5 == 0 { remote(&mut app.outbox) } else { Vec::new() };
        there.extend((n % 4 == 0).then(|| typed("there")));
        elsewhere.run_frame(&mut other, &mut (), there);
        // The disk is slower than the frames.
        if rng.chance(30) {
            tape.take();
        }
    }
    drop(panel);
    let recording = tape.recording();
    assert!(app.words.watermark() > 0 && app.seen > 50, "{app:?}");
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same() && replay.opaque == 0, "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().look(), app.look());
    // Also from its bytes, and with an intent in another frame than its runs are of.
    let read = super::Recording::from_bytes(&recording.to_bytes()).unwrap();
    assert_eq!(read, recording);
    let with_delta =
        read.frames.iter().find(|frame| frame.intents.iter().any(|intent| intent.entry.clock > 0)).unwrap();
    let place = with_delta.intents.iter().position(|intent| intent.entry.clock > 0).unwrap();
    let moved = crate::journal::Edit::<Update>::Move {
        frame: with_delta.number,
        intent: place,
        to: read.last_frame(),
        place: 0,
    };
    let edited = read.edited(moved).unwrap();
    assert_eq!(super::Recording::from_bytes(&edited.to_bytes()).unwrap(), edited);
    let late = edited.replay::<App>(u64::MAX);
    let is_state = |found: &Deviation| matches!(found.kind, DeviationKind::Digest { .. });
    assert!(late.deviations.iter().all(is_state) && late.opaque == 0, "{:?}", late.deviations);
    app.jobs_made - app.finished
}

#[test]
fn a_delta_is_serialized_by_journals_alone() {
    let mut app = builder(PEERS[0]).build();
    app.commit("word".to_owned());
    let delta = app.outbox().unwrap();
    let error = postcard::to_allocvec(&delta).unwrap_err();
    assert_eq!(error, postcard::Error::SerdeSerCustom);
    assert!(crate::replica::codec::read_postcard::<Delta<String>>(&[0, 1]).is_err());
}
