//! What follows for workers that are found stuck.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, Exit, Restart, ShutdownReport, Worker, WorkerHandle, WorkerStatus,
    events::EventKind,
    frame::Warning,
    supervision::{Cancel, Cause, Escalate, Intensity, OnStuck, Strategy},
};
use tests::{
    Mark, eventually,
    offenders::{Busy, good},
    threads, watched,
};
use tokio::time::sleep;

use super::{MS, PROMISE, Panel, Silent, next, on, since_last, stuck_are};

/// The workers that the report has as incidents, and their exits.
fn incidents(report: &ShutdownReport) -> Vec<(String, u64, String)> {
    let incidents = report.incidents();
    incidents.map(|it| (it.name.to_string(), it.generation, it.exit.to_string())).collect()
}

fn was_stuck(name: &str, generation: u64) -> (String, u64, String) {
    (name.to_owned(), generation, Exit::Stuck.to_string())
}

fn generation(handle: &WorkerHandle, wanted: u64) {
    eventually("the next generation", || handle.generation() == wanted);
}

#[test]
fn a_missing_heartbeat_is_found_and_the_successor_waits_until_the_first_is_gone() {
    watched(|| {
        let runtime = threads(2);
        for native in [false, true] {
            let silent = Silent::default();
            let panel = on(&runtime);
            let mut events = panel.events();
            let body = silent.clone();
            let body = move |cx: Context<Mark>| body.body(&cx);
            let worker = if native { Worker::thread("it", 0, body) } else { Worker::blocking("it", 0, body) };
            let worker = worker.heartbeat(PROMISE).on_stuck(OnStuck::Restart).backoff(Backoff::none());
            let handle = panel.spawn(worker);
            generation(&handle, 1);
            thread::sleep(2 * PROMISE);
            assert!(since_last(&mut events).is_empty(), "it keeps its promise");
            silent.hushed.store(true, Ordering::SeqCst);
            let event = next(&mut events);
            assert!(matches!(event.kind, EventKind::Stuck(_)) && event.generation == 1, "{event}");
            eventually("it is asked to stop", || {
                matches!(handle.status(), WorkerStatus::Stopping(Cause::Stuck))
            });
            thread::sleep(100 * MS);
            assert_eq!((handle.generation(), silent.living.load(Ordering::SeqCst)), (1, 1), "it still lives");
            stuck_are(&panel, &["it"]);
            assert!(since_last(&mut events).is_empty(), "and it is reported once");
            silent.go.store(true, Ordering::SeqCst);
            eventually("both end", || handle.status().is_final());
            assert_eq!((handle.generation(), silent.living.load(Ordering::SeqCst)), (2, 0));
            assert_eq!(silent.cause.lock().unwrap()[0], Some(Cause::Stuck));
            assert_eq!(silent.most.load(Ordering::SeqCst), 1, "never two at once");
            assert_eq!(incidents(&panel.shutdown_blocking()), [was_stuck("it", 1)]);
        }
    });
}

#[test]
fn an_async_worker_without_a_heartbeat_is_dropped_and_started_anew() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let beats = |cx: Context<Mark>| async move {
            loop {
                if cx.generation() > 1 {
                    cx.heartbeat();
                }
                sleep(MS).await;
            }
        };
        for worker in [Worker::new("async", 0, beats), Worker::local("local", 0, beats)] {
            let mut events = panel.events();
            let handle =
                panel.spawn(worker.heartbeat(PROMISE).on_stuck(OnStuck::Restart).backoff(Backoff::none()));
            assert!(matches!(next(&mut events).kind, EventKind::Stuck(_)));
            generation(&handle, 2);
            thread::sleep(2 * PROMISE);
            assert!(
                since_last(&mut events).is_empty() && handle.generation() == 2,
                "the second keeps the promise"
            );
            stuck_are(&panel, &[]);
        }
    });
}

#[test]
fn a_worker_that_is_stuck_too_often_stays_down_and_may_end_the_panel() {
    watched(|| {
        let runtime = threads(2);
        for escalate in [Escalate::Never, Escalate::Panel] {
            let panel = on(&runtime);
            let mut events = panel.events();
            let other = panel.spawn(good("other"));
            let silent =
                good("silent").heartbeat(10 * MS).on_stuck(OnStuck::Restart).backoff(Backoff::none());
            let handle = panel
                .spawn(silent.intensity(Intensity::new(1, Duration::from_secs(3600))).escalate(escalate));
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Stuck)));
            assert_eq!((handle.generation(), handle.cause()), (2, Some(Cause::Stuck)));
            let kinds: Vec<_> =
                since_last(&mut events).into_iter().map(|event| event.kind.to_string()).collect();
            let ends = escalate == Escalate::Panel;
            assert_eq!(kinds.len(), if ends { 4 } else { 3 }, "stuck, stuck, gave up: {kinds:?}");
            if ends {
                other.ended_blocking();
                assert_eq!(other.cause(), Some(Cause::Escalated));
            }
            assert_eq!(panel.status().warning == Some(Warning::Escalated), ends);
            let report = panel.shutdown_blocking();
            assert!(!report.is_clean());
            assert_eq!(incidents(&report), [was_stuck("silent", 1), was_stuck("silent", 2)]);
        }
    });
}

#[test]
fn the_report_names_the_worker_that_was_stuck_and_ended_the_panel_for_it() {
    watched(|| {
        let runtime = threads(2);
        // It stops when it is asked to, or ends by itself before its turn to be asked comes.
        for by_itself in [false, true] {
            let panel = on(&runtime);
            let mut events = panel.events();
            panel.spawn(good("good"));
            let asked_to_end = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&asked_to_end);
            let jam = Worker::new("jam", 0, move |_| {
                let seen = Arc::clone(&seen);
                async move {
                    while !(by_itself && seen.load(Ordering::SeqCst)) {
                        sleep(MS).await;
                    }
                }
            });
            let jam = panel.spawn(jam.heartbeat(10 * MS).on_stuck(OnStuck::Escalate));
            if by_itself {
                let asked_to_end = Arc::clone(&asked_to_end);
                // It is stopped before the jam, and lets that go first.
                let handle = jam.clone();
                let last = Worker::new("last", 0, move |cx: Context<Mark>| {
                    let (asked_to_end, jam) = (Arc::clone(&asked_to_end), handle.clone());
                    async move {
                        cx.cancelled().await;
                        asked_to_end.store(true, Ordering::SeqCst);
                        jam.ended().await;
                    }
                });
                panel.spawn(last.after("jam").cancel(Cancel::Cooperative));
            }
            jam.ended_blocking();
            let escalated: Vec<_> = since_last(&mut events).iter().map(ToString::to_string).collect();
            assert!(escalated.iter().any(|event| event.contains("stuck")), "{escalated:?}");
            let report = panel.shutdown_blocking();
            assert!(!report.is_clean());
            assert_eq!(incidents(&report), [was_stuck("jam", 1)]);
            assert!(report.to_string().contains("jam (0, generation 1) was stuck"), "{report}");
        }
    });
}

#[test]
fn a_stuck_worker_ends_the_panel_where_it_is_to() {
    watched(|| {
        let (runtime, busy) = (threads(2), Busy::default());
        let _guard = busy.guard();
        // The shutdown waits only for the one that blocks.
        let panel = Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(5 * MS).build();
        let other = panel.spawn(good("other").restart(Restart::Always));
        let handle = panel.spawn(busy.worker("busy").stuck_after(10 * MS).on_stuck(OnStuck::Escalate));
        other.ended_blocking();
        assert_eq!((other.cause(), handle.cause()), (Some(Cause::Escalated), Some(Cause::Escalated)));
        assert!(!handle.status().is_final(), "it still blocks");
        assert_eq!(panel.status().warning, Some(Warning::Escalated));
        let report = panel.shutdown_blocking();
        assert_eq!(report.abandoned().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["busy"]);
        assert_eq!(incidents(&report), [("busy".into(), 1, Exit::Abandoned.to_string())]);
    });
}

#[test]
fn a_group_restarts_with_the_one_that_was_stuck() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let group = panel.group().strategy(Strategy::OneForAll);
        let other = group.spawn(good("other").restart(Restart::Always));
        let silent = Worker::new("silent", 0, |cx: Context<Mark>| async move {
            loop {
                if cx.generation() > 1 {
                    cx.heartbeat();
                }
                sleep(MS).await;
            }
        });
        let silent = silent.restart(Restart::Always).heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        let silent = group.spawn(silent.backoff(Backoff::none()));
        let _group = group.start().unwrap();
        generation(&silent, 2);
        generation(&other, 2);
    });
}
