//! A shutdown that a worker of the panel itself calls for: it is one of those that are asked to stop. A worker that is cancelled
//! by being dropped ends right there; any other waits for itself until its time is over, and is named.

use std::{
    sync::{Arc, OnceLock, mpsc},
    time::Duration,
};

use control_panel::{
    Context, Exit, ShutdownReport, Worker, WorkerStatus,
    supervision::{Cancel, Cause},
};
use tests::{
    Mark, eventually,
    offenders::{good, polite},
    paused, threads, watched,
};
use tokio::{task::yield_now, time::Instant};

use super::{MS, Panel, exits, on};

/// Where a worker finds the panel that it belongs to.
type Found = Arc<OnceLock<Panel>>;

fn shared(panel: Panel) -> (Found, Found) {
    let found = Found::default();
    assert!(found.set(panel).is_ok());
    (Arc::clone(&found), found)
}

/// Asks for the shutdown once its panel is there, and gives the report to `back`.
fn asks(found: &Found, back: &mpsc::Sender<ShutdownReport>) -> Worker<Mark> {
    let (found, back) = (Arc::clone(found), back.clone());
    Worker::new("asks", 0, move |_| {
        let (found, back) = (Arc::clone(&found), back.clone());
        async move { back.send(found.get().unwrap().shutdown().await).unwrap() }
    })
}

#[test]
fn a_worker_that_is_cancelled_by_drop_ends_where_it_asks() {
    paused(async || {
        let (found, panel) = shared(Panel::builder().shutdown_timeout(Duration::from_secs(10)).build());
        let panel = panel.get().unwrap();
        let began = Instant::now();
        let good = panel.spawn(good("good"));
        yield_now().await;
        let (back, report) = mpsc::channel();
        let asks = panel.spawn(asks(&found, &back));
        assert!(matches!(asks.ended().await, WorkerStatus::Ended(Exit::Cancelled)), "{asks:?}");
        assert!(matches!(good.ended().await, WorkerStatus::Ended(Exit::Cancelled)), "{good:?}");
        assert_eq!((asks.cause(), good.cause()), (Some(Cause::Shutdown), Some(Cause::Shutdown)));
        assert!(report.try_recv().is_err(), "it is not there any more to read it");
        // The panel's owner learns what came of it.
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
        assert!(matches!(exits(&report)[..], [("good", Exit::Cancelled), ("asks", Exit::Cancelled)]));
        assert_eq!(began.elapsed(), Duration::ZERO, "nothing waited");
    });
}

#[test]
fn a_cooperative_worker_that_asks_waits_for_itself_and_is_dropped_when_its_time_is_over() {
    paused(async || {
        for (grace, seconds) in [(2, 2), (60, 9)] {
            let (found, panel) = shared(Panel::builder().shutdown_timeout(Duration::from_secs(10)).build());
            let panel = panel.get().unwrap();
            let (back, report) = mpsc::channel();
            panel.spawn(polite("polite"));
            let asks = asks(&found, &back).cancel(Cancel::Cooperative).grace(Duration::from_secs(grace));
            let asks = panel.spawn(asks);
            yield_now().await;
            let began = Instant::now();
            assert!(matches!(asks.ended().await, WorkerStatus::Ended(Exit::Aborted)), "{asks:?}");
            assert_eq!(began.elapsed().as_secs(), seconds);
            assert!(report.try_recv().is_err());
            let report = panel.shutdown().await;
            let named: Vec<_> = report.incidents().map(|worker| worker.name.as_str()).collect();
            assert_eq!(named, ["asks"], "{report}");
            assert_eq!(report.workers().len(), 2);
        }
    });
}

#[test]
fn a_worker_on_a_thread_that_asks_has_the_report_by_the_deadline_and_is_named_in_it() {
    watched(|| {
        for thread in [false, true] {
            let runtime = threads(2);
            let (found, panel) = shared(on(&runtime, 200 * MS));
            let panel = panel.get().unwrap();
            let polite = panel.spawn(polite("polite"));
            eventually("it runs", || polite.generation() == 1);
            let (back, report) = mpsc::channel();
            let asks = move |cx: Context<Mark>| {
                let report = found.get().unwrap().shutdown_blocking();
                assert_eq!(cx.cause(), Some(Cause::Shutdown), "it was asked to stop as all were");
                back.send(report).unwrap();
            };
            let asks =
                if thread { Worker::thread("asks", 0, asks) } else { Worker::blocking("asks", 0, asks) };
            let asks = panel.spawn(asks);
            let report = report.recv().unwrap();
            assert!(
                matches!(exits(&report)[..], [("polite", Exit::Cancelled), ("asks", Exit::Abandoned)]),
                "{report}"
            );
            assert!(asks.ended_blocking().is_final(), "it goes on, and ends");
            assert_eq!(format!("{:?}", panel.shutdown_blocking()), format!("{report:?}"));
        }
    });
}

/// A worker that blocks its thread of the runtime could not be stopped: the call is refused before any worker is stopped.
#[test]
fn an_async_worker_that_would_block_panics_and_no_worker_is_stopped() {
    paused(async || {
        let (found, panel) = shared(Panel::new());
        let panel = panel.get().unwrap();
        let good = panel.spawn(good("good"));
        let blocks = panel.spawn(Worker::new("blocks", 0, move |_| {
            let found = Arc::clone(&found);
            async move { drop(found.get().unwrap().shutdown_blocking()) }
        }));
        let WorkerStatus::Ended(Exit::Panicked(panic)) = blocks.ended().await else { panic!("{blocks:?}") };
        assert!(panic.to_string().contains("use `shutdown().await` there"), "{panic}");
        assert!(matches!(good.status(), WorkerStatus::Running), "{good:?}");
    });
}
