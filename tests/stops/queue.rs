//! Nothing drains during a shutdown: what does not fit is returned.

use control_panel::{Context, Exit, SendError, TrySendError, Worker, supervision::Cancel};
use tests::{Mark, paused};
use tokio::{task::yield_now, time::sleep};

use super::{MS, Panel, exits};

#[test]
fn a_full_queue_hands_intents_back_while_a_shutdown_waits() {
    paused(async || {
        let mut panel = Panel::builder().capacity(3).build();
        let flush = Worker::new("flush", 0, async |cx: Context<Mark>| {
            cx.cancelled().await;
            let mut back = Vec::new();
            for id in 0..5 {
                match cx.send(Mark::new(id)).await {
                    Err(SendError::Stopping(mark)) => back.push(mark.id),
                    sent => assert!(sent.is_ok()),
                }
            }
            assert!(matches!(cx.try_send(Mark::new(5)), Err(TrySendError::Stopping(mark)) if mark.id == 5));
            assert_eq!(back, [1, 2, 3, 4]);
        });
        panel.spawn(flush.cancel(Cancel::Cooperative));
        let waits = Worker::new("waits", 1, async |cx: Context<Mark>| {
            cx.send(Mark::new(10)).await.unwrap();
            assert!(matches!(cx.send(Mark::new(11)).await, Err(SendError::Stopping(mark)) if mark.id == 11));
        });
        panel.spawn(waits.cancel(Cancel::Cooperative));
        let outside = panel.sender(1);
        sleep(MS).await;
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
        assert!(matches!(outside.send(Mark::new(9)).await, Err(SendError::Closed(mark)) if mark.id == 9));
        assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [0, 10]);
    });
}

/// The request to stop comes first: a worker that waits for a slot is dropped there, and is not woken to fail.
#[test]
fn a_worker_does_not_run_into_the_errors_of_the_closing_queue() {
    paused(async || {
        let panel = Panel::builder().capacity(2).build();
        let sends = Worker::new("sends", 0, async |cx: Context<Mark>| {
            while !cx.is_cancelled() {
                cx.send(Mark::new(0)).await.map_err(SendError::without_intent)?;
            }
            Ok::<(), SendError<()>>(())
        });
        panel.spawn(sends);
        yield_now().await;
        assert_eq!(panel.status().waiting, 1);
        let report = panel.shutdown().await;
        assert!(report.is_clean() && matches!(exits(&report)[..], [("sends", Exit::Cancelled)]), "{report}");
        assert_eq!(panel.status().waiting, 0);
    });
}
