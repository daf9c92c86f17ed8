//! Groups: a stop, a suspension or a restart before the group is started holds, and what a group waits for is reported and can
//! be skipped.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{Event, EventKind, Events, Notice},
    supervision::{Cause, Intensity, RestartError, SpawnError, Strategy},
    testing,
};
use tests::{Mark, paused};
use tokio::{sync::Notify, task::yield_now, time::Instant};

type Panel = ControlPanel<Mark>;
const MINUTE: Duration = Duration::from_secs(60);

/// Counts its generations.
fn idle(name: &'static str, ran: &Arc<AtomicUsize>) -> Worker<Mark> {
    let ran = Arc::clone(ran);
    Worker::new(name, 0, move |_: Context<Mark>| {
        ran.fetch_add(1, Ordering::SeqCst);
        future::pending::<()>()
    })
}

/// The events of a worker since the last look.
fn events_of(events: &mut Events, of: &WorkerHandle) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(notice) = events.try_next() {
        let Notice::Event(Event { origin, kind, .. }) = notice else { panic!("{notice:?}") };
        if origin == of.origin() {
            kinds.push(kind);
        }
    }
    kinds
}

#[test]
fn a_worker_that_is_stopped_before_its_group_is_started_never_runs() {
    paused(async || {
        for stopped in 0..3 {
            let panel = Panel::new();
            let mut events = panel.events();
            let ran = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
            let group = panel.group().strategy(Strategy::OneForAll);
            let workers = [("a", &ran[0]), ("b", &ran[1]), ("c", &ran[2])]
                .map(|(name, ran)| group.spawn(idle(name, ran).restart(Restart::Always)));
            workers[stopped].stop_for(Cause::Dependency);
            assert_eq!(workers[stopped].restart(), Err(RestartError::Ended));
            let group = group.start().unwrap();
            let WorkerStatus::Ended(Exit::Cancelled) = workers[stopped].ended().await else {
                panic!("{:?}", workers[stopped].status())
            };
            assert_eq!(workers[stopped].cause(), Some(Cause::Dependency));
            let kinds = events_of(&mut events, &workers[stopped]);
            let [EventKind::Spawned, EventKind::Waiting, EventKind::Ended(Exit::Cancelled, cause)] =
                &kinds[..]
            else {
                panic!("{kinds:?}")
            };
            assert_eq!(*cause, Some(Cause::Dependency));
            for _ in 0..10 {
                yield_now().await;
            }
            for (nth, ran) in ran.iter().enumerate() {
                assert_eq!(ran.load(Ordering::SeqCst), usize::from(nth != stopped), "{nth}");
            }
            group.stop();
            group.ended().await;
            // Of one that is never started it changes nothing.
            let group = panel.group();
            let never = group.spawn(idle("never", &ran[0]));
            never.stop();
            drop(group);
            never.stop();
            assert!(matches!(never.status(), WorkerStatus::Refused(SpawnError::GroupNotStarted)));
        }
    });
}

#[test]
fn a_worker_that_is_not_started_yet_cannot_be_restarted_and_can_be_suspended() {
    paused(async || {
        let panel = Panel::new();
        let mut events = panel.events();
        let ran = Arc::default();
        let group = panel.group();
        let worker = group.spawn(idle("a", &ran).restart(Restart::Always));
        assert_eq!(worker.restart(), Err(RestartError::NotStarted));
        assert!(RestartError::NotStarted.to_string().contains("call its `start`"));
        worker.suspend();
        group.start().unwrap();
        assert_eq!(worker.restart(), Ok(()));
        yield_now().await;
        assert!(worker.is_suspended() && panel.status().workers[0].suspended);
        let kinds = events_of(&mut events, &worker);
        assert_eq!(kinds.iter().filter(|kind| matches!(kind, EventKind::Suspended)).count(), 1, "{kinds:?}");
        worker.stop();
        worker.ended().await;
        assert_eq!(worker.restart(), Err(RestartError::Ended));
    });
}

#[test]
fn a_group_that_waits_for_its_backoff_says_so_and_starts_when_a_member_is_restarted() {
    paused(async || {
        for by in 0..2 {
            let panel = Panel::new();
            let mut events = panel.events();
            let ran = Arc::new(AtomicUsize::new(0));
            let group = panel.group().strategy(Strategy::OneForAll);
            let first = group.spawn(idle("first", &ran).restart(Restart::Always));
            let fails = Worker::new("fails", 0, async |cx: Context<Mark>| {
                if cx.generation() == 1 { Err("once") } else { future::pending::<Result<(), _>>().await }
            });
            let fails = fails.restart(Restart::Always).backoff(Backoff::new(MINUTE, MINUTE));
            let workers = [first, group.spawn(fails)];
            group.start().unwrap();
            let began = Instant::now();
            for _ in 0..10 {
                yield_now().await;
            }
            let [first, fails] = &workers;
            assert!(matches!(first.status(), WorkerStatus::Backoff { .. }), "{:?}", first.status());
            assert!(matches!(fails.status(), WorkerStatus::Waiting), "{:?}", fails.status());
            let kinds = events_of(&mut events, first);
            let Some(&EventKind::BackingOff(rest)) = kinds.last() else { panic!("{kinds:?}") };
            assert!((MINUTE / 2..=MINUTE).contains(&rest), "{rest:?}");
            workers[by].restart().unwrap();
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!((ran.load(Ordering::SeqCst), fails.generation()), (2, 2));
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    });
}

/// The strategy is for failures: a restart by hand is of that worker alone, whatever its group, and a failure afterwards is of
/// as many as ever.
#[test]
fn a_member_that_is_restarted_by_hand_starts_anew_alone() {
    for (strategy, after_a_failure) in [
        (Strategy::OneForOne, [1, 3, 1]),
        (Strategy::OneForAll, [2, 3, 2]),
        (Strategy::RestForOne, [1, 3, 2]),
    ] {
        paused(async || {
            let panel = Panel::new();
            let (fail, ran) = (Arc::new(Notify::new()), Arc::default());
            let group = panel.group().strategy(strategy).intensity(Intensity::new(1, MINUTE));
            let fails = Arc::clone(&fail);
            let fails = Worker::new("fails", 0, move |_: Context<Mark>| {
                let fail = Arc::clone(&fails);
                async move {
                    fail.notified().await;
                    Err::<(), _>("asked to")
                }
            });
            let fails = fails.restart(Restart::OnFailure).backoff(Backoff::none());
            let first = group.spawn(idle("first", &ran).restart(Restart::Always));
            let workers =
                [first, group.spawn(fails), group.spawn(idle("last", &ran).restart(Restart::Always))];
            group.start().unwrap();
            testing::settle().await;
            workers[1].restart().unwrap();
            testing::settle().await;
            assert_eq!(workers.each_ref().map(WorkerHandle::generation), [1, 2, 1], "{strategy:?}");
            fail.notify_one();
            testing::settle().await;
            assert_eq!(workers.each_ref().map(WorkerHandle::generation), after_a_failure, "{strategy:?}");
        });
    }
}

#[test]
fn a_backoff_longer_than_the_clock_and_restarts_without_end_are_taken() {
    paused(async || {
        let panel = Panel::new();
        let fails = Worker::new("fails", 0, async |_: Context<Mark>| Err::<(), _>("always"));
        let fails = fails
            .restart(Restart::OnFailure)
            .intensity(Intensity::new(u32::MAX, Duration::MAX))
            .backoff(Backoff::new(Duration::MAX, Duration::MAX));
        let handle = panel.spawn(fails);
        for generation in 1..50 {
            for _ in 0..10 {
                yield_now().await;
            }
            assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }), "{:?}", handle.status());
            assert_eq!(handle.generation(), generation);
            handle.restart().unwrap();
        }
        assert!(panel.shutdown().await.is_clean() || handle.status().is_final());
    });
}

#[test]
fn tasks_take_any_number_of_keys_with_any_limit() {
    paused(async || {
        let panel = Panel::new();
        let tasks = panel.keyed_tasks().limit(usize::MAX).backlog(usize::MAX);
        for key in 0..3_000 {
            let task = tasks.keyed(key).spawn(Worker::new("task", 0, async |_| {}));
            assert!(matches!(task.ended().await, WorkerStatus::Ended(Exit::Finished)));
        }
    });
}

/// All of them before the runtime polls any.
#[test]
fn of_a_burst_of_replacements_the_newest_runs_whatever_the_limits() {
    for (limit, backlog, burst) in [(8, 256, 600), (8, 2, 10), (1, 0, 3), (8, 0, 3)] {
        paused(async || {
            let panel = Panel::new();
            let tasks = panel.keyed_tasks().limit(limit).backlog(backlog);
            let ran = Arc::new(AtomicUsize::new(0));
            let burst: Vec<_> = (0..burst).map(|_| tasks.keyed(1).spawn(idle("task", &ran))).collect();
            // Of those that are called off nothing is left, also before the runtime has a turn.
            assert_eq!((panel.worker_count(), Arc::strong_count(&ran)), (2, 3));
            testing::settle().await;
            let (newest, replaced) = burst.split_last().unwrap();
            assert!(matches!(newest.status(), WorkerStatus::Running), "{}", newest.status());
            for older in replaced {
                assert!(matches!(older.status(), WorkerStatus::Ended(Exit::Cancelled)), "{}", older.status());
                assert_eq!(older.cause(), Some(Cause::Replaced));
            }
            assert_eq!(ran.load(Ordering::SeqCst), 1);
        });
    }
}
