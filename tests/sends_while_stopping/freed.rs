//! Whatever asks it to stop, it waits no more.

use std::{sync::Arc, time::Duration};

use control_panel::{
    Backoff, Context, Exit, Restart, SendError, Worker, WorkerHandle, WorkerStatus,
    supervision::{Cancel, Cause, OnStuck, Strategy},
};
use tests::{Mark, eventually, threads, watched};

use super::{
    Async, Blocking, Ends, ForEver, InARow, Kind, LONG, Local, Panel, Reserved, Thread, Wait, WithTimeout,
    flood, flood_blocking, flooding, panel, waits,
};

fn each_wait(test: impl Fn(&Panel, Kind, Wait, Ends) + Send + 'static) {
    watched(move || {
        for kind in [Async, Local, Blocking, Thread] {
            for wait in [ForEver, WithTimeout, InARow, Reserved] {
                let runtime = threads(2);
                test(&panel(&runtime), kind, wait, Ends::default());
                runtime.shutdown_background();
            }
        }
    });
}

fn is_cancelled(handle: &WorkerHandle, cause: Cause) {
    let status = handle.ended_blocking();
    assert!(matches!(status, WorkerStatus::Ended(Exit::Cancelled)), "{status}");
    assert_eq!(handle.cause(), Some(cause));
}

/// The worker's source has all slots, so the first generation sends as many. It got back the one it waited with.
fn came_back(ends: &Ends, generations: usize) {
    let ends = ends.lock().unwrap();
    assert_eq!(ends.len(), generations);
    let taken = ends[0].0;
    assert!(taken > 0, "some were taken");
    assert_eq!(ends[0].1, SendError::Stopping(taken));
    assert!(ends[1..].iter().all(|end| *end == (0, SendError::Stopping(0))), "{ends:?}");
}

#[test]
fn a_stop_frees_it() {
    each_wait(|panel, kind, wait, ends| {
        let handle = panel.spawn(flooding("it", kind, wait, &ends));
        waits(panel);
        let before = panel.status();
        handle.stop();
        is_cancelled(&handle, Cause::Stopped);
        came_back(&ends, 1);
        let after = panel.status();
        assert_eq!((after.waiting, after.queued), (0, before.queued), "{kind:?} {wait:?}");
        assert_eq!(after.refused, before.refused + 1, "it is counted as refused");
    });
}

#[test]
fn a_restart_frees_it() {
    each_wait(|panel, kind, wait, ends| {
        let handle = panel.spawn(flooding("it", kind, wait, &ends));
        for generation in 1..3 {
            waits(panel);
            assert_eq!(handle.generation(), generation, "{kind:?} {wait:?}");
            handle.restart().unwrap();
            eventually("the next generation", || handle.generation() == generation + 1);
        }
        waits(panel);
        came_back(&ends, 2);
        assert!(panel.shutdown_blocking().is_clean());
    });
}

#[test]
fn the_restart_of_its_group_frees_it() {
    each_wait(|panel, kind, wait, ends| {
        let group = panel.group().strategy(Strategy::OneForAll);
        let fails = Arc::new(tokio::sync::Notify::new());
        let trigger = Arc::clone(&fails);
        let failing = Worker::new("failing", 1, move |_cx| {
            let fails = Arc::clone(&trigger);
            async move {
                fails.notified().await;
                Err::<(), _>("on purpose")
            }
        });
        group.spawn(failing.restart(Restart::OnFailure).backoff(Backoff::none()));
        let handle = group.spawn(flooding("it", kind, wait, &ends));
        group.start().unwrap();
        waits(panel);
        fails.notify_one();
        eventually("the next generation", || handle.generation() == 2);
        waits(panel);
        came_back(&ends, 1);
    });
}

#[test]
fn a_newer_task_of_its_key_frees_it() {
    each_wait(|panel, kind, wait, ends| {
        let tasks = panel.keyed_tasks::<u8>();
        let first = tasks.keyed(1).spawn(flooding("it", kind, wait, &ends));
        waits(panel);
        let second = tasks.keyed(1).spawn(Worker::new("second", 1, |_cx| async {}));
        assert!(matches!(second.ended_blocking(), WorkerStatus::Ended(Exit::Finished)), "{kind:?} {wait:?}");
        is_cancelled(&first, Cause::Replaced);
        came_back(&ends, 1);
    });
}

#[test]
fn a_watchdog_that_restarts_it_frees_it() {
    each_wait(|panel, kind, wait, ends| {
        // Promised, and never sent.
        let worker = flooding("it", kind, wait, &ends).heartbeat(Duration::from_millis(20));
        let handle = panel.spawn(worker.on_stuck(OnStuck::Restart));
        eventually("the next generation", || handle.generation() == 2);
        came_back(&ends, 1);
        handle.stop();
        assert!(handle.ended_blocking().is_final(), "{kind:?} {wait:?}");
    });
}

/// What a worker that was asked to stop sends on its way out.
#[test]
fn what_fits_is_accepted_from_one_that_was_asked_to_stop() {
    watched(|| {
        for kind in [Async, Local, Blocking, Thread] {
            let runtime = threads(2);
            let mut panel = panel(&runtime);
            let ends = Ends::default();
            let (noted, begun) = (Arc::clone(&ends), Arc::new(tokio::sync::Notify::new()));
            let begins = Arc::clone(&begun);
            let wait = move |cx: Context<Mark>, ends: Ends| {
                let begun = Arc::clone(&begins);
                async move {
                    begun.notify_one();
                    cx.cancelled().await;
                    flood(cx, ForEver, ends).await;
                }
            };
            let block = {
                let begun = Arc::clone(&begun);
                move |cx: Context<Mark>| {
                    begun.notify_one();
                    while !cx.cancelled_timeout(LONG) {}
                    flood_blocking(&cx, ForEver, &noted);
                }
            };
            let noted = Arc::clone(&ends);
            let worker = match kind {
                Async => Worker::new("it", 0, move |cx| wait(cx, Arc::clone(&noted))),
                Local => Worker::local("it", 0, move |cx| wait(cx, Arc::clone(&noted))),
                Blocking => Worker::blocking("it", 0, block),
                Thread => Worker::thread("it", 0, block),
            };
            let handle = panel.spawn(worker.cancel(Cancel::Cooperative).grace(LONG));
            runtime.block_on(begun.notified());
            handle.stop();
            is_cancelled(&handle, Cause::Stopped);
            came_back(&ends, 1);
            let taken = ends.lock().unwrap()[0].0;
            assert_eq!(panel.drain().count() as u64, taken, "{kind:?}");
            runtime.shutdown_background();
        }
    });
}
