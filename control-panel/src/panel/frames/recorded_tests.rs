//! What a recorder sees of a frame.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex},
};

use crate::{
    ControlPanel, FrameBudget, Intent, QueuedIntent, Reducer,
    frame::{Ending, Recorder},
};

struct Op(u64);

impl Intent for Op {
    type Source = u8;
}

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Intent(u64),
    End(u64, Ending, Option<u64>),
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Recorder<Op> for Log {
    fn begin(&mut self) {}

    fn intent(&mut self, queued: &QueuedIntent<Op>) {
        self.0.lock().unwrap().push(Seen::Intent(queued.intent.0));
    }

    fn end(&mut self, frame: u64, ending: Ending, digest: Option<u64>) {
        self.0.lock().unwrap().push(Seen::End(frame, ending, digest));
    }
}

/// Panics on 13, and when it settles with 14 applied.
#[derive(Default)]
struct Sum(u64, bool);

impl Reducer for Sum {
    type Intent = Op;

    fn apply(&mut self, queued: QueuedIntent<Op>) {
        match queued.intent.0 {
            13 => resume_unwind(Box::new("on purpose")),
            14 => self.1 = true,
            n => self.0 += n,
        }
    }

    fn settle(&mut self) {
        if std::mem::take(&mut self.1) {
            resume_unwind(Box::new("on purpose"));
        }
    }

    fn digest(&self) -> Option<u64> {
        Some(self.0)
    }
}

fn panel() -> (ControlPanel<Op>, Log) {
    let (log, mut builder) = (Log::default(), ControlPanel::builder());
    builder.recorder = Some(Box::new(log.clone()));
    (builder.build(), log)
}

fn own(ids: &[u64]) -> Vec<(u8, Op)> {
    ids.iter().map(|id| (0, Op(*id))).collect()
}

use Seen::{End, Intent as One};

#[test]
fn each_frame_is_shown_in_the_order_in_which_it_is_applied() {
    let (mut panel, log) = panel();
    panel.frame_budget = FrameBudget::default().intents(1);
    let (sender, mut state) = (panel.sender(1), Sum::default());
    assert!(sender.try_send(Op(5)).is_ok() && sender.try_send(Op(6)).is_ok());
    assert_eq!(panel.run_frame(&mut state, &mut (), own(&[1, 2])).applied, 3);
    assert_eq!(log.take(), [One(1), One(2), One(5), End(1, Ending::Settled, Some(8))]);
    assert_eq!(panel.run_frame(&mut state, &mut (), []).applied, 1);
    assert_eq!(log.take(), [One(6), End(2, Ending::Settled, Some(14))]);
    panel.run_frame(&mut state, &mut (), []);
    assert_eq!(log.take(), [End(3, Ending::Settled, Some(14))]);
    // By hand: such a frame cannot be replayed.
    assert!(sender.try_send(Op(7)).is_ok());
    panel.drain().for_each(|queued| state.apply(queued));
    assert_eq!(log.take(), []);
}

#[test]
fn a_panic_is_part_of_what_is_shown() {
    let (mut panel, log) = panel();
    let mut state = Sum::default();
    let mut unwinds = |panel: &mut ControlPanel<Op>, ids: &[u64]| {
        let frame = AssertUnwindSafe(|| panel.run_frame(&mut state, &mut (), own(ids)));
        assert!(catch_unwind(frame).is_err());
    };
    unwinds(&mut panel, &[1, 13, 2]);
    assert_eq!(log.take(), [One(1), One(13), End(1, Ending::Panicked, None)]);
    unwinds(&mut panel, &[14]);
    assert_eq!(log.take(), [One(2), One(14), End(2, Ending::SettlePanicked, None)]);
    panel.run_frame(&mut state, &mut (), []);
    assert_eq!(log.take(), [End(3, Ending::Settled, Some(3))]);
}

/// The queue is busy, so the frame requests another one, through a function that panics.
#[test]
fn a_panic_between_the_last_intent_and_the_settling_is_not_the_reducers() {
    let log = Log::default();
    let mut builder = ControlPanel::builder().on_ready(|| resume_unwind(Box::new("on purpose")));
    builder.recorder = Some(Box::new(log.clone()));
    let mut panel: ControlPanel<Op> = builder.build();
    panel.frame_budget = FrameBudget::default().intents(1);
    let sender = panel.sender(1);
    for n in 0..2 {
        let sends = AssertUnwindSafe(|| sender.try_send(Op(n)).is_ok());
        catch_unwind(sends).ok();
    }
    let frame = AssertUnwindSafe(|| panel.run_frame(&mut Sum::default(), &mut (), []));
    assert!(catch_unwind(frame).is_err());
    assert_eq!(log.take(), [One(0), End(1, Ending::Unsettled, None)]);
}
