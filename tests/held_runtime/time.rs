//! Moments, whatever the runtime does: readiness, paused backoffs, idle panels.

use std::{thread, time::Duration};

use control_panel::{
    Backoff, Context, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    supervision::{Cancel, Cause, Suspend},
    testing,
};
use tests::{Mark, eventually, threads, watched};

use super::{MS, Panel, each_held, hold};

/// A start that never gets ready is an error with a deadline, also there.
#[test]
fn the_time_to_be_ready_runs_there_too() {
    each_held(|panel| {
        let waits = |cx: &Context<Mark>| while !cx.cancelled_timeout(Duration::from_secs(60)) {};
        let group = panel.group();
        let local = |cx: Context<Mark>| async move { cx.cancelled().await };
        let never = [
            group.spawn(
                Worker::thread("thread", 0, move |cx| waits(&cx))
                    .ready_within(50 * MS)
                    .cancel(Cancel::Cooperative),
            ),
            panel.spawn(Worker::local("local", 0, local).ready_within(50 * MS).cancel(Cancel::Cooperative)),
        ];
        let after = group.spawn(Worker::thread("after", 0, move |cx| waits(&cx)));
        let group = group.start().unwrap();
        for worker in never {
            eventually("its time is over", || worker.status().is_final());
            assert!(matches!(worker.status(), WorkerStatus::Ended(Exit::NotReady)), "{}", worker.status());
            assert_eq!(worker.cause(), Some(Cause::NotReady));
        }
        eventually("its group ends", || group.workers().iter().all(|worker| worker.status().is_final()));
        assert_eq!(after.generation(), 0);
        // One that says so in time hears no more of it.
        let ready = move |cx: Context<Mark>| {
            cx.ready();
            waits(&cx);
        };
        let ready = panel.spawn(Worker::thread("ready", 0, ready).ready_within(1_000 * MS));
        eventually("it runs", || matches!(ready.status(), WorkerStatus::Running));
        thread::sleep(1_100 * MS);
        assert!(matches!(ready.status(), WorkerStatus::Running), "{}", ready.status());
    });
}

/// The runtime's time decides, where a test pauses it: however much real time passes meanwhile.
#[test]
fn a_backoff_follows_time_that_is_paused() {
    watched(|| {
        testing::paused(async |panel: &mut Panel| {
            let act = |cx: Context<Mark>| if cx.generation() == 1 { Err("down") } else { Ok(()) };
            let handles: Vec<_> = [
                Worker::blocking("pool", 0, act),
                Worker::thread("own", 0, act),
                Worker::local("local", 0, move |cx| std::future::ready(act(cx))),
            ]
            .map(|worker| {
                panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(20 * MS, 20 * MS)))
            })
            .into();
            // The clock goes by itself only where nothing is to be done, and here something is.
            let backs_off = |handle: &&WorkerHandle| matches!(handle.status(), WorkerStatus::Backoff { .. });
            while handles.iter().filter(backs_off).count() < 3 {
                tokio::task::yield_now().await;
            }
            thread::sleep(60 * MS);
            for handle in &handles {
                assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }), "{handle:?}");
            }
            for handle in handles {
                assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)), "{handle:?}");
                assert_eq!(handle.generation(), 2);
            }
        });
    });
}

/// What is idle and what is touched does not wait for a thread of the runtime.
#[test]
fn an_idle_panel_suspends_workers_on_threads_and_a_touch_resumes_them() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).idle_after(20 * MS);
        let panel = panel.shutdown_timeout(Duration::from_secs(1)).build();
        let go = hold(&panel);
        let worker = Worker::thread(
            "own",
            0,
            |cx: Context<Mark>| {
                while !cx.cancelled_timeout(Duration::from_secs(60)) {}
            },
        );
        let handle = panel.spawn(worker.suspend(Suspend::OnIdle));
        for _ in 0..3 {
            eventually("it is suspended", || handle.is_suspended());
            let mut events = panel.events();
            panel.touch();
            eventually(
                "it is resumed",
                || matches!(events.try_next(), Some(Notice::Event(event)) if matches!(event.kind, EventKind::Resumed)),
            );
        }
        drop((panel, go));
    });
}
