//! A program with a replica that is started three times: its recording replays through all sessions.

mod again;
mod anew;
mod kept;
mod live;
mod noted;
mod peers;
mod random;
mod rejoin;
mod restore;
mod seeded;
mod sessions;
mod slow;
mod timeline;
mod unnamed;

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica,
    journal::{Journal, JournalError, JournalEvent, Recorded, Recording, Start, Timeline},
    replica::codec::{Limits, Postcard},
};
use serde::{Deserialize, Serialize};
use tests::words::Words;

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Typed(String),
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    /// An error of the disk has no bytes.
    #[intent(from, skip)]
    #[serde(skip)]
    Journal(JournalEvent),
}

#[derive(Debug)]
struct App {
    words: Replica<Words>,
    sent: usize,
}

const PEERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Typed(word) => _ = self.words.commit(word),
            Update::ApplyRemoteDelta { delta } => self.words.merge(delta),
            Update::Journal(event) => drop(event),
        }
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
        self.sent += self.words.outbox().map_or(0, |delta| delta.len());
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(PEERS[0], Words::default()).members(PEERS);
        Ok(Self { words: start.replica(builder.codec(Postcard::new(), Limits::default()))?, sent: 0 })
    }
}

#[test]
fn a_recording_replays_through_all_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.journal");
    let builder = Replica::builder(PEERS[1], Words::default()).members(PEERS);
    let mut other = builder.codec(Postcard::new(), Limits::default()).build();
    let mut last = None;
    for session in 0..3 {
        let journal = Journal::open(&path).unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        let mut app: App = journal.begin().unwrap();
        if session != 1 {
            panel.spawn(journal.writer(IntentSource::Restore));
        }
        for n in 0..20 {
            let typed = (IntentSource::LocalUI, Update::Typed(format!("{session}.{n}")));
            other.commit(format!("there {session}.{n}"));
            let delta = other.outbox().unwrap();
            let remote = (IntentSource::P2pSync, Update::ApplyRemoteDelta { delta });
            panel.run_frame(&mut app, &mut (), if n % 3 == 0 { vec![typed, remote] } else { vec![remote] });
            other.merge(app.words.since(other.version()));
            let _ = other.settle();
        }
        panel.shutdown_blocking();
        drop(panel);
        journal.close().unwrap();
        last = Some((app.words.state().clone(), app.sent, app.words.author()));
    }
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.sessions(), 3);
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    let state = replay.state.unwrap();
    assert_eq!(Some((state.words.state().clone(), state.sent, state.words.author())), last);
    let mut timeline = Timeline::<App>::new(recording);
    let (first, end) = timeline.frames().unwrap();
    assert_eq!(timeline.at(first).unwrap().words.state().0.len(), 2);
    assert_eq!(timeline.at(end).unwrap().words.state().0.len(), 3 * 27);
    assert_eq!(timeline.at(first).unwrap().words.state().0.len(), 2);
}
