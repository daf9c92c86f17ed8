//! By hand: what is suspended waits, and its end and its restart go their way.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{Backoff, Context, Exit, Restart, Worker, WorkerStatus, supervision::Cancel};
use tests::{Mark, Wakes, paused, quiet_panic, watched};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use super::{MS, Panel, counter};

#[test]
fn a_suspended_worker_waits_at_its_gate_until_it_is_resumed() {
    paused(async || {
        let panel = Panel::new();
        let count = Arc::new(AtomicU64::new(0));
        let handle = panel.spawn(counter(&count));
        handle.suspend(); // before it ran
        assert!(handle.is_suspended() && panel.status().workers[0].suspended);
        sleep(50 * MS).await;
        assert_eq!(count.load(Ordering::SeqCst), 0);
        handle.suspend(); // twice is once
        handle.resume();
        assert!(!handle.is_suspended() && !panel.status().workers[0].suspended);
        sleep(50 * MS).await;
        let open = count.load(Ordering::SeqCst);
        assert!((45..=50).contains(&open), "{open}");
        handle.suspend();
        sleep(50 * MS).await;
        let closed = count.load(Ordering::SeqCst);
        assert!(closed <= open + 1, "the one that was under way");
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn changed_tells_each_turn_that_was_seen_and_a_cancelled_wait_loses_none() {
    paused(async || {
        let panel = Panel::new();
        let handle = panel.spawn(Worker::new("pending", 0, |_| std::future::pending::<()>()));
        // The gate of a worker is had by its context alone: this one gives it away.
        let (give, take) = std::sync::mpsc::channel();
        let gives = panel.spawn(Worker::new("gives", 0, move |cx: Context<Mark>| {
            give.send(cx.gate()).unwrap();
            async move { cx.cancelled().await }
        }));
        yield_now().await;
        let mut gate = take.recv().unwrap();
        let wakes = Wakes::new();
        handle.suspend();
        assert!(gate.is_open(), "somebody else's");
        assert!(wakes.poll(Box::pin(gate.changed()).as_mut()).is_pending());
        gives.suspend();
        assert!(!gate.is_open());
        assert!(!gate.changed().await, "closed while nothing waited");
        gives.resume();
        gives.suspend();
        assert!(wakes.poll(Box::pin(gate.changed()).as_mut()).is_pending(), "twice turned");
        let mut changed = Box::pin(gate.changed());
        assert!(wakes.poll(changed.as_mut()).is_pending());
        wakes.take();
        gives.resume();
        assert_eq!(wakes.take(), 1);
        assert!(changed.await, "open");
        assert!(format!("{gate:?}").contains("open: true"));
    });
}

#[test]
fn suspension_holds_across_restarts() {
    paused(async || {
        let panel = Panel::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&seen);
        let worker = Worker::new("flaky", 0, move |cx: Context<Mark>| {
            noted.lock().unwrap().push(cx.gate().is_open());
            async move {
                sleep(10 * MS).await;
                quiet_panic()
            }
        });
        let handle = panel.spawn(worker.restart(Restart::OnFailure).backoff(Backoff::new(MS, MS)));
        sleep(5 * MS).await;
        handle.suspend();
        sleep(10 * MS).await;
        handle.resume();
        sleep(10 * MS).await;
        assert_eq!(seen.lock().unwrap()[..3], [true, false, true]);
    });
}

#[test]
fn a_gate_is_open_for_a_worker_that_is_asked_to_stop() {
    paused(async || {
        let panel = Panel::new();
        let waits = Worker::new("waits", 0, async |cx: Context<Mark>| {
            let mut gate = cx.gate();
            assert!(!gate.is_open());
            gate.opened().await;
            assert!(cx.is_cancelled() && gate.is_open() && gate.changed().await);
        });
        let handle = panel.spawn(waits.cancel(Cancel::Cooperative).grace(Duration::MAX));
        handle.suspend();
        sleep(MS).await;
        handle.stop();
        let began = Instant::now();
        assert!(matches!(handle.ended().await, WorkerStatus::Ended(Exit::Cancelled)), "{handle:?}");
        assert!(began.elapsed() < MS);
    });
}

#[test]
fn a_gate_is_open_for_a_generation_that_is_to_end() {
    paused(async || {
        let panel = Panel::new();
        let worker = Worker::new("again", 0, async |cx: Context<Mark>| {
            cx.gate().opened().await;
            assert!(cx.is_cancelled());
        });
        let handle = panel.spawn(worker.cancel(Cancel::Cooperative).grace(Duration::MAX));
        handle.suspend();
        sleep(MS).await;
        handle.restart().unwrap();
        sleep(MS).await;
        assert_eq!((handle.generation(), handle.is_suspended()), (2, true));
        assert!(matches!(handle.status(), WorkerStatus::Running), "the next one waits at its gate");
    });
}

#[test]
fn a_thread_waits_at_its_gate() {
    watched(|| {
        let panel = Panel::new();
        let passed = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&passed);
        let handle = panel.spawn(Worker::thread("thread", 0, move |cx: Context<Mark>| {
            cx.gate().opened_blocking();
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        handle.suspend();
        tests::eventually("it runs", || handle.generation() == 1);
        std::thread::sleep(5 * MS);
        // It may have passed before it was suspended, which is no mistake.
        if passed.load(Ordering::SeqCst) == 0 {
            assert!(!handle.status().is_final());
        }
        handle.resume();
        handle.ended_blocking();
        assert_eq!(passed.load(Ordering::SeqCst), 1);
    });
}
