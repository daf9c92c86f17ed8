//! What is a program's own comes back by its recorded intents; what is shared, by its operations.

use std::panic::{AssertUnwindSafe, catch_unwind};

use control_panel::{
    ControlPanel, Delta, GraphIntent, IntentSource, Peer, QueuedIntent, Reducer, Replica,
    journal::{Fault, Journal, JournalError, JournalEvent, Recorded, Recording, Start},
    replica::codec::{Limits, Postcard},
    requests::{Reply, reply},
};
use serde::{Deserialize, Serialize};

use crate::{PEERS, Words};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
pub(crate) enum Update {
    Opened(u32),
    Typed(String),
    Count(Reply<usize>),
    Fails,
    #[intent(clock = delta, origin = delta)]
    ApplyRemoteDelta {
        delta: Delta<String>,
    },
    #[intent(from, skip)]
    #[serde(skip)]
    Journal(JournalEvent),
}

#[derive(Debug)]
pub(crate) struct App {
    words: Replica<Words>,
    pub(crate) opened: Vec<u32>,
    /// What was restored: source, clock, place among its producer's.
    keys: Vec<(IntentSource, u64, u64)>,
    left_out: u64,
}

impl Reducer for App {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        match queued.intent {
            Update::Opened(page) => self.opened.push(page),
            Update::Typed(word) => _ = self.words.commit(word),
            Update::Count(reply) => reply.send(self.opened.len()),
            Update::Fails => panic!("as it does each time"),
            Update::ApplyRemoteDelta { delta } => self.words.merge(delta),
            Update::Journal(event) => drop(event),
        }
    }

    fn settle(&mut self) {
        let _ = self.words.settle();
        drop(self.words.outbox());
    }

    fn digest(&self) -> Option<u64> {
        // For the random runs: a digest may panic too.
        assert_ne!(self.opened.len(), 13, "no digest of thirteen");
        let mix = |digest: u64, page: &u32| digest.wrapping_mul(31).wrapping_add(u64::from(*page));
        Some(self.opened.iter().fold(self.words.clock(), mix))
    }
}

impl Recorded for App {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let builder = Replica::builder(PEERS[0], Words::default()).members(PEERS);
        let words = start.replica(builder.codec(Postcard::new(), Limits::default()))?;
        let each = |(opened, keys): &mut (Vec<u32>, Vec<_>), queued: QueuedIntent<Update>| {
            let order = queued.causality_order();
            keys.push((order.source, order.clock, order.seq));
            match queued.intent {
                Update::Opened(page) => opened.push(page),
                Update::Count(reply) => reply.send(opened.len()),
                // The replica has the words.
                _ => {}
            }
        };
        let restored = start.restore(IntentSource::Restore, Default::default(), each)?;
        let (opened, keys) = restored.state;
        assert_eq!(restored.given, keys.len() as u64);
        Ok(Self { words, opened, keys, left_out: restored.left_out })
    }
}

pub(crate) fn other() -> Replica<Words> {
    let builder = Replica::builder(Peer(PEERS[1].0), Words::default()).members(PEERS);
    builder.codec(Postcard::new(), Limits::default()).build()
}

#[test]
fn each_session_begins_with_what_those_before_recorded_and_so_does_its_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut other = other();
    for session in 0..3_u32 {
        let journal = Journal::open(&path).unwrap();
        let mut app: App = journal.begin().unwrap();
        assert_eq!(app.opened, (0..session).collect::<Vec<_>>());
        assert_eq!(app.words.state().0.len(), 2 * session as usize, "no word twice");
        assert_eq!(app.keys.len(), 3 * session as usize, "what was opened, typed and asked");
        assert!(app.keys.iter().all(|(source, ..)| *source == IntentSource::Restore));
        assert!(app.keys.is_sorted_by_key(|(_, clock, _)| *clock), "local ones have none");
        assert_eq!(app.left_out, 3 * u64::from(session), "the delta, what has no bytes, what panicked");

        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        other.commit(format!("there {session}"));
        let delta = other.outbox().unwrap();
        let (question, mut answer) = reply();
        let local =
            [Update::Opened(session), Update::Typed(format!("here {session}")), Update::Count(question)];
        let remote = [Update::ApplyRemoteDelta { delta }, Update::Journal(JournalEvent::Recovered)];
        let local = local.map(|update| (IntentSource::LocalUI, update));
        let remote = remote.map(|update| (IntentSource::P2pSync, update));
        panel.run_frame(&mut app, &mut (), local.into_iter().chain(remote));
        assert_eq!(answer.try_take(), Some(Ok(1 + session as usize)));
        let fails = [(IntentSource::LocalUI, Update::Fails)];
        catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut app, &mut (), fails))).unwrap_err();
        drop(panel);
        journal.close().unwrap();
    }
    let recording = Recording::open(&path).unwrap();
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().opened, [0, 1, 2]);
    // An export has what a replay begins with too.
    let export = Recording::from_bytes(&recording.to_bytes()).unwrap();
    assert!(export.replay::<App>(u64::MAX).is_same());
}

#[test]
fn an_intent_that_this_program_cannot_read_is_left_out_and_counted() {
    /// As an earlier version had it.
    #[derive(Debug, GraphIntent, Serialize, Deserialize)]
    enum Before {
        #[allow(dead_code, reason = "it keeps the numbers of the others")]
        Opened(u32),
        Typed(u8),
    }
    struct Nothing;
    impl Reducer for Nothing {
        type Intent = Before;
        fn apply(&mut self, _: QueuedIntent<Before>) {}
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut panel = ControlPanel::<Before>::builder().record(&journal).build();
    let typed = [Before::Opened(7), Before::Typed(200)].map(|intent| (IntentSource::LocalUI, intent));
    panel.run_frame(&mut Nothing, &mut (), typed);
    drop(panel);
    journal.close().unwrap();

    let journal = Journal::open(&path).unwrap();
    let app: App = journal.begin().unwrap();
    assert_eq!((app.opened, app.left_out), (vec![7], 1), "200 is no length of a text that is there");
    journal.close().unwrap();
    assert!(journal.begin::<App>().unwrap_err().to_string().contains("closed"));
}

#[test]
fn a_journal_of_another_reducer_is_refused_by_name_until_it_is_adopted() {
    #[derive(Debug)]
    struct Next(App);
    impl Reducer for Next {
        type Intent = Update;
        fn apply(&mut self, queued: QueuedIntent<Update>) {
            self.0.apply(queued);
        }
    }
    impl Recorded for Next {
        fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
            App::begin(start).map(Self)
        }
        fn fingerprint() -> u64 {
            7
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Opened(3))]);
    drop(panel);
    journal.close().unwrap();
    assert_eq!(Recording::open(&path).unwrap().fingerprint(), Some(0));

    let journal = Journal::open(&path).unwrap();
    let error = journal.begin::<Next>().unwrap_err();
    assert!(matches!(error.fault(), Fault::OtherReducer { journal: 0, program: 7 }), "{error:?}");
    assert!(error.to_string().contains("written by reducer 0x0, and this program runs 0x7"), "{error}");
    journal.adopt_reducer().unwrap();
    assert_eq!(journal.begin::<Next>().unwrap().0.opened, [3]);
    journal.close().unwrap();
    let recording = Recording::open(&path).unwrap();
    assert_eq!(recording.fingerprint(), Some(7));
    assert_eq!((recording.refold::<App>().recorded, recording.refold::<App>().now), (Some(7), 0));
}
