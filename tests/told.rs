//! A worker that is told to stop waits for no slot any more, whatever it runs on and whatever told it: what fits is taken,
//! what does not is handed back at once. And of a generation that has ended nothing is taken, whoever kept its context.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Cancel, Cause, Context, ControlPanel, Exit, OnStuck, Restart, SendError, Strategy, TrySendError,
    Worker, WorkerHandle, WorkerStatus,
};
use tests::{Mark, eventually, threads, watched};
use tokio::runtime::Runtime;

type Panel = ControlPanel<Mark>;

/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);
const CAPACITY: usize = 4;

/// Those that are not dropped at their next await.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Async,
    Local,
    Blocking,
    Thread,
}

use Kind::{Async, Blocking, Local, Thread};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Wait {
    ForEver,
    WithTimeout,
}

use Wait::{ForEver, WithTimeout};

/// What came of each generation's sends: how many were taken, and why the next was not.
type Ends = Arc<Mutex<Vec<(u64, SendError<u64>)>>>;

fn with_id(error: SendError<Mark>) -> SendError<u64> {
    match error {
        SendError::Stopping(mark) => SendError::Stopping(mark.id),
        SendError::Closed(mark) => SendError::Closed(mark.id),
        SendError::Ended(mark) => SendError::Ended(mark.id),
        SendError::Timeout(mark) => SendError::Timeout(mark.id),
        other => panic!("{other}"),
    }
}

async fn flood(cx: Context<Mark>, wait: Wait, ends: Ends) {
    for id in 0.. {
        let sent = match wait {
            ForEver => cx.send(Mark::new(id)).await,
            WithTimeout => cx.send_timeout(Mark::new(id), LONG).await,
        };
        if let Err(error) = sent {
            return ends.lock().unwrap().push((id, with_id(error)));
        }
    }
}

fn flood_blocking(cx: &Context<Mark>, wait: Wait, ends: &Ends) {
    for id in 0.. {
        let sent = match wait {
            ForEver => cx.send_blocking(Mark::new(id)),
            WithTimeout => cx.send_blocking_timeout(Mark::new(id), LONG),
        };
        if let Err(error) = sent {
            return ends.lock().unwrap().push((id, with_id(error)));
        }
    }
}

/// Sends until that fails.
fn flooding(name: &'static str, kind: Kind, wait: Wait, ends: &Ends) -> Worker<Mark> {
    let ends = Arc::clone(ends);
    match kind {
        Async => Worker::new(name, 0, move |cx| flood(cx, wait, Arc::clone(&ends))),
        Local => Worker::local(name, 0, move |cx| flood(cx, wait, Arc::clone(&ends))),
        Blocking => Worker::blocking(name, 0, move |cx| flood_blocking(&cx, wait, &ends)),
        Thread => Worker::thread(name, 0, move |cx| flood_blocking(&cx, wait, &ends)),
    }
    .cancel(Cancel::Cooperative)
    .grace(LONG)
    .restart(Restart::Always)
    .backoff(Backoff::none())
}

fn panel(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).capacity(CAPACITY).build()
}

fn each_wait(test: impl Fn(&Panel, Kind, Wait, Ends) + Send + 'static) {
    watched(move || {
        for kind in [Async, Local, Blocking, Thread] {
            for wait in [ForEver, WithTimeout] {
                let runtime = threads(2);
                test(&panel(&runtime), kind, wait, Ends::default());
                runtime.shutdown_background();
            }
        }
    });
}

/// The queue is full, and the worker waits.
fn waits(panel: &Panel) {
    eventually("it waits", || panel.status().waiting == 1);
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
        let told = Arc::clone(&fails);
        let failing = Worker::new("failing", 1, move |_cx| {
            let fails = Arc::clone(&told);
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
        let tasks = panel.tasks::<u8>();
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

/// What a worker that was told to stop sends on its way out.
#[test]
fn what_fits_is_taken_from_one_that_was_told() {
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

/// Keeps the contexts of its generations, and waits until it is told to stop.
fn keeping(kind: Kind, kept: &Arc<Mutex<Vec<Context<Mark>>>>) -> Worker<Mark> {
    let kept = Arc::clone(kept);
    let keep = move |cx: &Context<Mark>| kept.lock().unwrap().push(cx.clone());
    let wait = |cx: Context<Mark>| async move { cx.cancelled().await };
    let block = |cx: &Context<Mark>| while !cx.cancelled_timeout(LONG) {};
    match kind {
        Async => Worker::new("it", 0, move |cx| {
            keep(&cx);
            wait(cx)
        }),
        Local => Worker::local("it", 0, move |cx| {
            keep(&cx);
            wait(cx)
        }),
        Blocking => Worker::blocking("it", 0, move |cx| {
            keep(&cx);
            block(&cx);
        }),
        Thread => Worker::thread("it", 0, move |cx| {
            keep(&cx);
            block(&cx);
        }),
    }
}

/// Every send of the context hands its intent back.
fn refuses(cx: &Context<Mark>, runtime: &Runtime) {
    let TrySendError::Ended(mark) = cx.try_send(Mark::new(1)).unwrap_err() else { panic!("not ended") };
    assert_eq!(mark.id, 1);
    let sent = [
        runtime.block_on(cx.send(Mark::new(2))),
        runtime.block_on(cx.send_timeout(Mark::new(2), LONG)),
        cx.send_blocking(Mark::new(2)),
        cx.send_blocking_timeout(Mark::new(2), LONG),
    ];
    assert_eq!(sent.map(|sent| with_id(sent.unwrap_err())), [SendError::Ended(2); 4]);
}

#[test]
fn nothing_of_a_generation_is_taken_after_its_successor_began_nor_after_the_last_one_ended() {
    watched(|| {
        for kind in [Async, Local, Blocking, Thread] {
            let runtime = threads(2);
            let mut panel = panel(&runtime);
            let kept = Arc::default();
            let handle = panel.spawn(keeping(kind, &kept));
            let context = |generation: usize| {
                eventually("it begins", || kept.lock().unwrap().len() == generation);
                kept.lock().unwrap()[generation - 1].clone()
            };
            let first = context(1);
            first.try_send(Mark::new(10)).unwrap();
            handle.restart().unwrap();
            let second = context(2);
            refuses(&first, &runtime);
            second.try_send(Mark::new(20)).unwrap();
            assert_eq!(
                panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(),
                [10, 20],
                "{kind:?}"
            );
            // Whoever was refused for want of room is told by a shorter way, and hears the same.
            while second.try_send(Mark::new(21)).is_ok() {}
            assert!(matches!(second.try_send(Mark::new(22)), Err(TrySendError::Full(_))));
            handle.stop();
            assert!(handle.ended_blocking().is_final());
            refuses(&second, &runtime);
            assert!(panel.drain().all(|queued| queued.intent.id == 21), "{kind:?}");
            let (refused, sender) = (panel.status().refused, second.sender());
            refuses(&second, &runtime);
            assert_eq!(panel.status().refused, refused + 5);
            sender.try_send(Mark::new(30)).expect("a sender belongs to no generation");
            panel.shutdown_blocking();
            assert!(matches!(second.try_send(Mark::new(1)), Err(TrySendError::Closed(_))));
            assert!(matches!(second.send_blocking(Mark::new(1)), Err(SendError::Closed(_))));
            runtime.shutdown_background();
        }
    });
}

/// Told and not over yet: what fits is taken of it, by whoever has its context. One that panics where it is made has ended too.
#[test]
fn one_that_was_only_told_still_sends_and_one_that_never_ran_does_not() {
    watched(|| {
        let runtime = threads(2);
        let mut panel = panel(&runtime);
        let kept: Arc<Mutex<Vec<Context<Mark>>>> = Arc::default();
        let keeps = Arc::clone(&kept);
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let gone = Mutex::new(gone);
        let handle = panel.spawn(Worker::thread("it", 0, move |cx| {
            keeps.lock().unwrap().push(cx.clone());
            gone.lock().unwrap().recv().ok();
        }));
        eventually("it begins", || kept.lock().unwrap().len() == 1);
        handle.stop();
        let context = kept.lock().unwrap()[0].clone();
        context.try_send(Mark::new(1)).unwrap();
        context.send_blocking(Mark::new(2)).unwrap();
        assert_eq!(panel.drain().count(), 2);
        go.send(()).unwrap();
        assert!(handle.ended_blocking().is_final());
        refuses(&context, &runtime);
        let keeps = Arc::clone(&kept);
        let handle = panel.spawn(Worker::new("factory", 0, move |cx| -> std::future::Ready<()> {
            keeps.lock().unwrap().push(cx);
            tests::quiet_panic()
        }));
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Panicked(_))));
        refuses(&kept.lock().unwrap()[1], &runtime);
        runtime.shutdown_background();
    });
}

/// Who waits with the context of a generation that ends by itself gets its intent back instead of the slot.
#[test]
fn a_slot_that_comes_too_late_is_passed_on() {
    watched(|| {
        let runtime = threads(2);
        let mut panel = panel(&runtime);
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let (kept, gone) = (Arc::new(Mutex::new(None)), Mutex::new(gone));
        let keeps = Arc::clone(&kept);
        let handle = panel.spawn(Worker::thread("it", 0, move |cx| {
            while cx.try_send(Mark::new(0)).is_ok() {}
            *keeps.lock().unwrap() = Some(cx);
            gone.lock().unwrap().recv().ok();
        }));
        eventually("the queue is full", || kept.lock().unwrap().is_some());
        let context: Context<Mark> = kept.lock().unwrap().take().unwrap();
        let helper = thread::spawn(move || context.send_blocking(Mark::new(1)));
        waits(&panel);
        go.send(()).unwrap();
        assert!(handle.ended_blocking().is_final());
        let taken = panel.drain().count();
        assert!(matches!(helper.join().unwrap(), Err(SendError::Ended(mark)) if mark.id == 1));
        assert_eq!((panel.drain().count(), panel.status().waiting), (0, 0));
        let other = panel.sender(0);
        assert!((0..taken).all(|_| other.try_send(Mark::new(2)).is_ok()), "all slots are free again");
        runtime.shutdown_background();
    });
}

/// A context that belongs to no worker ends with nothing but the panel.
#[test]
fn a_context_of_the_panels_sends_until_that_is_shut_down() {
    watched(|| {
        let panel = Panel::new();
        let context = panel.context(0);
        context.send_blocking(Mark::new(0)).unwrap();
        panel.shutdown_blocking();
        assert!(matches!(context.send_blocking(Mark::new(1)), Err(SendError::Closed(_))));
    });
}
