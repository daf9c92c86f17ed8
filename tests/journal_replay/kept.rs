//! What a recording that begins anew keeps all the same: of a state of another type how much of it is gone, frames of a state that cannot be noted, and those of the
//! session itself.

use std::{marker::PhantomData, path::Path};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start},
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::Error};

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Update {
    Turned(u64),
}

trait Own: Clone + Default + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + 'static {
    const REDUCER: u64 = 0;

    fn turn(&mut self, page: u64);
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Turns {
    turns: u64,
    page: u64,
}

impl Own for Turns {
    fn turn(&mut self, page: u64) {
        (self.turns, self.page) = (self.turns + 1, page);
    }
}

/// Of the same type, and another reducer: it counts each turn twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Twice(Turns);

impl Own for Twice {
    const REDUCER: u64 = 1;

    fn turn(&mut self, page: u64) {
        self.0.turn(page);
        self.0.turns += 1;
    }
}

/// As the next version has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Visits {
    visits: Vec<u64>,
}

impl Own for Visits {
    fn turn(&mut self, page: u64) {
        self.visits.push(page);
    }
}

/// It has no bytes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Unwritten(u64);

impl Serialize for Unwritten {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no bytes"))
    }
}

impl Own for Unwritten {
    fn turn(&mut self, _: u64) {
        self.0 += 1;
    }
}

#[derive(Debug)]
struct App<T> {
    own: T,
    /// How many intents made what it began with, and how many are gone.
    began: (u64, u64),
    of: PhantomData<T>,
}

impl<T: Own> Reducer for App<T> {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        let Update::Turned(page) = queued.intent;
        self.own.turn(page);
    }
}

impl<T: Own> Recorded for App<T> {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let each = |own: &mut T, queued: QueuedIntent<Update>| {
            let Update::Turned(page) = queued.intent;
            own.turn(page);
        };
        let restored = start.restore(IntentSource::Restore, T::default(), each)?;
        Ok(Self { own: restored.state, began: (restored.given, restored.gone), of: PhantomData })
    }

    fn fingerprint() -> u64 {
        T::REDUCER
    }
}

const FRAMES: u64 = 10;

/// One that begins before its first frame, or behind so many of them.
fn session<T: Own>(path: &Path, keep: u64, begins_behind: u64) -> App<T> {
    let journal = Journal::open(path).unwrap();
    journal.keep_recorded(keep);
    if T::REDUCER != 0 {
        journal.adopt_reducer().unwrap();
    }
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app = App { own: T::default(), began: (0, 0), of: PhantomData };
    for frame in 0..FRAMES {
        if frame == begins_behind {
            journal.flush().unwrap();
            app = journal.begin().unwrap();
        }
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Turned(frame))]);
    }
    drop(panel);
    journal.close().unwrap();
    app
}

fn gone_and_frames(path: &Path) -> (u64, u64) {
    let recording = Recording::open(path).unwrap();
    (recording.gone(), recording.frames() as u64)
}

#[test]
fn a_state_of_another_type_is_made_of_what_is_left_and_says_how_much_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    session::<Turns>(&path, u64::MAX, 0);
    session::<Turns>(&path, u64::MAX, 0);
    let third = session::<Turns>(&path, 0, 0);
    assert_eq!((third.began, third.own.turns), ((2 * FRAMES, 0), 3 * FRAMES));
    assert_eq!(gone_and_frames(&path), (2 * FRAMES, FRAMES));

    let next = session::<Visits>(&path, u64::MAX, 0);
    assert_eq!((next.began, next.own.visits.len() as u64), ((FRAMES, 2 * FRAMES), 2 * FRAMES));
    // Also in a replay.
    let replay = Recording::open(&path).unwrap().replay::<App<Visits>>(u64::MAX);
    let state = replay.state.unwrap();
    assert_eq!((state.began, state.own), (next.began, next.own));
    // The type of before still has all.
    let before = session::<Turns>(&path, u64::MAX, 0);
    assert_eq!((before.began, before.own.turns), ((4 * FRAMES, 0), 5 * FRAMES));
}

/// What is gone counts as the reducer of the time made it.
#[test]
fn a_reducer_that_is_adopted_goes_on_from_what_another_made_of_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    session::<Turns>(&path, u64::MAX, 0);
    session::<Turns>(&path, 0, 0);
    let adopted = session::<Twice>(&path, u64::MAX, 0);
    assert_eq!((adopted.began, adopted.own.0.turns), ((2 * FRAMES, 0), FRAMES + 4 * FRAMES));
    let replay = Recording::open(&path).unwrap().replay::<App<Twice>>(u64::MAX);
    assert_eq!(replay.state.unwrap().own, adopted.own);
}

/// It is made of all frames, each time: none can go.
#[test]
fn frames_of_a_state_that_has_no_bytes_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    for number in 1..=3 {
        let app = session::<Unwritten>(&path, 0, 0);
        assert_eq!((app.began, app.own.0), (((number - 1) * FRAMES, 0), number * FRAMES));
        assert_eq!(gone_and_frames(&path), (0, number * FRAMES));
    }
}

/// What this session recorded before it began is no past of it.
#[test]
fn a_session_that_begins_late_lets_go_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    session::<Turns>(&path, 0, 0);
    let late = session::<Turns>(&path, 0, 4);
    assert_eq!(late.began, (FRAMES, 0));
    assert_eq!(gone_and_frames(&path), (0, 2 * FRAMES));
    // The next one does.
    session::<Turns>(&path, 0, 0);
    assert_eq!(gone_and_frames(&path), (2 * FRAMES, FRAMES));
}
