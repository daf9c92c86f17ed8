//! Starting in order: those after a worker that says when it is ready begin only then; one that never is, is an error with a
//! deadline.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    supervision::{Cancel, Cause, Strategy},
};
use tests::{Mark, paused, watched};
use tokio::time::sleep;

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// What happened, in words.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Runs until it is stopped, and says when it begins and ends.
    fn runs(&self, name: &'static str) -> Worker<Mark> {
        let log = self.clone();
        let run = move |cx: Context<Mark>| {
            let log = log.clone();
            async move {
                log.note(format!("{name} begins"));
                cx.cancelled().await;
                log.note(format!("{name} stops"));
            }
        };
        Worker::new(name, 0, run).cancel(Cancel::Cooperative)
    }

    /// The same, ready after this time of each run from the given one on; never before.
    fn ready_after(&self, name: &'static str, time: Duration, from: u64) -> Worker<Mark> {
        let log = self.clone();
        let run = move |cx: Context<Mark>| {
            let log = log.clone();
            async move {
                log.note(format!("{name} begins"));
                if cx.generation() >= from {
                    sleep(time).await;
                    cx.ready();
                    log.note(format!("{name} is ready"));
                    cx.ready(); // says nothing new
                }
                cx.cancelled().await;
            }
        };
        Worker::new(name, 0, run).ready_within(SECOND)
    }
}

fn statuses(workers: &[WorkerHandle]) -> Vec<String> {
    workers.iter().map(|worker| worker.status().to_string()).collect()
}

#[test]
fn those_after_it_begin_when_it_is_ready() {
    paused(async || {
        let (panel, log) = (Panel::new(), Log::default());
        let group = panel.group();
        group.spawn(log.runs("config"));
        group.spawn(log.ready_after("store", 500 * MS, 1));
        group.spawn(log.runs("index"));
        let group = group.start().unwrap();
        sleep(499 * MS).await;
        assert_eq!(log.take(), ["config begins", "store begins"]);
        assert_eq!(statuses(group.workers()), ["running", "starting", "waiting for its turn"]);
        sleep(2 * MS).await;
        assert_eq!(log.take(), ["store is ready", "index begins"]);
        assert_eq!(statuses(group.workers()), ["running"; 3]);
        // Its time is over when it is ready.
        sleep(10 * SECOND).await;
        assert_eq!(statuses(group.workers()), ["running"; 3]);
        assert!(panel.shutdown().await.is_clean());
        assert_eq!(log.take(), ["index stops", "config stops"]);
        let mut events = panel.events_from(0);
        let mut ready = 0;
        while let Some(Notice::Event(event)) = events.try_next() {
            ready += u32::from(matches!(event.kind, EventKind::Ready));
        }
        assert_eq!(ready, 1);
    });
}

#[test]
fn one_that_is_not_ready_in_time_ends_and_its_group_with_it() {
    paused(async || {
        let (panel, log) = (Panel::new(), Log::default());
        let group = panel.group();
        let config = group.spawn(log.runs("config"));
        let store = group.spawn(log.ready_after("store", SECOND, 99));
        let index = group.spawn(log.runs("index"));
        let group = group.start().unwrap();
        sleep(999 * MS).await;
        assert_eq!(statuses(group.workers()), ["running", "starting", "waiting for its turn"]);
        group.ended().await;
        assert!(matches!(store.status(), WorkerStatus::Ended(Exit::NotReady)), "{store:?}");
        assert_eq!(store.cause(), Some(Cause::NotReady));
        assert!(matches!(config.status(), WorkerStatus::Ended(Exit::Cancelled)), "{config:?}");
        assert!(matches!(index.status(), WorkerStatus::Ended(Exit::Cancelled)), "{index:?}");
        assert_eq!((config.cause(), index.cause()), (Some(Cause::Dependency), Some(Cause::Dependency)));
        assert_eq!((store.generation(), index.generation()), (1, 0), "it never began");
        assert_eq!(log.take(), ["config begins", "store begins", "config stops"]);
        let report = panel.shutdown().await;
        assert!(!report.is_clean(), "an incident: {report}");
        assert!(report.to_string().contains("was not ready in time"), "{report}");
    });
}

/// With `restart = on_failure` it is tried again, as after any error, and those after it wait for as long as it takes.
#[test]
fn one_that_is_restarted_is_waited_for_until_it_is_ready() {
    paused(async || {
        for alone in [true, false] {
            let (panel, log) = (Panel::new(), Log::default());
            let strategy = if alone { Strategy::OneForOne } else { Strategy::OneForAll };
            let group = panel.group().strategy(strategy);
            let store = group.spawn(
                log.ready_after("store", SECOND / 2, 8)
                    .restart(Restart::OnFailure)
                    .backoff(Backoff::new(MS, MS)),
            );
            let index = group.spawn(log.runs("index").restart(Restart::OnFailure));
            group.start().unwrap();
            sleep(7 * SECOND).await;
            assert!(!store.status().is_final(), "{store:?}");
            assert_eq!(index.generation(), 0, "it waits");
            sleep(2 * SECOND).await;
            assert_eq!((store.generation(), index.generation()), (8, 1));
            assert_eq!(log.take().last().unwrap(), "index begins");
            panel.shutdown().await;
        }
    });
}

/// Once they were started, they run on while it starts anew alone; with a group that restarts together they wait again.
#[test]
fn a_restart_asks_for_it_anew() {
    paused(async || {
        for strategy in [Strategy::OneForOne, Strategy::OneForAll] {
            let (panel, log) = (Panel::new(), Log::default());
            let group = panel.group().strategy(strategy);
            let fails = log.clone();
            let store = Worker::new("store", 0, move |cx: Context<Mark>| {
                let log = fails.clone();
                async move {
                    log.note("store begins");
                    sleep(SECOND / 2).await;
                    cx.ready();
                    log.note("store is ready");
                    if cx.generation() == 1 {
                        sleep(SECOND).await;
                        return Err("cut off");
                    }
                    cx.cancelled().await;
                    Ok(())
                }
            });
            let quick = Backoff::new(MS, MS);
            let store = group.spawn(store.restart(Restart::OnFailure).backoff(quick).ready_within(SECOND));
            let index = group.spawn(log.runs("index").restart(Restart::OnFailure));
            group.start().unwrap();
            sleep(SECOND).await;
            assert_eq!(log.take(), ["store begins", "store is ready", "index begins"]);
            sleep(SECOND / 2 + 100 * MS).await;
            assert_eq!(store.generation(), 2);
            assert!(matches!(store.status(), WorkerStatus::Starting), "{store:?}");
            let together = strategy == Strategy::OneForAll;
            assert_eq!(matches!(index.status(), WorkerStatus::Waiting), together, "{index:?}");
            sleep(SECOND).await;
            let expected: &[&str] = if together {
                &["index stops", "store begins", "store is ready", "index begins"]
            } else {
                &["store begins", "store is ready"]
            };
            assert_eq!(log.take(), expected);
            panel.shutdown().await;
        }
    });
}

#[test]
fn one_that_finishes_did_what_it_was_there_for_and_one_that_fails_did_not() {
    paused(async || {
        for fails in [false, true] {
            let (panel, log) = (Panel::new(), Log::default());
            let group = panel.group();
            let migrates = Worker::new("migrate", 0, move |_: Context<Mark>| async move {
                sleep(SECOND / 2).await;
                if fails { Err("no such table") } else { Ok(()) }
            });
            group.spawn(migrates.ready_within(SECOND));
            let index = group.spawn(log.runs("index"));
            let group = group.start().unwrap();
            sleep(SECOND / 4).await;
            assert_eq!(index.generation(), 0);
            sleep(SECOND / 2).await;
            assert_eq!(index.generation(), u64::from(!fails));
            let expected =
                if fails { ["failed: no such table", "cancelled"] } else { ["finished", "running"] };
            assert_eq!(statuses(group.workers()), expected);
            panel.shutdown().await;
        }
    });
}

#[test]
fn a_stop_while_it_is_awaited_ends_the_group_and_a_shutdown_waits_for_nothing() {
    paused(async || {
        for all in [false, true] {
            let (panel, log) = (Panel::new(), Log::default());
            let group = panel.group();
            let config = group.spawn(log.runs("config"));
            let store = group.spawn(log.ready_after("store", SECOND, 99));
            let index = group.spawn(log.runs("index"));
            let group = group.start().unwrap();
            sleep(10 * MS).await;
            if all {
                let report = panel.shutdown().await;
                assert!(report.is_clean(), "{report}");
            } else {
                store.stop();
                group.ended().await;
                assert_eq!(config.cause(), Some(Cause::Dependency));
            }
            assert_eq!(log.take(), ["config begins", "store begins", "config stops"]);
            assert_eq!(index.generation(), 0);
        }
    });
}

/// Of its own, and of every kind: it is in time, or it is not.
#[test]
fn every_kind_of_worker_can_be_awaited() {
    watched(|| {
        let panel = Panel::new();
        let calls = |ready: bool| {
            move |cx: Context<Mark>| {
                if ready {
                    cx.ready();
                }
                while !cx.cancelled_timeout(Duration::MAX) {}
            }
        };
        let waits = |ready: bool| {
            move |cx: Context<Mark>| async move {
                if ready {
                    cx.ready();
                }
                cx.cancelled().await;
            }
        };
        for ready in [true, false] {
            let group = panel.group();
            let workers = [
                Worker::thread("thread", 0, calls(ready)),
                Worker::blocking("blocking", 0, calls(ready)),
                Worker::local("local", 0, waits(ready)),
                Worker::new("async", 0, waits(ready)),
            ];
            for worker in workers {
                let time = if ready { Duration::from_secs(3_600) } else { 10 * MS };
                let alone = panel.spawn(worker.ready_within(time));
                if ready {
                    tests::eventually("it is ready", || matches!(alone.status(), WorkerStatus::Running));
                } else {
                    assert!(
                        matches!(alone.ended_blocking(), WorkerStatus::Ended(Exit::NotReady)),
                        "{alone:?}"
                    );
                }
            }
            let member = group.spawn(Worker::thread("member", 0, calls(true)).ready_within(60 * SECOND));
            let last = group.spawn(Worker::new("last", 0, waits(false)));
            group.start().unwrap();
            tests::eventually("the last begins", || last.generation() == 1);
            assert!(matches!(member.status(), WorkerStatus::Running));
        }
        let report = panel.shutdown_blocking();
        let late = report.incidents().filter(|worker| matches!(worker.exit, Exit::NotReady)).count();
        assert_eq!(late, 4, "{report}");
    });
}
