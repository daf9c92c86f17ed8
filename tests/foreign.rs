//! Promises 5 and 6 against foreign code that supervision runs: wakers and destructors that panic, or that call the panel
//! back. None runs under a lock, and none affects other workers.

use std::{
    future::Future,
    panic,
    pin::{Pin, pin},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context as TaskContext, Poll, Wake, Waker},
    time::Duration,
};

use control_panel::{Context, ControlPanel, ShutdownReport, Worker, WorkerHandle, supervision::Cancel};
use tests::{
    Mark, eventually,
    offenders::{good, polite},
    quiet_panic, threads, watched,
};
use tokio::runtime::Runtime;

type Panel = ControlPanel<Mark>;

/// No shutdown here has to wait for it.
const DEADLINE: Duration = Duration::from_secs(20);

fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(DEADLINE).build()
}

fn no_stop_waited_for_the_deadline(report: &ShutdownReport) {
    assert!(report.elapsed() < DEADLINE / 2, "{report}");
}

/// A waker that panics.
#[derive(Default)]
struct Grenade(AtomicUsize);

impl Wake for Grenade {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        quiet_panic();
    }
}

impl Grenade {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Leaves the waker wherever the future waits.
    fn waits_for<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) {
        let waker = Waker::from(Arc::clone(self));
        assert!(future.poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }

    fn went_off(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

/// It waits for a worker's end, and is woken on the thread that tells of it.
#[test]
fn a_waker_that_panics_at_an_end_keeps_nothing_from_the_others() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let worker = panel.spawn(good("it"));
        let (grenade, log) = (Grenade::new(), Grenade::new());
        let mut ended = pin!(worker.ended());
        grenade.waits_for(ended.as_mut());
        let mut events = panel.events();
        let mut next = pin!(async {
            loop {
                events.next().await;
            }
        });
        log.waits_for(next.as_mut());
        let report = panel.shutdown_blocking();
        no_stop_waited_for_the_deadline(&report);
        assert!(report.is_clean() && panel.worker_count() == 0, "{report}");
        eventually("the waker is woken", || grenade.went_off() && log.went_off());
    });
}

/// It waits for its own cancellation by such a waker, and others are asked to stop in the same step.
fn cancelled_by(grenade: Arc<Grenade>) -> Worker<Mark> {
    Worker::new("awkward", 0, move |cx: Context<Mark>| {
        let grenade = Arc::clone(&grenade);
        async move {
            let mut cancelled = pin!(cx.cancelled());
            grenade.waits_for(cancelled.as_mut());
            cx.cancelled().await;
        }
    })
}

/// Only the first would be asked to stop: the others would wait for the deadline.
#[test]
fn a_waker_that_panics_at_a_stop_keeps_nothing_from_the_others() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let grenade = Grenade::new();
        let awkward = panel.spawn(cancelled_by(Arc::clone(&grenade)));
        let others: Vec<_> = (0..600).map(|_| panel.spawn(polite("it"))).collect();
        eventually("all run", || {
            others.iter().chain([&awkward]).all(|worker| worker.status().to_string() == "running")
        });
        let report = panel.shutdown_blocking();
        no_stop_waited_for_the_deadline(&report);
        assert!(grenade.went_off() && panel.worker_count() == 0, "{report}");
        assert_eq!(report.workers().len(), 601);
    });
}

#[test]
fn a_panel_is_dropped_whatever_a_waker_does() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let (outside, inside) = (Grenade::new(), Grenade::new());
        let awkward = panel.spawn(cancelled_by(Arc::clone(&inside)));
        let others: Vec<_> = (0..600).map(|_| panel.spawn(good("it"))).collect();
        let context = panel.context(0);
        let mut cancelled = pin!(context.cancelled());
        outside.waits_for(cancelled.as_mut());
        eventually("it runs", || awkward.status().to_string() == "running");
        drop(panel);
        eventually("all ended", || others.iter().chain([&awkward]).all(|worker| worker.status().is_final()));
        eventually("both were woken", || outside.went_off());
    });
}

/// The inbox is closed before the end is reported.
#[test]
fn a_waker_that_panics_at_the_inbox_does_not_hide_an_end() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let grenade = Grenade::new();
        let own = Arc::clone(&grenade);
        let worker = Worker::new("it", 0, move |cx: Context<Mark>| {
            let grenade = Arc::clone(&own);
            async move {
                let mut inbox = cx.inbox::<u32>();
                let mut next = pin!(inbox.recv());
                grenade.waits_for(next.as_mut());
                std::future::pending::<()>().await;
            }
        });
        let worker = panel.spawn(worker.inbox::<u32>());
        eventually("it runs", || worker.status().to_string() == "running");
        let report = panel.shutdown_blocking();
        no_stop_waited_for_the_deadline(&report);
        assert!(report.is_clean() && panel.worker_count() == 0, "{report}");
        assert!(worker.status().is_final());
        // The channel inside wakes it once more when the last handle goes, which is then this thread's affair.
        panic::catch_unwind(panic::AssertUnwindSafe(|| drop(worker))).ok();
    });
}

/// Calls the panel back when it is dropped.
struct Caller(Arc<OnceLock<WorkerHandle>>);

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(handle) = self.0.get() {
            handle.stop();
        }
    }
}

/// What a worker is made of: its drop panics, with something that calls the panel back.
struct Argument(Arc<OnceLock<WorkerHandle>>);

impl Drop for Argument {
    fn drop(&mut self) {
        panic::resume_unwind(Box::new(Caller(Arc::clone(&self.0))));
    }
}

/// It fails, and then its arguments panic when they are dropped: the failure is reported, and the panic is dropped, but not
/// under a lock.
#[test]
fn what_is_not_reported_of_an_end_is_dropped_without_a_lock() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let handle = Arc::new(OnceLock::new());
        let argument = Argument(Arc::clone(&handle));
        let worker = panel.spawn(Worker::new("it", 0, move |_| {
            let known = Arc::clone(&argument.0);
            async move {
                while known.get().is_none() {
                    tokio::task::yield_now().await;
                }
                Err::<(), _>("the disk is gone")
            }
        }));
        handle.set(worker.clone()).ok();
        eventually("it ended", || worker.status().is_final());
        assert_eq!(worker.status().to_string(), "failed: the disk is gone");
        assert_eq!(panel.shutdown_blocking().incident_count(), 1);
    });
}

/// Panics when it is dropped: what a panic carried.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        quiet_panic();
    }
}

/// Its drop panics, and what that panic carries panics in its turn.
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        panic::resume_unwind(Box::new(Bomb));
    }
}

/// It fails as it stops, and then its arguments are dropped: the failure hides that panic, which must not keep the end from
/// being reported.
#[test]
fn an_end_is_reported_whatever_is_dropped_before_it() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let chain = Chain;
        let worker = panel.spawn(
            Worker::new("it", 0, move |cx: Context<Mark>| {
                let _chain = &chain;
                async move {
                    cx.cancelled().await;
                    Err::<(), _>("the disk is gone")
                }
            })
            .cancel(Cancel::Cooperative),
        );
        eventually("it runs", || worker.status().to_string() == "running");
        let report = panel.shutdown_blocking();
        no_stop_waited_for_the_deadline(&report);
        assert_eq!(
            (worker.status().to_string().as_str(), panel.worker_count()),
            ("failed: the disk is gone", 0)
        );
    });
}

/// Polled by hand: a shutdown that learns of the end by its waker only, which panics, is over nevertheless.
#[test]
fn a_shutdown_whose_waker_panics_is_over_when_it_is_asked() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let workers: Vec<_> = (0..600).map(|_| panel.spawn(good("it"))).collect();
        let grenade = Grenade::new();
        let waker = Waker::from(Arc::clone(&grenade));
        let mut shutdown = pin!(panel.shutdown());
        let mut poll = || shutdown.as_mut().poll(&mut TaskContext::from_waker(&waker));
        let first = poll();
        eventually("all ended", || workers.iter().all(|worker| worker.status().is_final()));
        eventually("none counts", || panel.worker_count() == 0);
        let Poll::Ready(report) = (if first.is_ready() { first } else { poll() }) else {
            panic!("all ended, and it waits")
        };
        assert!(report.is_clean() && report.workers().len() == 600, "{report}");
    });
}
