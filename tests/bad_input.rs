//! Misuse: each a typed error or a panic in plain words before anything is done, and nothing is lost.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use control_panel::{
    ControlPanel, FrameBudget, Intent, SendError, TrySendError, Worker, WorkerStatus, frame::Warning,
    panel::BuildError, supervision::SpawnError,
};
use tests::{Mark, Notes, paused, paused_runtime, threads, watched};
use tokio::{
    runtime::Builder,
    task::{spawn_blocking, yield_now},
};

type Panel = ControlPanel<Mark>;

/// The message of a panic.
fn message<T>(f: impl FnOnce() -> T) -> String {
    let panic = panic::catch_unwind(AssertUnwindSafe(f)).err().expect("it did not panic");
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).expect("a text")
}

#[test]
fn a_panel_without_room_is_not_built() {
    let error = Panel::builder().capacity(0).try_build().unwrap_err();
    assert!(matches!(error, BuildError::ZeroCapacity));
    assert_eq!(error.to_string(), "a panel's capacity must be at least 1, and 0 was given");
    assert_eq!(message(|| Panel::builder().capacity(0).build()), error.to_string());
}

#[test]
fn a_runtime_without_a_timer_is_refused() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let error = Panel::builder().runtime(runtime.handle().clone()).try_build().unwrap_err();
    assert!(matches!(error, BuildError::NoTimer) && error.to_string().contains("enable_time()"));
    let ambient = runtime.block_on(async { Panel::builder().try_build() });
    assert!(matches!(ambient, Err(BuildError::NoTimer)));
    assert_eq!(message(|| Panel::builder().runtime(runtime.handle().clone()).build()), error.to_string());
}

#[test]
fn names_and_limits_of_any_kind_are_taken() {
    let panel = Panel::builder()
        .name("nul \0 and ünïcode")
        .capacity(usize::MAX)
        .shutdown_timeout(Duration::MAX)
        .frame_budget(FrameBudget::default().intents(usize::MAX).time(Duration::MAX))
        .try_build();
    let mut panel = panel.unwrap();
    panel.sender(0).try_send(Mark::new(0)).unwrap();
    assert_eq!(panel.drain().count(), 1);
    panel.spawn(Worker::new("\0", 0, |_| std::future::pending::<()>()).grace(Duration::MAX));
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn a_spawn_that_cannot_be_is_refused_and_says_why() {
    let panel = Panel::new();
    let spawner = panel.spawner();
    assert!(panel.shutdown_blocking().is_clean());
    for handle in [
        panel.spawn(Worker::new("late", 0, async |_| {})),
        spawner.spawn(Worker::new("late", 0, async |_| {})),
    ] {
        assert!(matches!(handle.status(), WorkerStatus::Refused(SpawnError::ShutDown)));
        assert!(handle.status().to_string().contains("ended before this worker was spawned"));
        assert_eq!((handle.generation(), panel.worker_count()), (0, 0));
    }
    drop(panel);
    let handle = spawner.spawn(Worker::new("late", 0, async |_| {}));
    assert!(matches!(handle.status(), WorkerStatus::Refused(SpawnError::ShutDown)));

    let runtime = threads(1);
    let panel = Panel::builder().runtime(runtime.handle().clone()).build();
    drop(runtime);
    let handle = panel.spawn(Worker::new("homeless", 0, async |_| {}));
    assert!(matches!(handle.status(), WorkerStatus::Refused(SpawnError::RuntimeGone)));
    assert!(handle.status().to_string().contains("runtime is gone"));
    // Of a group all are, and its start says so.
    let group = panel.group();
    let members = [(); 2].map(|()| group.spawn(Worker::new("homeless", 0, async |_| {})));
    assert!(matches!(group.start(), Err(SpawnError::RuntimeGone)));
    for member in members {
        assert!(matches!(member.status(), WorkerStatus::Refused(SpawnError::RuntimeGone)));
    }
    watched(move || {
        let status = threads(1).block_on(handle.ended());
        assert!(matches!(status, WorkerStatus::Refused(_)), "its waiter is notified");
        assert_eq!(
            (panel.shutdown_blocking().incident_count(), panel.worker_count()),
            (3, 0),
            "each is reported"
        );
    });
}

#[test]
fn blocking_in_async_code_panics_before_anything_is_done() {
    for runtime in [threads(1), paused_runtime()] {
        runtime.block_on(async {
            let mut panel = Panel::new();
            let worker = panel.spawn(Worker::new("waits", 0, |_| std::future::pending::<()>()));
            let sender = panel.sender(0);
            let text = message(|| panel.shutdown_blocking());
            assert!(text.contains("`shutdown_blocking` was called in async code"), "{text}");
            assert!(text.contains("`shutdown().await`") && text.contains("spawn_blocking"), "{text}");
            let text = message(|| sender.send_blocking(Mark::new(1)));
            assert!(text.contains("`send_blocking`") && text.contains("`send(…).await`"), "{text}");
            let text = message(|| panel.context(0).send_blocking(Mark::new(1)));
            assert!(text.contains("`send_blocking`"), "{text}");
            yield_now().await;
            assert!(!worker.status().is_final() && panel.drain().count() == 0, "nothing was done");
            assert!(panel.shutdown().await.is_clean());
        });
    }
}

#[test]
fn blocking_is_fine_on_a_blocking_thread_and_under_a_mere_enter_guard() {
    watched(|| {
        for runtime in [threads(1), Builder::new_current_thread().enable_all().build().unwrap()] {
            let inside = runtime.block_on(async {
                let panel = Panel::new();
                panel.spawn(Worker::new("waits", 0, |_| std::future::pending::<()>()));
                spawn_blocking(move || {
                    panel.sender(0).send_blocking(Mark::new(1)).unwrap();
                    panel.shutdown_blocking()
                })
                .await
            });
            assert!(inside.unwrap().is_clean());
            let _context = runtime.enter();
            let mut panel = Panel::new();
            panel.sender(0).send_blocking(Mark::new(1)).unwrap();
            assert!(panel.shutdown_blocking().is_clean());
            assert_eq!(panel.drain().count(), 1);
        }
    });
}

#[test]
fn a_loop_that_never_awaits_on_its_workers_own_thread_is_warned() {
    paused(async || {
        let mut panel = Panel::new();
        let frames = async |panel: &mut Panel, awaits: bool| {
            for _ in 0..100 {
                panel.run_frame(&mut Notes::default(), &mut (), []);
                if awaits {
                    yield_now().await;
                }
            }
            let report = panel.run_frame(&mut Notes::default(), &mut (), []);
            assert_eq!(report.warning, panel.status().warning);
            report.warning
        };
        assert_eq!(frames(&mut panel, false).await, None, "there is no worker to starve");
        for _ in 0..2 {
            panel.spawn(Worker::new("starved", 0, |_| std::future::pending::<()>()));
        }
        let warning = frames(&mut panel, false).await.expect("a warning");
        assert_eq!(warning, Warning::WorkersNeverPolled { workers: 2 });
        assert!(warning.to_string().starts_with("2 worker(s) never ran"), "{warning}");
        assert_eq!(frames(&mut panel, true).await, None, "they run now");
        // A healthy loop that spawns a short worker before every frame is none of these.
        for _ in 0..200 {
            panel.spawn(Worker::new("short", 0, async |_| {}));
            assert_eq!(panel.run_frame(&mut Notes::default(), &mut (), []).warning, None);
            yield_now().await;
        }
    });
    // Nor is a loop on another thread than its workers'.
    let runtime = paused_runtime();
    let mut panel = Panel::builder().runtime(runtime.handle().clone()).build();
    panel.spawn(Worker::new("later", 0, async |_| {}));
    for _ in 0..100 {
        drop(panel.drain());
    }
    assert_eq!(panel.status().warning, None);
}

#[test]
fn a_clock_of_zero_is_refused_and_the_intent_comes_back() {
    paused(async || {
        let mut panel = Panel::builder().capacity(1).build();
        let sender = panel.sender(0);
        let zero = || Mark::at(0, 7);
        assert!(matches!(sender.try_send(zero()), Err(TrySendError::ZeroClock(mark)) if mark.id == 7));
        let error = sender.send(zero()).await.unwrap_err();
        assert!(error.to_string().contains("starts at 1") && format!("{error:?}") == "ZeroClock(..)");
        assert!(matches!(error, SendError::ZeroClock(_)) && error.into_intent().id == 7);
        let late = sender.send_timeout(zero(), Duration::ZERO).await;
        assert!(matches!(late, Err(SendError::ZeroClock(mark)) if mark.id == 7));
        // Also where there is no room, where it takes none, and when the panel is closed.
        sender.send(Mark::new(1)).await.unwrap();
        assert!(matches!(sender.send(zero()).await, Err(SendError::ZeroClock(_))));
        assert!(matches!(sender.try_send(Mark::new(2)), Err(TrySendError::Full(mark)) if mark.id == 2));
        assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [1]);
        assert!(panel.shutdown().await.is_clean());
        assert!(matches!(sender.try_send(zero()), Err(TrySendError::ZeroClock(_))));
    });
}

struct Bomb(u32);

impl Intent for Bomb {
    type Source = u8;
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0 != 1 || std::thread::panicking(), "on purpose");
    }
}

/// Dropping a panel discards what was not drained, and never panics.
#[test]
fn an_intent_whose_drop_panics_does_not_make_the_panels_drop_panic() {
    for runtime in [None, Some(threads(1))] {
        let drop_it = || {
            let panel = ControlPanel::<Bomb>::new();
            let sender = panel.sender(0);
            (0..3).for_each(|n| sender.try_send(Bomb(n)).unwrap());
            drop(panel);
            assert!(matches!(sender.try_send(Bomb(0)), Err(TrySendError::Closed(_))));
        };
        match runtime {
            None => drop_it(),
            Some(runtime) => runtime.block_on(async { drop_it() }),
        }
    }
}

#[test]
fn an_on_ready_that_panics_loses_nothing() {
    let mut panel = Panel::builder().on_ready(|| tests::quiet_panic()).build();
    let sender = panel.sender(0);
    panic::catch_unwind(AssertUnwindSafe(|| sender.try_send(Mark::new(1)))).unwrap_err();
    sender.try_send(Mark::new(2)).unwrap();
    let mut notes = Notes { panic_on: Some(1), ..Notes::default() };
    // Two panics at once would abort.
    panic::catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut notes, &mut (), []))).unwrap_err();
    panel.run_frame(&mut notes, &mut (), []);
    assert_eq!(notes.ids, [1, 2]);
}

thread_local! {
    static TOUCHY: Cell<bool> = const { Cell::new(false) };
}

/// A source whose `Ord` panics now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Touchy(u8);

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if TOUCHY.get() {
            tests::quiet_panic();
        }
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Note(u32);

impl Intent for Note {
    type Source = Touchy;
}

/// The only code of the user's that runs under the queue's lock, and the only one that orders a frame.
#[test]
fn an_order_that_panics_loses_nothing_and_breaks_nothing() {
    let mut panel = ControlPanel::<Note>::builder().capacity(8).build();
    let senders = [3, 1, 2].map(|source| panel.sender(Touchy(source)));
    let fails = |f: &mut dyn FnMut()| {
        TOUCHY.set(true);
        let failed = panic::catch_unwind(AssertUnwindSafe(f)).is_err();
        TOUCHY.set(false);
        failed
    };
    for (n, sender) in (0..).zip(&senders) {
        sender.try_send(Note(n)).unwrap();
        assert!(fails(&mut || drop(panel.sender(Touchy(9)))), "a new source is put in its place");
    }
    assert!(fails(&mut || drop(panel.drain())));
    assert_eq!(panel.status().queued, 3);
    assert_eq!(panel.drain().map(|queued| queued.intent.0).collect::<Vec<_>>(), [1, 2, 0]);
    assert_eq!(panel.status().drained, 3);
    for sender in &senders {
        sender.try_send(Note(4)).unwrap();
    }
    assert_eq!(panel.drain().count(), 3);
}
