//! `forward_events`: the reducer learns what happens to the workers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, FrameBudget, Intent, Restart, Worker,
    events::{EventKind, Notice},
    supervision::Intensity,
};
use tests::{paused, quiet_panic, threads, watched};

/// Of source 9: what happened. Of others: what a worker says.
#[derive(Debug, PartialEq)]
enum Update {
    Said(u64),
    Happened(u64, String),
    Lagged(u64),
}

impl Intent for Update {
    type Source = u8;
}

type Panel = ControlPanel<Update>;
type Builder = control_panel::PanelBuilder<Update, ()>;

#[allow(clippy::unnecessary_wraps, reason = "it is what a builder is given")]
fn what(notice: Notice) -> Option<Update> {
    Some(match notice {
        Notice::Event(event) => Update::Happened(event.number, format!("{} {}", event.name, event.kind)),
        Notice::Lagged(missed) => Update::Lagged(missed),
    })
}

fn forwarding() -> Builder {
    Panel::builder().forward_events(9, what)
}

fn frame(panel: &mut Panel) -> Vec<Update> {
    panel.drain().map(|queued| queued.intent).collect()
}

fn texts(updates: &[Update]) -> Vec<&str> {
    updates
        .iter()
        .filter_map(|update| if let Update::Happened(_, text) = update { Some(&**text) } else { None })
        .collect()
}

fn flaky() -> Worker<Update> {
    Worker::new("flaky", 1, async |cx: Context<Update>| {
        cx.send(Update::Said(cx.generation())).await.ok();
        if cx.generation() == 1 { Err("once") } else { Ok(()) }
    })
    .restart(Restart::OnFailure)
    .backoff(Backoff::none())
}

#[test]
fn the_reducer_learns_all_in_order_and_an_end_after_all_that_was_said() {
    let run = || {
        paused(async || {
            let mut panel = forwarding().build();
            panel.spawn(flaky()).ended().await;
            let updates = frame(&mut panel);
            assert!(frame(&mut panel).is_empty(), "once");
            updates
        })
    };
    let updates = run();
    assert_eq!(updates[..2], [Update::Said(1), Update::Said(2)]);
    let expected = [
        "flaky spawned",
        "flaky started",
        "flaky exited: failed: once",
        "flaky waits for its turn",
        "flaky started",
        "flaky exited: finished",
        "flaky ended: finished",
    ];
    assert_eq!(texts(&updates), expected);
    assert_eq!(updates, run(), "the same run gives the same frame");
}

#[test]
fn neither_a_full_queue_nor_a_budget_keeps_it_away() {
    paused(async || {
        let mut panel = forwarding().capacity(2).frame_budget(FrameBudget::default().intents(1)).build();
        let sender = panel.sender(1);
        while sender.try_send(Update::Said(0)).is_ok() {}
        panel.spawn(flaky()).stop();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let updates = frame(&mut panel);
        let happened = texts(&updates).len();
        assert_eq!((updates.len() - happened, happened > 1), (1, true), "{updates:?}");
    });
}

/// Not before a frame comes: what it missed is one notice, and the rest is whole.
#[test]
fn what_came_and_went_unread_is_one_notice() {
    paused(async || {
        let mut panel = forwarding().build();
        for _ in 0..500 {
            panel.spawn(Worker::new("it", 1, async |_| {})).ended().await;
        }
        // Spawned, started, exited, ended.
        let updates = frame(&mut panel);
        assert_eq!(updates[0], Update::Lagged(2000 - 1024));
        let numbers = updates[1..].iter().map(|update| match update {
            Update::Happened(number, _) => *number,
            other => panic!("{other:?}"),
        });
        assert!(numbers.eq(2000 - 1024 + 1..=2000));
    });
}

#[test]
fn a_function_that_panics_makes_no_intent_and_keeps_none_from_it() {
    paused(async || {
        let make = |notice: Notice| match &notice {
            Notice::Event(event) if matches!(event.kind, EventKind::Started) => quiet_panic(),
            Notice::Event(event) if matches!(event.kind, EventKind::Spawned) => None,
            _ => what(notice),
        };
        let mut panel = Panel::builder().forward_events(9, make).build();
        panel.spawn(Worker::new("it", 1, async |_| {})).ended().await;
        let updates = frame(&mut panel);
        assert_eq!(texts(&updates), ["it exited: finished", "it ended: finished"]);
    });
}

#[test]
fn a_sleeping_loop_learns_of_every_end() {
    watched(|| {
        for wakes in [true, false] {
            let runtime = threads(2);
            let mut panel = forwarding().wake_for_workers(wakes).runtime(runtime.handle().clone()).build();
            for n in 0..300 {
                panel.spawn(Worker::new("it", 1, move |_| async move {
                    tokio::time::sleep(Duration::from_micros(n * 30)).await;
                    if n % 3 == 0 {
                        quiet_panic();
                    }
                }));
            }
            let mut ends = 0;
            while ends < 300 {
                let updates = frame(&mut panel);
                assert!(!updates.contains(&Update::Lagged(0)));
                ends += texts(&updates).iter().filter(|text| text.contains(" ended: ")).count();
                if ends < 300 {
                    assert!(panel.wait_ready_timeout(Duration::MAX));
                }
            }
        }
    });
}

/// The runtime's only thread is held, and a worker on a thread fails.
#[test]
fn it_needs_no_thread_of_the_runtimes() {
    watched(|| {
        let runtime = threads(1);
        let mut panel = forwarding().runtime(runtime.handle().clone()).build();
        let held = Arc::new(AtomicUsize::new(0));
        let holds = Arc::clone(&held);
        panel.spawn(Worker::new("holds", 1, move |_| {
            let holds = Arc::clone(&holds);
            async move {
                holds.store(1, Ordering::SeqCst);
                while holds.load(Ordering::SeqCst) == 1 {
                    thread::yield_now();
                }
            }
        }));
        tests::eventually("it is held", || held.load(Ordering::SeqCst) == 1);
        panel.spawn(Worker::thread("fails", 1, |_| Err::<(), _>("no route to host")));
        let mut all = Vec::new();
        while !texts(&all).contains(&"fails ended: failed: no route to host") {
            panel.wait_ready_timeout(Duration::MAX);
            all.extend(frame(&mut panel));
        }
        held.store(2, Ordering::SeqCst);
    });
}

/// The ends of a shutdown are there to be drained after it, and what happens after that is not.
#[test]
fn a_last_drain_has_the_ends() {
    watched(|| {
        let mut panel = forwarding().build();
        panel.spawn(Worker::new("it", 1, |_| std::future::pending::<()>()));
        assert!(panel.shutdown_blocking().is_clean());
        let updates = frame(&mut panel);
        assert!(texts(&updates).last().unwrap().starts_with("it ended: cancelled"), "{updates:?}");
    });
}

#[test]
fn a_worker_that_fails_all_the_time_costs_what_the_log_keeps() {
    paused(async || {
        let mut panel = forwarding().build();
        let worker = Worker::new("it", 1, async |_| Err::<(), _>("down"))
            .restart(Restart::OnFailure)
            .intensity(Intensity::new(5_000, Duration::from_secs(1)))
            .backoff(Backoff::none());
        panel.spawn(worker).ended().await;
        let updates = frame(&mut panel);
        assert_eq!(updates.len(), 1 + 1024);
        assert_eq!(panel.status().incident_count, 5_001);
    });
}
