//! Which workers are found stuck, which are not, and what is reported of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{Context, Worker, events::EventKind, supervision::OnStuck};
use tests::{
    Mark, eventually,
    offenders::{Busy, good},
    paused, threads, watched,
};
use tokio::{runtime::Builder, time::sleep};

use super::{MS, PROMISE, Panel, on, since_last, stuck_are};

#[test]
fn stuck_polls_are_found_while_every_thread_of_the_runtime_is_blocked() {
    watched(|| {
        let (runtime, busy) = (threads(2), Busy::default());
        let _guard = busy.guard();
        let panel = on(&runtime);
        let mut events = panel.events();
        panel.spawn(good("good").stuck_after(20 * MS));
        for (count, name) in [(1, "one"), (2, "two")] {
            panel.spawn(busy.worker(name).stuck_after(20 * MS));
            eventually("it blocks", || busy.blocking.load(Ordering::SeqCst) == count);
        }
        // It waits for a thread, which is nothing to be blamed for.
        panel.spawn(good("kept out").stuck_after(10 * MS));
        let mut found = Vec::new();
        eventually("both are found", || {
            found.extend(since_last(&mut events));
            found.len() >= 2
        });
        assert_eq!(busy.ended.load(Ordering::SeqCst), 0, "they still block");
        stuck_are(&panel, &["one", "two"]);
        for event in &found {
            assert!(matches!(event.kind, EventKind::Stuck(time) if time >= 20 * MS), "{event}");
        }
        busy.let_go();
        eventually("both recover", || {
            found.extend(since_last(&mut events));
            found.len() >= 4
        });
        found.sort_by_key(|event| event.origin);
        let kinds: Vec<_> = found
            .iter()
            .map(|event| (event.name.as_str(), matches!(event.kind, EventKind::Recovered)))
            .collect();
        assert_eq!(
            kinds,
            [("one", false), ("one", true), ("two", false), ("two", true)],
            "each is reported once"
        );
        stuck_are(&panel, &[]);
    });
}

#[test]
fn a_worker_that_is_merely_busy_is_not_found_stuck() {
    watched(|| {
        let (runtime, over) = (threads(2), Arc::new(AtomicBool::new(false)));
        let panel = on(&runtime);
        let mut events = panel.events();
        let limit = PROMISE;
        // Twice as many as there are threads, all of them always runnable, and native ones beside them.
        let turns = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let turns = Arc::clone(&turns);
            let worker = Worker::new("busy", 0, move |cx: Context<Mark>| {
                let turns = Arc::clone(&turns);
                async move {
                    loop {
                        let began = Instant::now();
                        while began.elapsed() < 2 * MS {
                            std::hint::spin_loop();
                        }
                        cx.heartbeat();
                        turns.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                    }
                }
            });
            panel.spawn(worker.stuck_after(limit).heartbeat(2 * limit));
        }
        let spin = |over: &Arc<AtomicBool>| {
            let over = Arc::clone(over);
            thread::spawn(move || while !over.load(Ordering::Relaxed) {})
        };
        let spinning: Vec<_> = (0..2).map(|_| spin(&over)).collect();
        let began = Instant::now();
        eventually("it was busy for a while", || {
            began.elapsed() > 3 * limit && turns.load(Ordering::Relaxed) > 100
        });
        over.store(true, Ordering::Relaxed);
        for thread in spinning {
            thread.join().unwrap();
        }
        assert!(since_last(&mut events).is_empty());
        stuck_are(&panel, &[]);
    });
}

#[test]
fn a_worker_that_waits_for_a_thread_owes_no_heartbeat_before_it_has_one() {
    watched(|| {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
        let panel = on(&runtime);
        let mut events = panel.events();
        let (tell, begun) = mpsc::channel();
        let hold = |tell: mpsc::Sender<()>| {
            let (go, wait) = mpsc::channel::<()>();
            let hold = move || {
                tell.send(()).ok();
                wait.recv().ok();
            };
            (go, hold)
        };
        let ((go_local, local), (go_pool, pool)) = (hold(tell.clone()), hold(tell));
        panel.spawn(Worker::local("holds local", 0, move |_| {
            local();
            std::future::ready(())
        }));
        panel.spawn(Worker::blocking("holds pool", 0, move |_| pool()));
        begun.recv().unwrap();
        begun.recv().unwrap();
        // They stay silent forever, but they have not begun.
        let silent = Worker::local("local", 0, |_| std::future::pending::<()>());
        let local = panel.spawn(silent.heartbeat(PROMISE).on_stuck(OnStuck::Restart));
        let silent = Worker::blocking("pool", 0, |cx: Context<Mark>| {
            while !cx.is_cancelled() {
                thread::sleep(MS);
            }
        });
        let pool = panel.spawn(silent.heartbeat(PROMISE).on_stuck(OnStuck::Restart));
        thread::sleep(4 * PROMISE);
        let found = since_last(&mut events);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!((local.generation(), pool.generation()), (0, 0));
        drop((go_local, go_pool));
        // Now they have.
        let mut found = Vec::new();
        eventually("both are found", || {
            found.extend(since_last(&mut events).into_iter().map(|event| event.name.to_string()));
            ["local", "pool"].iter().all(|name| found.iter().any(|found| found == name))
        });
    });
}

/// The watchdog's time is real time.
#[test]
fn a_paused_year_is_no_time() {
    paused(async || {
        let panel = Panel::new();
        let mut events = panel.events();
        panel.spawn(good("pending").stuck_after(Duration::from_secs(60)).heartbeat(Duration::from_secs(60)));
        sleep(Duration::from_secs(30 * 24 * 3600)).await;
        assert!(since_last(&mut events).is_empty());
    });
}

#[test]
fn the_report_tells_the_last_heartbeat() {
    paused(async || {
        let panel = Panel::new();
        panel.spawn(good("silent"));
        panel.spawn(Worker::new("alive", 0, async |cx: Context<Mark>| {
            cx.heartbeat();
            cx.cancelled().await;
        }));
        sleep(MS).await;
        let report = panel.shutdown().await;
        let beats: Vec<_> = report.workers().iter().map(|worker| worker.last_heartbeat).collect();
        assert!(matches!(beats[..], [None, Some(ago)] if ago < Duration::from_secs(60)), "{beats:?}");
    });
}
