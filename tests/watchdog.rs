//! The watchdog: what is stuck is found while it is, though every thread of the runtime be blocked; what is merely slow is
//! not; and of a worker that is to start anew no second copy begins while the first lives.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Backoff, Cancel, Cause, Context, ControlPanel, Escalate, Event, EventKind, Events, Exit, Intensity,
    Notice, OnStuck, Refusal, Restart, ShutdownReport, Strategy, Warning, Worker, WorkerHandle, WorkerStatus,
};
use tests::{
    Mark, eventually,
    offenders::{Busy, OnDrop, good},
    paused, threads, watched,
};
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);
/// Long enough to be kept by whoever keeps it, however busy the machine is.
const PROMISE: Duration = Duration::from_millis(400);

/// Long enough for whoever stops, however busy the machine is.
fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(Duration::from_secs(20)).build()
}

/// What was told of stuck workers since it was last asked.
fn told(events: &mut Events) -> Vec<Event> {
    let all = std::iter::from_fn(|| events.try_next()).map(|notice| match notice {
        Notice::Event(event) => event,
        Notice::Gap(missed) => panic!("{missed} events are missing"),
    });
    all.filter(|event| {
        matches!(
            event.kind,
            EventKind::Stuck(_) | EventKind::Recovered | EventKind::Escalated | EventKind::GaveUp
        )
    })
    .collect()
}

fn next(events: &mut Events) -> Event {
    let mut found = Vec::new();
    eventually("something is found", || {
        found = told(events);
        !found.is_empty()
    });
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// The status says so: once the supervisor is not busy with just that.
fn stuck_are(panel: &Panel, names: &[&str]) {
    eventually("the status says who is stuck", || {
        let workers = panel.status().workers;
        workers.iter().filter(|info| info.stuck).map(|info| info.name.as_str()).eq(names.iter().copied())
    });
}

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
            found.extend(told(&mut events));
            found.len() >= 2
        });
        assert_eq!(busy.ended.load(Ordering::SeqCst), 0, "they still block");
        stuck_are(&panel, &["one", "two"]);
        for event in &found {
            assert!(matches!(event.kind, EventKind::Stuck(time) if time >= 20 * MS), "{event}");
        }
        busy.let_go();
        eventually("both recover", || {
            found.extend(told(&mut events));
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
            "each is told once"
        );
        stuck_are(&panel, &[]);
    });
}

#[test]
fn nobody_is_found_who_is_merely_busy() {
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
        assert!(told(&mut events).is_empty());
        stuck_are(&panel, &[]);
    });
}

/// Sends heartbeats until it is told to be silent, and ends once it is let go.
#[derive(Clone, Default)]
struct Silent {
    hushed: Arc<AtomicBool>,
    go: Arc<AtomicBool>,
    living: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    cause: Arc<std::sync::Mutex<Vec<Option<Cause>>>>,
}

impl Silent {
    fn enter(&self) -> OnDrop {
        let living = self.living.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(living, Ordering::SeqCst);
        OnDrop(Arc::default())
    }

    fn leave(&self, cause: Option<Cause>) {
        self.cause.lock().unwrap().push(cause);
        self.living.fetch_sub(1, Ordering::SeqCst);
    }

    fn body(&self, cx: &Context<Mark>) {
        let _living = self.enter();
        while !self.go.load(Ordering::SeqCst) {
            if cx.generation() > 1 || !self.hushed.load(Ordering::SeqCst) {
                cx.heartbeat();
            }
            // The first is deaf, later ones stop when they are told.
            if cx.generation() > 1 && cx.is_cancelled() {
                break;
            }
            thread::sleep(MS);
        }
        self.leave(cx.cause());
    }
}

/// Who is in the report as an incident, and how.
fn incidents(report: &ShutdownReport) -> Vec<(String, u64, String)> {
    let incidents = report.incidents();
    incidents.map(|it| (it.name.to_string(), it.generation, it.exit.to_string())).collect()
}

fn was_stuck(name: &str, generation: u64) -> (String, u64, String) {
    (name.to_owned(), generation, Exit::Stuck.to_string())
}

fn generation(handle: &WorkerHandle, wanted: u64) {
    eventually("the next generation", || handle.generation() == wanted);
}

#[test]
fn a_missing_heartbeat_is_found_and_the_successor_waits_until_the_first_is_gone() {
    watched(|| {
        let runtime = threads(2);
        for native in [false, true] {
            let silent = Silent::default();
            let panel = on(&runtime);
            let mut events = panel.events();
            let body = silent.clone();
            let body = move |cx: Context<Mark>| body.body(&cx);
            let worker = if native { Worker::thread("it", 0, body) } else { Worker::blocking("it", 0, body) };
            let worker = worker.heartbeat(PROMISE).on_stuck(OnStuck::Restart).backoff(Backoff::none());
            let handle = panel.spawn(worker);
            generation(&handle, 1);
            thread::sleep(2 * PROMISE);
            assert!(told(&mut events).is_empty(), "it keeps its promise");
            silent.hushed.store(true, Ordering::SeqCst);
            let event = next(&mut events);
            assert!(matches!(event.kind, EventKind::Stuck(_)) && event.generation == 1, "{event}");
            eventually("it is told", || matches!(handle.status(), WorkerStatus::Stopping(Cause::Stuck)));
            thread::sleep(100 * MS);
            assert_eq!((handle.generation(), silent.living.load(Ordering::SeqCst)), (1, 1), "it still lives");
            stuck_are(&panel, &["it"]);
            assert!(told(&mut events).is_empty(), "and it is told once");
            silent.go.store(true, Ordering::SeqCst);
            eventually("both end", || handle.status().is_final());
            assert_eq!((handle.generation(), silent.living.load(Ordering::SeqCst)), (2, 0));
            assert_eq!(silent.cause.lock().unwrap()[0], Some(Cause::Stuck));
            assert_eq!(silent.most.load(Ordering::SeqCst), 1, "never two at once");
            assert_eq!(incidents(&panel.shutdown_blocking()), [was_stuck("it", 1)]);
        }
    });
}

#[test]
fn who_waits_for_a_thread_owes_no_heartbeat_before_it_has_one() {
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
        // They stay silent for ever, but they have not begun.
        let silent = Worker::local("local", 0, |_| std::future::pending::<()>());
        let local = panel.spawn(silent.heartbeat(PROMISE).on_stuck(OnStuck::Restart));
        let silent = Worker::blocking("pool", 0, |cx: Context<Mark>| {
            while !cx.is_cancelled() {
                thread::sleep(MS);
            }
        });
        let pool = panel.spawn(silent.heartbeat(PROMISE).on_stuck(OnStuck::Restart));
        thread::sleep(4 * PROMISE);
        let found = told(&mut events);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!((local.generation(), pool.generation()), (1, 1));
        drop((go_local, go_pool));
        // Now they have.
        let mut found = Vec::new();
        eventually("both are found", || {
            found.extend(told(&mut events).into_iter().map(|event| event.name.to_string()));
            ["local", "pool"].iter().all(|name| found.iter().any(|found| found == name))
        });
    });
}

#[test]
fn an_async_worker_without_a_heartbeat_is_dropped_and_started_anew() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let beats = |cx: Context<Mark>| async move {
            loop {
                if cx.generation() > 1 {
                    cx.heartbeat();
                }
                sleep(MS).await;
            }
        };
        for worker in [Worker::new("async", 0, beats), Worker::local("local", 0, beats)] {
            let mut events = panel.events();
            let handle =
                panel.spawn(worker.heartbeat(PROMISE).on_stuck(OnStuck::Restart).backoff(Backoff::none()));
            assert!(matches!(next(&mut events).kind, EventKind::Stuck(_)));
            generation(&handle, 2);
            thread::sleep(2 * PROMISE);
            assert!(told(&mut events).is_empty() && handle.generation() == 2, "the second keeps the promise");
            stuck_are(&panel, &[]);
        }
    });
}

#[test]
fn who_is_stuck_too_often_stays_down_and_may_end_the_panel() {
    watched(|| {
        let runtime = threads(2);
        for escalate in [Escalate::Never, Escalate::Panel] {
            let panel = on(&runtime);
            let mut events = panel.events();
            let other = panel.spawn(good("other"));
            let silent =
                good("silent").heartbeat(10 * MS).on_stuck(OnStuck::Restart).backoff(Backoff::none());
            let handle = panel
                .spawn(silent.intensity(Intensity::new(1, Duration::from_secs(3600))).escalate(escalate));
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Stuck)));
            assert_eq!((handle.generation(), handle.cause()), (2, Some(Cause::Stuck)));
            let kinds: Vec<_> = told(&mut events).into_iter().map(|event| event.kind.to_string()).collect();
            let ends = escalate == Escalate::Panel;
            assert_eq!(kinds.len(), if ends { 4 } else { 3 }, "stuck, stuck, gave up: {kinds:?}");
            if ends {
                other.ended_blocking();
                assert_eq!(other.cause(), Some(Cause::Escalated));
            }
            assert_eq!(panel.status().warning == Some(Warning::Escalated), ends);
            let report = panel.shutdown_blocking();
            assert!(!report.is_clean());
            assert_eq!(incidents(&report), [was_stuck("silent", 1), was_stuck("silent", 2)]);
        }
    });
}

#[test]
fn the_report_names_who_was_stuck_and_ended_the_panel_for_it() {
    watched(|| {
        let runtime = threads(2);
        // It stops when it is told, or ends by itself before its turn to be told comes.
        for by_itself in [false, true] {
            let panel = on(&runtime);
            let mut events = panel.events();
            panel.spawn(good("good"));
            let told_to_end = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&told_to_end);
            let jam = Worker::new("jam", 0, move |_| {
                let seen = Arc::clone(&seen);
                async move {
                    while !(by_itself && seen.load(Ordering::SeqCst)) {
                        sleep(MS).await;
                    }
                }
            });
            let jam = panel.spawn(jam.heartbeat(10 * MS).on_stuck(OnStuck::Escalate));
            if by_itself {
                let told_to_end = Arc::clone(&told_to_end);
                // It is stopped before the jam, and lets that go first.
                let handle = jam.clone();
                let last = Worker::new("last", 0, move |cx: Context<Mark>| {
                    let (told_to_end, jam) = (Arc::clone(&told_to_end), handle.clone());
                    async move {
                        cx.cancelled().await;
                        told_to_end.store(true, Ordering::SeqCst);
                        jam.ended().await;
                    }
                });
                panel.spawn(last.after("jam").cancel(Cancel::Cooperative));
            }
            jam.ended_blocking();
            let escalated: Vec<_> = told(&mut events).iter().map(ToString::to_string).collect();
            assert!(escalated.iter().any(|told| told.contains("stuck")), "{escalated:?}");
            let report = panel.shutdown_blocking();
            assert!(!report.is_clean());
            assert_eq!(incidents(&report), [was_stuck("jam", 1)]);
            assert!(report.to_string().contains("jam (0, generation 1) was stuck"), "{report}");
        }
    });
}

#[test]
fn a_stuck_worker_ends_the_panel_where_it_is_to() {
    watched(|| {
        let (runtime, busy) = (threads(2), Busy::default());
        let _guard = busy.guard();
        // Nobody but the one that blocks is waited for.
        let panel = Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(5 * MS).build();
        let other = panel.spawn(good("other").restart(Restart::Always));
        let handle = panel.spawn(busy.worker("busy").stuck_after(10 * MS).on_stuck(OnStuck::Escalate));
        other.ended_blocking();
        assert_eq!((other.cause(), handle.cause()), (Some(Cause::Escalated), Some(Cause::Escalated)));
        assert!(!handle.status().is_final(), "it still blocks");
        assert_eq!(panel.status().warning, Some(Warning::Escalated));
        let report = panel.shutdown_blocking();
        assert_eq!(report.abandoned().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), ["busy"]);
        assert_eq!(incidents(&report), [("busy".into(), 1, Exit::Abandoned.to_string())]);
    });
}

#[test]
fn a_group_restarts_with_the_one_that_was_stuck() {
    watched(|| {
        let runtime = threads(2);
        let panel = on(&runtime);
        let group = panel.group().strategy(Strategy::OneForAll);
        let other = group.spawn(good("other").restart(Restart::Always));
        let silent = Worker::new("silent", 0, |cx: Context<Mark>| async move {
            loop {
                if cx.generation() > 1 {
                    cx.heartbeat();
                }
                sleep(MS).await;
            }
        });
        let silent = silent.restart(Restart::Always).heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        let silent = group.spawn(silent.backoff(Backoff::none()));
        let _group = group.start().unwrap();
        generation(&silent, 2);
        generation(&other, 2);
    });
}

#[test]
fn a_worker_that_runs_once_cannot_be_restarted_when_it_is_stuck() {
    paused(async || {
        let panel = Panel::new();
        let once = Worker::once("once", 0, async |_: Context<Mark>| {});
        let handle = panel.spawn(once.on_stuck(OnStuck::Restart));
        assert!(matches!(handle.status(), WorkerStatus::Refused(Refusal::RunsOnce)));
    });
}

/// Who is restarted for being stuck is whatever `restart` says, and so may escalate; who is never restarted cannot.
#[test]
fn a_worker_that_is_never_restarted_is_refused_where_it_is_to_escalate() {
    paused(async || {
        let panel = Panel::new();
        let escalates = || good("escalates").escalate(Escalate::Panel);
        let refused = panel.spawn(escalates());
        let WorkerStatus::Refused(refusal) = refused.status() else { panic!("{}", refused.status()) };
        assert_eq!(refusal, Refusal::EscalatesNever);
        assert!(refusal.to_string().contains("give it `.restart(…)`"), "{refusal}");
        let stuck = escalates().heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        for good in [stuck, escalates().restart(Restart::OnFailure)] {
            assert!(!panel.spawn(good).status().is_final());
        }
    });
}

/// In a group the group's word counts, and one that is restarted is enough: its failures are the group's.
#[test]
fn a_group_of_which_nobody_is_ever_restarted_is_refused_where_it_is_to_escalate() {
    paused(async || {
        let panel = Panel::new();
        let group = || panel.group().escalate(Escalate::Panel);
        let never = || good("never").escalate(Escalate::Panel);
        let refused = group();
        let workers = [refused.spawn(good("never")), refused.spawn(never())];
        assert_eq!(refused.start().unwrap_err(), Refusal::EscalatesNever);
        for worker in workers {
            assert!(matches!(worker.status(), WorkerStatus::Refused(Refusal::EscalatesNever)), "{worker:?}");
        }
        assert_eq!(panel.worker_count(), 0, "all or none");
        let stuck = good("stuck").heartbeat(PROMISE).on_stuck(OnStuck::Restart);
        for other in [stuck, good("restarted").restart(Restart::OnFailure)] {
            let group = group();
            let workers = [group.spawn(never()), group.spawn(other), group.spawn(never())];
            group.start().unwrap();
            assert!(workers.iter().all(|worker| !worker.status().is_final()), "{workers:?}");
        }
        // One that is not to escalate has nothing that would never come; an empty one neither starts nor fails.
        let group = panel.group();
        group.spawn(never());
        group.start().unwrap();
        panel.group().escalate(Escalate::Panel).start().unwrap();
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
        assert!(told(&mut events).is_empty());
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
