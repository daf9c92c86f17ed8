//! A frame that was read to its end is over: its slots are free, though the variable lives on.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{Frame, FrameBudget, TrySendError};
use tests::{Mark, quiet_panic, watched};

use super::{Panel, ids};

type Read = fn(&mut Frame<Mark>);

/// Ways to read a frame of three until it has no more.
const WAYS: [(&str, Read); 10] = [
    ("while let", |frame| while frame.next().is_some() {}),
    ("for", |frame| for _ in frame {}),
    ("for_each", |frame| frame.for_each(drop)),
    ("fold", |frame| assert_eq!(frame.fold(0, |sum, queued| sum + queued.intent.id), 3)),
    ("count", |frame| assert_eq!(frame.count(), 3)),
    ("last", |frame| assert_eq!(frame.last().map(|queued| queued.intent.id), Some(2))),
    ("collect", |frame| assert_eq!(ids(frame), [0, 1, 2])),
    ("nth", |frame| assert!(frame.nth(3).is_none())),
    ("find", |frame| assert!(frame.find(|queued| queued.intent.id == 9).is_none())),
    ("skip", |frame| assert_eq!(frame.skip(1).filter(|queued| queued.intent.id > 1).count(), 1)),
];

#[test]
fn its_slots_are_free_whichever_way_it_was_read() {
    for (way, read) in WAYS {
        for budget in [None, Some(100)] {
            let budget = budget.map_or(FrameBudget::default(), |most| FrameBudget::default().intents(most));
            let mut panel = Panel::builder().capacity(4).frame_budget(budget).build();
            let sender = panel.sender(0);
            (0..3).for_each(|id| sender.try_send(Mark::new(id)).unwrap());
            assert!(matches!(sender.try_send(Mark::new(9)), Err(TrySendError::Full(_))));
            let mut frame = panel.drain();
            read(&mut frame);
            assert_eq!((sender.occupied(), panel.status().drained), (0, 3), "{way}");
            (0..3).for_each(|id| sender.try_send(Mark::new(id)).unwrap());
            assert_eq!((frame.remaining(), frame.next().is_none()), (0, true), "{way}: it is over");
            assert_eq!(panel.drain().count(), 3, "{way}");
            drop(frame);
            assert_eq!(panel.status().drained, 6, "{way}: nothing is counted twice");
        }
    }
}

#[test]
fn one_that_its_budget_ended_leaves_the_rest_to_the_next() {
    let mut panel = Panel::builder().capacity(4).frame_budget(FrameBudget::default().intents(2)).build();
    let sender = panel.sender(0);
    (0..3).for_each(|id| sender.try_send(Mark::new(id)).unwrap());
    let mut first = panel.drain();
    assert_eq!(ids(&mut first), [0, 1]);
    assert_eq!((sender.occupied(), first.remaining()), (1, 1), "what it left is the queue's");
    // The variable of the first lives on.
    assert_eq!(ids(panel.drain()), [2]);
    assert!(first.next().is_none());
    assert_eq!(sender.occupied(), 0);
}

#[test]
fn the_last_intent_alone_does_not_end_it() {
    let mut panel = Panel::builder().capacity(4).build();
    let sender = panel.sender(0);
    (0..3).for_each(|id| sender.try_send(Mark::new(id)).unwrap());
    let mut frame = panel.drain();
    assert_eq!(frame.by_ref().take(3).count(), 3);
    assert_eq!((frame.remaining(), sender.occupied()), (0, 3));
    assert!(frame.next().is_none());
    assert_eq!(sender.occupied(), 0);
}

#[test]
fn a_loop_that_sleeps_beside_it_is_woken() {
    watched(|| {
        let mut panel = Panel::builder().capacity(4).build();
        let sender = panel.sender(0);
        thread::scope(|scope| {
            scope.spawn(move || (0..300).for_each(|id| sender.send_blocking(Mark::new(id)).unwrap()));
            let mut seen = 0;
            while seen < 300 {
                // In scope while the loop sleeps.
                let mut frame = panel.drain();
                #[expect(clippy::while_let_on_iterator, reason = "the way in which it is mostly written")]
                while let Some(queued) = frame.next() {
                    assert_eq!(queued.intent.id, seen);
                    seen += 1;
                }
                assert!(seen == 300 || panel.wait_ready_timeout(Duration::MAX));
            }
        });
    });
}

/// What the frame's end calls is the user's, and may panic: then the frame is over all the same.
#[test]
fn a_panic_at_the_end_ends_it_once() {
    let armed = Arc::new(AtomicBool::new(false));
    let strikes = Arc::clone(&armed);
    let mut panel = Panel::builder()
        .capacity(4)
        .frame_budget(FrameBudget::default().intents(2))
        .on_ready(move || {
            if strikes.swap(false, Ordering::SeqCst) {
                quiet_panic();
            }
        })
        .build();
    let sender = panel.sender(0);
    (0..3).for_each(|id| sender.try_send(Mark::new(id)).unwrap());
    let mut frame = panel.drain();
    assert_eq!(frame.by_ref().take(2).count(), 2);
    armed.store(true, Ordering::SeqCst);
    // It leaves one, so the loop is called.
    panic::catch_unwind(AssertUnwindSafe(|| frame.next().is_none())).unwrap_err();
    assert!(!armed.load(Ordering::SeqCst) && frame.next().is_none());
    drop(frame);
    assert_eq!(sender.occupied(), 1);
    assert_eq!(ids(panel.drain()), [2]);
}
