//! The seed's own tests of its first phase, by its names, and the two of the later phases that this one decides.

use std::{future, thread};

use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker, supervision::Cancel, worker};
use tests::{eventually, paused, watched};
use tokio::task::yield_now;

#[derive(Debug, Clone, Copy, PartialEq, GraphIntent)]
enum GraphIntent {
    Demote,
    #[intent(clock = lamport)]
    Remote {
        lamport: u64,
        node: u32,
    },
}

#[worker(source = IntentSource::MemoryMonitor)]
async fn monitor(cx: Context<GraphIntent>, times: u32) {
    for _ in 0..times {
        cx.send(GraphIntent::Demote).await.ok();
        yield_now().await;
    }
    future::pending::<()>().await;
}

#[test]
fn control_panel_new_creates_empty_joinset() {
    let mut panel = ControlPanel::<GraphIntent>::new();
    assert_eq!(panel.worker_count(), 0);
    let status = panel.status();
    assert!(status.workers.is_empty() && status.warning.is_none());
    assert_eq!((status.accepted, status.queued, status.waiting, status.capacity), (0, 0, 0, 256));
    assert!(panel.drain().next().is_none());
    let report = panel.shutdown_blocking();
    assert!(report.is_clean() && report.workers().is_empty() && report.incidents().next().is_none());
}

#[test]
fn control_panel_shutdown_stops_all_workers() {
    paused(async || {
        let panel = ControlPanel::<GraphIntent>::new();
        let handles = [panel.spawn_monitor(0), panel.spawn_monitor(3), panel.spawner().spawn_monitor(1_000)];
        assert_eq!(panel.worker_count(), 3);
        yield_now().await;
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
        assert_eq!((panel.worker_count(), report.workers().len()), (0, 3));
        assert!(handles.iter().all(|handle| handle.status().is_final()));
    });
}

/// Real threads and real workers in any interleaving: the same frame.
#[test]
fn intent_ordering_deterministic_under_concurrent_producers() {
    let frame = || {
        let mut panel = ControlPanel::<GraphIntent>::builder().capacity(4_096).build();
        let sources = [IntentSource::P2pSync, IntentSource::LocalUI, IntentSource::P2pSync];
        let senders = sources.map(|source| panel.sender(source));
        panel.spawn_monitor(100);
        thread::scope(|scope| {
            for (node, sender) in (0..).zip(senders) {
                scope.spawn(move || {
                    for lamport in (1..=100).rev() {
                        let intent = match node {
                            1 => GraphIntent::Demote,
                            _ => GraphIntent::Remote { lamport: lamport % 7 + 1, node },
                        };
                        sender.send_blocking(intent).unwrap();
                    }
                });
            }
        });
        eventually("the worker sent all", || panel.status().accepted == 400);
        let frame: Vec<_> = panel.drain().map(|queued| (queued.causality_order(), queued.intent)).collect();
        assert!(frame.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(frame[..100].iter().all(|(order, _)| order.source == IntentSource::LocalUI));
        assert!(frame[100..200].iter().all(|(order, _)| order.source == IntentSource::MemoryMonitor));
        frame
    };
    watched(move || {
        let first = frame();
        assert_eq!(first.len(), 400);
        for _ in 0..10 {
            assert_eq!(frame(), first);
        }
    });
}

#[test]
fn graceful_shutdown_drains_joinset_before_exit() {
    paused(async || {
        let mut panel = ControlPanel::<GraphIntent>::new();
        for node in 0..5 {
            let last_words = Worker::new(
                "last words",
                IntentSource::P2pSync,
                move |cx: Context<GraphIntent>| async move {
                    cx.cancelled().await;
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    cx.send(GraphIntent::Remote { lamport: 9, node }).await.unwrap();
                },
            );
            panel.spawn(last_words.cancel(Cancel::Cooperative));
        }
        panel.spawn_monitor(2);
        yield_now().await;
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.workers().len(), panel.worker_count()), (6, 0), "it waited for all of them");
        let remote = |node| GraphIntent::Remote { lamport: 9, node };
        let intents: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
        assert_eq!(intents[intents.len() - 5..], [0, 1, 2, 3, 4].map(remote));
        assert!(intents[..intents.len() - 5].iter().all(|intent| *intent == GraphIntent::Demote));
    });
}
