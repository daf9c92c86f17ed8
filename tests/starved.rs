//! Workers that no thread runs: the panel says so, whatever runtime it was given, and says no more once they run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{Context, ControlPanel, Worker, WorkerHandle, WorkerStatus, frame::Warning};
use tests::{Mark, eventually, threads, watched};
use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::sleep,
};

type Panel = ControlPanel<Mark>;

/// A frame at 200 Hz.
const FRAME: Duration = Duration::from_millis(5);

fn on(runtime: &Handle) -> Panel {
    Panel::builder().runtime(runtime.clone()).shutdown_timeout(Duration::from_secs(1)).build()
}

fn waits(panel: &Panel) -> WorkerHandle {
    panel.spawn(Worker::new("waits", 0, |cx: Context<Mark>| async move { cx.cancelled().await }))
}

/// Never awaits until it is let go.
fn holds(panel: &Panel, go: &Arc<AtomicBool>) {
    let (go, began) = (Arc::clone(go), Arc::new(AtomicBool::new(false)));
    let begins = Arc::clone(&began);
    panel.spawn(Worker::new("holds", 0, move |_| {
        begins.store(true, Ordering::SeqCst);
        while !go.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        async {}
    }));
    eventually("it holds a thread", || began.load(Ordering::SeqCst));
}

/// Frames until there is a warning, or for as long as a slow loop needs for one.
fn warned(panel: &mut Panel) -> Option<Warning> {
    for _ in 0..200 {
        drop(panel.drain());
        if let Some(warning) = panel.status().warning {
            return Some(warning);
        }
        thread::sleep(FRAME);
    }
    None
}

fn healthy(panel: &mut Panel) {
    eventually("the warning goes", || {
        drop(panel.drain());
        panel.status().warning.is_none()
    });
}

#[test]
fn a_given_runtime_that_nothing_drives_is_warned_about() {
    watched(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut panel = on(runtime.handle());
        assert_eq!(warned(&mut panel), None, "there is nothing to run");
        waits(&panel);
        waits(&panel);
        assert_eq!(warned(&mut panel), Some(Warning::WorkersNeverPolled { workers: 2 }));
        runtime.block_on(yield_now());
        healthy(&mut panel);
        // And once more, of a later one; also where the loop is only within the runtime's context.
        let _context = runtime.enter();
        waits(&panel);
        assert_eq!(warned(&mut panel), Some(Warning::WorkersNeverPolled { workers: 1 }));
    });
}

/// It was driven for a moment, and its workers wait for what never comes. Those on threads do not need it.
#[test]
fn a_given_runtime_that_nothing_drives_any_more_is_warned_about() {
    watched(|| {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut panel = on(runtime.handle());
        panel.spawn(Worker::thread(
            "thread",
            0,
            |cx: Context<Mark>| {
                while !cx.cancelled_timeout(Duration::from_secs(60)) {}
            },
        ));
        assert_eq!(warned(&mut panel), None, "nothing is on it");
        panel.spawn(Worker::new("ticks", 0, |cx: Context<Mark>| async move {
            while cx.send(Mark::new(1)).await.is_ok() {
                sleep(Duration::from_millis(1)).await;
            }
        }));
        runtime.block_on(yield_now());
        assert_eq!(panel.drain().count(), 1);
        assert_eq!(warned(&mut panel), Some(Warning::RuntimeNotDriven { workers: 1 }));
        runtime.block_on(async { sleep(Duration::from_millis(20)).await });
        healthy(&mut panel);
        assert_eq!(warned(&mut panel), Some(Warning::RuntimeNotDriven { workers: 1 }), "and again");
        runtime.block_on(async {
            assert_eq!(panel.shutdown().await.incident_count(), 0);
        });
    });
}

#[test]
fn a_runtime_whose_threads_are_all_held_is_warned_about() {
    watched(|| {
        let (runtime, go) = (threads(1), Arc::default());
        let mut panel = on(runtime.handle());
        holds(&panel, &go);
        assert_eq!(warned(&mut panel), None, "what holds it runs");
        waits(&panel);
        assert_eq!(warned(&mut panel), Some(Warning::WorkersNeverPolled { workers: 1 }));
        go.store(true, Ordering::SeqCst);
        healthy(&mut panel);
    });
}

#[test]
fn a_runtime_that_lives_is_not_warned_about() {
    watched(|| {
        // A loop as fast as it can be leaves the other thread no time.
        let runtime = threads(1);
        let mut panel = on(runtime.handle());
        for _ in 0..100 {
            waits(&panel);
            for _ in 0..100 {
                drop(panel.drain());
            }
            assert_eq!(panel.status().warning, None);
        }
        // Driven by another thread, which is busy; this one is within its context, as worker threads are.
        let (over, polls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let driven = Builder::new_current_thread().enable_all().build().unwrap();
        let mut panel = on(driven.handle());
        let _context = driven.handle().enter();
        thread::scope(|scope| {
            let done = Arc::clone(&over);
            let driven = &driven;
            scope.spawn(move || {
                driven.block_on(async {
                    while !done.load(Ordering::SeqCst) {
                        yield_now().await;
                    }
                });
            });
            let counts = Arc::clone(&polls);
            panel.spawn(Worker::new("busy", 0, move |_| {
                let counts = Arc::clone(&counts);
                async move {
                    loop {
                        thread::sleep(FRAME);
                        counts.fetch_add(1, Ordering::SeqCst);
                        yield_now().await;
                    }
                }
            }));
            for _ in 0..100 {
                waits(&panel);
                let before = polls.load(Ordering::SeqCst);
                eventually("it is polled", || polls.load(Ordering::SeqCst) > before);
                drop(panel.drain());
                assert_eq!(panel.status().warning, None);
            }
            over.store(true, Ordering::SeqCst);
        });
    });
}

/// It draws no frames, so it is woken to find it; also where it is not woken for its workers.
#[test]
fn a_loop_that_sleeps_is_woken_to_be_warned() {
    watched(|| {
        for wake_for_workers in [true, false] {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let builder = Panel::builder().runtime(runtime.handle().clone());
            let mut panel = builder.wake_for_workers(wake_for_workers).build();
            let short = |worker: Worker<Mark>| worker.stuck_after(Duration::from_millis(100));
            let waits = panel.spawn(short(Worker::new("waits", 0, |cx: Context<Mark>| async move {
                cx.cancelled().await;
            })));
            while panel.status().warning.is_none() {
                drop(panel.drain());
                panel.wait_ready_timeout(Duration::MAX);
            }
            assert_eq!(panel.status().warning, Some(Warning::WorkersNeverPolled { workers: 1 }));
            assert_eq!(panel.status().frames.max(8), 8, "frames did not find it");
            runtime.block_on(yield_now());
            eventually("it runs", || matches!(waits.status(), WorkerStatus::Running));
            assert_eq!(panel.status().warning, None);
        }
    });
}
