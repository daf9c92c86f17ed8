//! Calls that wait for a thread, or block one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use control_panel::{Context, Exit, Worker, WorkerStatus};
use tests::{Mark, drive, watched};
use tokio::runtime::{Builder, Runtime};

use super::{MS, Panel, exits, on};

/// A runtime with one thread for calls that block.
fn one_for_calls() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap()
}

/// Holds that thread until the returned sender is gone.
fn hog(panel: &Panel) -> mpsc::Sender<()> {
    let ((go, wait), (tell, begun)) = (mpsc::channel(), mpsc::channel());
    panel.spawn(Worker::blocking("hog", 0, move |_| {
        tell.send(()).ok();
        wait.recv().ok();
    }));
    begun.recv().unwrap();
    go
}

#[test]
fn a_call_that_waits_for_a_thread_does_not_begin_once_it_was_asked_to_stop() {
    watched(|| {
        let runtime = one_for_calls();
        let panel = on(&runtime, 100 * MS);
        let go = hog(&panel);
        let began = Arc::new(AtomicUsize::new(0));
        let queued = |name: &'static str| {
            let began = Arc::clone(&began);
            let call = move |_| _ = began.fetch_add(1, Ordering::SeqCst);
            panel.spawn(Worker::blocking(name, 0, call))
        };
        let (stopped, anew, last) = (queued("stopped"), queued("anew"), queued("queued"));
        for handle in [&stopped, &anew, &last] {
            assert!(matches!(handle.status(), WorkerStatus::Starting), "it waits for a thread: {handle:?}");
            assert_eq!(handle.generation(), 0);
        }
        stopped.stop();
        let ended = stopped.ended_blocking();
        assert!(
            matches!(ended, WorkerStatus::Ended(Exit::Cancelled)),
            "it needs no thread to end: {ended:?}"
        );
        anew.restart().unwrap();
        let report = panel.shutdown_blocking();
        let exits: Vec<_> = exits(&report).iter().map(|(name, exit)| (*name, exit.to_string())).collect();
        let cancelled = |name| (name, Exit::Cancelled.to_string());
        let hog = ("hog", Exit::Abandoned.to_string());
        assert_eq!(exits, [hog, cancelled("anew"), cancelled("queued")]);
        drop(go);
        // It stands behind all of them.
        drive(&runtime, runtime.spawn_blocking(|| ())).unwrap();
        assert_eq!(began.load(Ordering::SeqCst), 0, "one began after it was asked to stop");
    });
}

#[test]
fn a_call_that_is_restarted_before_it_began_runs_once() {
    watched(|| {
        let runtime = one_for_calls();
        let panel = on(&runtime, 5_000 * MS);
        let go = hog(&panel);
        let ran = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&ran);
        let call = move |cx: Context<Mark>| noted.lock().unwrap().push(cx.generation());
        let handle = panel.spawn(Worker::blocking("anew", 0, call));
        handle.restart().unwrap();
        assert_eq!(handle.generation(), 0, "it waits for a thread as before");
        drop(go);
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
        assert_eq!(*ran.lock().unwrap(), [1]);
        assert!(panel.shutdown_blocking().is_clean());
    });
}
