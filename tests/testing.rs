//! What the `testing` module promises of itself.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use control_panel::{Context, ControlPanel, Exit, Worker, WorkerStatus, supervision::Suspend, testing};
use tests::{Mark, threads};
use tokio::time::{Instant, sleep};

/// It has no `Default`.
struct Wanted(u64);

#[test]
fn a_test_has_the_panel_that_it_asks_for_under_paused_time() {
    let asked = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&asked);
    let elsewhere = threads(1);
    let builder = ControlPanel::<Mark, Wanted>::builder_with(Wanted(7))
        .name("asked for")
        .capacity(3)
        .idle_after(Duration::from_secs(60))
        .on_ready(move || _ = noted.fetch_add(1, Ordering::SeqCst))
        .runtime(elsewhere.handle().clone());
    let drained = testing::paused_with(builder, async |panel: &mut ControlPanel<Mark, Wanted>| {
        let began = Instant::now();
        assert_eq!((panel.policy().0, panel.status().name.as_str()), (7, "asked for"));
        let worker = Worker::new("hourly", 0, |cx: Context<Mark, Wanted>| async move {
            for n in 0.. {
                sleep(Duration::from_secs(3600)).await;
                cx.send(Mark::new(n)).await.ok();
            }
        });
        let worker = panel.spawn(worker.suspend(Suspend::OnIdle));
        testing::advance(Duration::from_secs(24 * 3600)).await;
        assert!(began.elapsed() >= Duration::from_secs(24 * 3600), "its clock is the test's");
        assert!(worker.is_suspended(), "no one touched the panel");
        assert!(asked.load(Ordering::SeqCst) > 0, "its `on_ready` is called");
        panel.drain().count()
    });
    assert_eq!(drained, 2, "of three slots one is kept");
    elsewhere.shutdown_background();
}

#[test]
#[should_panic(expected = "a panel's capacity must be at least 1")]
fn a_builder_that_builds_no_panel_says_why() {
    testing::paused_with(ControlPanel::<Mark>::builder().capacity(0), async |_: &mut ControlPanel<Mark>| {});
}

/// A worker that still runs when the test is over is dropped, and keeps no test from its end.
#[test]
fn the_end_of_the_test_is_the_end_of_its_workers() {
    let handle =
        testing::paused_with(ControlPanel::<Mark>::builder(), async |panel: &mut ControlPanel<Mark>| {
            let handle = panel.spawn(Worker::new("stays", 0, |_| std::future::pending::<()>()));
            testing::settle().await;
            handle
        });
    assert!(matches!(handle.status(), WorkerStatus::Ended(Exit::Cancelled | Exit::Aborted)), "{handle:?}");
}
