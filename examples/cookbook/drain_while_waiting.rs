//! Wait for a worker's end and drain meanwhile.
//!
//! `ended_blocking()` before draining waits forever where the worker has more to send than the queue holds: the worker waits
//! for a slot, the slot for a frame, and the frame for the worker. The loop below takes both in turn and sleeps in between.
//!
//! ```console
//! cargo run -p examples --example cookbook_drain_while_waiting
//! ```
//!
//! What to look for: every row, once and in order, through a queue of 16, and a wait that ends.

use std::time::Duration;

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};

#[derive(GraphIntent)]
enum Update {
    Row(u32),
}

const ROWS: u32 = 1_000;

#[worker(source = IntentSource::Restore)]
async fn rows(cx: Context<Update>) {
    for row in 0..ROWS {
        // Waits while the queue is full.
        if cx.send(Update::Row(row)).await.is_err() {
            return;
        }
    }
}

fn main() {
    let mut panel = ControlPanel::<Update>::builder().capacity(16).build();
    let worker = panel.spawn_rows();
    let mut read = Vec::new();
    // Both: an end says nothing of what is still queued.
    while !worker.status().is_final() || panel.queued() > 0 {
        panel.wait_ready_timeout(Duration::from_millis(100));
        read.extend(panel.drain().map(|queued| match queued.intent {
            Update::Row(row) => row,
        }));
    }
    // Does not wait any more: the worker has ended.
    println!("{} rows, and the worker {}", read.len(), worker.ended_blocking());
    assert!(read.into_iter().eq(0..ROWS), "each once, in order");
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn every_row_arrives() {
    main();
}
