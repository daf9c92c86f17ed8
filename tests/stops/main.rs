//! Promise 6: a shutdown ends by its deadline whatever the workers do, names those that did not stop and nobody
//! else, hands intents back instead of waiting, and can be dropped, resumed and repeated.
//!
//! Where an offender blocks a thread, it does so until the report is there: a shutdown that waited for it would hang.

mod by_a_worker;

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Cancel, Cause, Context, ControlPanel, Event, EventKind, Events, Exit, Intensity, NoReply,
    Notice, Refusal, Restart, SendError, ShutdownReport, TrySendError, Worker, WorkerHandle, WorkerStatus,
};
use tests::{
    Mark, Wakes, drive, eventually,
    offenders::{self, Busy, deaf, good, polite},
    paused, threads, watched,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::{Instant, sleep},
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

fn exits(report: &ShutdownReport) -> Vec<(&str, &Exit)> {
    report.workers().iter().map(|worker| (worker.name.as_str(), &worker.exit)).collect()
}

fn on(runtime: &Runtime, timeout: Duration) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(timeout).build()
}

#[test]
fn everybody_who_stops_is_listed_and_nothing_is_wrong() {
    paused(async || {
        let panel = Panel::new();
        let gone = panel.spawn(Worker::new("gone before", 0, async |_| {}));
        let handles =
            [panel.spawn(good("good")), panel.spawn(polite("polite")), panel.spawn(good("unpolled"))];
        gone.ended().await;
        let report = panel.shutdown().await;
        let names: Vec<_> = exits(&report).into_iter().map(|(name, exit)| (name, exit.to_string())).collect();
        let expected = ["good", "polite", "unpolled"].map(|name| (name, "cancelled".to_owned()));
        assert_eq!(names, expected, "in the order of spawning");
        assert!(report.is_clean() && report.abandoned().count() == 0 && panel.worker_count() == 0);
        assert!(handles.iter().all(|handle| handle.status().is_final()));
        let late = panel.spawn(good("late"));
        assert!(matches!(late.status(), WorkerStatus::Refused(Refusal::ShutDown)));
    });
}

/// Far more than are told to stop at once, on several threads that all have ends to tell: each is told once.
#[test]
fn thousands_stop_each_is_listed_once_and_each_end_is_told_once() {
    const WORKERS: usize = 2_000;
    let runtime = threads(2);
    for round in 0..10 {
        let panel = on(&runtime, Duration::from_secs(60));
        let handles: Vec<_> = (0..WORKERS).map(|_| panel.spawn(good("it"))).collect();
        // What a status says may be from before, where the supervisor is busy just then.
        let mut status = panel.status();
        if round % 2 == 0 {
            eventually("all run", || {
                status = panel.status();
                let running =
                    status.workers.iter().filter(|info| matches!(info.status, WorkerStatus::Running));
                running.count() == WORKERS
            });
        }
        let events = status.events;
        let mut reader = panel.events_from(events + 1);
        let report = panel.shutdown_blocking();
        assert!(report.is_clean() && panel.worker_count() == 0, "{report}");
        assert!(
            report.workers().iter().map(|worker| worker.origin).eq(handles.iter().map(WorkerHandle::origin))
        );
        assert!(report.workers().iter().all(|worker| worker.cause == Some(Cause::Shutdown)));
        assert!(handles.iter().all(|handle| handle.status().is_final()));
        let mut ended = BTreeSet::new();
        while let Some(notice) = reader.try_next() {
            if let Notice::Event(Event { origin, kind: EventKind::Ended(..), .. }) = notice {
                assert!(ended.insert(origin), "{origin} ended twice");
            }
        }
        assert!(!ended.is_empty());
        if round % 2 == 0 {
            // Each was told to stop, exited, and ended.
            eventually("the status says so", || panel.status().events - events == 3 * WORKERS as u64);
        }
    }
}

/// Between the steps in which thousands are told: others spawn, stop and restart. Whoever was let in is listed, unless it ended
/// before; whoever was refused is not; and what is told of each comes in its order.
#[test]
fn whoever_comes_goes_or_restarts_while_thousands_stop_is_accounted_for() {
    let runtime = threads(2);
    for _ in 0..10 {
        let panel = on(&runtime, Duration::from_secs(60));
        let mut handles: Vec<_> = (0..2_000).map(|_| panel.spawn(good("it"))).collect();
        let mut reader = panel.events();
        let (old, spawner) = (handles.clone(), panel.spawner());
        let others = thread::spawn(move || {
            let mut new = Vec::new();
            while !new.last().is_some_and(|last: &WorkerHandle| last.status().is_final()) && new.len() < 900 {
                new.push(spawner.spawn(good("new")));
                let of = |n: usize| &old[n % old.len()];
                of(7 * new.len()).stop();
                of(old.len() - new.len() % 300).restart().ok();
            }
            new
        });
        eventually("some were stopped", || handles[7].status().is_final());
        let mut told: BTreeMap<_, Vec<EventKind>> = BTreeMap::new();
        let mut read = |reader: &mut Events| {
            while let Some(notice) = reader.try_next() {
                match notice {
                    Notice::Event(Event { origin, kind, .. }) => told.entry(origin).or_default().push(kind),
                    // What was told before it and after it may be of two generations.
                    Notice::Gap(_) => told.clear(),
                }
            }
        };
        read(&mut reader);
        let report = panel.shutdown_blocking();
        read(&mut reader);
        assert!(report.is_clean() && panel.worker_count() == 0, "{report}");
        handles.append(&mut others.join().unwrap());
        let listed: BTreeMap<_, _> = report.workers().iter().map(|worker| (worker.origin, worker)).collect();
        assert_eq!(listed.len(), report.workers().len(), "each once");
        for handle in &handles {
            let (origin, status) = (handle.origin(), handle.status());
            match (&status, listed.get(&origin)) {
                (WorkerStatus::Ended(exit), Some(worker)) => {
                    assert_eq!((exit.to_string(), handle.cause()), (worker.exit.to_string(), worker.cause));
                }
                // Before everybody was told.
                (WorkerStatus::Ended(_), None) => assert_eq!(handle.cause(), Some(Cause::Stopped)),
                (WorkerStatus::Refused(Refusal::ShutDown), None) => {}
                (status, worker) => panic!("{origin} {status}: {worker:?}"),
            }
        }
        for (origin, told) in told {
            let end = told.iter().position(|kind| matches!(kind, EventKind::Ended(..)));
            assert!(end.is_none_or(|at| at + 1 == told.len()), "{origin}: {told:?}");
            let at = |of: fn(&EventKind) -> bool| told.iter().rposition(of);
            let stopping = at(|kind| matches!(kind, EventKind::Stopping(_)));
            let exited = at(|kind| matches!(kind, EventKind::Exited(_)));
            if let (Some(stopping), Some(exited), true) = (stopping, exited, end.is_some()) {
                assert!(stopping < exited, "{origin}: {told:?}");
            }
        }
    }
}

#[test]
fn the_deadline_holds_on_the_paused_clock_and_the_deaf_are_dropped() {
    paused(async || {
        for timeout in [Duration::ZERO, MS, Duration::from_secs(5), Duration::from_secs(3600)] {
            let panel = Panel::builder().shutdown_timeout(timeout).build();
            let began = Instant::now();
            for worker in [good("good"), deaf("deaf").grace(Duration::from_secs(1 << 40)), polite("polite")] {
                panel.spawn(worker);
            }
            yield_now().await;
            let report = panel.shutdown().await;
            assert!(began.elapsed() <= timeout + 20 * MS, "{:?} of {timeout:?}", began.elapsed());
            assert!(!report.is_clean() && report.abandoned().count() == 0, "{report}");
            let aborted: Vec<_> = report.incidents().map(|worker| worker.name.as_str()).collect();
            if timeout > MS {
                assert!(matches!(exits(&report)[..], [_, ("deaf", Exit::Aborted), _]), "{report}");
                assert_eq!((aborted, panel.worker_count()), (vec!["deaf"], 0));
            }
        }
    });
}

#[test]
fn a_cooperative_workers_grace_ends_before_the_shutdowns_deadline() {
    paused(async || {
        let panel = Panel::builder().shutdown_timeout(Duration::from_secs(100)).build();
        panel.spawn(deaf("deaf").grace(Duration::from_secs(2)));
        let slow = Worker::new("slow", 0, async |cx: Context<Mark>| {
            cx.cancelled().await;
            sleep(Duration::from_secs(1)).await;
        });
        panel.spawn(slow.cancel(Cancel::Cooperative).grace(Duration::from_secs(2)));
        yield_now().await;
        let began = Instant::now();
        let report = panel.shutdown().await;
        assert!(
            matches!(exits(&report)[..], [("deaf", Exit::Aborted), ("slow", Exit::Cancelled)]),
            "{report}"
        );
        assert_eq!(began.elapsed().as_secs(), 2);
    });
}

/// One offender blocks its thread; the report comes while it still does, names it, and nobody else.
fn one_busy_worker_is_named(shut_down: impl FnOnce(&Panel) -> ShutdownReport) {
    let (runtime, busy) = (threads(2), Busy::default());
    let _guard = busy.guard();
    // Long enough for the others to stop, however busy the machine is.
    let mut panel = on(&runtime, Duration::from_secs(3));
    let handle = panel.spawn(busy.worker("busy"));
    eventually("it blocks", || busy.blocking.load(Ordering::SeqCst) == 1);
    for other in [panel.spawn(good("good")), panel.spawn(polite("polite"))] {
        eventually("it runs", || matches!(other.status(), WorkerStatus::Running));
    }
    panel.sender(0).try_send(Mark::new(1)).unwrap();
    let report = shut_down(&panel);
    assert_eq!(busy.told.load(Ordering::SeqCst) + busy.ended.load(Ordering::SeqCst), 0, "it still blocks");
    assert!(!handle.status().is_final() && panel.worker_count() == 1);
    assert_eq!(report.abandoned().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["busy"]);
    assert!(!report.is_clean() && report.incident_count() == 1);
    assert!(format!("{report:?}").contains("busy") && report.to_string().contains("did not stop"));
    assert_eq!(panel.drain().count(), 1, "what was accepted is there");
    // When it ends at last, the report stays what it was.
    busy.let_go();
    eventually("it ends at its next await", || handle.status().is_final());
    assert_eq!(format!("{:?}", panel.shutdown_blocking()), format!("{report:?}"));
}

#[test]
fn a_busy_worker_is_named_while_it_lives_and_nobody_else_is() {
    watched(|| one_busy_worker_is_named(Panel::shutdown_blocking));
}

#[test]
fn a_busy_worker_is_named_to_a_caller_on_another_runtime() {
    watched(|| one_busy_worker_is_named(|panel| threads(1).block_on(panel.shutdown())));
}

#[test]
fn the_deadline_holds_with_a_busy_worker_on_every_thread_of_the_runtime() {
    watched(|| {
        let (runtime, busy) = (threads(2), Busy::default());
        let _guard = busy.guard();
        let panel = on(&runtime, 100 * MS);
        for count in 1..=2 {
            panel.spawn(busy.worker("busy"));
            eventually("it blocks", || busy.blocking.load(Ordering::SeqCst) == count);
        }
        let kept_out = panel.spawn(good("kept out"));
        let report = panel.shutdown_blocking();
        assert!(
            matches!(
                exits(&report)[..],
                [("busy", Exit::Abandoned), ("busy", Exit::Abandoned), ("kept out", Exit::Starved)]
            ),
            "{report}"
        );
        assert!(!report.is_clean() && report.incident_count() == 3);
        assert_eq!((busy.ended.load(Ordering::SeqCst), kept_out.generation()), (0, 0));
        busy.let_go();
        eventually("all end", || panel.worker_count() == 0);
        assert_eq!(busy.ended.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn a_shutdown_that_is_dropped_half_way_goes_on_and_can_be_resumed() {
    paused(async || {
        let panel = Panel::builder().shutdown_timeout(Duration::from_secs(10)).build();
        let good = panel.spawn(good("good"));
        let deaf = panel.spawn(deaf("deaf").grace(Duration::from_secs(3600)));
        yield_now().await;
        let began = Instant::now();
        assert!(Wakes::new().poll(pin!(panel.shutdown())).is_pending());
        good.ended().await;
        assert!(!deaf.status().is_final());
        sleep(Duration::from_secs(4)).await;
        // Two at once, by the first call's deadline.
        let mut other = pin!(panel.shutdown());
        assert!(Wakes::new().poll(other.as_mut()).is_pending());
        let report = panel.shutdown().await;
        assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(
            matches!(exits(&report)[..], [("good", Exit::Cancelled), ("deaf", Exit::Aborted)]),
            "{report}"
        );
        for again in [other.await, panel.shutdown().await] {
            assert_eq!(format!("{again:?}"), format!("{report:?}"));
        }
        // Resumed when the deadline is long over: who would have ended is not called abandoned.
        let panel = Panel::new();
        panel.spawn(offenders::deaf("deaf").grace(Duration::from_secs(3600)));
        yield_now().await;
        assert!(Wakes::new().poll(pin!(panel.shutdown())).is_pending());
        sleep(Duration::from_secs(60)).await;
        assert!(matches!(exits(&panel.shutdown().await)[..], [("deaf", Exit::Aborted)]));
    });
}

#[test]
fn a_full_queue_hands_intents_back_while_a_shutdown_waits() {
    paused(async || {
        let mut panel = Panel::builder().capacity(3).build();
        let flush = Worker::new("flush", 0, async |cx: Context<Mark>| {
            cx.cancelled().await;
            let mut back = Vec::new();
            for id in 0..5 {
                match cx.send(Mark::new(id)).await {
                    Err(SendError::Stopping(mark)) => back.push(mark.id),
                    sent => assert!(sent.is_ok()),
                }
            }
            assert!(matches!(cx.try_send(Mark::new(5)), Err(TrySendError::Full(mark)) if mark.id == 5));
            assert_eq!(back, [1, 2, 3, 4]);
        });
        panel.spawn(flush.cancel(Cancel::Cooperative));
        let waits = Worker::new("waits", 1, async |cx: Context<Mark>| {
            cx.send(Mark::new(10)).await.unwrap();
            assert!(matches!(cx.send(Mark::new(11)).await, Err(SendError::Stopping(mark)) if mark.id == 11));
        });
        panel.spawn(waits.cancel(Cancel::Cooperative));
        let outside = panel.sender(1);
        sleep(MS).await;
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
        assert!(matches!(outside.send(Mark::new(9)).await, Err(SendError::Closed(mark)) if mark.id == 9));
        assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [0, 10]);
    });
}

/// Being told comes first: a worker that waits for a slot is dropped there, and is not woken to fail.
#[test]
fn a_worker_does_not_run_into_the_errors_of_the_closing_queue() {
    paused(async || {
        let panel = Panel::builder().capacity(2).build();
        let sends = Worker::new("sends", 0, async |cx: Context<Mark>| {
            while !cx.is_cancelled() {
                cx.send(Mark::new(0)).await.map_err(SendError::without_intent)?;
            }
            Ok::<(), SendError<()>>(())
        });
        panel.spawn(sends);
        yield_now().await;
        assert_eq!(panel.status().waiting, 1);
        let report = panel.shutdown().await;
        assert!(report.is_clean() && matches!(exits(&report)[..], [("sends", Exit::Cancelled)]), "{report}");
        assert_eq!(panel.status().waiting, 0);
    });
}

#[test]
fn a_report_is_not_clean_after_any_incident_since_the_panel_was_built() {
    let failing = |fail: fn()| {
        Worker::new("once", 0, move |cx: Context<Mark>| async move {
            if cx.generation() == 1 {
                fail();
                return Err("failed once");
            }
            Ok(())
        })
        .restart(Restart::OnFailure)
        .backoff(Backoff::none())
        .intensity(Intensity::default())
    };
    paused(async || {
        for worker in [failing(|| ()), failing(|| tests::quiet_panic())] {
            let panel = Panel::new();
            let handle = panel.spawn(worker);
            handle.ended().await;
            assert!(matches!(handle.status(), WorkerStatus::Ended(Exit::Finished)));
            let report = panel.shutdown().await;
            assert!(!report.is_clean() && report.incident_count() == 1 && report.workers().is_empty());
        }
        let panel = Panel::new();
        let deaf = panel.spawn(deaf("deaf").grace(MS));
        yield_now().await;
        deaf.stop();
        assert!(matches!(deaf.ended().await, WorkerStatus::Ended(Exit::Aborted)));
        assert!(!panel.shutdown().await.is_clean());
        assert!(Panel::new().shutdown().await.is_clean());
    });
}

#[test]
fn stopping_one_worker_leaves_the_others() {
    paused(async || {
        let panel = Panel::new();
        let (one, other) = (panel.spawn(good("one").restart(Restart::Always)), panel.spawn(good("other")));
        yield_now().await;
        one.stop();
        assert!(matches!(one.ended().await, WorkerStatus::Ended(Exit::Cancelled)));
        assert!(matches!(other.status(), WorkerStatus::Running) && panel.worker_count() == 1);
        assert!(panel.shutdown().await.is_clean());
    });
}

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
