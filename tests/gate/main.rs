//! The gate: suspend and resume by hand and by idleness, across restarts, and never in the way of an end.

mod by_hand;
mod idle;
mod turns;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{Context, ControlPanel, Worker, WorkerHandle, supervision::Suspend};
use tests::Mark;
use tokio::time::sleep;

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);
const IDLE: Duration = Duration::from_millis(1600);
const ALMOST: Duration = Duration::from_millis(1599);
/// A sixteenth of it: how late the panel may be idle, and a tick.
const LATE: Duration = Duration::from_millis(102);

/// Counts the milliseconds in which its gate is open.
fn counter(count: &Arc<AtomicU64>) -> Worker<Mark> {
    let count = Arc::clone(count);
    Worker::new("counter", 0, move |cx: Context<Mark>| {
        let count = Arc::clone(&count);
        async move {
            let gate = cx.gate();
            loop {
                gate.opened().await;
                sleep(MS).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
}

fn idle_panel() -> Panel {
    Panel::builder().idle_after(IDLE).build()
}

fn suspendable(panel: &Panel, suspend: Suspend) -> WorkerHandle {
    panel.spawn(Worker::new("w", 0, |_| std::future::pending::<()>()).suspend(suspend))
}
