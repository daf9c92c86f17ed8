//! Sets of tasks: stopping all of one starts nothing more, however it is done; and how many live.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, GraphIntent, IntentSource, Worker, WorkerHandle, WorkerStatus,
    requests::NoReply,
    supervision::{Cancel, Cause, Tasks},
    testing, worker,
};
use tests::{Mark, paused, quiet_panic, watched};
use tokio::{task::yield_now, time::sleep};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

/// How many began.
#[derive(Clone, Default)]
struct Begun(Arc<AtomicU64>);

impl Begun {
    /// Runs until it is stopped.
    fn task(&self) -> Worker<Mark> {
        let begun = self.clone();
        Worker::new("task", 0, move |cx: Context<Mark>| {
            begun.0.fetch_add(1, Ordering::Relaxed);
            async move { cx.cancelled().await }
        })
    }

    /// The same, and needs 10 ms to stop.
    fn slow(&self) -> Worker<Mark> {
        let begun = self.clone();
        let slow = Worker::new("slow", 0, move |cx: Context<Mark>| {
            begun.0.fetch_add(1, Ordering::Relaxed);
            async move {
                cx.cancelled().await;
                sleep(10 * MS).await;
            }
        });
        slow.cancel(Cancel::Cooperative)
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn hundred<K: Ord>(tasks: &Tasks<Mark, (), K>, task: impl Fn() -> Worker<Mark>) -> Vec<WorkerHandle> {
    (0..100).map(|_| tasks.spawn(task())).collect()
}

fn assert_all_stopped(handles: &[WorkerHandle]) {
    for handle in handles {
        assert!(matches!(handle.status(), WorkerStatus::Ended(_)), "{handle:?}");
        assert_eq!(handle.cause(), Some(Cause::Stopped));
    }
}

#[test]
fn stopping_all_handles_in_their_order_starts_nothing_more() {
    for slow in [false, true] {
        paused(async || {
            let (panel, begun) = (Panel::new(), Begun::default());
            let tasks = panel.tasks().limit(2);
            let handles = hundred(&tasks, || if slow { begun.slow() } else { begun.task() });
            sleep(MS).await;
            assert_eq!(begun.count(), 2);
            // The runtime has its turn between any two of them.
            for handle in &handles {
                handle.stop();
                yield_now().await;
            }
            sleep(1_000 * MS).await;
            assert_eq!(begun.count(), 2, "none begins that is about to be stopped");
            assert_all_stopped(&handles);
            assert!(tasks.is_empty());
        });
    }
}

#[test]
fn nor_does_stopping_them_backwards_or_with_pauses() {
    paused(async || {
        for backwards in [false, true] {
            let (panel, begun) = (Panel::new(), Begun::default());
            let tasks = panel.tasks().limit(7);
            let mut handles = hundred(&tasks, || begun.task());
            sleep(MS).await;
            if backwards {
                handles.reverse();
            }
            for handle in &handles {
                handle.stop();
                sleep(2 * MS).await;
            }
            sleep(1_000 * MS).await;
            assert_eq!(begun.count(), 7);
            assert_all_stopped(&handles);
        }
    });
}

/// What waited goes on where only one is stopped, and what is spawned afterwards waits for no pause.
#[test]
fn where_some_are_stopped_the_others_have_their_turn() {
    paused(async || {
        let (panel, begun) = (Panel::new(), Begun::default());
        let tasks = panel.tasks().limit(1);
        let first = tasks.spawn(begun.task());
        let second = tasks.spawn(begun.task());
        sleep(MS).await;
        first.stop();
        sleep(MS).await;
        assert!(matches!(second.status(), WorkerStatus::Waiting), "it may be stopped next");
        sleep(50 * MS).await;
        assert!(matches!(second.status(), WorkerStatus::Running), "it is not");
        second.stop();
        let third = tasks.spawn(begun.task());
        sleep(MS).await;
        assert!(matches!(third.status(), WorkerStatus::Running), "it came after the stop");
        assert_eq!(begun.count(), 3);
        panel.shutdown().await;
    });
}

/// A task that ends by itself, or makes way for a newer one of its key, gives its place away immediately.
#[test]
fn a_place_that_was_not_stopped_for_is_given_away_immediately() {
    paused(async || {
        let (panel, begun) = (Panel::new(), Begun::default());
        let tasks = panel.keyed_tasks().limit(1);
        let older = tasks.keyed("a").spawn(begun.task());
        sleep(MS).await;
        let newer = tasks.keyed("a").spawn(begun.task());
        yield_now().await;
        yield_now().await;
        assert!(older.status().is_final(), "{older:?}");
        assert!(matches!(newer.status(), WorkerStatus::Running), "{newer:?}");
        panel.shutdown().await;
        let panel = Panel::new();
        let tasks = panel.tasks().limit(1);
        let short = || Worker::new("short", 0, async |_: Context<Mark>| {});
        let shorts: Vec<_> = (0..50).map(|_| tasks.spawn(short())).collect();
        let before = tokio::time::Instant::now();
        shorts[49].ended().await;
        assert_eq!(before.elapsed(), Duration::ZERO);
    });
}

#[test]
fn a_set_is_stopped_as_a_whole_and_can_be_used_afterwards() {
    for slow in [false, true] {
        paused(async || {
            let (panel, begun) = (Panel::new(), Begun::default());
            let (tasks, others) = (panel.tasks().limit(2).backlog(200), panel.tasks());
            let task = || if slow { begun.slow() } else { begun.task() };
            assert!(tasks.is_empty());
            let handles = hundred(&tasks, task);
            assert_eq!((tasks.len(), tasks.clone().len()), (100, 100), "a clone is the same set");
            let other = others.spawn(begun.task());
            sleep(MS).await;
            tasks.stop_all();
            let after = tasks.spawn(task());
            sleep(11 * MS).await;
            assert_all_stopped(&handles);
            assert!(matches!(after.status(), WorkerStatus::Running), "{after:?}");
            assert!(matches!(other.status(), WorkerStatus::Running), "{other:?}");
            assert_eq!((begun.count(), tasks.len(), others.len()), (2 + 1 + 1, 1, 1));
            assert!(panel.shutdown().await.is_clean());
            assert!(tasks.is_empty());
            tasks.stop_all();
        });
    }
}

/// With keys: a task that makes way, and the newer one that waits for that, are both stopped.
#[test]
fn so_is_one_with_keys() {
    paused(async || {
        let (panel, begun) = (Panel::new(), Begun::default());
        let tasks = panel.keyed_tasks().limit(2);
        let handles: Vec<_> = (0..10).map(|n| tasks.keyed(n % 5).spawn(begun.slow())).collect();
        sleep(MS).await;
        let so_far = begun.count();
        tasks.stop_all();
        sleep(1_000 * MS).await;
        assert_eq!(begun.count(), so_far);
        assert!(handles.iter().all(|handle| handle.status().is_final()));
        let again = tasks.keyed(3).spawn(begun.task());
        sleep(MS).await;
        assert!(matches!(again.status(), WorkerStatus::Running), "{again:?}");
        panel.shutdown().await;
    });
}

/// A task with a typed result: what it returns, or nothing, and then its status says why.
#[test]
fn a_task_answers_with_what_it_returns() {
    paused(async || {
        let panel = Panel::new();
        let tasks = panel.tasks().limit(1).backlog(2);
        let (worker, answer) = Worker::answering("adds", 0, async |cx: Context<Mark>| {
            sleep(MS).await;
            Ok::<_, String>(cx.name().len() + 38)
        });
        tasks.spawn(worker);
        assert_eq!(answer.await, Ok(Ok(42)), "a result is the answer as it is");

        let (worker, answer) =
            Worker::answering("panics", 0, async |_: Context<Mark>| -> u32 { quiet_panic() });
        let panics = tasks.spawn(worker);
        assert_eq!(answer.await, Err(NoReply));
        assert!(matches!(panics.status(), WorkerStatus::Ended(Exit::Panicked(_))), "{panics:?}");

        let endless =
            || Worker::answering("endless", 0, async |_: Context<Mark>| future::pending::<u32>().await);
        let ((worker, stopped), (waits, called_off)) = (endless(), endless());
        let (runs, waits) = (tasks.spawn(worker), tasks.spawn(waits));
        sleep(MS).await;
        assert!(
            matches!(runs.status(), WorkerStatus::Running) && matches!(waits.status(), WorkerStatus::Waiting)
        );
        tasks.stop_all();
        for (answer, worker) in [(stopped, &runs), (called_off, &waits)] {
            assert_eq!(answer.await, Err(NoReply));
            assert!(matches!(worker.status(), WorkerStatus::Ended(Exit::Cancelled)), "{worker:?}");
        }
        // The answer is not wanted any more: it does not begin.
        let begun = Begun::default();
        let counts = begun.clone();
        let (worker, answer) = Worker::answering("unwanted", 0, async move |_: Context<Mark>| {
            counts.0.fetch_add(1, Ordering::Relaxed);
        });
        drop(answer);
        assert!(matches!(panel.spawn(worker).ended().await, WorkerStatus::Ended(Exit::Finished)));
        assert_eq!(begun.count(), 0);

        panel.shutdown().await;
        let (worker, answer) = endless();
        let refused = panel.spawn(worker);
        assert_eq!(answer.await, Err(NoReply));
        assert!(matches!(refused.status(), WorkerStatus::Refused(_)));
    });
}

/// A loop that sleeps is woken by the answer, and by its absence.
#[test]
fn an_answer_wakes_the_loop() {
    watched(|| {
        let panel = Panel::new();
        for fails in [false, true] {
            let (worker, mut answer) = Worker::answering(
                "answers",
                0,
                async move |_: Context<Mark>| {
                    if fails { quiet_panic() } else { 7 }
                },
            );
            panel.tasks().spawn(worker);
            let answer = loop {
                if let Some(answer) = answer.try_take() {
                    break answer;
                }
                panel.wait_ready_timeout(Duration::MAX);
            };
            assert_eq!(answer, if fails { Err(NoReply) } else { Ok(7) });
        }
    });
}

#[derive(GraphIntent)]
enum Update {
    Tick,
}

#[worker(source = IntentSource::Restore)]
async fn tick(cx: Context<Update>) {
    cx.send(Update::Tick).await.ok();
}

/// Neither kind of set needs a type to be named.
#[test]
fn the_types_of_sets_are_inferred() {
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let tasks = panel.tasks().limit(2);
        tasks.spawn_tick();
        let keyed = panel.spawner().keyed_tasks();
        keyed.keyed(7).spawn_tick();
        panel.spawner().tasks().spawn_tick();
        testing::settle().await;
        assert_eq!(panel.drain().count(), 3);
    });
}
