//! The state that a long journal comes to is noted while it is written: the next start begins with it, and reads no frame before it again.

use std::{cell::Cell, fmt::Debug, path::Path};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Add(u32),
}

thread_local! {
    /// How many intents starts have read.
    static READ: Cell<u64> = const { Cell::new(0) };
}

trait Own: Debug + Default + PartialEq + Serialize + DeserializeOwned + 'static {
    const REDUCER: u64 = 0;

    fn add(&mut self, n: u32);
}

/// Order counts.
fn mix(sum: u64, n: u32) -> u64 {
    sum.wrapping_mul(31).wrapping_add(n.into())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Own for Sum {
    fn add(&mut self, n: u32) {
        self.count += 1;
        self.sum = mix(self.sum, n);
    }
}

/// As the next version has it: of the same bytes.
mod next {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(super) struct Sum {
        sum: u64,
        count: u64,
    }

    impl Own for Sum {
        fn add(&mut self, n: u32) {
            self.sum = mix(self.sum, n);
            self.count += 1;
        }
    }
}

/// And another reducer.
mod doubled {
    use super::*;

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    pub(super) struct Sum {
        pub(super) count: u64,
        sum: u64,
    }

    impl Own for Sum {
        const REDUCER: u64 = 2;

        fn add(&mut self, _: u32) {
            self.count += 2;
        }
    }
}

#[derive(Debug)]
struct App<T> {
    own: T,
    given: u64,
}

impl<T: Own> Reducer for App<T> {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Add(n) = queued.intent;
        self.own.add(n);
    }

    fn digest(&self) -> Option<u64> {
        let digest = |text: &str| text.bytes().fold(self.given, |sum, byte| mix(sum, byte.into()));
        Some(digest(&format!("{:?}", self.own)))
    }
}

impl<T: Own> Recorded for App<T> {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let each = |own: &mut T, queued: QueuedIntent<Update>| {
            READ.set(READ.get() + 1);
            let Update::Add(n) = queued.intent;
            own.add(n);
        };
        let restored = start.restore(IntentSource::Restore, T::default(), each)?;
        Ok(Self { own: restored.state, given: restored.given })
    }

    fn fingerprint() -> u64 {
        T::REDUCER
    }
}

/// A session of so many frames of 256. How many intents its start read, and the state that it began with.
fn session<T: Own>(path: &Path, frames: u32, adopts: bool) -> (u64, T) {
    let journal = Journal::open(path).unwrap();
    if adopts {
        journal.adopt_reducer().unwrap();
    }
    READ.set(0);
    let mut app: App<T> = journal.begin().unwrap();
    let (read, began) = (READ.get(), app.own);
    app.own = T::default();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 0..frames {
        let local = (0..256).map(|n| (IntentSource::LocalUI, Update::Add(frame * 7 + n)));
        panel.run_frame(&mut app, &mut (), local);
    }
    drop(panel);
    journal.close().unwrap();
    (read, began)
}

/// The sum of the sessions so far, with one more of so many frames.
fn recorded(all: &mut Sum, frames: u32) -> Sum {
    for frame in 0..frames {
        (0..256).for_each(|n| all.add(frame * 7 + n));
    }
    *all
}

/// Some 6 bytes an intent: the note is due after 256 KiB, which is at least 37,000 of them.
const DUE: u64 = 60_000;

#[test]
fn a_start_reads_what_came_since_the_last_note() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut all = Sum::default();
    assert_eq!(session::<Sum>(&path, 20, false), (0, Sum::default()));
    let first = recorded(&mut all, 20);
    // Too few to be noted: they are read again.
    assert_eq!(session::<Sum>(&path, 600, false), (20 * 256, first));
    let second = recorded(&mut all, 600);
    // Noted while they were written, in the middle of the session, however long it was.
    let (read, began) = session::<Sum>(&path, 0, false);
    assert_eq!(began, second);
    assert!(read < DUE, "{read}");
    // Each is of its own history, however it is copied.
    let copy = folder.path().join("copy.journal");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(session::<Sum>(&copy, 0, false), (read, second));

    // A type of other fields has the same bytes, and would be read as something else.
    let (read, changed) = session::<next::Sum>(&path, 0, false);
    let Sum { count, sum } = all;
    assert_eq!(read, 620 * 256);
    assert_eq!(format!("{changed:?}"), format!("Sum {{ sum: {sum}, count: {count} }}"));
    // And another reducer comes to other states.
    let (read, doubled) = session::<doubled::Sum>(&copy, 0, true);
    assert_eq!((read, doubled.count), (620 * 256, 2 * 620 * 256));
}

/// A program that begins twice in one session, or is killed in it.
#[test]
fn what_this_session_recorded_is_no_past_though_it_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut all = Sum::default();
    session::<Sum>(&path, 3, false);
    let before = recorded(&mut all, 3);
    {
        let journal = Journal::open(&path).unwrap();
        let mut app: App<Sum> = journal.begin().unwrap();
        app.own = Sum::default();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        for frame in 0..500 {
            let local = (0..256).map(|n| (IntentSource::LocalUI, Update::Add(frame * 7 + n)));
            panel.run_frame(&mut app, &mut (), local);
            journal.flush().unwrap();
        }
        drop(panel);
        let again: App<Sum> = journal.begin().unwrap();
        assert_eq!(again.own, before);
    }
    let whole = recorded(&mut all, 500);
    let (read, began) = session::<Sum>(&path, 0, false);
    assert_eq!(began, whole);
    assert!(read < DUE, "{read}");
}

/// A replay has no file that notes anything, and begins each session with the same state; what its earlier sessions began with it does not make again.
#[test]
fn a_replay_begins_each_session_as_the_program_did_and_reads_each_frame_about_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (mut frames, mut last) = (0, Sum::default());
    for session in [17, 400, 1, 1, 1, 300, 1, 1, 1, 1, 18] {
        let journal = Journal::open(&path).unwrap();
        let mut app: App<Sum> = journal.begin().unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        for frame in 0..session {
            let local = (0..256).map(|n| (IntentSource::LocalUI, Update::Add(frame * 7 + n)));
            panel.run_frame(&mut app, &mut (), local);
        }
        drop(panel);
        journal.close().unwrap();
        (frames, last) = (frames + u64::from(session), app.own);
    }
    let recording = Recording::open(&path).unwrap();
    READ.set(0);
    let replay = recording.replay::<App<Sum>>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().own, last);
    // Without: some seven times all of them.
    assert!(READ.get() < frames * 256 * 2, "{} of {}", READ.get(), frames * 256);

    let mut timeline = Timeline::<App<Sum>>::new(recording);
    let (first, end) = timeline.frames().unwrap();
    assert_eq!(timeline.at(end).unwrap().own, last);
    READ.set(0);
    for frame in [end - 20, first, end, end - 19, end - 20, end] {
        timeline.at(frame).unwrap();
    }
    assert_eq!(timeline.at(end).unwrap().own, last);
    assert!(timeline.deviation().is_none(), "{:?}", timeline.deviation());
    assert!(READ.get() < frames * 256, "{}", READ.get());
}

#[test]
#[should_panic(expected = "is called once")]
fn a_second_state_is_refused() {
    #[derive(Debug)]
    struct Twice;
    impl Reducer for Twice {
        type Intent = Update;
        fn apply(&mut self, _: QueuedIntent<Update>) {}
    }
    impl Recorded for Twice {
        fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
            for _ in 0..2 {
                start.restore(IntentSource::Restore, (), |(), _: QueuedIntent<Update>| {})?;
            }
            Ok(Self)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let _ = Journal::open(folder.path().join("app.journal")).unwrap().begin::<Twice>();
}
