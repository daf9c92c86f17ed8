//! A sleeping loop is woken for what a status shows: each test's loop sleeps until then, however long that takes.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Restart, Worker, WorkerHandle, WorkerStatus,
    supervision::{Cancel, Intensity},
};
use tests::{Mark, Wakes, eventually, paused, quiet_panic, threads, watched};
use tokio::time::sleep;

type Panel = ControlPanel<Mark>;

const MS: Duration = Duration::from_millis(1);

/// Workers of every kind that end in every way, some only after a moment.
fn all_sorts(panel: &Panel) -> Vec<WorkerHandle> {
    let pause = |n: u64| Duration::from_micros(n * 370 % 3_000);
    (0..60)
        .map(|n| {
            panel.spawn(match n % 6 {
                0 => Worker::new("returns", 0, move |_| sleep(pause(n))),
                1 => Worker::new("fails", 1, move |_| async move {
                    sleep(pause(n)).await;
                    Err::<(), _>("no route to host")
                }),
                2 => Worker::new("panics", 2, move |_| async move {
                    sleep(pause(n)).await;
                    quiet_panic()
                }),
                3 => Worker::blocking("blocks", 3, move |_| thread::sleep(pause(n))),
                4 => Worker::thread("panics on a thread", 4, move |_| {
                    thread::sleep(pause(n));
                    quiet_panic()
                }),
                _ => Worker::new("sends", 5, move |cx: Context<Mark>| async move {
                    sleep(pause(n)).await;
                    cx.send(Mark::new(n)).await.ok();
                }),
            })
        })
        .collect()
}

fn ended(handles: &[WorkerHandle]) -> bool {
    handles.iter().all(|handle| handle.status().is_final())
}

/// The order that README's first loop has, when it is made to sleep.
#[test]
fn a_loop_that_waits_before_its_drain_misses_no_end() {
    watched(|| {
        for _ in 0..20 {
            let mut panel = Panel::new();
            let handles = all_sorts(&panel);
            while !ended(&handles) || panel.queued() > 0 {
                assert!(panel.wait_ready_timeout(Duration::MAX));
                panel.drain().for_each(drop);
            }
        }
    });
}

/// What ends between the look and the drain is not what the drain hands out.
#[test]
fn a_loop_that_looks_before_its_drain_misses_no_end() {
    watched(|| {
        for _ in 0..20 {
            let mut panel = Panel::new();
            let handles = all_sorts(&panel);
            while !ended(&handles) {
                panel.drain().for_each(drop);
                assert!(panel.wait_ready_timeout(Duration::MAX));
            }
        }
    });
}

/// By what `status` shows alone, which is a little behind where the supervisor is busy.
#[test]
fn a_loop_that_looks_at_the_panels_status_misses_no_end() {
    watched(|| {
        for round in 0..40 {
            let runtime = threads(2);
            let frame_thread = thread::current();
            let mut panel = Panel::builder()
                .runtime(runtime.handle().clone())
                .on_ready(move || frame_thread.unpark())
                .build();
            all_sorts(&panel);
            loop {
                if round % 2 == 0 {
                    panel.drain().for_each(drop);
                }
                let status = panel.status();
                if round % 2 == 1 {
                    panel.drain().for_each(drop);
                }
                if status.workers.is_empty() {
                    break;
                }
                thread::park();
            }
        }
    });
}

#[test]
fn a_loop_in_async_code_misses_no_end() {
    watched(|| {
        let runtime = threads(2);
        runtime.block_on(async {
            let mut panel = Panel::new();
            let handles = all_sorts(&panel);
            while !ended(&handles) {
                panel.drain().for_each(drop);
                panel.wait_ready().await;
            }
        });
    });
}

#[test]
fn a_loop_that_looks_for_an_answer_before_its_drain_misses_none() {
    watched(|| {
        let mut panel = Panel::new();
        for n in 0..300 {
            let mut answer = panel.ask_blocking("sum", 0, move || n + 1);
            while answer.try_take().is_none() {
                panel.drain().for_each(drop);
                assert!(panel.wait_ready_timeout(Duration::MAX));
            }
        }
    });
}

/// Lets the panel's loop look until it has nothing to do.
fn settle(panel: &mut Panel) -> usize {
    let mut frames = 0;
    while Wakes::new().poll(pin!(panel.wait_ready())).is_ready() {
        panel.drain().for_each(drop);
        frames += 1;
    }
    frames
}

/// How many frames the loop is woken for, and the status that the first of them finds.
async fn woken(panel: &mut Panel, handle: &WorkerHandle) -> WorkerStatus {
    panel.wait_ready().await;
    let status = handle.status();
    assert_eq!(settle(panel), 2, "after a frame that looked too early one that does not");
    status
}

#[test]
fn what_a_status_shows_wakes_the_loop_after_it_shows_it() {
    paused(async || {
        let mut panel = Panel::new();
        let flaky = async |cx: Context<Mark>| {
            sleep(100 * MS).await;
            if cx.generation() == 1 {
                return Err("once");
            }
            cx.cancelled().await;
            Ok(())
        };
        let worker = Worker::new("flaky", 0, flaky)
            .restart(Restart::OnFailure)
            .backoff(Backoff::new(200 * MS, 200 * MS))
            .cancel(Cancel::Cooperative);
        let flaky = panel.spawn(worker);
        assert_eq!(settle(&mut panel), 0, "the caller that spawns it knows");
        assert!(matches!(woken(&mut panel, &flaky).await, WorkerStatus::Running));
        assert!(woken(&mut panel, &flaky).await.to_string().starts_with("waiting to restart"));
        assert!(matches!(woken(&mut panel, &flaky).await, WorkerStatus::Running));
        assert_eq!((settle(&mut panel), flaky.generation()), (0, 2));
        flaky.suspend();
        woken(&mut panel, &flaky).await;
        flaky.suspend();
        assert_eq!(settle(&mut panel), 0, "it is suspended already");
        flaky.resume();
        woken(&mut panel, &flaky).await;
        flaky.restart().unwrap();
        assert!(matches!(woken(&mut panel, &flaky).await, WorkerStatus::Stopping(_)));
        flaky.stop();
        assert!(matches!(woken(&mut panel, &flaky).await, WorkerStatus::Stopping(_)));
        assert!(woken(&mut panel, &flaky).await.is_final());
        panel.shutdown().await;
        let late = panel.spawn(Worker::new("late", 0, async |_| {}));
        assert!(late.status().is_final());
    });
}

fn counting(builder: control_panel::PanelBuilder<Mark, ()>) -> (Panel, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let on_ready = move || {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    (builder.on_ready(on_ready).build(), calls)
}

#[test]
fn many_that_end_before_a_frame_begins_wake_the_loop_once() {
    paused(async || {
        let (mut panel, calls) = counting(Panel::builder());
        for _ in 0..100 {
            panel.spawn(Worker::new("it", 0, async |_| {}));
        }
        sleep(MS).await;
        assert_eq!((panel.worker_count(), calls.swap(0, Ordering::SeqCst)), (0, 1));
        assert_eq!(settle(&mut panel), 2);
        assert_eq!(calls.load(Ordering::SeqCst), 1, "the second frame is asked for as the first was");
    });
}

#[test]
fn a_panel_that_is_dropped_wakes_no_loop() {
    watched(|| {
        let runtime = threads(2);
        let (panel, calls) = counting(Panel::builder().runtime(runtime.handle().clone()));
        let handles: Vec<_> =
            (0..20).map(|_| panel.spawn(Worker::new("it", 0, |_| std::future::pending::<()>()))).collect();
        let running = |handle: &WorkerHandle| matches!(handle.status(), WorkerStatus::Running);
        eventually("all run", || handles.iter().all(running));
        // They say so after they do.
        eventually("and said so", || calls.load(Ordering::SeqCst) == 1);
        drop(panel);
        eventually("all ended", || ended(&handles));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_loop_that_shows_no_workers_sleeps_on() {
    paused(async || {
        let (mut panel, calls) = counting(Panel::builder().wake_for_workers(false));
        let handle = panel.spawn(Worker::new("it", 0, |_| std::future::pending::<()>()));
        sleep(MS).await;
        handle.suspend();
        handle.stop();
        handle.ended().await;
        assert_eq!((settle(&mut panel), panel.status().workers.len()), (0, 0));
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        panel.sender(0).try_send(Mark::new(1)).unwrap();
        assert_eq!(settle(&mut panel), 1, "for intents it is woken");
    });
}

fn endless(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, async |_| Err::<(), _>("down"))
        .restart(Restart::OnFailure)
        .intensity(Intensity::new(u32::MAX, Duration::from_secs(1)))
}

/// Time stands still as long as a worker fails without a wait.
async fn pause(backoff: Backoff) {
    if backoff == Backoff::none() { tokio::task::yield_now().await } else { sleep(MS / 2).await }
}

/// Neither alone nor in a group, whose other members stop and wait with it.
#[test]
fn a_worker_that_fails_all_the_time_keeps_no_loop_awake() {
    for backoff in [Backoff::none(), Backoff::new(2 * MS, 2 * MS)] {
        paused(async || {
            let mut panel = Panel::new();
            let session = panel
                .group()
                .strategy(control_panel::supervision::Strategy::OneForAll)
                .intensity(Intensity::new(u32::MAX, Duration::from_secs(1)));
            let handle = session.spawn(endless("in a group").backoff(backoff));
            session.spawn(
                Worker::new("beside it", 0, |_| std::future::pending::<()>()).restart(Restart::OnFailure),
            );
            session.start().unwrap();
            let alone = panel.spawn(endless("alone").backoff(backoff));
            let mut frames = 0;
            // A loop that sleeps whenever it can, and looks when it does not.
            while alone.generation() < 1_000 || handle.generation() < 1_000 {
                frames += settle(&mut panel);
                // Looks at a status that is seldom the one of a run: that is not left standing.
                alone.status();
                pause(backoff).await;
            }
            assert!(frames < 2 * 1_000, "{frames} frames for {} restarts", alone.generation());
            let before = alone.generation();
            let mut unseen = 0;
            while alone.generation() < before + 1_000 {
                unseen += settle(&mut panel);
                pause(backoff).await;
            }
            assert!(unseen <= 4, "{unseen} frames for a thousand restarts that no one looked at");
        });
    }
}

/// What a loop saw of a brief wait is not left standing once the worker runs.
#[test]
fn a_brief_wait_that_was_seen_is_followed_by_a_wake() {
    paused(async || {
        let mut panel = Panel::new();
        let worker = Worker::new("it", 0, async |cx: Context<Mark>| {
            if cx.generation() < 4 {
                return Err("down");
            }
            cx.cancelled().await;
            Ok(())
        });
        let worker = worker
            .restart(Restart::OnFailure)
            .intensity(Intensity::new(9, Duration::from_secs(1)))
            .backoff(Backoff::new(8 * MS, 8 * MS));
        let handle = panel.spawn(worker);
        while handle.generation() < 3 {
            settle(&mut panel);
            sleep(MS / 4).await;
        }
        settle(&mut panel);
        assert!(handle.status().to_string().starts_with("waiting to restart"), "{}", handle.status());
        panel.wait_ready().await;
        assert!(matches!(handle.status(), WorkerStatus::Running) && handle.generation() == 4);
    });
}

/// A loop that looks at each frame, as one with a status line does, sees such a worker between two runs again and again.
#[test]
fn a_worker_that_fails_without_pause_does_not_keep_a_loop_that_looks_awake() {
    paused(async || {
        for (backoff, wait) in [(Backoff::none(), 0), (Backoff::new(MS, MS), 2)] {
            let mut panel = Panel::new();
            let calm = Arc::new(AtomicUsize::new(0));
            let calms_down = Arc::clone(&calm);
            let worker = Worker::new("fails", 0, move |cx: Context<Mark>| {
                let calm = calms_down.load(Ordering::SeqCst) > 0;
                async move {
                    if calm {
                        cx.cancelled().await;
                    }
                    Err::<(), _>("down")
                }
            });
            let worker = worker.restart(Restart::Always).intensity(Intensity::unlimited()).backoff(backoff);
            let handle = panel.spawn(worker);
            let (mut frames, mut between) = (0, 0);
            for _ in 0..500 {
                if wait > 0 {
                    sleep(wait * MS).await;
                }
                tokio::task::yield_now().await;
                frames += settle(&mut panel);
                between += usize::from(!matches!(panel.status().workers[0].status, WorkerStatus::Running));
            }
            assert!(handle.generation() > 100 && between > 100, "{between} looks at {handle:?}");
            assert!(frames < 10, "{frames} frames");
            // What was seen last is not left standing.
            calm.store(1, Ordering::SeqCst);
            panel.wait_ready().await;
            settle(&mut panel);
            assert!(matches!(panel.status().workers[0].status, WorkerStatus::Running));
            sleep(1000 * MS).await;
            assert_eq!(settle(&mut panel), 0);
        }
    });
}
