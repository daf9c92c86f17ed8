//! What a shutdown says to a program that restarts what fails.

use std::{process::ExitCode, time::Duration};

use control_panel::{
    Backoff, Context, ControlPanel, Restart, ShutdownReport, Worker,
    supervision::{Cancel, Verdict},
};
use tests::{Mark, paused, watched};
use tokio::time::sleep;

type Panel = ControlPanel<Mark>;

const MS: Duration = Duration::from_millis(1);

async fn after(worker: Worker<Mark>, wait: Duration) -> ShutdownReport {
    let panel = Panel::new();
    panel.spawn(worker);
    sleep(wait).await;
    panel.shutdown().await
}

fn flaky(until: u64) -> Worker<Mark> {
    Worker::new("flaky", 0, move |cx: Context<Mark>| async move {
        if cx.generation() < until {
            return Err("down");
        }
        cx.cancelled().await;
        Ok(())
    })
}

#[test]
fn what_was_recovered_from_is_forgotten() {
    paused(async || {
        let restarts = |until| flaky(until).restart(Restart::OnFailure).backoff(Backoff::new(MS, MS));
        let clean = after(restarts(1), 10 * MS).await;
        assert_eq!((clean.verdict(), clean.is_clean()), (Verdict::Clean, true));
        let recovered = after(restarts(3), 10 * MS).await;
        assert_eq!((recovered.verdict(), recovered.is_clean()), (Verdict::Recovered, false));
        assert!(recovered.to_string().starts_with("not clean, but recovered, "), "{recovered}");
        let hour = Duration::from_secs(3600);
        let waits = after(flaky(9).restart(Restart::OnFailure).backoff(Backoff::new(hour, hour)), MS).await;
        assert_eq!(waits.verdict(), Verdict::Recovered, "its restarts were not exhausted: {waits}");
        let failed = after(flaky(9), 10 * MS).await;
        assert_eq!((failed.verdict(), failed.is_clean()), (Verdict::Failed, false));
        let deaf = Worker::new("deaf", 0, |_| std::future::pending::<()>()).cancel(Cancel::Cooperative);
        let aborted = after(deaf.grace(MS), MS).await;
        assert_eq!(aborted.verdict(), Verdict::Failed, "{aborted}");
        for (verdict, code) in [
            (Verdict::Clean, ExitCode::SUCCESS),
            (Verdict::Recovered, ExitCode::SUCCESS),
            (Verdict::Failed, ExitCode::FAILURE),
        ] {
            assert_eq!(format!("{:?}", ExitCode::from(verdict)), format!("{code:?}"));
        }
    });
}

#[test]
fn what_a_shutdown_leaves_behind_is_a_failure() {
    watched(|| {
        let panel = Panel::builder().shutdown_timeout(20 * MS).build();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let mut stopped = Some(stopped);
        let handle = panel.spawn(Worker::thread("deaf", 0, move |_| {
            stopped.take().unwrap().recv().ok();
        }));
        tests::eventually("it runs", || handle.generation() == 1);
        assert_eq!(panel.shutdown_blocking().verdict(), Verdict::Failed);
        drop(stop);
    });
}
