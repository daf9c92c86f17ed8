//! What a start made of a long journal the next begins with, and reads no frame before it again.

use std::{cell::Cell, fmt::Debug, path::Path};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start},
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

trait Own: Debug + Default + PartialEq + Serialize + DeserializeOwned {
    const REDUCER: u64 = 0;

    fn add(&mut self, n: u32);
}

/// Order counts.
fn mix(sum: u64, n: u32) -> u64 {
    sum.wrapping_mul(31).wrapping_add(n.into())
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
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

#[test]
fn a_start_reads_what_came_since_the_one_that_noted_what_it_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut all = Sum::default();
    let mut recorded = |frames: u32| {
        for frame in 0..frames {
            (0..256).for_each(|n| all.add(frame * 7 + n));
        }
        Sum { ..all }
    };
    assert_eq!(session::<Sum>(&path, 20, false), (0, Sum::default()));
    let first = recorded(20);
    // It reads all, and notes it.
    assert_eq!(session::<Sum>(&path, 2, false), (20 * 256, first));
    let second = recorded(2);
    assert_eq!(session::<Sum>(&path, 1, false), (2 * 256, second));
    // Too few to be noted: they are read again.
    let third = recorded(1);
    assert_eq!(session::<Sum>(&path, 0, false), (3 * 256, third));

    // Each is of its own history, however it is copied.
    let copy = folder.path().join("copy.journal");
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(session::<Sum>(&copy, 0, false).0, 3 * 256);

    // A type of other fields has the same bytes, and would be read as something else.
    let (read, changed) = session::<next::Sum>(&path, 0, false);
    let Sum { count, sum } = session::<Sum>(&copy, 0, false).1;
    assert_eq!(read, 23 * 256);
    assert_eq!(format!("{changed:?}"), format!("Sum {{ sum: {sum}, count: {count} }}"));
    // And another reducer comes to other states.
    let (read, doubled) = session::<doubled::Sum>(&copy, 0, true);
    assert_eq!((read, doubled.count), (23 * 256, 2 * 23 * 256));
}

/// A replay has no file that notes anything, and begins each session with the same state.
#[test]
fn a_replay_begins_each_session_as_the_program_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    for frames in [17, 1, 18, 1] {
        let journal = Journal::open(&path).unwrap();
        let mut app: App<Sum> = journal.begin().unwrap();
        let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
        for frame in 0..frames {
            let local = (0..256).map(|n| (IntentSource::LocalUI, Update::Add(frame * 7 + n)));
            panel.run_frame(&mut app, &mut (), local);
        }
        drop(panel);
        journal.close().unwrap();
    }
    let replay = Recording::open(&path).unwrap().replay::<App<Sum>>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap().own.count, 37 * 256);
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
