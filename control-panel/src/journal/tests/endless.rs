//! One session that is recorded without end.

use super::anew::{App, End, Update, end};
use crate::{
    ControlPanel, IntentSource, QueuedIntent, Reducer,
    journal::{
        DeviationKind, Journal, JournalError, Recorded, Recording, Start,
        store::{Disk, Reader, testing::Memory},
    },
};

fn word(frame: u64) -> Update {
    Update::Typed(format!("{frame} ").repeat(60))
}

fn read(memory: &Memory) -> Recording {
    let bytes = memory.lock().bytes.clone();
    Recording::read(&Reader::open(&Disk::staged(Memory::of(bytes)).unwrap()).unwrap()).unwrap()
}

const KEPT: u64 = 5_000;

fn open(memory: &Memory) -> Journal {
    let journal = Journal::on(memory).unwrap();
    journal.keep_recorded(KEPT);
    journal.shorten_early();
    journal
}

#[test]
fn a_session_without_end_is_shortened_and_a_start_has_all_that_it_came_to() {
    let memory = Memory::default();
    let journal = open(&memory);
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let (mut shortened, mut most) = (Vec::new(), 0);
    for frame in 1..=400 {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, word(frame))]);
        journal.flush().unwrap();
        shortened.extend(journal.handover().gauge().take_shortened());
        if frame % 40 == 0 {
            let recording = read(&memory);
            assert_eq!(recording.last_frame().max(recording.gone()), frame);
            most = most.max(recording.frames());
        }
    }
    // Four times what is kept are some 75 frames.
    assert!((4..8).contains(&shortened.len()) && most < 100, "{shortened:?}, {most}");
    let last = end(&app);
    drop((panel, app, journal));

    // A replay cannot begin inside of it.
    let recording = read(&memory);
    assert_eq!(Some(&recording.gone()), shortened.last());
    let replay = recording.replay::<App>(u64::MAX);
    let found = replay.deviations.iter().map(|found| (found.frame, &found.kind)).collect::<Vec<_>>();
    assert!(
        matches!(&found[..], [(frame, DeviationKind::Begin(why))] if *frame == recording.gone() + 1 && why.contains("let go of")),
        "{found:?}"
    );
    // The next session does, and has all of it.
    let journal = open(&memory);
    journal.keep_recorded(u64::MAX);
    let mut app: App = journal.begin().unwrap();
    assert_eq!(end(&app), last);
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 401..=410 {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, word(frame))]);
    }
    drop(panel);
    journal.flush().unwrap();
    let last = end(&app);
    let recording = read(&memory);
    for recording in [Recording::from_bytes(&recording.to_bytes()).unwrap(), recording] {
        assert_eq!(recording.sessions(), 2);
        let replay = recording.replay::<App>(u64::MAX);
        assert_eq!(replay.deviations.len(), 1, "{:?}", replay.deviations);
        assert_eq!(end(&replay.state.unwrap()), last);
    }
}

/// All that was durable is there, whether the frames are gone or not.
#[test]
fn a_crash_while_a_session_is_shortened_loses_nothing() {
    let memory = Memory::default();
    let journal = open(&memory);
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let (mut bytes, mut before, mut gone) = (Vec::new(), None::<End>, None);
    for frame in 1..=200 {
        bytes.clone_from(&memory.lock().bytes);
        memory.lock().steps.clear();
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, word(frame))]);
        journal.flush().unwrap();
        gone = journal.handover().gauge().take_shortened();
        if gone.is_some() {
            break;
        }
        before = Some(end(&app));
    }
    let (gone, before, after) = (gone.unwrap(), before.unwrap(), end(&app));
    let (mut kept, mut shortened) = (0, 0);
    for step in std::mem::take(&mut memory.lock().steps) {
        step.apply(&mut bytes);
        let crashed = Memory::of(bytes.clone());
        let recording = read(&crashed);
        match recording.gone() {
            0 => kept += 1,
            number if number == gone => shortened += 1,
            number => panic!("{number} are gone of {gone}"),
        }
        let app: App = open(&crashed).begin().unwrap();
        let had = end(&app);
        assert!(had == after || (recording.gone() == 0 && had == before), "{kept}, {shortened}");
    }
    assert!(kept > 3 && shortened > 3, "{kept}, {shortened}");
}

/// Frames of a program that does not begin, or whose state has no note, are all that there is of it.
#[test]
fn a_program_that_never_began_keeps_all() {
    let memory = Memory::default();
    let journal = open(&memory);
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    let mut app: App = Journal::on(&Memory::default()).unwrap().begin().unwrap();
    for frame in 1..=200 {
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, word(frame))]);
        journal.flush().unwrap();
    }
    let recording = read(&memory);
    assert_eq!((recording.gone(), recording.frames()), (0, 200));
}

/// It has no replica, whose `settle` would say anew what waits.
#[derive(Debug)]
struct Bare;

impl Reducer for Bare {
    type Intent = Update;

    fn apply(&mut self, _: QueuedIntent<Update>) {}
}

impl Recorded for Bare {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self)
    }
}

/// What waits is of the session that would end.
#[test]
fn nothing_begins_again_while_something_is_not_handed_over() {
    let memory = Memory::default();
    let journal = open(&memory);
    let mut bare: Bare = journal.begin().unwrap();
    journal.handover().set_frame_waits(true);
    assert!(!journal.begin_again(&mut bare).unwrap());
    journal.handover().set_frame_waits(false);
    journal.handover().set_runs_wait(true);
    assert!(!journal.begin_again(&mut bare).unwrap());
    assert_eq!(journal.session(), 1);
    journal.handover().set_runs_wait(false);
    assert!(journal.begin_again(&mut bare).unwrap());
    assert_eq!(journal.session(), 2);
}

/// A writer that is behind leaves no room: what a frame handed over, and what a replica did, is noted as waiting until it went.
#[test]
fn what_finds_no_room_waits_until_it_is_handed_over() {
    let memory = Memory::default();
    let journal = open(&memory);
    let mut app: App = journal.begin().unwrap();
    let mut panel = ControlPanel::<Update>::builder().record(&journal).build();
    for frame in 1..=4_200 {
        assert!(!journal.handover().is_behind() || frame > 3_000, "frame {frame}");
        let update = Update::Typed(String::new());
        panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, update)]);
    }
    assert!(journal.handover().is_behind());
    // All that was handed over is durable now, and the last frame is not among it.
    assert!(!journal.begin_again(&mut app).unwrap());
    panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, Update::Typed(String::new()))]);
    assert!(!journal.handover().is_behind());
    assert!(journal.begin_again(&mut app).unwrap());
}
