//! A send that is half-way and not polled, and a second one after it in the same task.
//!
//! A pinned send waits for a slot only while it is polled. In an arm of a `select!` it is not: where its sender may hold one
//! slot at a time (a capacity of 1 or 2, or more sources than slots), a second `send` in that arm waits for the first, and
//! the first for the arm. No lock is involved, and no one else is held up: the panel takes back what a stalled sender does
//! not use, but for its one slot. (The field calls it a futurelock.) Go on with the first send before the next, as here; or
//! collect while it waits and send after it; or `try_send` in the arm.
//!
//! ```console
//! cargo run -p examples --example cookbook_futurelock
//! ```
//!
//! What to look for: rows and ticks come through one slot, and the program ends.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
use tokio::time::{Instant, interval_at};

#[derive(GraphIntent)]
enum Update {
    Row(u32),
    Ticks(u32),
}

const ROWS: u32 = 50;

#[worker(source = IntentSource::Restore)]
async fn rows(cx: Context<Update>) {
    let period = Duration::from_millis(1);
    let mut ticks = interval_at(Instant::now() + period, period);
    let mut due = 0;
    for row in 0..ROWS {
        let mut sending = pin!(cx.send(Update::Row(row)));
        // The `select!` of the row and the clock: the row's arm is looked at first, so that the same happens in each run.
        let sent = poll_fn(|task| {
            if let Poll::Ready(sent) = sending.as_mut().poll(task) {
                return Poll::Ready(sent);
            }
            while ticks.poll_tick(task).is_ready() {
                due += 1; // not `cx.send(Update::Ticks(1)).await` here: the row is half-way
            }
            Poll::Pending
        });
        if sent.await.is_err() {
            return;
        }
        if due > 0 {
            cx.send(Update::Ticks(std::mem::take(&mut due))).await.ok();
        }
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::builder().capacity(1).build();
    let worker = panel.spawn_rows();
    let (mut rows, mut ticks) = (Vec::new(), 0);
    while !worker.status().is_final() || panel.queued() > 0 {
        panel.wait_ready_timeout(Duration::from_millis(100));
        for queued in panel.drain() {
            match queued.intent {
                Update::Row(row) => rows.push(row),
                Update::Ticks(due) => ticks += due,
            }
        }
        std::thread::sleep(Duration::from_millis(2)); // so that sends have to wait
    }
    println!("{} rows and {ticks} ticks through one slot", rows.len());
    assert!(rows.into_iter().eq(0..ROWS));
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn all_rows_come_through_one_slot() {
    main();
}
