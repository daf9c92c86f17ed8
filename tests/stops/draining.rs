//! A shutdown while the loop goes on draining: workers hand over more than the queue holds, and the deadline holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{Context, Exit, FrameBudget, IntentSender, SendError, Worker, supervision::Cancel};
use tests::{Mark, eventually, paused, watched};
use tokio::time::{Instant, sleep};

use super::{MS, Panel, exits};

const FLUSHED: u64 = 10_000;

/// What is flushed by a worker that is asked to stop.
async fn flush(sender: IntentSender<Mark>) -> Result<(), SendError<()>> {
    for id in 0..FLUSHED {
        sender.send(Mark::new(id)).await.map_err(SendError::without_intent)?;
    }
    Ok(())
}

fn flushes(name: &'static str) -> Worker<Mark> {
    let run = async |cx: Context<Mark>| {
        cx.cancelled().await;
        flush(cx.sender()).await
    };
    Worker::new(name, 0, run).cancel(Cancel::Cooperative)
}

fn small() -> Panel {
    Panel::builder().capacity(64).shutdown_timeout(Duration::from_secs(10)).build()
}

#[test]
fn a_cooperative_worker_flushes_what_the_queue_cannot_hold() {
    paused(async || {
        for budget in [FrameBudget::default(), FrameBudget::default().intents(7)] {
            let mut panel = Panel::builder().capacity(64).frame_budget(budget).build();
            panel.spawn(flushes("flushes"));
            sleep(MS).await;
            let mut seen = Vec::new();
            let report = panel
                .shutdown_draining(|panel| seen.extend(panel.drain().map(|queued| queued.intent.id)))
                .await;
            assert!(report.is_clean(), "{report}");
            assert!(matches!(exits(&report)[..], [("flushes", Exit::Cancelled)]), "{report}");
            assert!(seen.iter().copied().eq(0..FLUSHED), "all of them, in order: {}", seen.len());
            assert_eq!(panel.queued(), 0);
            let again = panel.shutdown_draining(|_| ()).await;
            assert_eq!(again.workers().len(), 1, "the same report");
        }
    });
}

#[test]
fn so_do_workers_on_threads_and_of_every_kind() {
    watched(|| {
        let (mut panel, running) = (small(), Arc::new(AtomicU64::new(0)));
        let begins = || {
            let running = Arc::clone(&running);
            move || _ = running.fetch_add(1, Ordering::SeqCst)
        };
        let blocks = || {
            let begins = begins();
            move |cx: Context<Mark>| {
                begins();
                while !cx.cancelled_timeout(Duration::MAX) {}
                let send = |id| cx.sender().send_blocking(Mark::new(id)).map_err(SendError::without_intent);
                (0..FLUSHED).try_for_each(send)
            }
        };
        panel.spawn(Worker::thread("thread", 1, blocks()));
        panel.spawn(Worker::blocking("blocking", 2, blocks()));
        let waits = || {
            let begins = begins();
            move |cx: Context<Mark>| {
                begins();
                async move {
                    cx.cancelled().await;
                    flush(cx.sender()).await
                }
            }
        };
        panel.spawn(Worker::new("async", 0, waits()).cancel(Cancel::Cooperative));
        panel.spawn(Worker::local("local", 3, waits()).cancel(Cancel::Cooperative));
        // One that is asked to stop before it began does not begin, and has nothing to hand over.
        eventually("all of them run", || running.load(Ordering::SeqCst) == 4);
        let mut seen = 0;
        let report = panel.shutdown_draining_blocking(|panel| seen += panel.drain().count() as u64);
        assert_eq!(report.workers().len(), 4);
        assert!(report.workers().iter().all(|worker| matches!(worker.exit, Exit::Cancelled)), "{report}");
        assert_eq!(seen, 4 * FLUSHED);
    });
}

/// The context's own sends do not wait once the worker is asked to stop: what loops over them ends, drained or not.
#[test]
fn a_worker_that_loops_over_its_sends_ends_although_it_is_drained() {
    paused(async || {
        let mut panel = small();
        let floods = async |cx: Context<Mark>| loop {
            if cx.send(Mark::new(0)).await.is_err() {
                return;
            }
        };
        panel.spawn(Worker::new("floods", 0, floods).cancel(Cancel::Cooperative));
        sleep(MS).await;
        let began = Instant::now();
        let report = panel.shutdown_draining(|panel| panel.drain().for_each(drop)).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
}

/// One that never ends, one that flushes without end, and a frame that drains nothing.
#[test]
fn the_deadline_holds_whatever_workers_and_frames_do() {
    paused(async || {
        for drains in [true, false] {
            let mut panel = small();
            let grace = Duration::from_secs(3_600);
            let deaf = Worker::new("deaf", 0, async |_: Context<Mark>| std::future::pending::<()>().await);
            panel.spawn(deaf.cancel(Cancel::Cooperative).grace(grace));
            let endless = async |cx: Context<Mark>| {
                cx.cancelled().await;
                loop {
                    sleep(MS).await;
                    cx.sender().send(Mark::new(0)).await.map_err(SendError::without_intent)?;
                }
                #[expect(unreachable_code, reason = "names the error")]
                Ok::<(), SendError<()>>(())
            };
            panel.spawn(Worker::new("endless", 1, endless).cancel(Cancel::Cooperative).grace(grace));
            sleep(MS).await;
            let (began, frames) = (Instant::now(), Arc::new(AtomicU64::new(0)));
            let report = panel
                .shutdown_draining(|panel| {
                    frames.fetch_add(1, Ordering::Relaxed);
                    if drains {
                        panel.drain().for_each(drop);
                    }
                })
                .await;
            assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
            assert!(!report.is_clean(), "{report}");
            assert_eq!(report.abandoned().count(), 0, "they were dropped: {report}");
            assert!(frames.load(Ordering::Relaxed) > 1);
            assert_eq!(panel.queued() == 0, drains);
        }
    });
}

/// A loop that is called by its host does it in its own frames.
#[test]
fn a_loop_of_frames_drains_down_by_itself() {
    paused(async || {
        let mut panel = small();
        panel.spawn(flushes("flushes"));
        sleep(MS).await;
        panel.request_shutdown();
        let (mut seen, mut frames) = (0, 0);
        while panel.worker_count() > 0 {
            panel.wait_ready().await;
            seen += panel.drain().count() as u64;
            frames += 1;
        }
        assert!(panel.shutdown().await.is_clean());
        seen += panel.drain().count() as u64;
        assert!(frames > 1);
        assert_eq!(seen, FLUSHED);
    });
}

/// A shutdown that was dropped half-way goes on where it is called again; so does one whose frame panics.
#[test]
fn it_can_be_called_again() {
    paused(async || {
        let mut panel = small();
        panel.spawn(flushes("flushes"));
        sleep(MS).await;
        let mut seen = 0;
        {
            let draining = panel.shutdown_draining(|panel| seen += panel.drain().count() as u64);
            tokio::time::timeout(Duration::ZERO, draining).await.unwrap_err();
        }
        let report = panel.shutdown_draining(|panel| seen += panel.drain().count() as u64).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(seen, FLUSHED);
    });
}
