//! A program that never ends: its session begins again while it runs, and what is recorded replays from there.

use std::{cell::Cell, fs};

use control_panel::{
    ControlPanel, IntentSource, QueuedIntent, Reducer,
    journal::{Fault, Journal, JournalError, Recorded, Recording, Start, Timeline},
};

use crate::anew::{App, End, Update, replayed};

fn intents(count: u64, frame: u64) -> impl Iterator<Item = (IntentSource, Update)> {
    let typed = Update::Typed(format!("{count} {:.>400}", frame * 7919));
    let turned = frame.is_multiple_of(5).then_some(Update::Turned(count));
    [Some(typed), turned].into_iter().flatten().map(|intent| (IntentSource::LocalUI, intent))
}

fn end(app: &App) -> End {
    (app.tally.author(), app.tally.state().clone(), app.own.clone())
}

const FRAMES: u64 = 2_000;

#[test]
fn a_program_that_never_ends_is_recorded_within_bounds_and_replays_from_where_it_began_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    journal.keep_recorded(150 << 10);
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let author = app.tally.author();
    let (mut again, mut longest, mut states) = (Vec::new(), 0, Vec::new());
    for frame in 1..=FRAMES {
        let intents = intents(app.tally.state().count, frame);
        panel.run_frame(&mut app, &mut (), intents);
        states.push(end(&app));
        if frame % 16 == 0 {
            journal.flush().unwrap();
        }
        if frame % 200 == 100 {
            assert!(journal.begin_again(&mut app).unwrap());
            assert_eq!(&end(&app), states.last().unwrap(), "frame {frame}");
            again.push(frame);
            longest = fs::metadata(&path).unwrap().len().max(longest);
        }
    }
    drop(panel);
    journal.close().unwrap();
    let last = end(&app);
    assert_eq!(
        (last.0, last.1.count, last.2.turns),
        (author, FRAMES, FRAMES / 5),
        "one author, and all of it"
    );
    // 2,000 frames are 0.9 MB of intents, and as much of operations; a file that has no room grows to twice its length.
    assert!(longest < 1_300_000, "{longest} bytes");

    let recording = Recording::open(&path).unwrap();
    let gone = recording.gone();
    assert!(gone > FRAMES / 2 && again.contains(&gone), "{gone} of {again:?}");
    assert_eq!(recording.frames() as u64, FRAMES - gone);
    let left: Vec<_> = again.iter().copied().filter(|frame| *frame >= gone).collect();
    assert!(left.len() == recording.sessions() && left.len() > 1, "{left:?}");
    assert_eq!(replayed(&recording), last);
    assert_eq!(replayed(&Recording::from_bytes(&recording.to_bytes()).unwrap()), last);
    let mut timeline = Timeline::<App>::new(recording);
    for frame in [FRAMES, gone + 1, left[1] + 1, left[1]] {
        let state = timeline.at(frame).unwrap();
        assert_eq!(end(state), states[usize::try_from(frame).unwrap() - 1], "frame {frame}");
    }
    // A restart has it too.
    let journal = Journal::open(&path).unwrap();
    assert_eq!(end(&journal.begin::<App>().unwrap()), last);
}

/// The end of one session is durable before the next is noted.
#[test]
fn what_crashes_after_it_began_again_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 1..=30 {
        let intents = intents(app.tally.state().count, frame);
        panel.run_frame(&mut app, &mut (), intents);
        if frame % 10 == 0 {
            // It is in no frame of the session that ends, and known in the one that begins.
            app.tally.commit(format!("behind {frame}"));
            assert!(journal.begin_again(&mut app).unwrap());
            assert_eq!(app.tally.state().count, frame + frame / 10);
        }
    }
    let last = end(&app);
    drop((panel, app, journal));
    let recording = Recording::open(&path).unwrap();
    assert_eq!((recording.sessions(), recording.frames()), (3, 30));
    let again: App = Journal::open(&path).unwrap().begin().unwrap();
    assert!(again.tally.author().incarnation > last.0.incarnation, "a crash is one all the same");
    assert_eq!((again.tally.state(), &again.own), (&last.1, &last.2));
    let replay = recording.replay::<App>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
}

thread_local! {
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

/// It cannot begin while that is so.
#[derive(Debug)]
struct Fails(App);

impl Reducer for Fails {
    type Intent = Update;

    fn apply(&mut self, queued: QueuedIntent<Update>) {
        self.0.apply(queued);
    }

    fn settle(&mut self) {
        self.0.settle();
    }

    fn digest(&self) -> Option<u64> {
        self.0.digest()
    }
}

impl Recorded for Fails {
    fn begin(start: &Start<'_>) -> Result<Self, JournalError> {
        let app = App::begin(start)?;
        if FAILS.get() {
            // Any error of a start's.
            return Err(Journal::open(std::env::temp_dir()).unwrap_err());
        }
        Ok(Self(app))
    }
}

#[test]
fn one_that_cannot_begin_again_goes_on_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let mut app: Fails = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 1..=40 {
        let intents = intents(app.0.tally.state().count, frame);
        panel.run_frame(&mut app, &mut (), intents);
        if frame == 20 {
            let before = end(&app.0);
            FAILS.set(true);
            let error = journal.begin_again(&mut app).unwrap_err();
            FAILS.set(false);
            assert!(matches!(error.fault(), Fault::NotAFile), "{error:?}");
            assert_eq!((end(&app.0), journal.session()), (before, 1));
        }
        if frame == 30 {
            assert!(journal.begin_again(&mut app).unwrap());
        }
    }
    drop(panel);
    journal.close().unwrap();
    let recording = Recording::open(&path).unwrap();
    assert_eq!((recording.sessions(), recording.frames()), (2, 40));
    let replay = recording.replay::<Fails>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(end(&replay.state.unwrap().0), end(&app.0));
}
