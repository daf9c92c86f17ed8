//! What `status` and handles show of failures, also of workers that are gone.

use std::{
    error::Error,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Spawner, Worker, WorkerHandle, WorkerStatus,
    supervision::Intensity,
};
use tests::{Mark, paused, quiet_panic, watched};
use tokio::time::{Instant, sleep};

type Panel = ControlPanel<Mark>;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_worker_that_failed_and_is_gone_is_shown() {
    paused(async || {
        let panel = Panel::builder().name("app").build();
        assert_eq!(panel.status().to_string(), "app: no workers; 0 of 256 queued");
        panel.spawn(Worker::new("load", 2, async |_| Err::<(), _>("no such file\nreally"))).ended().await;
        let status = panel.status();
        assert_eq!((status.workers.len(), status.incident_count, status.incidents.len()), (0, 1, 1));
        let incident = &status.incidents[0];
        assert_eq!((incident.name.as_str(), incident.generation), ("load", 1));
        assert_eq!(
            status.to_string(),
            "app: no workers; 0 of 256 queued; 1 incident, last: load failed: no such file"
        );
        // And after the shutdown, which hands the incidents out.
        assert_eq!(panel.shutdown().await.incident_count(), 1);
        assert_eq!(panel.status().incidents[0].exit.to_string(), "failed: no such file\nreally");
    });
}

#[test]
fn of_each_worker_the_last_incident_is_shown_and_of_64_at_most() {
    paused(async || {
        let panel = Panel::new();
        let flaky = Worker::new("flaky", 0, async |cx: Context<Mark>| {
            Err::<(), _>(format!("attempt {}", cx.generation()))
        })
        .restart(Restart::OnFailure)
        .intensity(Intensity::new(9, Duration::from_secs(1)))
        .backoff(Backoff::none());
        panel.spawn(flaky).ended().await;
        let shown = panel.status();
        assert_eq!((shown.incident_count, shown.incidents.len()), (10, 1));
        assert_eq!(shown.incidents[0].exit.to_string(), "failed: attempt 10");
        for _ in 0..70 {
            panel.spawn(Worker::new("panics", 0, async |_| quiet_panic())).ended().await;
        }
        let now = panel.status();
        assert_eq!((now.incident_count, now.incidents.len()), (80, 64));
        assert!(now.incidents.iter().all(|incident| incident.name.as_str() == "panics"));
        assert!(now.incidents.windows(2).all(|two| two[0].origin < two[1].origin), "oldest first");
        assert_eq!(shown.incidents.len(), 1, "what was looked at stays as it was");
    });
}

#[test]
fn a_wait_says_what_happened_and_when_the_next_run_begins() {
    paused(async || {
        let panel = Panel::new();
        let flaky = async |cx: Context<Mark>| {
            sleep(10 * MS).await;
            if cx.generation() == 1 {
                return Err("no route to host");
            }
            cx.cancelled().await;
            Ok(())
        };
        let wait = 1600 * MS;
        let worker = Worker::new("flaky", 0, flaky).restart(Restart::OnFailure);
        let handle = panel.spawn(worker.backoff(Backoff::new(wait, wait)));
        assert!(handle.last_exit().is_none());
        sleep(11 * MS).await;
        let status = handle.status();
        let WorkerStatus::Backoff { exit, until, .. } = &status else { panic!("{status}") };
        assert_eq!(exit.to_string(), "failed: no route to host");
        let rest = until.duration_since(Instant::now());
        assert!(rest + 2 * MS > wait / 2 && rest < wait, "{rest:?}");
        assert_eq!(status.to_string(), format!("waiting to restart in {rest:.1?}: failed: no route to host"));
        sleep(rest + MS).await;
        assert!(matches!(handle.status(), WorkerStatus::Running));
        let shown = panel.status();
        assert!(matches!(shown.workers[0].last_exit, Some(Exit::Failed(_))));
        assert!(shown.to_string().contains("1 running"), "{shown}");
        assert!(matches!(handle.last_exit(), Some(Exit::Failed(_))), "the run before");
        handle.stop();
        handle.ended().await;
        assert!(matches!(handle.last_exit(), Some(Exit::Cancelled)));
    });
}

/// An error that looks at the panel when it is dropped.
struct Curious(Arc<OnceLock<Spawner<Mark>>>);

impl fmt::Debug for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("curious")
    }
}

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("curious")
    }
}

impl Error for Curious {}

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(panel) = self.0.get() {
            panel.workers().iter().for_each(WorkerHandle::suspend);
            panel.status();
        }
    }
}

#[test]
fn an_error_is_never_dropped_under_a_lock() {
    watched(|| {
        paused(async || {
            let panel = Panel::new();
            let tools = Arc::new(OnceLock::new());
            tools.set(panel.spawner()).unwrap();
            for _ in 0..3 {
                for _ in 0..100 {
                    let of = Arc::clone(&tools);
                    let fails = Worker::new("fails", 0, move |cx: Context<Mark>| {
                        let error = Curious(Arc::clone(&of));
                        async move { if cx.generation() < 4 { Err(error) } else { Ok(()) } }
                    });
                    panel.spawn(fails.restart(Restart::OnFailure).backoff(Backoff::new(MS, MS)));
                    panel.status();
                }
                for _ in 0..20 {
                    sleep(MS).await;
                    panel.status();
                    panel.status();
                }
            }
            assert_eq!(panel.status().incident_count, 900);
        });
    });
}
