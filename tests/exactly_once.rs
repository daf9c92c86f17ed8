//! Promise 2: what was accepted is drained exactly once, across panics, restarts, cancellation at any await, cut
//! frames and shutdown; what was not comes back, or was cancelled undelivered.

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{ControlPanel, FrameBudget, SendError, TrySendError, Worker};
use proptest::prelude::*;
use tests::{
    Mark, Notes, Wakes,
    faults::{self, Account, Book, FAULTS, Fault, Script, Step},
    ops, paused, schedule, threads, watched,
};
use tokio::time::{sleep, timeout};

type Panel = ControlPanel<Mark>;

/// One pass of the frame loop: waits so many ms, hands out at most so many, perhaps with a panic at the end.
#[derive(Debug, Clone)]
struct Tick {
    after: u64,
    most: Option<usize>,
    panics: bool,
}

#[derive(Debug, Clone)]
struct Life {
    capacity: usize,
    budget: Option<usize>,
    workers: Vec<Script>,
    ticks: Vec<Tick>,
}

fn lives() -> impl Strategy<Value = Life> {
    let faults = prop::collection::btree_map(0_usize..40, prop::sample::select(&FAULTS[..]), 0..6);
    let script = (0_u8..3, prop::collection::vec(faults::step(), 0..25), faults)
        .prop_map(|(source, steps, faults)| Script { source, steps, faults });
    let tick = (0_u64..4, prop::option::of(0_usize..4), prop::bool::weighted(0.2))
        .prop_map(|(after, most, panics)| Tick { after, most, panics });
    (
        1_usize..8,
        prop::option::of(1_usize..4),
        prop::collection::vec(script, 1..6),
        prop::collection::vec(tick, 0..25),
    )
        .prop_map(|(capacity, budget, workers, ticks)| Life { capacity, budget, workers, ticks })
}

/// Runs workers and a frame loop, shuts down whatever they are at, and drains what is left. The account, and
/// whether every fault struck.
fn live(life: Life) -> Book {
    let book = Book::default();
    let kept = Arc::clone(&book);
    paused(async move || {
        let mut budget = FrameBudget::default();
        if let Some(most) = life.budget {
            budget = budget.intents(most);
        }
        let mut panel = Panel::builder().capacity(life.capacity).frame_budget(budget).build();
        let witness = Arc::new(());
        for (number, script) in life.workers.into_iter().enumerate() {
            faults::spawn(&panel, number, script, &book, &witness);
        }
        for Tick { after, most, panics } in life.ticks {
            sleep(Duration::from_millis(after)).await;
            let most = most.unwrap_or(usize::MAX);
            let frame = panel.drain();
            let read = AssertUnwindSafe(|| {
                let mut frame = frame;
                for queued in (&mut frame).take(most) {
                    book.lock().unwrap().drained(&queued);
                }
                if panics {
                    tests::quiet_panic();
                }
            });
            assert_eq!(panic::catch_unwind(read).is_err(), panics);
        }
        panel.shutdown().await;
        assert_eq!(panel.worker_count(), 0);
        while panel.status().queued > 0 {
            panel.drain().for_each(|queued| book.lock().unwrap().drained(&queued));
        }
        assert_eq!(Arc::strong_count(&witness), 1, "an intent is neither drained nor dropped");
    });
    kept
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_of_sends_drops_frames_and_shutdowns(
        setting in ops::setting(2),
        steps in ops::ops(80),
    ) {
        schedule::run(setting, &steps);
    }

    #[test]
    fn any_life_of_workers_that_faults_strike(life in lives()) {
        live(life).lock().unwrap().check();
    }
}

#[test]
fn a_fault_at_every_await_loses_nothing_and_doubles_nothing() {
    let steps = [Step::Send, Step::SendTimeout(2), Step::Send, Step::TrySend, Step::Sleep(1)].repeat(4);
    for fault in FAULTS {
        let mut at = 0;
        loop {
            let faults = BTreeMap::from([(at, fault), (at + 1, Fault::PanicBefore)]);
            let struck = Script { source: 0, steps: steps.clone(), faults };
            let other = Script { source: 0, steps: steps.clone(), faults: BTreeMap::new() };
            let ticks = vec![Tick { after: 2, most: Some(2), panics: false }; 30];
            let book = live(Life { capacity: 4, budget: None, workers: vec![struck, other], ticks });
            let book = book.lock().unwrap();
            book.check();
            if book.struck == 0 {
                break;
            }
            at += 1;
        }
        assert!(at > 15, "{fault:?} at {at} polls only");
    }
}

#[test]
fn threads_and_tasks_that_are_not_cut_off_account_for_every_intent() {
    watched(|| {
        for round in 0..10 {
            let runtime = threads(2);
            let mut panel = Panel::builder().capacity(16).runtime(runtime.handle().clone()).build();
            let book = Book::default();
            let senders: Vec<_> = (0..4).map(|n| panel.sender(n % 3)).collect();
            let done = AtomicUsize::new(0);
            thread::scope(|scope| {
                for (number, sender) in senders.into_iter().enumerate() {
                    let (book, done) = (&book, &done);
                    scope.spawn(move || {
                        for n in 0..200 {
                            let id = book.lock().unwrap().try_one(number);
                            if n % 3 == 0 {
                                let sent = sender.try_send(Mark::new(id));
                                book.lock().unwrap().settle(id, sent, TrySendError::into_intent);
                            } else {
                                let sent = sender.send_blocking(Mark::new(id));
                                book.lock().unwrap().settle(id, sent, SendError::into_intent);
                            }
                        }
                        done.fetch_add(1, Ordering::SeqCst);
                    });
                }
                // Half of the rounds end in the middle of it.
                let frames = if round % 2 == 0 { 5 } else { usize::MAX };
                for frame in 0..frames {
                    let most = if frame % 3 == 0 { 3 } else { usize::MAX };
                    for queued in panel.drain().take(most) {
                        book.lock().unwrap().drained(&queued);
                    }
                    assert!(panel.status().queued <= 16);
                    if done.load(Ordering::SeqCst) == 4 {
                        break;
                    }
                    thread::yield_now();
                }
                panel.shutdown_blocking();
            });
            while panel.status().queued > 0 {
                panel.drain().for_each(|queued| book.lock().unwrap().drained(&queued));
            }
            book.lock().unwrap().check_exactly();
        }
    });
}

#[test]
fn what_was_accepted_is_drained_after_the_shutdown_and_what_is_not_comes_back() {
    paused(async || {
        let mut panel = Panel::builder().capacity(3).build();
        let sender = panel.sender(0);
        let mut account = Account::default();
        for _ in 0..2 {
            let id = account.try_one(0);
            account.settle(id, sender.send(Mark::new(id)).await, SendError::into_intent);
        }
        let mut waiting = pin!(sender.send(Mark::new(7)));
        assert!(Wakes::new().poll(waiting.as_mut()).is_pending());
        assert!(panel.shutdown().await.is_clean());
        assert!(matches!(waiting.await, Err(SendError::Closed(mark)) if mark.id == 7));
        assert!(matches!(sender.try_send(Mark::new(8)), Err(TrySendError::Closed(mark)) if mark.id == 8));
        panel.drain().for_each(|queued| account.drained(&queued));
        account.check_exactly();
        assert_eq!(panel.drain().count(), 0);
    });
}

#[test]
fn a_reducers_panic_counts_its_intent_and_keeps_the_rest_local_ones_included() {
    let mut panel = Panel::new();
    let sender = panel.sender(1);
    for id in [1, 2, 3] {
        sender.try_send(Mark::new(id)).unwrap();
    }
    let mut notes = Notes { panic_on: Some(2), ..Notes::default() };
    let locals = [(0, Mark::new(0)), (2, Mark::new(9))];
    panic::catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut notes, &mut (), locals))).unwrap_err();
    assert_eq!(notes.ids, [0, 1, 2]);
    let report = panel.run_frame(&mut notes, &mut (), []);
    assert_eq!((notes.ids.as_slice(), report.applied), ([0, 1, 2, 3, 9].as_slice(), 2));
}

/// Every path of `send` consumes tokio's cooperative budget: a loop of sends that never waits can be cancelled.
#[test]
fn an_endless_loop_of_sends_can_be_cancelled_on_every_path() {
    watched(|| {
        paused(async || {
            let panel = Panel::builder().capacity(1 << 20).build();
            let sender = panel.sender(0);
            let endless = async |clock: Option<u64>, wait: Duration| loop {
                _ = sender.send_timeout(Mark::with(clock, 0), wait).await;
            };
            let long = Duration::from_secs(1);
            // There is room; the clock is refused; the panel is closed.
            assert!(timeout(Duration::ZERO, endless(None, long)).await.is_err());
            assert!(timeout(Duration::ZERO, endless(Some(0), long)).await.is_err());
            let worker = panel.spawn(Worker::new(
                "endless",
                1,
                async |cx: control_panel::Context<Mark>| {
                    while cx.send(Mark::new(0)).await.is_ok() {}
                },
            ));
            tokio::task::yield_now().await;
            worker.stop();
            worker.ended().await;
            assert!(panel.shutdown().await.is_clean());
            assert!(timeout(Duration::ZERO, endless(None, long)).await.is_err());
            let closed = async || loop {
                _ = sender.send(Mark::new(0)).await;
            };
            assert!(timeout(Duration::ZERO, closed()).await.is_err());
        });
    });
}

/// Of two frames that are alive together the older one is cut short, after a frame that was empty: that one changed nothing of
/// what each source had got.
#[test]
fn an_empty_frame_between_two_changes_no_share() {
    use ops::Op::{Drain, End, Open, Poll, Read, RunFrame, Send, TrySend};
    let frame = || RunFrame(vec![], None);
    let setting = ops::Setting { capacity: 12, budget: Some(2), frames: 2 };
    let steps = [
        Open(0),
        TrySend(0, 0),
        Send(0, 0, None),
        TrySend(0, 0),
        Drain,
        Read(0, 2),
        TrySend(0, 0),
        TrySend(0, 0),
        Open(1),
        Send(3_624_332_290_389_100_304, 0, None),
        TrySend(338_832_405_610_464_488, 0),
        Read(0, 1),
        TrySend(107_731_224_971_711_155, 0),
        Send(14_983_153_367_457_312_368, 0, Some(1)),
        Send(1_562_734_955_561_874_050, 0, None),
        Drain,
        Send(6_094_706_611_067_018_966, 0, None),
        TrySend(230_975_114_474_511_977, 0),
        Send(8_994_815_769_598_642_502, 0, None),
        Open(2),
        Read(0, 3),
        Open(0),
        Poll(0),
        Drain,
        End(0),
        Drain,
        Send(12_028_885_640_753_815_786, 0, None),
        Send(272_307_698_753_684_487, 0, None),
        frame(),
        frame(),
        Read(0, 3),
        Poll(0),
        Send(6_511_514_221_159_945_314, 0, None),
    ];
    schedule::run(setting, &steps);
}

/// What a sender was granted beyond its slot, and does not come for, stays its own for two frames, also in a shutdown that
/// began meanwhile: so a `try_send` is refused there, though the one slot it keeps alone would leave room.
#[test]
fn a_round_goes_on_in_a_shutdown() {
    use ops::Op::{Drain, Open, Poll, Read, RunFrame, Send, Stop, TrySend};
    let frame = || RunFrame(vec![], None);
    let setting = ops::Setting { capacity: 8, budget: None, frames: 2 };
    let mut steps = vec![Open(0)];
    steps.extend([const { TrySend(0, 0) }; 6]);
    steps.extend([const { Send(0, 0, None) }; 3]);
    steps.extend([frame(), Send(0, 0, None), Send(0, 0, None), Poll(0), Poll(0), frame(), Poll(0), Poll(0)]);
    steps.extend([Stop, Drain, TrySend(0, 0), Read(0, 3)]);
    steps.extend([const { TrySend(0, 0) }; 4]);
    schedule::run(setting, &steps);
}
