//! A slider over a program's past: any frame, forward, backward and at random, at a cost that is counted and in memory that is bounded.

use std::cell::Cell;

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer,
    journal::{Journal, JournalError, Recorded, Recording, Start, Timeline},
    testing::Rng,
};
use serde::{Deserialize, Serialize};

thread_local! {
    static APPLIED: Cell<usize> = const { Cell::new(0) };
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

#[derive(Debug, GraphIntent, Serialize, Deserialize)]
enum Step {
    By(u64),
}

/// Counts how many there are of it at one time.
#[derive(Debug)]
struct Counted;

impl Counted {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        MOST.set(MOST.get().max(ALIVE.get()));
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[derive(Debug)]
struct App<const COPIES: bool> {
    sum: u64,
    _counted: Counted,
}

impl<const COPIES: bool> Reducer for App<COPIES> {
    type Intent = Step;

    fn apply(&mut self, queued: QueuedIntent<Step>) {
        let Step::By(step) = queued.intent;
        self.sum = self.sum.wrapping_mul(31).wrapping_add(step);
        APPLIED.set(APPLIED.get() + 1);
    }

    fn digest(&self) -> Option<u64> {
        Some(self.sum)
    }
}

impl<const COPIES: bool> Recorded for App<COPIES> {
    fn begin(_: &Start<'_>) -> Result<Self, JournalError> {
        Ok(Self { sum: 0, _counted: Counted::new() })
    }

    fn copy(&self) -> Option<Self> {
        COPIES.then(|| Self { sum: self.sum, _counted: Counted::new() })
    }
}

/// So many sessions of so many frames, and the state after each frame.
fn recorded(sessions: u64, frames: u64) -> (Recording, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut sums = Vec::new();
    for session in 0..sessions {
        let journal = Journal::open(&path).unwrap();
        let mut app: App<false> = journal.begin().unwrap();
        let mut panel = ControlPanel::<Step>::builder().record(&journal).build();
        for frame in 0..frames {
            let step = Step::By(session * 10_000 + frame);
            panel.run_frame(&mut app, &mut (), [(IntentSource::LocalUI, step)]);
            sums.push(app.sum);
            if frame % 1_000 == 0 {
                // There is no writer here, and the hand-over is bounded.
                journal.flush().unwrap();
            }
        }
        drop(panel);
        journal.close().unwrap();
    }
    (Recording::open(&path).unwrap(), sums)
}

/// The state after this frame is right; how many intents were applied for it.
fn cost<const COPIES: bool>(timeline: &mut Timeline<App<COPIES>>, sums: &[u64], frame: usize) -> usize {
    APPLIED.set(0);
    let number = u64::try_from(frame).unwrap();
    assert_eq!(timeline.at(number).map(|app| app.sum), Some(sums[frame - 1]), "frame {frame}");
    assert!(timeline.deviation().is_none());
    APPLIED.get()
}

#[test]
fn without_copies_a_jump_costs_its_session_and_no_other() {
    let (recording, sums) = recorded(4, 100);
    let mut timeline = Timeline::<App<false>>::new(recording);
    assert_eq!(timeline.frames(), Some((1, 400)));
    let mut cost = |frame| cost(&mut timeline, &sums, frame);
    assert_eq!([cost(350), cost(351), cost(351)], [50, 1, 0], "the sessions before it are not replayed");
    assert_eq!([cost(349), cost(301), cost(300)], [49, 1, 100]);
    assert_eq!([cost(1), cost(101), cost(400)], [1, 1, 100]);
    let mut rng = Rng::new(1);
    assert!((0..200).all(|_| cost(1 + rng.index(400)) <= 100));
    assert_eq!(MOST.get(), 1, "one state at a time");
}

#[test]
fn with_copies_a_step_back_costs_a_small_part_and_memory_is_bounded() {
    const FRAMES: usize = 10_000;
    let (recording, sums) = recorded(1, FRAMES as u64);
    let mut timeline = Timeline::<App<true>>::new(recording);
    let mut cost = |frame| cost(&mut timeline, &sums, frame);
    assert_eq!(cost(FRAMES), FRAMES, "once, to the end");
    MOST.set(0);
    let part = FRAMES / 32 + 1;
    let dragged: Vec<usize> = (FRAMES - 500..FRAMES).rev().map(&mut cost).collect();
    assert!(dragged.iter().all(|cost| *cost <= part), "{dragged:?}");
    let mut rng = Rng::new(2);
    let (mut back, mut at) = (0, FRAMES);
    for _ in 0..300 {
        let frame = 1 + rng.index(FRAMES);
        let cost = cost(frame);
        back += usize::from(frame < at && cost <= part);
        assert!(frame > at || cost <= part, "from {at} to {frame}: {cost}");
        at = frame;
    }
    assert!(back > 50);
    assert!(MOST.get() <= 64 + 3, "{} states at one time", MOST.get());
}
