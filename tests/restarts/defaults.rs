//! What `restart = on_failure` alone comes to: an error is tried again for as long as it takes, a panic a few times.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, GraphIntent, IntentSource, Restart, Worker, WorkerHandle,
    WorkerStatus,
    supervision::{Escalate, Intensity, SpawnError, Strategy},
    testing, worker,
};
use tests::{Mark, paused, quiet_panic};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use super::Panel;

const HOUR: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);

/// A server that is down until it is up, and when it was tried.
#[derive(Clone, Default)]
struct Server {
    up: Arc<AtomicBool>,
    tried: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    fn client(&self, name: &'static str) -> Worker<Mark> {
        let server = self.clone();
        Worker::new(name, 0, move |cx: Context<Mark>| {
            server.tried.lock().unwrap().push(Instant::now());
            let up = server.up.load(Ordering::Relaxed);
            async move {
                if up {
                    cx.cancelled().await;
                }
                Err::<(), _>("connection refused")
            }
        })
        .restart(Restart::OnFailure)
    }

    fn waits(&self) -> Vec<Duration> {
        self.tried.lock().unwrap().windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

#[test]
fn a_server_that_is_down_for_an_hour_is_tried_every_half_minute_and_found_when_it_is_back() {
    paused(async || {
        let (panel, server) = (Panel::new(), Server::default());
        let client = panel.spawn(server.client("client"));
        sleep(HOUR).await;
        assert!(!client.status().is_final(), "{client:?}");
        let waits = server.waits();
        assert!(waits.len() >= 120, "two a minute at least, and these were {}", waits.len());
        // Doubling up to the limit, which is reached: each wait lies between half and all of it.
        for (nth, wait) in waits.iter().enumerate() {
            let nominal = (SECOND / 10).saturating_mul(1 << nth.min(20)).min(30 * SECOND);
            assert!(*wait >= nominal / 2 && *wait <= nominal + SECOND / 100, "wait {nth}: {wait:?}");
        }
        server.up.store(true, Ordering::Relaxed);
        sleep(30 * SECOND).await;
        assert!(matches!(client.status(), WorkerStatus::Running), "{client:?}");
        panel.shutdown().await;
    });
}

/// A worker that was up long enough to forget: what it does from then on waits as a new one does.
#[test]
fn uptime_resets_the_wait_of_one_that_waited_longest() {
    paused(async || {
        let (panel, server) = (Panel::new(), Server::default());
        let started = Arc::new(Mutex::new(Vec::new()));
        let (times, up) = (Arc::clone(&started), Arc::clone(&server.up));
        let client = Worker::new("client", 0, move |_: Context<Mark>| {
            times.lock().unwrap().push(Instant::now());
            let up = up.swap(false, Ordering::Relaxed);
            async move {
                if up {
                    sleep(HOUR).await;
                }
                Err::<(), _>("connection refused")
            }
        });
        panel.spawn(client.restart(Restart::OnFailure));
        sleep(HOUR / 6).await;
        server.up.store(true, Ordering::Relaxed);
        sleep(HOUR + 31 * SECOND).await;
        let started = started.lock().unwrap().clone();
        let up = started.windows(2).position(|pair| pair[1] - pair[0] >= HOUR).expect("it was up once");
        assert!(started[up] - started[up - 1] >= 15 * SECOND, "before: the longest wait");
        let after = started[up + 1].duration_since(started[up] + HOUR);
        assert!(after <= SECOND / 10 + SECOND / 100, "after: the first wait, and this was {after:?}");
        panel.shutdown().await;
    });
}

#[test]
fn so_it_is_in_groups_and_with_waits_of_ones_own_and_for_workers_that_end_too_soon() {
    paused(async || {
        let (panel, server) = (Panel::new(), Server::default());
        let mut clients: Vec<WorkerHandle> = Vec::new();
        for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
            let group = panel.group().strategy(strategy);
            clients.push(group.spawn(server.client("first")));
            clients.push(group.spawn(server.client("second")));
            group.start().unwrap();
        }
        let quick = Backoff::new(SECOND / 100, SECOND);
        clients.push(panel.spawn(server.client("quick").backoff(quick)));
        let ends = Worker::new("ends", 0, async |_: Context<Mark>| {});
        clients.push(panel.spawn(ends.restart(Restart::Always)));
        sleep(HOUR / 6).await;
        for client in &clients {
            assert!(!client.status().is_final(), "{client:?}");
        }
        panel.shutdown().await;
    });
}

#[test]
fn a_worker_that_panics_as_soon_as_it_starts_stays_down() {
    paused(async || {
        let panel = Panel::new();
        let panics = || Worker::new("panics", 0, async |_: Context<Mark>| quiet_panic());
        let alone = panel.spawn(panics().restart(Restart::OnFailure));
        let group = panel.group();
        let member = group.spawn(panics().restart(Restart::Always));
        group.start().unwrap();
        // Nor is a worker started without end that waits for nothing.
        let spins = panel.spawn(Server::default().client("spins").backoff(Backoff::none()));
        let endless = panel.spawn(panics().restart(Restart::OnFailure).intensity(Intensity::unlimited()));
        sleep(60 * SECOND).await;
        for worker in [&alone, &member, &spins] {
            assert!(matches!(worker.status(), WorkerStatus::Ended(_)), "{worker:?}");
            assert_eq!(worker.generation(), 6, "five more after the first");
        }
        assert!(!endless.status().is_final(), "{endless:?}");
        panel.shutdown().await;
    });
}

/// Where failing too often ends the panel, errors are counted too.
#[test]
fn what_is_to_end_the_panel_counts_errors() {
    paused(async || {
        let (panel, server) = (Panel::new(), Server::default());
        let client = panel.spawn(server.client("client").escalate(Escalate::Panel));
        let other = panel.spawn(Worker::new("other", 0, async |cx: Context<Mark>| cx.cancelled().await));
        assert!(matches!(client.ended().await, WorkerStatus::Ended(Exit::Failed(_))));
        assert_eq!(client.generation(), 6);
        assert!(matches!(other.ended().await, WorkerStatus::Ended(Exit::Cancelled)));
        panel.shutdown().await;
        // So the two cannot stand together.
        let panel = Panel::new();
        let never = server.client("never").escalate(Escalate::Panel).intensity(Intensity::unlimited());
        assert!(matches!(panel.spawn(never).status(), WorkerStatus::Refused(SpawnError::EscalatesNever)));
        let group = panel.group().escalate(Escalate::Panel).intensity(Intensity::unlimited());
        group.spawn(server.client("never"));
        assert_eq!(group.start().unwrap_err(), SpawnError::EscalatesNever);
    });
}

#[derive(GraphIntent)]
enum Update {}

type Refused = Result<(), std::io::Error>;

#[worker(source = IntentSource::Restore, restart = on_failure)]
async fn connect(_cx: Context<Update>) -> Refused {
    yield_now().await;
    Err(std::io::ErrorKind::ConnectionRefused.into())
}

#[worker(source = IntentSource::Restore, restart = on_failure, intensity = unlimited, backoff = "0ms")]
async fn reconnect(cx: Context<Update>) -> Refused {
    if cx.generation() == 20 {
        cx.cancelled().await;
    }
    Err(std::io::ErrorKind::ConnectionRefused.into())
}

#[test]
fn annotated_workers_have_the_same_defaults() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let (connect, reconnect) = (panel.spawn_connect(), panel.spawn_reconnect());
        testing::advance(HOUR / 60).await;
        assert!(!connect.status().is_final() && connect.generation() >= 9, "{connect:?}");
        assert_eq!(reconnect.generation(), 20);
    });
}
