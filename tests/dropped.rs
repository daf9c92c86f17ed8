//! Promise 6, the rest: a panel that is dropped leaves no orphan, never waits and never panics. (`orphans`: at any moment.)

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Exit, Spawner, TrySendError, Worker, WorkerStatus,
    supervision::{Cancel, Cause, SpawnError},
};
use proptest::prelude::*;
use tests::{
    Mark, eventually,
    offenders::{Busy, OnDrop, Patient, deaf, good},
    threads, watched,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::sleep,
};

type Panel = ControlPanel<Mark>;

fn on(runtime: &Runtime) -> Panel {
    Panel::builder().runtime(runtime.handle().clone()).shutdown_timeout(Duration::from_secs(5)).build()
}

/// Drops a panel with a good worker, one that blocks, and undrained intents; `inside` async code or not.
fn dropped(runtime: Option<&Runtime>, drop_it: impl FnOnce(Panel)) {
    let (busy, ended, witness) = (Busy::default(), Arc::new(AtomicUsize::new(0)), Arc::new(()));
    let _guard = busy.guard();
    let mut panel = runtime.map_or_else(Panel::new, on);
    let quiet = [7, 8, 9].map(|source| panel.sender(source));
    let alive = Arc::clone(&ended);
    let waits = Worker::new("waits", 0, move |cx: Context<Mark>| {
        let alive = OnDrop(Arc::clone(&alive));
        async move {
            let _alive = alive;
            while cx.send(Mark::new(0)).await.is_ok() {}
        }
    });
    let waits = panel.spawn(waits.cancel(Cancel::Cooperative));
    let deaf = panel.spawn(deaf("deaf").grace(Duration::from_secs(3600)));
    eventually("it runs", || matches!(deaf.status(), WorkerStatus::Running));
    let (sender, spawner) = (panel.sender(0), panel.spawner());
    // One after the other: tokio may keep a task that only yielded behind one that blocks.
    eventually("it waits", || panel.status().waiting == 1);
    let blocks = panel.spawn(busy.worker("busy"));
    eventually("it blocks", || busy.blocking.load(Ordering::SeqCst) == 1);
    sender.try_send(Mark::new(1).seen_by(&witness)).unwrap_err();
    quiet[0].try_send(Mark::new(1).seen_by(&witness)).unwrap();
    // One in a frame that outlives the panel, one in the rest of another, one queued.
    let frame = panel.drain();
    quiet[1].try_send(Mark::new(2).seen_by(&witness)).unwrap();
    panel.drain().by_ref().take(0).for_each(drop);
    quiet[2].try_send(Mark::new(3).seen_by(&witness)).unwrap();
    assert_eq!(Arc::strong_count(&witness), 4);
    drop_it(panel);
    assert_eq!(Arc::strong_count(&witness), 2, "what was not drained is discarded");
    assert_eq!(busy.ended.load(Ordering::SeqCst), 0, "the drop did not wait for it");
    drop(frame);
    assert_eq!(Arc::strong_count(&witness), 1, "and the rest of the frame");
    assert!(matches!(sender.try_send(Mark::new(2)), Err(TrySendError::Closed(_))));
    let late = spawner.spawn(good("late"));
    assert!(matches!(late.status(), WorkerStatus::Refused(_)));
    eventually("the async worker ends at its next await", || ended.load(Ordering::SeqCst) == 1);
    eventually("its handle says so", || waits.status().is_final());
    eventually("and so does the deaf one, whatever its grace", || deaf.status().is_final());
    busy.let_go();
    eventually("so does the other", || busy.ended.load(Ordering::SeqCst) == 1 && blocks.status().is_final());
    assert_eq!(busy.asked.load(Ordering::SeqCst), 1, "it was asked to stop");
}

#[test]
fn dropping_the_panel_ends_every_worker_and_never_waits_or_panics() {
    watched(|| {
        let runtime = threads(2);
        dropped(Some(&runtime), drop);
        dropped(None, drop); // its own runtime
        dropped(None, |panel| runtime.block_on(async move { drop(panel) }));
        dropped(Some(&runtime), |panel| runtime.block_on(async move { drop(panel) }));
        let ambient = runtime.enter();
        dropped(None, drop);
        drop(ambient);
    });
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor of the program's own");
    }
}

/// What the panel was given is dropped with it.
#[test]
fn no_destructor_of_the_programs_own_makes_the_drop_panic() {
    type Bombs<P> = ControlPanel<Mark, P>;
    type Drops = Box<dyn FnOnce()>;
    let drops: [(&str, Drops); 3] = [
        ("the policy", Box::new(|| drop(Bombs::<Bomb>::builder_with(Bomb).build()))),
        ("on_ready", {
            let bomb = Bomb;
            let on_ready = move || _ = &bomb;
            Box::new(|| drop(Bombs::<()>::builder().on_ready(on_ready).build()))
        }),
        ("forward_events", {
            let bomb = Bomb;
            let make = move |_| {
                let _ = &bomb;
                None
            };
            Box::new(|| drop(Bombs::<()>::builder().forward_events(0, make).build()))
        }),
    ];
    for (what, drop_it) in drops {
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(drop_it));
        assert!(dropped.is_ok(), "{what}");
    }
}

#[test]
fn a_runtime_that_is_gone_ends_the_workers_and_the_shutdown_tells() {
    watched(|| {
        let runtime = threads(1);
        let panel = on(&runtime);
        let handle = panel.spawn(good("orphan"));
        eventually("it runs", || matches!(handle.status(), WorkerStatus::Running));
        drop(runtime);
        assert!(matches!(handle.status(), WorkerStatus::Ended(Exit::Aborted)));
        let report = panel.shutdown_blocking();
        assert!(!report.is_clean() && report.workers().is_empty());
    });
}

/// Spawns a worker when it is dropped, and keeps what becomes of that.
struct SpawnsAnother(Spawner<Mark>, Arc<Mutex<Vec<WorkerStatus>>>);

impl Drop for SpawnsAnother {
    fn drop(&mut self) {
        let another = self.0.spawn(good("another"));
        self.1.lock().unwrap().push(another.status());
    }
}

/// A runtime that is gone drops the task, and the worker's arguments, inside the call that spawns it: no lock is held there that
/// a destructor may ask for.
#[test]
fn a_destructor_that_spawns_when_the_runtime_is_gone_is_refused_as_well() {
    watched(|| {
        let runtime = threads(1);
        let panel = on(&runtime);
        drop(runtime);
        let statuses = Arc::default();
        let argument = SpawnsAnother(panel.spawner(), Arc::clone(&statuses));
        let first = panel.spawn(Worker::once("first", 0, async move |_: Context<Mark>| drop(argument)));
        let gone = |status: &WorkerStatus| matches!(status, WorkerStatus::Refused(SpawnError::RuntimeGone));
        assert!(gone(&first.status()), "{:?}", first.status());
        let statuses = statuses.lock().unwrap();
        assert!(statuses.len() == 1 && gone(&statuses[0]), "{statuses:?}");
    });
}

#[derive(Debug, Clone, Copy)]
enum Goes {
    Panel,
    Runtime,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_blocking_run_is_asked_to_stop_and_its_end_is_reported(
        goes in prop::sample::select(vec![Goes::Panel, Goes::Runtime]),
        both_begin in any::<bool>(),
        micros in 0_u64..300,
    ) {
        watched(move || {
            let patient = Patient::default();
            // It drops its tasks on this thread, before it is gone.
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            let panel = Panel::builder().runtime(runtime.handle().clone()).build();
            let handles = patient.workers().map(|worker| panel.spawn(worker));
            runtime.block_on(async {
                yield_now().await;
                while both_begin && patient.begun.load(Ordering::SeqCst) < 2 {
                    sleep(Duration::from_millis(1)).await;
                }
            });
            thread::sleep(Duration::from_micros(micros));
            match goes {
                Goes::Panel => drop((panel, runtime)),
                Goes::Runtime => {
                    runtime.shutdown_background();
                    let report = panel.shutdown_blocking();
                    assert!(!report.is_clean(), "no worker that lost the runtime ended well: {report:?}");
                }
            }
            let cause = if let Goes::Panel = goes { Cause::Shutdown } else { Cause::RuntimeGone };
            for handle in handles {
                assert!(handle.ended_blocking().is_final());
            }
            let begun = patient.begun.load(Ordering::SeqCst);
            assert_eq!(*patient.causes.lock().unwrap(), vec![Some(cause); begun], "each that began was asked to stop");
        });
    }
}
