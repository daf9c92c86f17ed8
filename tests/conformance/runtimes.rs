//! Runtimes: one that is gone, one of a single thread, and one whose clock is paused.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::atomic::Ordering,
    task::Poll,
    thread,
    time::Duration,
};

use control_panel::{Exit, Restart, WorkerStatus, testing};
use tests::{eventually, threads, watched};
use tokio::{runtime::Builder, sync::oneshot, task::yield_now, time::sleep};

use crate::kinds::{Act, Async, Blocking, KINDS, LetGo, MS, PATIENT, Panel, Seen, Thread, panel, running};

/// A future ends with its runtime; a thread goes on, still owned, until the panel tells it to stop.
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
            runtime.shutdown_background();
            if kind == Async {
                assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Aborted)));
            } else {
                thread::sleep(10 * MS);
                assert_eq!(panel.worker_count(), 1, "{kind:?}: it lives, and is still known");
            }
            panel.shutdown_blocking();
            assert!(handle.ended_blocking().is_final() && panel.worker_count() == 0, "{kind:?}");
            seen.is_over();
            assert_eq!(seen.begun.load(Ordering::SeqCst), 1, "nothing starts without a runtime");
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
                let (told, mut real_time) = oneshot::channel();
                thread::spawn(move || {
                    thread::sleep(100 * MS);
                    told.send(()).ok();
                });
                let mut hour = pin!(sleep(Duration::from_secs(3600)));
                let hour_first = poll_fn(|cx| match hour.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(true),
                    Poll::Pending => Pin::new(&mut real_time).poll(cx).map(|_| false),
                });
                assert_eq!(hour_first.await, kind == Thread, "{kind:?}");
            });
        }
    });
}
