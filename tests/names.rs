//! Names for instances: several workers of one function are distinct, and found by name and by origin.

use std::{sync::mpsc, thread, time::Duration};

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, Spawn, Worker, WorkerHandle, WorkerStatus,
    events::Notice, intent::Origin, supervision::SpawnError, testing, worker,
    workers::memory_monitor::MemoryPressure,
};
use tests::{Mark, paused, quiet_panic, watched};

#[derive(GraphIntent)]
enum Update {
    Ticked(Origin),
    #[intent(from)]
    #[expect(dead_code, reason = "the monitor has nothing to say here")]
    Memory(MemoryPressure),
}

/// Says which one it is, and stays.
#[worker(source = IntentSource::Restore)]
async fn tick(cx: Context<Update>) {
    cx.send(Update::Ticked(cx.origin())).await.ok();
    cx.cancelled().await;
}

#[worker(source = IntentSource::Restore, after = "tick")]
async fn tock(cx: Context<Update>) {
    cx.cancelled().await;
}

type Panel = ControlPanel<Update>;

fn waiting(name: &'static str) -> Worker<Mark> {
    Worker::new(name, 0, |cx: Context<Mark>| async move { cx.cancelled().await })
}

#[test]
fn an_annotated_worker_is_given_a_name_that_status_events_and_report_show() {
    paused(async || {
        let panel = Panel::new();
        let mut events = panel.events();
        let renamed =
            ["tick a", "tick b"].map(|name| panel.configure(move |worker| worker.name(name)).spawn_tick());
        let plain = panel.spawn_tick();
        testing::settle().await;
        let expected = ["tick a", "tick b", "tick"];
        assert_eq!([&renamed[0], &renamed[1], &plain].map(WorkerHandle::name), expected);
        let status = panel.status();
        assert_eq!(status.workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), expected);
        for name in expected {
            let Some(Notice::Event(event)) = events.try_next() else { panic!("{name} was spawned") };
            assert_eq!(event.name, name);
            let line = format!("#{} {name} ({}, generation 0) ", event.number, event.origin);
            assert!(event.to_string().starts_with(&line), "{event}");
        }
        assert!(format!("{:?}", renamed[0]).contains("tick a"));
        let report = panel.shutdown().await;
        assert_eq!(report.workers().iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>(), expected);
        assert!(report.to_string().contains("tick b (Restore, generation 1)"), "{report}");
    });
}

#[test]
fn workers_are_found_by_name_and_by_origin_as_long_as_they_live() {
    paused(async || {
        let mut panel = Panel::new();
        let plain = [panel.spawn_tick(), panel.spawn_tick()];
        let other = panel.configure(|worker| worker.name("other")).spawn_tick();
        testing::settle().await;
        let spawner = panel.spawner();
        assert_eq!(panel.worker("tick").unwrap().origin(), plain[0].origin(), "the first of several");
        let origins =
            |workers: Vec<WorkerHandle>| workers.iter().map(WorkerHandle::origin).collect::<Vec<_>>();
        assert_eq!(origins(spawner.workers_named("tick")), plain.each_ref().map(WorkerHandle::origin));
        assert_eq!(origins(panel.workers_named("other")), [other.origin()]);
        assert!(panel.workers_named("missing").is_empty());
        // An intent leads to the worker that sent it, and so does a row of the status.
        for queued in panel.drain() {
            let key = queued.causality_order().origin;
            let Update::Ticked(said) = queued.intent else { panic!("nothing else is sent") };
            assert_eq!(said, key);
            assert!(spawner.worker_by_origin(key).is_some());
        }
        let row = &panel.status().workers[2];
        assert_eq!(panel.worker_by_origin(row.origin).unwrap().name(), "other");
        let sender = spawner.context(IntentSource::Restore);
        assert!(panel.worker_by_origin(sender.origin()).is_none(), "it is no worker");
        other.stop();
        other.ended().await;
        assert!(panel.worker("other").is_none() && panel.worker_by_origin(other.origin()).is_none());
    });
}

/// `after` means the name that a worker has, and all workers that have it.
#[test]
fn what_comes_after_a_worker_says_the_name_that_it_has() {
    paused(async || {
        let panel = Panel::new();
        panel.configure(|worker| worker.name("renamed")).spawn_tick();
        let refused = panel.spawn_tock();
        assert!(
            matches!(refused.status(), WorkerStatus::Refused(SpawnError::UnknownAfter(name)) if name == "tick")
        );
        let first = panel.configure(|worker| worker.name("tick")).spawn_tick();
        let tock = panel.spawn_tock();
        let second = panel.configure(|worker| worker.after("renamed").name("last")).spawn_tick();
        testing::settle().await;
        panel.request_shutdown();
        assert!(matches!(tock.status(), WorkerStatus::Stopping(_)));
        assert!(matches!(second.status(), WorkerStatus::Stopping(_)));
        assert!(matches!(first.status(), WorkerStatus::Running), "it is stopped once the tock has ended");
        let report = panel.shutdown().await;
        assert_eq!(report.incident_count(), 1, "what was refused: {report}");
    });
}

/// Whatever spawns takes a name.
#[test]
fn groups_tasks_keys_and_built_in_workers_take_names_too() {
    use control_panel::workers::memory_monitor::SpawnMemoryMonitor;

    paused(async || {
        let panel = Panel::new();
        let group = panel.group();
        group.configure(|worker| worker.name("in a group")).spawn_tick();
        group.configure(|worker| worker.name("after it").after("in a group")).spawn_tick();
        let group = group.start().unwrap();
        assert_eq!(group.workers()[0].name(), "in a group");
        let tasks = panel.keyed_tasks::<u8>();
        assert_eq!(tasks.configure(|worker| worker.name("a task")).spawn_tick().name(), "a task");
        let keyed = tasks.keyed(1);
        assert_eq!(keyed.configure(|worker| worker.name("a key's")).spawn_tick().name(), "a key's");
        let spawner = panel.spawner();
        assert_eq!(spawner.configure(|worker| worker.name("remote")).spawn_tick().name(), "remote");
        let monitor = spawner.configure(|worker| worker.name("memory")).spawn_memory_monitor();
        assert_eq!(panel.worker("memory").unwrap().origin(), monitor.origin());
        panel.shutdown().await;
    });
}

/// Nothing in a name breaks a list of one line each, nor a thread.
#[test]
fn any_text_is_a_name() {
    watched(|| {
        let long = "long ".repeat(10_000);
        let names = [String::new(), "two\nlines\0".to_owned(), long.clone(), "größer 🦀".to_owned()];
        let panel = ControlPanel::<Mark>::new();
        let (says, said) = mpsc::channel();
        for name in names.clone() {
            let says = says.clone();
            let thread = Worker::thread("thread", 0, move |_| {
                says.send(thread::current().name().map(str::to_owned)).unwrap();
            });
            let handle = panel.configure(|worker| worker.name(name.clone())).spawn(thread);
            assert!(matches!(handle.ended_blocking(), WorkerStatus::Ended(Exit::Finished)));
            let thread = said.recv().unwrap().expect("it has a name");
            assert_eq!(thread, name.replace('\0', ""));
        }
        for name in names {
            let lives = panel.configure(|worker| worker.name(name.clone())).spawn(waiting("it"));
            assert_eq!(panel.worker(&name).unwrap().origin(), lives.origin());
        }
        let report = panel.shutdown_blocking().to_string();
        assert_eq!(report.lines().count(), 5, "{report}");
        assert!(report.contains(r"two\nlines\u{0} (0, generation"), "{report}");
    });
}

/// A name alone does not say which of them failed: then the report says the origin.
#[test]
fn a_report_tells_workers_of_one_name_apart() {
    watched(|| {
        let panel = ControlPanel::<Mark>::builder().shutdown_timeout(Duration::from_secs(60)).build();
        let fails = Worker::new("follow", 0, |_| async { quiet_panic() });
        let failed = panel.spawn(fails);
        failed.ended_blocking();
        let lives = panel.spawn(waiting("follow"));
        panel.spawn(waiting("alone"));
        while panel.workers().iter().any(|worker| worker.generation() == 0) {
            thread::yield_now();
        }
        let report = panel.shutdown_blocking().to_string();
        for (worker, exit) in [(failed, "panicked"), (lives, "cancelled")] {
            let line = format!("follow {} (0, generation 1) {exit}", worker.origin());
            assert!(report.contains(&line), "{line}: {report}");
        }
        assert!(report.contains("alone (0, generation 1)"), "{report}");
    });
}
