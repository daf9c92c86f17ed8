//! A full blocking pool, and a local thread that is held: what waits there has not started.

use std::{sync::mpsc, thread};

use control_panel::{
    Backoff, Context, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    frame::Warning,
};
use tests::{Mark, eventually, threads, watched};
use tokio::runtime::{Builder, Runtime};

use super::{MS, Panel, on};

/// A runtime with one thread for calls that block, and that thread held.
fn full_pool() -> (Runtime, Panel, mpsc::Sender<()>) {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
    let panel = on(&runtime);
    let go = holds_pool(&panel);
    (runtime, panel, go)
}

fn holds_pool(panel: &Panel) -> mpsc::Sender<()> {
    let ((go, wait), (tell, began)) = (mpsc::channel(), mpsc::channel());
    panel.spawn(Worker::blocking("holds", 0, move |_| {
        tell.send(()).ok();
        wait.recv().ok();
    }));
    began.recv().unwrap();
    go
}

fn logged(panel: &Panel, handle: &WorkerHandle) -> Vec<String> {
    let mut events = panel.events_from(1);
    let mut kinds = Vec::new();
    while let Some(Notice::Event(event)) = events.try_next() {
        if event.origin == handle.origin() {
            kinds.push(match event.kind {
                EventKind::BackingOff(_) => "backs off".into(),
                kind => kind.to_string(),
            });
        }
    }
    kinds
}

#[test]
fn a_call_that_waits_for_the_pool_has_not_started_and_the_panel_finds_the_pool_full() {
    watched(|| {
        let (_runtime, mut panel, go) = full_pool();
        let handle = panel
            .spawn(Worker::blocking("waits", 0, |_| ()).suspend(control_panel::supervision::Suspend::OnIdle));
        handle.suspend();
        handle.resume();
        let mut warning = None;
        for _ in 0..200 {
            drop(panel.drain());
            assert!(matches!(handle.status(), WorkerStatus::Starting), "{handle:?}");
            warning = panel.status().warning;
            if warning.is_some() {
                break;
            }
            thread::sleep(5 * MS);
        }
        assert_eq!(warning, Some(Warning::WorkersNeverPolled { workers: 1 }));
        assert_eq!(
            (handle.generation(), logged(&panel, &handle)),
            (0, ["spawned", "suspended", "resumed"].map(String::from).to_vec())
        );
        drop(go);
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
        assert_eq!(logged(&panel, &handle)[3..], ["started", "exited: finished", "ended: finished"]);
        drop(panel.drain());
        assert_eq!(panel.status().warning, None);
    });
}

/// The next generation waits for a thread as the first did, after a backoff and without one.
#[test]
fn a_call_that_is_restarted_waits_for_the_pool_and_does_not_run_meanwhile() {
    watched(|| {
        for backoff in [Backoff::none(), Backoff::new(MS, MS)] {
            let (_runtime, panel, go) = full_pool();
            let (tell, began) = mpsc::channel();
            let (fail, wait) = mpsc::channel::<()>();
            let act = move |cx: Context<Mark>| {
                tell.send(cx.generation()).unwrap();
                if cx.generation() == 1 {
                    wait.recv().ok();
                    return Err("down");
                }
                Ok(())
            };
            let handle =
                panel.spawn(Worker::blocking("waits", 0, act).restart(Restart::OnFailure).backoff(backoff));
            drop(go);
            assert_eq!(began.recv(), Ok(1));
            assert!(matches!(handle.status(), WorkerStatus::Running), "{handle:?}");
            // In line before it.
            let (go, others) = {
                let (go, wait) = mpsc::channel::<()>();
                (go, panel.spawn(Worker::blocking("before", 0, move |_| _ = wait.recv())))
            };
            drop(fail);
            eventually("it waits for a thread", || matches!(handle.status(), WorkerStatus::Waiting));
            assert!(matches!(others.status(), WorkerStatus::Running));
            assert_eq!((handle.generation(), began.try_recv().is_ok()), (1, false));
            drop(go);
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
            assert_eq!(began.recv(), Ok(2));
            let events = logged(&panel, &handle);
            let starts: Vec<_> = events.iter().filter(|event| !event.contains("backs off")).collect();
            assert_eq!(
                starts,
                [
                    "spawned",
                    "started",
                    "exited: failed: down",
                    "waits for its turn",
                    "started",
                    "exited: finished",
                    "ended: finished"
                ]
            );
        }
    });
}

#[test]
fn a_local_worker_whose_thread_is_held_has_not_started() {
    watched(|| {
        let runtime = threads(1);
        let panel = on(&runtime);
        let ((go, wait), (tell, began)) = (mpsc::channel::<()>(), mpsc::channel());
        panel.spawn(Worker::local("holds", 0, move |_| {
            tell.send(()).ok();
            wait.recv().ok();
            std::future::ready(())
        }));
        began.recv().unwrap();
        let handle = panel.spawn(Worker::local("waits", 0, |_| std::future::ready(())));
        thread::sleep(20 * MS);
        assert!(matches!(handle.status(), WorkerStatus::Starting), "{handle:?}");
        assert_eq!((handle.generation(), logged(&panel, &handle)), (0, vec!["spawned".into()]));
        drop(go);
        assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
    });
}
