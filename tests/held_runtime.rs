//! Workers on threads whatever the runtime does: they start, run, fail, are restarted, end and are reported, and the state
//! shown is the true one, also where every thread of the runtime is held, and where nothing drives it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Cancel, Cause, Context, ControlPanel, EventKind, Exit, NoReply, Notice, Restart, Suspend,
    Warning, Worker, WorkerHandle, WorkerStatus, testing,
};
use tests::{Mark, eventually, threads, watched};
use tokio::runtime::{Builder, Runtime};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(Duration::from_secs(1)).build()
}

/// Runs the test with a panel whose runtime has no thread left, and with one that nothing drives.
fn each_held(test: fn(&mut Panel)) {
    watched(move || {
        let runtime = threads(1);
        let mut panel = on(&runtime);
        let (held, holds) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        panel.spawn(Worker::new("holds", 0, move |_| {
            held.send(()).unwrap();
            wait.recv().ok();
            async {}
        }));
        holds.recv().unwrap();
        test(&mut panel);
        drop((panel, go));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        test(&mut on(&runtime));
    });
}

type Act = fn(&Context<Mark>) -> Result<(), &'static str>;

/// What runs where it runs alone: in the pool, on a thread of its own, on the panel's thread for these. Its third generation,
/// and each after that, waits until it is stopped.
fn each(panel: &Panel, restart: Restart, act: Act) -> [WorkerHandle; 3] {
    let waits = |cx: &Context<Mark>| cx.generation() >= 3;
    let call = move |cx: Context<Mark>| {
        let done = act(&cx);
        while waits(&cx) && !cx.cancelled_timeout(Duration::from_secs(60)) {}
        done
    };
    let run = move |cx: Context<Mark>| async move {
        let done = act(&cx);
        if waits(&cx) {
            cx.cancelled().await;
        }
        done
    };
    [Worker::blocking("pool", 0, call), Worker::thread("own", 0, call), Worker::local("local", 0, run)]
        .map(|worker| panel.spawn(worker.restart(restart).backoff(Backoff::new(5 * MS, 5 * MS))))
}

#[test]
fn they_run_and_what_ended_is_reported_as_it_ended() {
    each_held(|panel| {
        for handle in each(panel, Restart::Never, |cx| cx.try_send(Mark::new(1)).map_err(|_| "not sent")) {
            let status = handle.ended_blocking();
            assert!(matches!(status, WorkerStatus::Ended(Exit::Finished)), "{handle:?}");
        }
        assert_eq!(panel.drain().count(), 3);
        for handle in each(panel, Restart::Never, |_| panic!("boom")) {
            let WorkerStatus::Ended(Exit::Panicked(panic)) = handle.ended_blocking() else {
                panic!("{handle:?}")
            };
            assert_eq!(panic.message(), "boom");
        }
        for handle in each(panel, Restart::Never, |_| Err("down")) {
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Failed(_))), "{handle:?}");
        }
        let report = panel.shutdown_blocking();
        let incidents = |name: &str| report.incidents().filter(|worker| worker.name.as_str() == name).count();
        assert_eq!(["pool", "own", "local"].map(incidents), [2, 2, 2], "{report}");
    });
}

#[test]
fn they_are_restarted_after_their_backoff_and_stopped() {
    each_held(|panel| {
        let handles = each(panel, Restart::OnFailure, |cx| match cx.generation() {
            1 | 2 => Err("down"),
            generation => cx.try_send(Mark::new(generation)).map_err(|_| "not sent"),
        });
        let mut ran = Vec::new();
        eventually("each runs for the third time", || {
            ran.extend(panel.drain().map(|queued| queued.intent.id));
            ran == [3, 3, 3]
        });
        for handle in &handles {
            assert!(matches!(handle.status(), WorkerStatus::Running), "{handle:?}");
            handle.restart().unwrap();
        }
        eventually("and anew", || {
            ran.extend(panel.drain().map(|queued| queued.intent.id));
            ran == [3, 3, 3, 4, 4, 4]
        });
        for handle in handles {
            handle.stop();
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Cancelled)), "{handle:?}");
            assert_eq!((handle.generation(), handle.cause()), (4, Some(Cause::Stopped)));
        }
    });
}

#[test]
fn they_take_turns_in_groups_and_among_tasks() {
    each_held(|panel| {
        // One sender for all: so what they send keeps its order.
        let sender = panel.sender(0);
        let note = |id: u64| {
            let sender = sender.clone();
            Worker::thread("it", 0, move |cx: Context<Mark>| {
                sender.send_blocking(Mark::new(id)).ok();
                while cx.generation() == 1 && !cx.cancelled_timeout(Duration::from_secs(60)) {}
                sender.send_blocking(Mark::new(id + 10)).ok();
            })
        };
        let take = |panel: &mut Panel, count: usize| {
            let mut came = Vec::new();
            eventually("they come", || {
                came.extend(panel.drain().map(|queued| queued.intent.id));
                came.len() == count
            });
            came
        };
        let group = panel.group();
        let members = [1, 2].map(|id| group.spawn(note(id)));
        let group = group.start().unwrap();
        // The second starts when the first has, and may be the first to send.
        let mut started = take(panel, 2);
        started.sort_unstable();
        assert_eq!(started, [1, 2]);
        group.stop();
        assert_eq!(take(panel, 2), [12, 11]);
        assert!(members.iter().all(|member| member.ended_blocking().is_final()));
        let tasks = panel.keyed_tasks::<u8>().limit(1).backlog(9);
        let first = tasks.keyed(7).spawn(note(3));
        assert_eq!(take(panel, 1), [3]);
        let second = tasks.keyed(7).spawn(note(4));
        assert_eq!(take(panel, 2), [13, 4]);
        assert_eq!((first.cause(), second.generation()), (Some(Cause::Replaced), 1));
        let third = tasks.spawn(note(5));
        assert!(matches!(third.status(), WorkerStatus::Waiting));
        second.stop();
        assert_eq!(take(panel, 2), [14, 5]);
        third.stop();
        assert!(third.ended_blocking().is_final());
    });
}

/// A start that never gets ready is an error with a deadline, also there.
#[test]
fn the_time_to_be_ready_runs_there_too() {
    each_held(|panel| {
        let waits = |cx: &Context<Mark>| while !cx.cancelled_timeout(Duration::from_secs(60)) {};
        let group = panel.group();
        let local = |cx: Context<Mark>| async move { cx.cancelled().await };
        let never = [
            group.spawn(
                Worker::thread("thread", 0, move |cx| waits(&cx))
                    .ready_within(50 * MS)
                    .cancel(Cancel::Cooperative),
            ),
            panel.spawn(Worker::local("local", 0, local).ready_within(50 * MS).cancel(Cancel::Cooperative)),
        ];
        let after = group.spawn(Worker::thread("after", 0, move |cx| waits(&cx)));
        let group = group.start().unwrap();
        for worker in never {
            eventually("its time is over", || worker.status().is_final());
            assert!(matches!(worker.status(), WorkerStatus::Ended(Exit::NotReady)), "{}", worker.status());
            assert_eq!(worker.cause(), Some(Cause::NotReady));
        }
        eventually("its group ends", || group.workers().iter().all(|worker| worker.status().is_final()));
        assert_eq!(after.generation(), 0);
        // One that says so in time hears no more of it.
        let ready = move |cx: Context<Mark>| {
            cx.ready();
            waits(&cx);
        };
        let ready = panel.spawn(Worker::thread("ready", 0, ready).ready_within(50 * MS));
        eventually("it runs", || matches!(ready.status(), WorkerStatus::Running));
        thread::sleep(100 * MS);
        assert!(matches!(ready.status(), WorkerStatus::Running), "{}", ready.status());
    });
}

#[test]
fn no_more_questions_have_a_thread_at_once_than_there_may_and_each_is_answered() {
    each_held(|panel| {
        let (begun, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = |n: usize| {
            let (begun, go) = (Arc::clone(&begun), Arc::clone(&go));
            panel.ask_blocking("asks", 0, move || {
                begun.fetch_add(1, Ordering::SeqCst);
                while go.load(Ordering::SeqCst) <= n {
                    thread::sleep(MS);
                }
                n
            })
        };
        let mut answers: Vec<_> = (0..70).map(ask).collect();
        eventually("as many as may", || begun.load(Ordering::SeqCst) == 64);
        assert_eq!(
            panel.worker_count() - panel.workers().iter().filter(|worker| worker.name() == "holds").count(),
            70
        );
        // One returns, and one begins.
        go.store(1, Ordering::SeqCst);
        assert_eq!(answers[0].take_blocking(), Ok(0));
        eventually("the next", || begun.load(Ordering::SeqCst) == 65);
        go.store(usize::MAX, Ordering::SeqCst);
        for (n, answer) in answers.iter_mut().enumerate().skip(1) {
            assert_eq!(answer.take_blocking(), Ok(n));
        }
        let mut panics = panel.ask_blocking("panics", 0, || -> u8 { panic!("no display") });
        assert_eq!(panics.take_blocking(), Err(NoReply));
    });
}

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
        let handle =
            panel.spawn(Worker::blocking("waits", 0, |_| ()).suspend(control_panel::Suspend::OnIdle));
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

/// The runtime's time decides, where a test pauses it: however much real time passes meanwhile.
#[test]
fn a_backoff_follows_time_that_is_paused() {
    watched(|| {
        testing::paused(async |panel: &mut Panel| {
            let act = |cx: Context<Mark>| if cx.generation() == 1 { Err("down") } else { Ok(()) };
            let handles: Vec<_> = [
                Worker::blocking("pool", 0, act),
                Worker::thread("own", 0, act),
                Worker::local("local", 0, move |cx| std::future::ready(act(cx))),
            ]
            .map(|worker| {
                panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(20 * MS, 20 * MS)))
            })
            .into();
            // The clock goes by itself only where nothing is to be done, and here something is.
            let backs_off = |handle: &&WorkerHandle| matches!(handle.status(), WorkerStatus::Backoff { .. });
            while handles.iter().filter(backs_off).count() < 3 {
                tokio::task::yield_now().await;
            }
            thread::sleep(60 * MS);
            for handle in &handles {
                assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }), "{handle:?}");
            }
            for handle in handles {
                assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)), "{handle:?}");
                assert_eq!(handle.generation(), 2);
            }
        });
    });
}

/// What is idle and what is touched does not wait for a thread of the runtime.
#[test]
fn an_idle_panel_suspends_workers_on_threads_and_a_touch_resumes_them() {
    watched(|| {
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).idle_after(20 * MS);
        let panel = panel.shutdown_timeout(Duration::from_secs(1)).build();
        let (held, holds) = mpsc::channel();
        let (go, wait) = mpsc::channel::<()>();
        panel.spawn(Worker::new("holds", 0, move |_| {
            held.send(()).unwrap();
            wait.recv().ok();
            async {}
        }));
        holds.recv().unwrap();
        let worker = Worker::thread(
            "own",
            0,
            |cx: Context<Mark>| {
                while !cx.cancelled_timeout(Duration::from_secs(60)) {}
            },
        );
        let handle = panel.spawn(worker.suspend(Suspend::OnIdle));
        for _ in 0..3 {
            eventually("it is suspended", || handle.is_suspended());
            let mut events = panel.events();
            panel.touch();
            eventually(
                "it is resumed",
                || matches!(events.try_next(), Some(Notice::Event(event)) if matches!(event.kind, EventKind::Resumed)),
            );
        }
        drop((panel, go));
    });
}
