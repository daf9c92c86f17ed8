//! What is reported of workers: numbered events with a marker for those that are missing, causes on which worker, event and
//! report agree, and tasks whose keys run none of the user's code under a lock.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    frame::Warning,
    supervision::{Cancel, Cause, Escalate, Intensity, SpawnError, Strategy, Tasks},
};
use tests::{
    Mark, Wakes,
    offenders::{deaf, good},
    paused, watched,
};
use tokio::{task::yield_now, time::sleep};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

/// Notes when it is asked to stop, and why.
fn says(name: &'static str, heard: &Arc<Mutex<Vec<Option<Cause>>>>) -> Worker<Mark> {
    let heard = Arc::clone(heard);
    Worker::new(name, 0, move |cx: Context<Mark>| {
        let heard = Arc::clone(&heard);
        async move {
            cx.cancelled().await;
            // Another cause may follow while it stops: the last one counts.
            sleep(5 * MS).await;
            heard.lock().unwrap().push(cx.cause());
        }
    })
    .cancel(Cancel::Cooperative)
}

#[test]
fn worker_event_and_report_agree_on_the_cause() {
    type Deed = fn(&Panel, &Tasks<Mark, (), u8>, &WorkerHandle);
    let deeds: [(Cause, Deed); 5] = [
        (Cause::Stopped, |_, _, handle| handle.stop()),
        (Cause::Policy, |_, _, handle| handle.stop_for(Cause::Policy)),
        (Cause::Stopped, |_, _, handle| {
            handle.restart().unwrap();
            handle.stop();
        }),
        (Cause::Replaced, |_, tasks, _| drop(tasks.keyed(1).spawn(good("newer")))),
        (Cause::Escalated, |panel, _, _| {
            let fails = Worker::new("fails", 0, |_| future::ready(Err::<(), _>("always")));
            let worker = fails.restart(Restart::Always).intensity(Intensity::new(0, MS));
            panel.spawn(worker.escalate(Escalate::Panel));
        }),
    ];
    for (cause, deed) in deeds {
        for idle in [false, true] {
            paused(async || {
                let panel = Panel::new();
                let heard = Arc::default();
                let tasks = panel.keyed_tasks().limit(1);
                // One of a limit of one: a second one waits and never runs.
                let blocker = idle.then(|| tasks.spawn(deaf("blocker")));
                let handle = tasks.keyed(1).spawn(says("says", &heard));
                yield_now().await;
                deed(&panel, &tasks, &handle);
                yield_now().await;
                if idle {
                    assert!(heard.lock().unwrap().is_empty());
                } else {
                    handle.ended().await;
                    assert_eq!(*heard.lock().unwrap(), [Some(cause)]);
                }
                handle.ended().await;
                assert_eq!(handle.cause(), Some(cause));
                let mut events = panel.events_from(0);
                let reported = std::iter::from_fn(|| events.try_next()).find_map(|notice| match notice {
                    Notice::Event(event) if event.origin == handle.origin() => match event.kind {
                        EventKind::Ended(_, cause) => Some(cause),
                        _ => None,
                    },
                    _ => None,
                });
                assert_eq!(reported, Some(Some(cause)), "idle: {idle}");
                assert_eq!(panel.status().warning == Some(Warning::Escalated), cause == Cause::Escalated);
                drop(blocker);
            });
        }
    }
}

#[test]
fn the_report_says_why_also_of_those_that_waited() {
    paused(async || {
        let panel = Panel::new();
        let heard = Arc::default();
        panel.spawn(says("runs", &heard));
        let fails = Worker::new("backs off", 0, |_| future::ready(Err::<(), _>("always")));
        panel.spawn(fails.restart(Restart::Always).backoff(Backoff::new(MS * 1000, MS * 1000)));
        yield_now().await;
        panel.spawn(good("unpolled"));
        let report = panel.shutdown().await;
        assert_eq!(report.workers().len(), 3);
        for worker in report.workers() {
            assert!(matches!(worker.exit, Exit::Cancelled), "{worker}");
            assert_eq!(worker.cause, Some(Cause::Shutdown), "{worker}");
        }
        assert_eq!(*heard.lock().unwrap(), [Some(Cause::Shutdown)]);
    });
}

/// A worker that only had to wait for another's end is not named with it.
#[test]
fn a_deaf_worker_that_keeps_others_from_their_turn_is_named_alone() {
    paused(async || {
        let panel = Panel::builder().shutdown_timeout(Duration::from_secs(10)).build();
        panel.spawn(good("store"));
        panel.spawn(deaf("feed").grace(Duration::from_secs(3600)).after("store"));
        let group = panel.group().strategy(Strategy::OneForAll);
        group.spawn(good("first"));
        group.spawn(deaf("second").grace(Duration::from_secs(3600)));
        group.start().unwrap();
        sleep(MS).await;
        let report = panel.shutdown().await;
        let exits: Vec<_> =
            report.workers().iter().map(|worker| (&*worker.name, worker.exit.to_string())).collect();
        let (aborted, cancelled) = (Exit::Aborted.to_string(), Exit::Cancelled.to_string());
        let expected =
            [("store", &cancelled), ("feed", &aborted), ("first", &cancelled), ("second", &aborted)];
        assert_eq!(exits, expected.map(|(name, exit)| (name, exit.clone())));
        assert!(report.workers().iter().all(|worker| worker.cause == Some(Cause::Shutdown)));
    });
}

#[test]
fn a_reader_that_falls_behind_gets_how_many_it_missed() {
    paused(async || {
        let panel = Panel::new();
        let mut events = panel.events();
        assert!(events.try_next().is_none());
        for _ in 0..1_000 {
            panel.spawn(Worker::new("short", 0, async |_| {})).ended().await;
        }
        let total = panel.status().events;
        assert_eq!(total, 4_000, "spawned, started, exited, ended");
        let Some(Notice::Lagged(missed)) = events.try_next() else { panic!("no gap") };
        assert_eq!(missed, total - 1_024);
        let mut numbers = Vec::new();
        while let Some(Notice::Event(event)) = events.try_next() {
            numbers.push(event.number);
        }
        assert_eq!(numbers, (missed + 1..=total).collect::<Vec<_>>());
        // Up to date: it waits for the next one, and is woken.
        let (wakes, mut waiting) = (Wakes::new(), Box::pin(events.next()));
        assert!(wakes.poll(waiting.as_mut()).is_pending());
        let next = panel.spawn(good("next"));
        assert!(wakes.take() > 0);
        drop(waiting);
        let Notice::Event(event) = events.next().await else { panic!("a gap") };
        assert_eq!((event.number, &*event.name), (total + 1, next.name()));
    });
}

/// Spawns on the same tasks when it is dropped.
struct SpawnsOnDrop(Tasks<Mark, (), u8>);

impl Drop for SpawnsOnDrop {
    fn drop(&mut self) {
        self.0.keyed(1).spawn(good("from a drop"));
    }
}

#[test]
fn nothing_of_the_users_runs_under_the_lock_of_the_keys() {
    watched(|| {
        let runtime = tests::threads(1);
        let panel = Panel::builder().runtime(runtime.handle().clone()).build();
        drop(runtime);
        let tasks = panel.keyed_tasks::<u8>();
        let argument = SpawnsOnDrop(tasks.clone());
        tasks.keyed(1).spawn(Worker::new("owner", 0, move |_| {
            let _ = &argument;
            async {}
        }));
    });
}

/// A task that is to take a key's place may end before the one that has it: the next one waits all the same.
#[test]
fn a_key_has_one_task_at_a_time_whichever_waiting_one_is_stopped() {
    paused(async || {
        let panel = Panel::new();
        let tasks = panel.keyed_tasks::<u8>();
        let first = tasks.keyed(1).spawn(deaf("first").grace(10 * MS));
        yield_now().await;
        let second = tasks.keyed(1).spawn(good("second"));
        second.stop();
        second.ended().await;
        let third = tasks.keyed(1).spawn(good("third"));
        sleep(5 * MS).await;
        assert!(!first.status().is_final());
        assert_eq!((second.generation(), third.generation()), (0, 0));
        sleep(10 * MS).await;
        assert!(first.status().is_final());
        assert_eq!(third.generation(), 1);
    });
}

/// A worker that fails immediately and is started immediately must not keep the others from their turn.
#[test]
fn a_storm_of_restarts_lets_the_others_have_their_turn() {
    watched(|| {
        paused(async || {
            let panel = Panel::new();
            let fails = Worker::new("fails", 0, |_| future::ready(Err::<(), _>("always")));
            let often = Intensity::new(100_000, Duration::from_secs(3600));
            let storm = panel.spawn(fails.restart(Restart::Always).backoff(Backoff::none()).intensity(often));
            for turn in 1..=20 {
                yield_now().await;
                // tokio polls 61 tasks between two polls of the test itself.
                assert!(storm.generation() <= 100 * turn, "{} in {turn} turns", storm.generation());
            }
        });
    });
}

#[test]
fn a_group_that_is_not_started_refuses_its_workers_and_an_escalation_wakes_the_loop() {
    paused(async || {
        let woken = Arc::new(Mutex::new(0));
        let count = Arc::clone(&woken);
        let panel = Panel::builder().on_ready(move || *count.lock().unwrap() += 1).build();
        let group = panel.group();
        let handle = group.spawn(good("never"));
        drop(group);
        assert!(matches!(handle.ended().await, WorkerStatus::Refused(SpawnError::GroupNotStarted)));
        let fails = Worker::new("fails", 0, |_| future::ready(Err::<(), _>("always")));
        let worker =
            fails.restart(Restart::Always).intensity(Intensity::new(0, MS)).escalate(Escalate::Panel);
        panel.spawn(worker).ended().await;
        assert_eq!(*woken.lock().unwrap(), 1);
    });
}

/// Keys are forgotten when nothing of them lives.
#[test]
fn many_keys_are_no_more_memory_than_tasks() {
    paused(async || {
        let panel = Panel::new();
        let tasks = panel.keyed_tasks::<Arc<u8>>().limit(2).backlog(2);
        let key = Arc::new(0);
        for _ in 0..100 {
            tasks.keyed(Arc::new(*key)).spawn(good("same key")).stop();
        }
        // Until they have gone: nothing here waits for them otherwise.
        sleep(MS).await;
        let witness: Vec<_> = (0..100).map(Arc::new).collect();
        for key in &witness {
            let short = tasks.keyed(Arc::clone(key)).spawn(Worker::new("short", 0, async |_| {}));
            assert!(matches!(short.ended().await, WorkerStatus::Ended(Exit::Finished)));
        }
        let kept = witness.iter().filter(|key| Arc::strong_count(key) > 1).count();
        assert!(kept <= 2 * (2 + 2) + 1, "{kept}");
        // But not as long as something does.
        let first = tasks.keyed(Arc::new(200)).spawn(deaf("first").grace(Duration::from_secs(3600)));
        yield_now().await;
        for key in &witness {
            let short = tasks.keyed(Arc::clone(key)).spawn(Worker::new("short", 0, async |_| {}));
            assert!(matches!(short.ended().await, WorkerStatus::Ended(Exit::Finished)));
        }
        let second = tasks.keyed(Arc::new(200)).spawn(good("second"));
        sleep(MS).await;
        assert_eq!((first.status().is_final(), second.generation()), (false, 0), "{first:?} {second:?}");
    });
}
