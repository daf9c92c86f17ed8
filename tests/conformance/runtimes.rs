//! Runtimes: one that is gone, one of a single thread, and one whose clock is paused.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, atomic::Ordering},
    task::Poll,
    thread,
    time::Duration,
};

use control_panel::{
    Context, Exit, Restart, Worker, WorkerStatus,
    frame::Warning,
    supervision::{Cause, RestartError},
    testing,
};
use tests::{Mark, eventually, threads, watched};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::yield_now,
    time::sleep,
};

use crate::kinds::{Act, Async, Blocking, KINDS, LetGo, MS, PATIENT, Panel, Seen, Thread, panel, running};

/// A future ends with its runtime; a run on a thread is asked to stop. Neither is restarted, and both are reported.
#[test]
fn a_runtime_that_is_gone_leaves_no_orphan() {
    watched(|| {
        for kind in KINDS {
            let (runtime, seen) = (threads(2), Seen::default());
            let panel = panel(&runtime, PATIENT);
            let handle = panel.spawn(seen.worker(kind, Act::Wait, Act::Wait).restart(Restart::Always));
            running(&handle, 1);
            // A call that still waits for its thread goes with the runtime.
            eventually("it begins", || seen.begun.load(Ordering::SeqCst) == 1);
            assert_eq!(panel.status().warning, None);
            runtime.shutdown_background();
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Aborted)), "{kind:?}");
            assert_eq!(handle.cause(), Some(Cause::RuntimeGone), "{kind:?}");
            assert_eq!(handle.restart(), Err(RestartError::RuntimeGone), "{kind:?}");
            assert_eq!(panel.status().warning, Some(Warning::RuntimeGone), "{kind:?}");
            seen.is_over();
            if kind != Async {
                assert_eq!(
                    *seen.causes.lock().unwrap(),
                    [Some(Cause::RuntimeGone)],
                    "{kind:?}: it was asked to stop"
                );
            }
            let report = panel.shutdown_blocking();
            let incidents: Vec<_> = report.incidents().map(ToString::to_string).collect();
            assert_eq!(
                incidents,
                ["it (0, generation 1) aborted: dropped before it had stopped"],
                "{kind:?}"
            );
            assert_eq!(seen.begun.load(Ordering::SeqCst), 1, "nothing starts without a runtime");
        }
    });
}

/// A worker that was to be restarted is reported, and so is one whose end would have counted as good had it been final.
#[test]
fn a_thread_whose_runtime_is_gone_does_not_pass_for_finished() {
    watched(|| {
        for kind in [Blocking, Thread] {
            let (runtime, seen) = (threads(2), Seen::default());
            let _go = LetGo(seen.clone());
            let panel = panel(&runtime, PATIENT);
            let handle = panel.spawn(seen.worker(kind, Act::Block, Act::Wait).restart(Restart::Always));
            running(&handle, 1);
            eventually("it blocks", || seen.living.load(Ordering::SeqCst) == 1);
            // Meant for a task that is gone before it can do it.
            handle.restart().unwrap();
            runtime.shutdown_background();
            let asked = || matches!(handle.status(), WorkerStatus::Stopping(Cause::RuntimeGone));
            eventually("it is asked to stop", asked);
            assert_eq!(handle.restart(), Err(RestartError::RuntimeGone), "{kind:?}");
            seen.go.store(true, Ordering::SeqCst);
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Aborted)), "{kind:?}");
            assert!(!panel.shutdown_blocking().is_clean(), "{kind:?}");
        }
    });
}

/// tokio then waits for the blocking pool, and the worker in the pool waits to be asked to stop.
#[test]
fn dropping_a_runtime_ends_the_blocking_workers_on_it() {
    watched(|| {
        let (runtime, seen) = (threads(2), Seen::default());
        let panel = panel(&runtime, PATIENT);
        let handle = panel.spawn(seen.worker(Blocking, Act::Wait, Act::Wait));
        eventually("it begins", || seen.begun.load(Ordering::SeqCst) == 1);
        drop(runtime);
        assert!(matches!(handle.status(), WorkerStatus::Ended(Exit::Aborted)));
        drop(panel);
    });
}

/// What is built on tokio works on a thread, also where the panel was given its runtime by a handle.
#[test]
fn every_thread_has_the_panels_runtime() {
    watched(|| {
        for entered in [true, false] {
            let runtime = threads(1);
            let context = entered.then(|| runtime.enter());
            let mut panel = panel(&runtime, PATIENT);
            let work = || {
                let runtime = Handle::current();
                let answer = runtime.block_on(async {
                    sleep(MS).await;
                    tokio::spawn(async { 42 }).await.unwrap()
                });
                assert_eq!(answer, 42);
                runtime.id()
            };
            let seen = Arc::new(Mutex::new(Vec::new()));
            let notes = || {
                let seen = Arc::clone(&seen);
                move |_: Context<Mark>| seen.lock().unwrap().push(work())
            };
            for worker in
                [Worker::blocking("in the pool", 0, notes()), Worker::thread("on its own", 0, notes())]
            {
                let status = panel.spawn(worker).ended_blocking();
                assert!(matches!(status, WorkerStatus::Ended(Exit::Finished)), "{status}");
            }
            assert_eq!(*seen.lock().unwrap(), [runtime.handle().id(); 2]);
            assert_eq!(panel.ask_blocking("asks", 0, work).take_blocking(), Ok(runtime.handle().id()));
            panel.drain().for_each(drop);
            drop(context);
        }
    });
}

#[test]
fn a_current_thread_runtime_runs_every_kind() {
    watched(|| {
        for kind in KINDS {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (panel, seen) = (Panel::new(), Seen::default());
                let failing =
                    panel.spawn(seen.worker(kind, Act::Fail, Act::Finish).restart(Restart::OnFailure));
                let waiting = panel.spawn(Seen::default().worker(kind, Act::Wait, Act::Wait));
                assert!(matches!(failing.ended().await, WorkerStatus::Ended(Exit::Finished)), "{kind:?}");
                let mut status = waiting.status();
                while !matches!(status, WorkerStatus::Running) {
                    sleep(MS).await;
                    status = waiting.status();
                }
                assert_eq!(
                    panel.shutdown().await.incident_count(),
                    1,
                    "the failure, and nothing else: {kind:?}"
                );
                seen.is_over();
            });
        }
    });
}

/// tokio's own rule: a paused clock waits for the blocking pool. For threads it does not.
#[test]
fn a_paused_clock_stands_still_for_a_blocking_worker_and_for_no_other() {
    watched(|| {
        for kind in [Blocking, Thread] {
            testing::paused(async |panel: &mut Panel| {
                let seen = Seen::default();
                let _go = LetGo(seen.clone());
                panel.spawn(seen.worker(kind, Act::Block, Act::Finish));
                while seen.living.load(Ordering::SeqCst) == 0 {
                    yield_now().await;
                }
                let mut hour = pin!(sleep(Duration::from_secs(3600)));
                if kind == Thread {
                    // Without end if the clock stood still.
                    hour.await;
                    return;
                }
                let (ring, mut real_time) = oneshot::channel();
                thread::spawn(move || {
                    thread::sleep(100 * MS);
                    ring.send(()).ok();
                });
                let hour_first = poll_fn(|cx| match hour.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(true),
                    Poll::Pending => Pin::new(&mut real_time).poll(cx).map(|_| false),
                });
                assert!(!hour_first.await, "{kind:?}");
            });
        }
    });
}
