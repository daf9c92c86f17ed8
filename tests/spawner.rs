//! What spawns has its `spawn` without any trait in scope, and a spawner can look at the workers as its panel can.
//! (No `Spawn` is imported here: that is the test.)

use control_panel::{Context, ControlPanel, EventKind, Exit, Notice, Refusal, Spawner, Worker, WorkerStatus};
use tests::{Mark, threads, watched};

type Panel = ControlPanel<Mark>;

fn waiting(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, |cx: Context<Mark>| async move { cx.cancelled().await })
}

#[test]
fn everything_that_spawns_spawns_without_a_trait() {
    watched(|| {
        let panel = Panel::new();
        let (spawner, group, tasks) = (panel.spawner(), panel.group(), panel.tasks::<u8>());
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
        assert!(matches!(refused, WorkerStatus::Refused(Refusal::Backlog)), "{refused}");
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

/// For a dashboard: all that happened is read, and then it is over. A spawner that is still there keeps nobody waiting.
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
                assert!(!dashboard.is_finished(), "a worker lives, and its end will be told");
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
            assert!(read >= 4, "who comes late reads all of it: {read}");
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
