//! A send beside something else: the forms that keep the intent.
//!
//! In `select! { sent = cx.send(intent) => …, _ = tick => … }` a send that loses is dropped, and its intent with it: it was never
//! half-delivered, but it is gone. The code that tries again has to make it anew. Three forms keep it, and `try_send`, which
//! never waits, hands it back:
//!
//! - the send itself, pinned once and polled until it wins (what must not be sent meanwhile: `cookbook_futurelock`);
//! - `reserve_many(1)` in the branch, and the intent made once there is room for it;
//! - `send_many` in the branch: what was not sent is still in the deque.
//!
//! [`race`] is a `select!` of two without a macro, whose first branch is always asked first. All below is true of tokio's too.
//!
//! ```console
//! cargo run -p examples --example cookbook_select
//! ```
//!
//! What to look for: each of the three forms delivers every row, once and in order.

use std::{collections::VecDeque, pin::pin, time::Duration};

use control_panel::{
    Context, ControlPanel, GraphIntent, IntentSource, SendError, Spawner, WorkerHandle,
    context::{Raced, race},
    worker,
};
use tokio::task::yield_now;

#[derive(GraphIntent)]
enum Update {
    Row(u32),
}

const ROWS: u32 = 100;

/// The same send, polled again after each time that it lost.
#[worker(source = IntentSource::Restore)]
async fn pinned(cx: Context<Update>) -> Result<(), SendError<Update>> {
    for row in 0..ROWS {
        let mut sending = pin!(cx.send(Update::Row(row)));
        loop {
            match race(sending.as_mut(), yield_now()).await {
                Raced::First(sent) => break sent?,
                Raced::Second(()) => {} // the row is still on its way
            }
        }
    }
    Ok(())
}

/// Room first: there is no intent yet that could get lost.
#[worker(source = IntentSource::Restore)]
async fn reserved(cx: Context<Update>) -> Result<(), SendError<()>> {
    let mut row = 0;
    while row < ROWS {
        match race(cx.reserve_many(1), yield_now()).await {
            Raced::First(permits) => {
                if permits?.send(Update::Row(row)).is_err() {
                    break; // the panel has shut down
                }
                row += 1;
            }
            Raced::Second(()) => {} // the row is not made yet
        }
    }
    Ok(())
}

/// All of it in a deque, from which only what is sent is taken.
#[worker(source = IntentSource::Restore)]
async fn many(cx: Context<Update>) -> Result<(), SendError<()>> {
    let mut rows: VecDeque<_> = (0..ROWS).map(Update::Row).collect();
    loop {
        match race(cx.send_many(&mut rows), yield_now()).await {
            Raced::First(sent) => break sent,
            Raced::Second(()) => {} // some may be sent; the others are in `rows`
        }
    }
}

/// All that the worker sends.
fn rows_of(panel: &mut ControlPanel<Update>, worker: &WorkerHandle) -> Vec<u32> {
    let mut rows = Vec::new();
    while !worker.status().is_final() || panel.queued() > 0 {
        panel.wait_ready_timeout(Duration::from_millis(100));
        rows.extend(panel.drain().map(|queued| {
            let Update::Row(row) = queued.intent;
            row
        }));
    }
    rows
}

fn main() {
    // So small that most sends lose many times.
    let mut panel = ControlPanel::<Update>::builder().capacity(2).build();
    let spawner = panel.spawner();
    for spawn in [Spawner::spawn_pinned, Spawner::spawn_reserved, Spawner::spawn_many] {
        let worker = spawn(&spawner);
        let rows = rows_of(&mut panel, &worker);
        println!("{}: {} rows", worker.name(), rows.len());
        assert!(rows.into_iter().eq(0..ROWS), "each of them, once, in order");
    }
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn no_row_is_lost_or_doubled() {
    main();
}
