//! Promises 5 and 6, by the runtime's own count: once a panel is shut down or dropped, no task of it is alive, whatever the
//! task was doing.

use std::{future::pending, slice, thread, time::Duration};

use control_panel::{
    Backoff, Context, ControlPanel, Restart, Worker,
    supervision::{Cancel, Suspend},
};
use tests::{Mark, eventually, threads, watched};
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::sleep,
};

type Panel = ControlPanel<Mark>;
const LONG: Duration = Duration::from_secs(3_600);

/// What workers can be doing when their panel ends.
struct Activity {
    name: &'static str,
    /// How many tasks the runtime has of it at least.
    tasks: usize,
    begin: fn(&mut Panel),
}

const fn of(tasks: usize, name: &'static str, begin: fn(&mut Panel)) -> Activity {
    Activity { name, tasks, begin }
}

const ACTIVITIES: &[Activity] = &[
    of(1, "waits for something", |panel| drop(panel.spawn(Worker::new("waits", 0, |_| pending::<()>())))),
    of(1, "finishes when asked to", |panel| {
        let body = |cx: Context<Mark>| async move { cx.cancelled().await };
        drop(panel.spawn(Worker::new("cooperates", 0, body).cancel(Cancel::Cooperative)));
    }),
    of(1, "ignores that it is asked, for as long as its grace", |panel| {
        let worker = Worker::new("ignores", 0, |_| pending::<()>());
        let grace = Duration::from_millis(20);
        drop(panel.spawn(worker.cancel(Cancel::Cooperative).grace(grace)));
    }),
    of(1, "waits for its backoff", |panel| {
        let fails = Worker::new("fails", 0, |_| async { Err::<(), _>("on purpose") });
        drop(panel.spawn(fails.restart(Restart::Always).backoff(Backoff::new(LONG, LONG))));
    }),
    of(1, "waits for a slot of the queue", |panel| {
        let floods = |cx: Context<Mark>| async move {
            loop {
                if cx.send(Mark::new(0)).await.is_err() {
                    return;
                }
            }
        };
        drop(panel.spawn(Worker::new("floods", 0, floods)));
    }),
    of(1, "is suspended", |panel| {
        let gated = |cx: Context<Mark>| async move {
            loop {
                cx.gate().opened().await;
                yield_now().await;
            }
        };
        let handle = panel.spawn(Worker::new("gated", 0, gated).suspend(Suspend::OnIdle));
        handle.suspend();
    }),
    of(2, "is a member of a group", |panel| {
        let group = panel.group();
        for name in ["first", "second"] {
            let _handle = group.spawn(Worker::new(name, 0, |_| pending::<()>()));
        }
        group.start().unwrap();
    }),
    of(1, "runs or waits in a set of tasks", |panel| {
        let tasks = panel.tasks().limit(1);
        for _ in 0..3 {
            let _handle = tasks.spawn(Worker::new("task", 0, |_| pending::<()>()));
        }
    }),
    of(1, "was spawned by another thread", |panel| {
        let spawner = panel.spawner();
        let spawn = move || drop(spawner.spawn(Worker::new("elsewhere", 0, |_| pending::<()>())));
        thread::spawn(spawn).join().unwrap();
    }),
    of(0, "runs on the panel's thread for local futures, which has no task here", |panel| {
        drop(panel.spawn(Worker::local("local", 0, |_| pending::<()>())));
    }),
    of(0, "blocks a thread of the pool until it is asked to stop", |panel| {
        let blocks = |cx: Context<Mark>| {
            while !cx.is_cancelled() {
                thread::yield_now();
            }
        };
        drop(panel.spawn(Worker::blocking("blocks", 0, blocks)));
    }),
];

/// A runtime removes a task a little after its end.
fn until_no_task_is_alive(runtime: &Runtime, of: &str) {
    eventually(&format!("no task of one that {of}"), || {
        runtime.block_on(yield_now());
        runtime.metrics().num_alive_tasks() == 0
    });
}

/// Runs each activity alone, and then all together.
fn each_ends(runtime: &Runtime, end: fn(&Runtime, Panel, &str)) {
    let alone = ACTIVITIES.iter().map(slice::from_ref);
    for activities in alone.chain([ACTIVITIES]) {
        let mut panel = Panel::builder().runtime(runtime.handle().clone()).capacity(8).build();
        let names: Vec<_> = activities.iter().map(|activity| activity.name).collect();
        for activity in activities {
            (activity.begin)(&mut panel);
        }
        // Long enough for each to be where its name says; a machine that is busier shows another moment.
        runtime.block_on(async { sleep(Duration::from_millis(5)).await });
        let least: usize = activities.iter().map(|activity| activity.tasks).sum();
        assert!(runtime.metrics().num_alive_tasks() >= least, "{names:?} have no task, so nothing is shown");
        end(runtime, panel, &names.join(" | "));
    }
}

fn shut_down(runtime: &Runtime, panel: Panel, of: &str) {
    let report = runtime.block_on(panel.shutdown());
    assert_eq!(report.abandoned().count(), 0, "{report}");
    // The panel lives on: its tasks are gone because they ended.
    until_no_task_is_alive(runtime, of);
    drop(panel);
}

fn dropped(runtime: &Runtime, panel: Panel, of: &str) {
    drop(panel);
    until_no_task_is_alive(runtime, of);
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

#[test]
fn a_shutdown_leaves_no_task_to_the_runtime() {
    watched(|| each_ends(&threads(2), shut_down));
    watched(|| each_ends(&one_thread(), shut_down));
}

#[test]
fn a_panel_that_is_dropped_leaves_no_task_to_the_runtime() {
    watched(|| each_ends(&threads(2), dropped));
    watched(|| each_ends(&one_thread(), dropped));
}
