//! Promise 5: every task is owned and tells how it is; errors keep their types; restarts keep within their intensity
//! and never overlap; nothing foreign runs under a lock. (Panics: `panics`.)

use std::{
    error::Error,
    fmt, future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as Polling, Wake},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Spawner, Worker, WorkerStatus,
    supervision::{Cancel, Intensity},
    worker,
};
use tests::{Mark, drive, paused, paused_runtime, threads, watched};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq)]
struct Offline {
    peer: u32,
}

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {} is offline", self.peer)
    }
}

impl Error for Offline {}

const DIALLER: u8 = 0;

#[worker(source = DIALLER)]
async fn dial(_cx: Context<Mark>, peer: u32) -> Result<(), Offline> {
    yield_now().await;
    Err(Offline { peer })
}

#[test]
fn an_error_keeps_its_type_and_a_failure_leaves_the_others_alone() {
    paused(async || {
        let panel = Panel::new();
        let dialling = panel.spawn_dial(3);
        let other = panel.spawn(Worker::new("other", 1, |_| future::pending::<()>()));
        let WorkerStatus::Ended(Exit::Failed(error)) = dialling.ended().await else { panic!("no error") };
        assert_eq!(error.downcast_ref(), Some(&Offline { peer: 3 }));
        assert_eq!(dialling.status().to_string(), "failed: peer 3 is offline");
        assert!(matches!(other.status(), WorkerStatus::Running));
        assert_eq!(panel.worker_count(), 1);
        let report = panel.shutdown().await;
        assert!(!report.is_clean() && report.workers().len() == 1);
        assert_eq!(report.incidents().next().map(|incident| incident.name.as_str()), Some("dial"));
    });
}

#[test]
fn a_handle_tells_and_its_drop_changes_nothing() {
    paused(async || {
        let panel = Panel::new();
        let handle = panel.spawn(
            Worker::new("flaky", 4, async |cx: Context<Mark>| {
                sleep(10 * MS).await;
                if cx.generation() == 1 { Err("once") } else { Ok(()) }
            })
            .restart(Restart::OnFailure)
            .backoff(Backoff::new(10 * MS, 10 * MS)),
        );
        assert!(matches!(handle.status(), WorkerStatus::Starting) && handle.generation() == 0);
        drop(handle.clone());
        sleep(MS).await;
        assert!(matches!(handle.status(), WorkerStatus::Running) && handle.generation() == 1);
        sleep(10 * MS).await;
        assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }), "{handle:?}");
        let status = panel.status();
        assert_eq!((status.workers[0].name.as_str(), status.workers[0].source.as_str()), ("flaky", "4"));
        sleep(11 * MS).await;
        assert_eq!((handle.generation(), panel.worker_count()), (2, 1));
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)));
        assert_eq!(panel.worker_count(), 0);
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Finished)), "again");
    });
}

/// Counts the generations alive.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        assert_eq!(count.fetch_add(1, Ordering::SeqCst), 0, "two generations overlap");
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn a_stop_at_any_moment_of_a_restart_is_final_and_generations_never_overlap() {
    for moment in 0..60 {
        paused(async || {
            let panel = Panel::new();
            let alive = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&alive);
            let handle = panel.spawn(
                Worker::new("loop", 0, move |_| {
                    let alive = Alive::new(&counted);
                    async move {
                        let _alive = alive;
                        sleep(5 * MS).await;
                        Err::<(), _>("again")
                    }
                })
                .restart(Restart::OnFailure)
                .backoff(Backoff::new(5 * MS, 10 * MS)),
            );
            sleep(moment * MS).await;
            let before = handle.generation();
            handle.stop();
            assert!(handle.ended().await.is_final());
            sleep(Duration::from_secs(60)).await;
            assert!(handle.generation() <= before.max(1), "it was resurrected");
            assert_eq!((alive.load(Ordering::SeqCst), panel.worker_count()), (0, 0));
        });
    }
}

#[test]
fn a_worker_that_fails_while_it_stops_is_not_restarted() {
    paused(async || {
        let panel = Panel::new();
        let worker = Worker::new("sore loser", 0, async |cx: Context<Mark>| {
            cx.cancelled().await;
            Err::<(), _>("I was not done")
        });
        let handle =
            panel.spawn(worker.cancel(Cancel::Cooperative).restart(Restart::Always).backoff(Backoff::none()));
        yield_now().await;
        handle.stop();
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Failed(_))));
        assert_eq!(handle.generation(), 1);
        assert!(!panel.shutdown().await.is_clean());
    });
}

/// The first run sees what was set since it was spawned, a later one what was set since it started.
#[test]
fn each_generation_watches_the_policy_from_its_own_start() {
    paused(async || {
        let panel = ControlPanel::<Mark, u32>::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let worker = Worker::new("watches", 0, move |cx: Context<Mark, u32>| {
            let seen = Arc::clone(&noted);
            async move {
                let mut policy = cx.policy();
                seen.lock().unwrap().push((cx.generation(), *policy.borrow()));
                policy.changed().await.unwrap();
                seen.lock().unwrap().push((cx.generation(), *policy.borrow_and_update()));
                Err::<(), _>("again")
            }
        });
        panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(MS, MS)));
        panel.set_policy(1);
        yield_now().await;
        panel.set_policy(2); // during the backoff
        sleep(2 * MS).await;
        assert_eq!(*seen.lock().unwrap(), [(1, 1), (1, 1), (2, 2)]);
        panel.set_policy(3);
        yield_now().await;
        assert_eq!(seen.lock().unwrap()[3..], [(2, 3)]);
    });
}

#[test]
fn restarts_obey_policy_intensity_and_backoff() {
    paused(async || {
        let panel = Panel::new();
        let runs = |restart, fails: bool| {
            panel.spawn(
                Worker::new("runs", 0, move |_| async move { if fails { Err("down") } else { Ok(()) } })
                    .restart(restart)
                    .intensity(Intensity::new(3, Duration::from_secs(1)))
                    .backoff(Backoff::none()),
            )
        };
        for (restart, fails, generations) in [
            (Restart::Never, true, 1),
            (Restart::OnFailure, false, 1),
            (Restart::OnFailure, true, 4),
            (Restart::Always, false, 4),
            (Restart::Always, true, 4),
        ] {
            let handle = runs(restart, fails);
            handle.ended().await;
            assert_eq!(handle.generation(), generations, "{restart:?}, fails: {fails}");
        }
        // Each wait lies between half and all of its nominal length, and uptime resets it.
        let starts = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&starts);
        let backoff = Backoff::new(100 * MS, 400 * MS);
        let handle = panel.spawn(
            Worker::new("waits", 0, move |cx: Context<Mark>| {
                noted.lock().unwrap().push(Instant::now());
                async move {
                    if cx.generation() == 5 {
                        sleep(400 * MS).await;
                    }
                    Err::<(), _>("down")
                }
            })
            .restart(Restart::Always)
            .intensity(Intensity::new(5, Duration::from_secs(3600)))
            .backoff(backoff),
        );
        handle.ended().await;
        let starts = starts.lock().unwrap();
        for (pair, nominal) in starts.windows(2).zip([100, 200, 400, 400, 500]) {
            let waited = pair[1] - pair[0];
            let least = if nominal == 500 { 450 } else { nominal / 2 };
            assert!(waited >= least * MS && waited <= (nominal + 1) * MS, "{waited:?} of {nominal} ms");
        }
        assert_eq!(starts.len(), 6);
    });
}

#[test]
fn incidents_are_all_counted_and_the_latest_kept() {
    paused(async || {
        let panel = Panel::new();
        let handle = panel.spawn(
            Worker::new("down", 0, async |cx: Context<Mark>| Err::<(), _>(cx.generation().to_string()))
                .restart(Restart::OnFailure)
                .intensity(Intensity::new(999, Duration::from_secs(1)))
                .backoff(Backoff::none()),
        );
        handle.ended().await;
        let report = panel.shutdown().await;
        let kept: Vec<_> = report.incidents().map(|incident| incident.generation).collect();
        assert_eq!((report.incident_count(), kept), (1_000, (745..=1_000).collect()));
        assert!(report.workers().is_empty() && !report.is_clean());
    });
}

/// What a worker owns may use the panel when it is dropped, wherever that is.
struct SpawnsOnDrop(Spawner<Mark>);

impl Drop for SpawnsOnDrop {
    fn drop(&mut self) {
        assert!(self.0.spawn(Worker::new("late", 9, async |_| {})).name() == "late");
    }
}

impl fmt::Debug for SpawnsOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spawns")
    }
}

impl fmt::Display for SpawnsOnDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spawns")
    }
}

impl Error for SpawnsOnDrop {}

/// A waker that uses the panel.
struct Spawns(Spawner<Mark>);

impl Wake for Spawns {
    fn wake(self: Arc<Self>) {
        drop(SpawnsOnDrop(self.0.clone()));
    }
}

#[test]
fn nothing_of_the_users_is_dropped_or_woken_under_a_lock() {
    watched(|| {
        // Arguments on a runtime that is gone.
        let runtime = threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        drop(runtime);
        let argument = SpawnsOnDrop(panel.spawner());
        panel.spawn(Worker::new("owner", 0, move |_| {
            let _ = &argument;
            async {}
        }));
        // An error that is forgotten because there were too many.
        let runtime = paused_runtime();
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let spawner = panel.spawner();
        let failing = panel.spawn(
            Worker::new("failing", 0, move |_| future::ready(Err::<(), _>(SpawnsOnDrop(spawner.clone()))))
                .restart(Restart::OnFailure)
                .intensity(Intensity::new(300, Duration::from_secs(1)))
                .backoff(Backoff::none()),
        );
        drive(&runtime, failing.ended());
        // A waker.
        let slow = panel.spawn(Worker::new("slow", 0, async |_| sleep(MS).await));
        let waker = Arc::new(Spawns(panel.spawner())).into();
        let mut ended = Box::pin(slow.ended());
        runtime.block_on(async { yield_now().await });
        let mut polling = Polling::from_waker(&waker);
        assert!(ended.as_mut().poll(&mut polling).is_pending());
        runtime.block_on(async { sleep(2 * MS).await });
        assert!(ended.as_mut().poll(&mut polling).is_ready());
    });
}
