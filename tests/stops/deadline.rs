//! Back by the deadline, with those named that were not.

use std::{pin::pin, sync::atomic::Ordering, time::Duration};

use control_panel::{Context, Exit, ShutdownReport, Worker, WorkerStatus, supervision::Cancel};
use tests::{
    Mark, Wakes, eventually,
    offenders::{self, Busy, deaf, good, polite},
    paused, threads, watched,
};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use super::{MS, Panel, exits, on};

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

/// One offender blocks its thread; the report comes while it still does, and names only it.
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
    assert_eq!(busy.asked.load(Ordering::SeqCst) + busy.ended.load(Ordering::SeqCst), 0, "it still blocks");
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
fn only_the_busy_worker_is_named_while_it_lives() {
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
        // Resumed when the deadline is long over: a worker that would have ended is not called abandoned.
        let panel = Panel::new();
        panel.spawn(offenders::deaf("deaf").grace(Duration::from_secs(3600)));
        yield_now().await;
        assert!(Wakes::new().poll(pin!(panel.shutdown())).is_pending());
        sleep(Duration::from_secs(60)).await;
        assert!(matches!(exits(&panel.shutdown().await)[..], [("deaf", Exit::Aborted)]));
    });
}
