//! Which workers are listed, and what the report says of each.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use control_panel::{
    Backoff, Context, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{Event, EventKind, Events, Notice},
    supervision::{Cause, Intensity, SpawnError},
};
use tests::{
    Mark, eventually,
    offenders::{deaf, good, polite},
    paused, threads,
};
use tokio::task::yield_now;

use super::{MS, Panel, exits, on};

#[test]
fn every_worker_that_stops_is_listed_and_nothing_is_wrong() {
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
        assert!(matches!(late.status(), WorkerStatus::Refused(SpawnError::ShutDown)));
    });
}

/// Far more than are asked to stop in one step, on several threads that all have exits to report: each is reported once.
#[test]
fn thousands_stop_each_is_listed_once_and_each_end_is_reported_once() {
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
            // Each was asked to stop, exited, and ended.
            eventually("the status says so", || panel.status().events - events == 3 * WORKERS as u64);
        }
    }
}

/// Between the steps in which thousands are asked to stop, others spawn, stop and restart. A worker that was admitted is
/// listed, unless it ended before; one that was refused is not; and the events of each come in its order.
#[test]
fn workers_that_come_go_or_restart_while_thousands_stop_are_accounted_for() {
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
        let mut events: BTreeMap<_, Vec<EventKind>> = BTreeMap::new();
        let mut read = |reader: &mut Events| {
            while let Some(notice) = reader.try_next() {
                match notice {
                    Notice::Event(Event { origin, kind, .. }) => events.entry(origin).or_default().push(kind),
                    // Events before it and after it may be of two runs.
                    Notice::Lagged(_) => events.clear(),
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
                // Before all were asked to stop.
                (WorkerStatus::Ended(_), None) => assert_eq!(handle.cause(), Some(Cause::Stopped)),
                (WorkerStatus::Refused(SpawnError::ShutDown), None) => {}
                (status, worker) => panic!("{origin} {status}: {worker:?}"),
            }
        }
        for (origin, events) in events {
            let end = events.iter().position(|kind| matches!(kind, EventKind::Ended(..)));
            assert!(end.is_none_or(|at| at + 1 == events.len()), "{origin}: {events:?}");
            let at = |of: fn(&EventKind) -> bool| events.iter().rposition(of);
            let stopping = at(|kind| matches!(kind, EventKind::Stopping(_)));
            let exited = at(|kind| matches!(kind, EventKind::Exited(_)));
            if let (Some(stopping), Some(exited), true) = (stopping, exited, end.is_some()) {
                assert!(stopping < exited, "{origin}: {events:?}");
            }
        }
    }
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
