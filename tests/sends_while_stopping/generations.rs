//! Of a generation that has ended nothing is taken.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use control_panel::{Context, Exit, SendError, TrySendError, Worker, WorkerStatus};
use tests::{Mark, eventually, threads, watched};
use tokio::runtime::Runtime;

use super::{
    Async, Blocking, InARow, Kind, LONG, Local, Panel, Reserved, Thread, panel, send_otherwise, waits,
    with_id,
};

/// Keeps the contexts of its runs, and waits until it is asked to stop.
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
        runtime.block_on(send_otherwise(cx, InARow, 2)),
        runtime.block_on(send_otherwise(cx, Reserved, 2)),
    ];
    assert_eq!(sent.map(|sent| with_id(sent.unwrap_err())), [SendError::Ended(2); 6]);
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
            // A send that was refused for want of room takes a shorter way to the same answer.
            while second.try_send(Mark::new(21)).is_ok() {}
            assert!(matches!(second.try_send(Mark::new(22)), Err(TrySendError::Full(_))));
            handle.stop();
            assert!(handle.ended_blocking().is_final());
            refuses(&second, &runtime);
            assert!(panel.drain().all(|queued| queued.intent.id == 21), "{kind:?}");
            let (refused, sender) = (panel.status().refused, second.sender());
            refuses(&second, &runtime);
            assert_eq!(panel.status().refused, refused + 7);
            sender.try_send(Mark::new(30)).expect("a sender belongs to no generation");
            panel.shutdown_blocking();
            assert!(matches!(second.try_send(Mark::new(1)), Err(TrySendError::Closed(_))));
            assert!(matches!(second.send_blocking(Mark::new(1)), Err(SendError::Closed(_))));
            assert!(matches!(runtime.block_on(second.reserve_many(1)), Err(SendError::Closed(()))));
            runtime.shutdown_background();
        }
    });
}

/// Asked to stop, and not over yet: any holder of its context can still send what fits. A run that panics where it is made has
/// ended too.
#[test]
fn one_that_was_only_asked_to_stop_still_sends_and_one_that_never_ran_does_not() {
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

/// A send that waits with the context of a run that ends by itself gets its intent back instead of the slot.
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
