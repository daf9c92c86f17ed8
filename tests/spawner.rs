//! What spawns has its `spawn` without any trait in scope, and a spawner does all that its panel does by `&self`.
//! (No `Spawn` is imported here: that is the test.)

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, PanelStatus, QueuedIntent, Reconcile, Reducer, Spawner, TrySendError,
    Worker, WorkerStatus,
    events::{EventKind, Notice},
    requests::{Answer, Reply},
    supervision::{Cancel, Cause, SpawnError},
};
use tests::{Mark, paused, threads, watched};

type Panel = ControlPanel<Mark>;

fn waiting(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, |cx: Context<Mark>| async move { cx.cancelled().await })
}

#[test]
fn everything_that_spawns_spawns_without_a_trait() {
    watched(|| {
        let panel = Panel::new();
        let (spawner, group, tasks) = (panel.spawner(), panel.group(), panel.keyed_tasks::<u8>());
        let grouped = group.spawn(waiting("grouped"));
        assert!(matches!(grouped.status(), WorkerStatus::Starting), "it waits for the group's start");
        let group = group.start().unwrap();
        assert_eq!(group.workers()[0].origin(), grouped.origin());
        spawner.spawn(waiting("plain"));
        let tasks = tasks.limit(1).backlog(1);
        tasks.spawn(waiting("task"));
        let replaced = tasks.keyed(1).spawn(waiting("keyed"));
        let keyed = tasks.keyed(1).spawn(waiting("keyed"));
        assert!(replaced.ended_blocking().is_final(), "of a key the newest counts");
        let refused = tasks.spawn(waiting("too many")).status();
        assert!(matches!(refused, WorkerStatus::Refused(SpawnError::Backlog)), "{refused}");
        let names: Vec<_> = panel.workers().iter().map(|worker| worker.name().to_owned()).collect();
        assert_eq!(names, ["grouped", "plain", "task", "keyed"]);
        assert_eq!(panel.worker("keyed").unwrap().origin(), keyed.origin());
    });
}

#[test]
fn a_spawner_looks_at_the_workers_as_its_panel_does() {
    watched(|| {
        let panel = Panel::new();
        let spawner: Spawner<Mark> = panel.spawner();
        let mut events = spawner.events();
        let handle = panel.spawn(waiting("it"));
        assert_eq!(spawner.worker("it").unwrap().origin(), handle.origin());
        assert!(spawner.worker("other").is_none());
        assert_eq!(spawner.workers().len(), 1);
        let Some(Notice::Event(first)) = events.try_next() else { panic!("nothing happened") };
        let Some(Notice::Event(again)) = spawner.events_from(first.number).try_next() else {
            panic!("nothing happened")
        };
        assert!(matches!((first.kind, again.kind), (EventKind::Spawned, EventKind::Spawned)));
        handle.stop();
        handle.ended_blocking();
        assert!(spawner.worker("it").is_none() && spawner.workers().is_empty());
    });
}

/// For a dashboard: it reads all events to the end. A spawner that still exists delays no shutdown.
#[test]
fn the_events_of_a_panel_that_is_gone_have_an_end() {
    watched(|| {
        for blocks in [false, true] {
            let runtime = threads(2);
            let panel = Panel::builder().runtime(runtime.handle().clone()).build();
            let (_spawner, mut events, mut late) = (panel.spawner(), panel.events(), panel.events());
            let (go, gone) = std::sync::mpsc::channel::<()>();
            if blocks {
                let (begins, begun) = std::sync::mpsc::channel();
                panel.spawn(Worker::thread("it", 0, move |_cx| {
                    begins.send(()).unwrap();
                    _ = gone.recv();
                }));
                begun.recv().unwrap();
            } else {
                let handle = panel.spawn(waiting("it"));
                while handle.generation() == 0 {
                    std::thread::yield_now();
                }
            }
            let dashboard = runtime.spawn(async move {
                let mut last = None;
                while let Some(Notice::Event(event)) = events.recv().await {
                    last = Some(event.kind);
                }
                last
            });
            if !blocks {
                panel.shutdown_blocking();
            }
            assert!(!dashboard.is_finished(), "a panel that is there may be read on");
            drop(panel);
            if blocks {
                std::thread::sleep(std::time::Duration::from_millis(10));
                assert!(!dashboard.is_finished(), "a worker lives, and its end will be reported");
                go.send(()).unwrap();
            }
            let last = runtime.block_on(dashboard).unwrap();
            assert!(matches!(last, Some(EventKind::Ended(Exit::Cancelled, _))), "{last:?}");
            let read = runtime.block_on(async {
                let mut read = 0;
                while late.recv().await.is_some() {
                    read += 1;
                }
                read
            });
            assert!(read >= 4, "a reader that comes late reads all of it: {read}");
            assert!(late.try_next().is_none());
            runtime.shutdown_background();
        }
        let never_used = Panel::new();
        let mut events = never_used.events();
        drop(never_used);
        let runtime = threads(1);
        assert!(runtime.block_on(events.recv()).is_none());
        runtime.shutdown_background();
    });
}

#[derive(Default)]
struct State {
    wanted: u64,
}

impl Reducer for State {
    type Intent = Mark;

    fn apply(&mut self, _: QueuedIntent<Mark>) {
        self.wanted += 1;
    }
}

/// What the state asks for, and what is there.
struct Host {
    panel: Spawner<Mark, u64>,
}

impl Reconcile<State> for Host {
    fn reconcile(&mut self, state: &State) {
        if *self.panel.policy() != state.wanted {
            self.panel.set_policy(state.wanted);
            let wanted = |cx: Context<Mark, u64>| async move { cx.cancelled().await };
            self.panel.spawn(Worker::new("wanted", 0, wanted));
            self.panel.touch();
            self.panel.sender(1).try_send(Mark::new(1)).unwrap();
        }
        if state.wanted == 3 {
            self.panel.request_shutdown();
        }
    }
}

/// A frame borrows the panel; its host sets the policy, spawns, sends and ends the program all the same.
#[test]
fn a_host_does_all_of_it_inside_a_frame() {
    watched(|| {
        let mut panel = ControlPanel::<Mark, u64>::new();
        let mut host = Host { panel: panel.spawner() };
        let mut state = State::default();
        panel.run_frame(&mut state, &mut host, [(0, Mark::new(0))]);
        assert_eq!((*panel.policy(), panel.worker_count(), panel.queued()), (1, 1, 1));
        while !panel.is_shutting_down() {
            panel.run_frame(&mut state, &mut host, []);
        }
        assert_eq!((state.wanted, *panel.policy()), (3, 3));
        let report = panel.shutdown_blocking();
        assert!(report.is_clean() && report.workers().len() == 3, "{report}");
    });
}

/// The names of the methods by `&self` of a type, as the sources have them.
fn methods(of: &str) -> BTreeSet<String> {
    let (mut found, mut folders) =
        (BTreeSet::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../control-panel/src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let head = format!("impl<I: Intent, P: Send + Sync + 'static> {of}<I, P> {{\n");
            let own = text.split(&head).skip(1);
            // What a panel and its spawners have in common is written once, for both.
            let both = text.split("\nboth! {\n").skip(1).filter_map(|block| block.split("\nimpl {\n").nth(1));
            for block in own.chain(both) {
                let block = block.split("\n}\n").next().unwrap();
                for method in block.split("\n    pub ").skip(1) {
                    let method = method.trim_start_matches("async ").trim_start_matches("fn ");
                    let name: String =
                        method.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    if method.split('{').next().unwrap().contains("&self") {
                        found.insert(name);
                    }
                }
            }
        }
    }
    found
}

/// Whatever is added to the panel: only the loop's own waiting stays with it.
#[test]
fn a_spawner_has_every_method_that_needs_no_exclusive_panel() {
    let (panel, spawner) = (methods("ControlPanel"), methods("Spawner"));
    assert!(panel.len() > 20, "{panel:?}");
    let missing: Vec<_> = panel.difference(&spawner).map(String::as_str).collect();
    assert_eq!(missing, ["spawner", "wait_ready", "wait_ready_timeout"]);
    assert!(spawner.is_subset(&panel), "and the panel has what its spawner has");
}

/// Each of the panel's methods by `&self`, on another thread.
#[test]
fn a_spawner_does_what_its_panel_does() {
    watched(|| {
        let mut panel = Panel::builder().name("remote").build();
        let spawner = panel.spawner();
        assert_eq!(spawner.runtime().id(), panel.runtime().id());
        let mut answer: Answer<u8> = thread::spawn(move || {
            let status: PanelStatus = spawner.status();
            assert_eq!((status.name.as_str(), status.frames), ("remote", 0));
            assert!(!spawner.is_shutting_down());
            assert_eq!((spawner.observer().name(), spawner.observer().is_gone()), ("remote", false));
            let context = spawner.context(1);
            context.try_send(Mark::new(1)).unwrap();
            assert_eq!((spawner.queued(), spawner.worker_count()), (1, 0));
            spawner.clone().ask_blocking("ask", 0, || 7)
        })
        .join()
        .unwrap();
        let answer = loop {
            panel.drain().for_each(drop);
            if let Some(answer) = answer.try_take() {
                break answer;
            }
            panel.wait_ready_timeout(Duration::MAX);
        };
        assert_eq!(answer.unwrap(), 7);
        let (reply, mut answer): (Reply<u8>, _) = panel.spawner().reply();
        thread::spawn(move || reply.send(8)).join().unwrap();
        assert!(panel.wait_ready_timeout(Duration::MAX), "the answer asks for a frame");
        assert_eq!(answer.try_take().unwrap().unwrap(), 8);
        panel.drain().for_each(drop);
        assert_eq!(panel.spawner().status().frames, panel.status().frames);
        assert!(panel.spawner().status().frames > 0);
    });
}

#[test]
fn a_waker_wakes_a_sleeping_loop() {
    watched(|| {
        let asked = Arc::new(AtomicUsize::new(0));
        let noted = Arc::clone(&asked);
        let mut panel = Panel::builder().on_ready(move || _ = noted.fetch_add(1, Ordering::SeqCst)).build();
        let waker: Waker = panel.waker();
        assert!(waker.will_wake(&panel.spawner().waker()));
        thread::spawn(move || waker.wake());
        assert!(panel.wait_ready_timeout(Duration::MAX));
        assert_eq!((asked.swap(0, Ordering::SeqCst), panel.drain().count()), (1, 0));
        assert_eq!(
            asked.swap(0, Ordering::SeqCst),
            1,
            "one frame more, for a loop that looks before its drain"
        );
        assert_eq!((panel.drain().count(), asked.load(Ordering::SeqCst)), (0, 0));
    });
}

/// A worker ends the program: the loop sleeps, sees it, drains what the workers still send, and gets the report.
#[test]
fn a_request_stops_the_workers_and_wakes_the_loop() {
    watched(|| {
        let mut panel = Panel::new();
        let last = Worker::new("last words", 0, |cx: Context<Mark>| async move {
            cx.cancelled().await;
            cx.try_send(Mark::new(1)).unwrap();
        });
        let last = panel.spawn(last.cancel(Cancel::Cooperative));
        let spawner = panel.spawner();
        let quits = panel.spawn(Worker::new("quits", 1, move |_| {
            let spawner = spawner.clone();
            async move { spawner.request_shutdown() }
        }));
        while !panel.is_shutting_down() {
            panel.wait_ready_timeout(Duration::MAX);
            panel.drain().for_each(drop);
        }
        let refused = panel.spawner().spawn(waiting("late")).status();
        assert!(matches!(refused, WorkerStatus::Refused(SpawnError::ShutDown)), "{refused}");
        panel.spawner().request_shutdown();
        assert!(last.ended_blocking().is_final() && quits.ended_blocking().is_final());
        let report = panel.shutdown_blocking();
        assert!(report.is_clean(), "{report}");
        let causes: Vec<_> = report.workers().iter().map(|worker| worker.cause).collect();
        assert_eq!(causes[0], Some(Cause::Shutdown));
    });
}

/// The deadline counts from the request, under paused time.
#[test]
fn the_deadline_counts_from_the_request() {
    paused(async || {
        let panel = Panel::builder().shutdown_timeout(Duration::from_secs(10)).build();
        let stays = Worker::new("stays", 0, |_| std::future::pending::<()>()).cancel(Cancel::Cooperative);
        let stays = panel.spawn(stays.grace(Duration::from_secs(3600)));
        tokio::task::yield_now().await;
        panel.spawner().request_shutdown();
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert!(matches!(stays.status(), WorkerStatus::Stopping(Cause::Shutdown)));
        let began = tokio::time::Instant::now();
        let report = panel.spawner().shutdown().await;
        // Dropped after nine tenths of the ten seconds, of which eight were over.
        assert!(began.elapsed() <= Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(matches!(report.workers()[0].exit, Exit::Aborted), "{report}");
    });
}

/// Awaited apart, a shutdown leaves the panel to a loop that drains.
#[test]
fn the_panel_drains_while_its_spawner_shuts_down() {
    watched(|| {
        let runtime = threads(2);
        let mut panel = Panel::builder().runtime(runtime.handle().clone()).build();
        let flushes = Worker::new("flushes", 0, |cx: Context<Mark>| async move {
            cx.cancelled().await;
            cx.try_send(Mark::new(1)).unwrap();
        });
        let handle = panel.spawn(flushes.cancel(Cancel::Cooperative));
        while handle.generation() == 0 {
            thread::yield_now();
        }
        let spawner = panel.spawner();
        let mut report = runtime.spawn(async move { spawner.shutdown().await });
        let mut drained = 0;
        while !report.is_finished() {
            drained += panel.drain().count();
            thread::yield_now();
        }
        drained += panel.drain().count();
        assert_eq!(drained, 1);
        assert!(runtime.block_on(&mut report).unwrap().is_clean());
    });
}

#[test]
fn a_spawner_outlives_its_panel_and_does_no_harm() {
    watched(|| {
        let panel = ControlPanel::<Mark, u64>::new();
        let spawner = panel.spawner();
        panel.spawn(Worker::new("it", 0, |cx: Context<Mark, u64>| async move { cx.cancelled().await }));
        drop(panel);
        assert!(spawner.is_shutting_down());
        spawner.set_policy(2);
        spawner.touch();
        spawner.waker().wake();
        spawner.request_shutdown();
        let refused = spawner.sender(0).try_send(Mark::new(0)).unwrap_err();
        assert!(matches!(refused, TrySendError::Closed(_)));
        assert!(spawner.context(0).is_cancelled());
        assert!(spawner.ask_blocking("late", 0, || ()).try_take().unwrap().is_err());
        let report = spawner.shutdown_blocking();
        assert!(report.workers().iter().all(|worker| worker.cause == Some(Cause::Shutdown)), "{report}");
        assert_eq!((spawner.worker_count(), spawner.status().workers.len()), (0, 0));
        assert_eq!((spawner.queued(), *spawner.policy()), (0, 0), "the last policy that the panel had");
    });
}
