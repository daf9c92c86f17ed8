//! Promise 1: within a frame, clock, then source, then origin, then that origin's sequence. The order is total,
//! and the same set of intents makes the same frame whatever the threads' timing was.

use std::{
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, CausalityOrder, ControlPanel, FrameBudget, GraphIntent, Intent, IntentSource, Restart, Worker,
};
use proptest::prelude::*;
use tests::{Mark, Notes, ops, paused, quiet_panic, schedule};

type Panel = ControlPanel<Mark>;
type Key = (CausalityOrder<u8>, u64);

/// What each producer sends, in order: clocks, `None` for local.
type Script = Vec<(u8, Vec<Option<u64>>)>;

fn scripts() -> impl Strategy<Value = Script> {
    let clock = prop_oneof![2 => Just(None), 1 => (1_u64..4).prop_map(Some)];
    prop::collection::vec((0_u8..4, prop::collection::vec(clock, 0..12)), 1..6)
}

/// One frame of all that the producers send: each on a thread of its own, or one after another.
fn frame(script: &Script, on_threads: bool) -> Vec<Key> {
    let mut panel = Panel::builder().capacity(10_000).build();
    let mut id = 0;
    let producers: Vec<_> = script
        .iter()
        .map(|(source, clocks)| {
            let marks = clocks.iter().map(|&clock| {
                id += 1;
                Mark::with(clock, id)
            });
            (panel.sender(*source), marks.collect::<Vec<_>>())
        })
        .collect();
    thread::scope(|scope| {
        for (sender, marks) in producers {
            let produce = move || {
                for mark in marks {
                    sender.try_send(mark).unwrap();
                    thread::yield_now();
                }
            };
            if on_threads {
                scope.spawn(produce);
            } else {
                produce();
            }
        }
    });
    panel.drain().map(|queued| (queued.causality_order(), queued.intent.id)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_of_every_schedule_is_the_models(
        setting in ops::setting(1),
        steps in ops::ops(60),
    ) {
        schedule::run(setting, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_set_makes_the_same_frame_whatever_the_timing(script in scripts()) {
        let sequential = frame(&script, false);
        prop_assert!(sequential.is_sorted_by(|(a, _), (b, _)| a < b), "no two compare equal");
        prop_assert_eq!(sequential.len(), script.iter().map(|(_, clocks)| clocks.len()).sum::<usize>());
        for _ in 0..3 {
            prop_assert_eq!(&frame(&script, true), &sequential);
        }
    }
}

#[derive(Debug, PartialEq, GraphIntent)]
enum Update {
    Local(IntentSource),
    #[intent(clock = 0)]
    Remote(u64),
}

#[test]
fn the_clock_decides_then_the_declaration_order_of_the_sources() {
    use IntentSource::{
        LocalUI, MemoryMonitor, ModLoader, P2pSync, PrefetchScheduler, Restore, ServoDelegate,
    };
    let declared = [LocalUI, ServoDelegate, MemoryMonitor, ModLoader, PrefetchScheduler, P2pSync, Restore];
    let mut panel = ControlPanel::<Update>::new();
    for source in declared.into_iter().rev() {
        panel.sender(source).try_send(Update::Local(source)).unwrap();
    }
    let order: Vec<_> = panel.drain().map(|queued| queued.source).collect();
    assert_eq!(order, declared);
    assert_eq!((Update::Local(LocalUI).clock(), Update::Remote(3).clock()), (None, Some(3)));

    let mut panel = Panel::new();
    panel.sender(0).try_send(Mark::at(2, 0)).unwrap();
    panel.sender(9).try_send(Mark::at(1, 1)).unwrap();
    panel.sender(9).try_send(Mark::new(2)).unwrap();
    assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [2, 1, 0]);
}

#[test]
fn the_time_of_sending_decides_nothing() {
    paused(async || {
        let mut panel = Panel::new();
        let (first, second) = (panel.sender(1), panel.sender(1));
        second.try_send(Mark::new(3)).unwrap();
        let began = tokio::time::Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        first.try_send(Mark::new(1)).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        first.try_send(Mark::new(2)).unwrap();
        let frame: Vec<_> = panel.drain().collect();
        assert_eq!(frame.iter().map(|queued| queued.intent.id).collect::<Vec<_>>(), [1, 2, 3]);
        // One reading of the clock for the whole batch: when its first was accepted.
        assert!(frame.iter().all(|queued| queued.queued_at == began));
    });
}

#[test]
fn clones_share_an_origin_and_every_other_producer_has_its_own() {
    let mut panel = Panel::new();
    let (first, second, third) = (panel.sender(0), panel.context(0), panel.sender(0));
    let clone = first.clone();
    assert_eq!((clone.origin(), clone.source()), (first.origin(), 0));
    assert!(first.origin() < second.sender().origin() && second.sender().origin() < third.origin());
    third.try_send(Mark::new(4)).unwrap();
    clone.try_send(Mark::new(1)).unwrap();
    first.try_send(Mark::new(2)).unwrap();
    second.try_send(Mark::new(3)).unwrap();
    let keys: Vec<_> = panel.drain().map(|queued| (queued.causality_order(), queued.intent.id)).collect();
    assert_eq!(keys.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(keys.iter().map(|(order, _)| order.seq).collect::<Vec<_>>(), [0, 1, 0, 0]);
}

#[test]
fn a_worker_keeps_its_origin_and_its_count_across_restarts() {
    paused(async || {
        let mut panel = Panel::new();
        let one = panel.spawn(Worker::new("one", 0, async |_| {}));
        let two = panel.spawn(
            Worker::new("two", 0, async |cx: control_panel::Context<Mark>| {
                cx.send(Mark::new(cx.generation())).await.unwrap();
                assert!(cx.generation() > 2, "once more");
            })
            .restart(Restart::OnFailure)
            .backoff(Backoff::none()),
        );
        assert!(one.origin() < two.origin(), "in order of spawning");
        two.ended().await;
        let frame: Vec<_> = panel.drain().collect();
        for (n, queued) in (0..).zip(&frame) {
            let order = queued.causality_order();
            assert_eq!((order.origin, order.seq, queued.intent.id), (two.origin(), n, n + 1));
        }
        assert_eq!(frame.len(), 3);
    });
}

#[test]
fn local_intents_take_their_places_in_call_order_each_source_an_origin_of_its_own() {
    let budget = FrameBudget::default().intents(1);
    let mut panel = Panel::builder().frame_budget(budget).build();
    let sender = panel.sender(1);
    for id in [10, 11] {
        sender.try_send(Mark::new(id)).unwrap();
    }
    let mut notes = Notes::default();
    let locals = [(2, 20), (0, 0), (2, 21), (1, 12), (0, 1)].map(|(source, id)| (source, Mark::new(id)));
    let late = [(0, Mark::at(5, 30)), (9, Mark::at(0, 22))];
    let report = panel.run_frame(&mut notes, &mut (), locals.into_iter().chain(late));
    assert_eq!(notes.ids, [0, 1, 10, 12, 20, 21, 22, 30], "11 is beyond the budget, and no local intent is");
    assert_eq!((report.frame, report.applied, report.local, report.left), (1, 8, 7, 1));
    panel.run_frame(&mut notes, &mut (), [(0, Mark::new(2))]);
    assert_eq!(notes.ids[8..], [2, 11]);
}

#[test]
fn a_callers_iterator_that_panics_leaves_the_order_whole() {
    let mut panel = Panel::new();
    let sender = panel.sender(0);
    for id in [0, 1, 2] {
        sender.try_send(Mark::new(id)).unwrap();
    }
    let mut notes = Notes::default();
    let locals = (0..3).map(|n| if n < 2 { (1, Mark::at(9, 10 + n)) } else { quiet_panic() });
    panic::catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut notes, &mut (), locals))).unwrap_err();
    panel.run_frame(&mut notes, &mut (), [(0, Mark::new(3)), (1, Mark::at(9, 12))]);
    assert_eq!(notes.ids, [0, 1, 2, 3, 12]);
}
