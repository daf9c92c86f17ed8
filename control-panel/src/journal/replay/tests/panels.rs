//! Whole panels: workers that fail and are restarted, under paused time.

use std::time::Duration;

use super::{Machine, NoBytes, Recording, Tape, Update, builder, panel};
use crate::{
    Context, ControlPanel, Worker,
    journal::intents::Body,
    testing::{self, Rng},
    util::panics,
};

/// Sends what the seed says, and panics now and then.
async fn stutters(cx: Context<Update>, seed: u64) {
    let mut rng = Rng::new(seed);
    for n in 0..20 {
        tokio::time::sleep(Duration::from_millis(1 + rng.below(30))).await;
        cx.send(Update::Add(n)).await.ok();
        if rng.below(8) == 0 {
            panics::catch_silently(|| ()).unwrap();
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }
}

fn run(seed: u64) -> (Machine, Recording) {
    let mut tape = Tape::new();
    let machine = testing::paused_with(builder(&tape), async |panel: &mut ControlPanel<Update>| {
        let mut lives = 0;
        for source in [1, 2, 2] {
            let worker = Worker::new("stutters", source, move |cx| {
                lives += 1;
                stutters(cx, seed ^ lives ^ u64::from(source) << 8)
            });
            panel.spawn(worker.restart(crate::Restart::Always));
        }
        let mut machine = Machine::default();
        for n in 0..200 {
            let own = (n % 7 == 0).then_some((0, Update::Add(n)));
            panel.run_frame(&mut machine, &mut (), own);
            testing::advance(Duration::from_millis(16)).await;
        }
        machine
    });
    tape.take();
    (machine, tape.recording())
}

#[test]
fn two_runs_of_a_seed_write_equal_journals_and_two_seeds_do_not() {
    let (machine, recording) = run(7);
    assert!(recording.intents() > 100, "{}", recording.intents());
    let replay = recording.replay::<Machine>(u64::MAX);
    assert!(replay.is_same(), "{:?}", replay.deviations);
    assert_eq!(replay.state.unwrap(), machine);
    assert_eq!(run(7).1.to_bytes(), recording.to_bytes());
    assert_ne!(run(8).1.to_bytes(), recording.to_bytes());
}

#[test]
fn what_has_no_bytes_is_there_by_name_and_the_replay_says_so() {
    let tape = Tape::new();
    let (mut panel, mut machine) = (panel(&tape), Machine::default());
    let secret = || Update::Secret("rosebud".to_owned());
    let own = [secret(), Update::Broken(NoBytes(false)), Update::Add(1), Update::Broken(NoBytes(true))];
    panel.run_frame(&mut machine, &mut (), own.map(|update| (0, update)));
    drop(panel);
    let recording = tape.recording();
    let bodies: Vec<_> = recording.frames[0].intents.iter().map(|intent| &intent.entry.body).collect();
    let opaque = |variant: &str, skipped| Body::Opaque { variant: variant.into(), skipped };
    assert_eq!(*bodies[0], opaque("Secret", true));
    assert_eq!(*bodies[1], opaque("Broken", false));
    assert!(matches!(bodies[2], Body::Value(_)));
    assert_eq!(*bodies[3], opaque("Broken", false));
    let bytes = recording.to_bytes();
    assert!(!bytes.windows(7).any(|window| window == b"rosebud"));
    assert_eq!(recording.opaque(), 3);
    assert_eq!(recording.replay::<Machine>(u64::MAX).opaque, 3);
}

/// A frame that the journal has no room for is missing, and the next one says so.
#[test]
fn frames_that_the_journal_cannot_take_are_reported_as_lost() {
    let mut tape = Tape::new();
    let (mut panel, mut machine) = (panel(&tape), Machine::default());
    for n in 0..5_000 {
        panel.run_frame(&mut machine, &mut (), [(0, Update::Add(n))]);
    }
    tape.take();
    panel.run_frame(&mut machine, &mut (), [(0, Update::Add(1))]);
    panel.run_frame(&mut machine, &mut (), [(0, Update::Add(2))]);
    drop(panel);
    let recording = tape.recording();
    let lost: u64 = recording.frames.iter().map(|frame| frame.head.lost_before).sum();
    let empty: u64 = recording.frames.iter().map(|frame| frame.head.empty_before).sum();
    assert_eq!((lost + recording.frames() as u64, empty), (5_002, 0));
    assert!(lost > 0);
    let replay = recording.replay::<Machine>(u64::MAX);
    assert!(replay.deviations[0].to_string().contains("are missing"), "{}", replay.deviations[0]);
}

/// Those at the end too: a reducer may count its frames.
#[test]
fn frames_without_intents_are_replayed() {
    let tape = Tape::new();
    let (mut panel, mut machine) = (panel(&tape), Machine::default());
    for n in 0..100 {
        let own = (n == 50).then_some((0, Update::Add(1)));
        panel.run_frame(&mut machine, &mut (), own);
    }
    drop(panel);
    assert_eq!(machine.settled, 100);
    assert_eq!(tape.recording().replay::<Machine>(u64::MAX).state.unwrap(), machine);
}
