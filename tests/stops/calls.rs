//! Calls that wait for a thread, or block one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
    mpsc,
};

use control_panel::{Context, Exit, NoReply, Worker, WorkerStatus};
use tests::{Mark, drive, eventually, watched};
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
fn a_call_that_waits_for_a_thread_does_not_begin_once_it_was_told_to_end() {
    watched(|| {
        let runtime = one_for_calls();
        let panel = on(&runtime, 100 * MS);
        let go = hog(&panel);
        let began = Arc::new(AtomicUsize::new(0));
        let queued = |name: &'static str| {
            let began = Arc::clone(&began);
            let call = move |_| _ = began.fetch_add(1, Ordering::SeqCst);
            let handle = panel.spawn(Worker::blocking(name, 0, call));
            eventually("it waits for a thread", || handle.generation() == 1);
            handle
        };
        let (stopped, anew) = (queued("stopped"), queued("anew"));
        queued("queued");
        let noted = Arc::clone(&began);
        let answer = panel.ask_blocking("asked", 0, move || noted.fetch_add(1, Ordering::SeqCst));
        eventually("it waits too", || {
            panel.status().workers.iter().any(|info| info.name == *"asked" && info.generation == 1)
        });
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
        assert_eq!(exits, [hog, cancelled("anew"), cancelled("queued"), cancelled("asked")]);
        assert_eq!(drive(&runtime, answer), Err(NoReply), "nobody waits for an answer that will not come");
        drop(go);
        // It stands behind all of them.
        drive(&runtime, runtime.spawn_blocking(|| ())).unwrap();
        assert_eq!(began.load(Ordering::SeqCst), 0, "one began after it was told to end");
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
        eventually("it waits for a thread", || handle.generation() == 1);
        handle.restart().unwrap();
        drop(go);
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
        assert_eq!(*ran.lock().unwrap(), [2]);
        assert!(panel.shutdown_blocking().is_clean());
    });
}
