//! Promise 6, no orphans, at any moment on a paused clock: a panel that is dropped and a runtime that goes end every async
//! worker at its next await, and the handles and the report say so. A handle that is dropped changes nothing. (`dropped`: on
//! threads, and those that block; `panic_in_main`: in a process that ends so.)

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use control_panel::{
    Backoff, Context, ControlPanel, Exit, Restart, Worker, WorkerHandle, WorkerStatus,
    events::{EventKind, Notice},
    supervision::{Cancel, Cause, Group, Intensity, SpawnError, Strategy as Together, Tasks},
};
use proptest::prelude::*;
use tests::{Mark, offenders::good, paused, paused_runtime};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

type Panel = ControlPanel<Mark>;
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy)]
enum Await {
    Sleep(u32),
    Yield,
    Send,
    /// Until it is asked to stop.
    Cancelled,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Alone,
    Pool,
    Key(u8),
    Group,
}

/// How a worker lives: each generation awaits all of these, and then fails or returns.
#[derive(Debug, Clone)]
struct Life {
    awaits: Vec<Await>,
    fails: bool,
    restart: Restart,
    backoff: u32,
    cancel: Cancel,
    place: Place,
}

fn life() -> impl Strategy<Value = Life> {
    let one = prop_oneof![
        4 => (0_u32..8).prop_map(Await::Sleep),
        2 => Just(Await::Yield),
        2 => Just(Await::Send),
        1 => Just(Await::Cancelled),
    ];
    let restart = prop::sample::select(vec![Restart::Never, Restart::OnFailure, Restart::Always]);
    let cancel = prop::sample::select(vec![Cancel::Drop, Cancel::Cooperative]);
    let place = prop_oneof![
        3 => Just(Place::Alone),
        1 => Just(Place::Pool),
        1 => (0_u8..2).prop_map(Place::Key),
        1 => Just(Place::Group),
    ];
    (prop::collection::vec(one, 1..6), any::<bool>(), restart, 0_u32..4, cancel, place).prop_map(
        |(awaits, fails, restart, backoff, cancel, place)| Life {
            awaits,
            fails,
            restart,
            backoff,
            cancel,
            place,
        },
    )
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    prop::collection::vec(life(), 1..12)
}

/// What the workers of a panel did, and how much of it after their panel was gone.
#[derive(Debug, Default)]
struct Seen {
    orphans: AtomicBool,
    living: AtomicUsize,
    begun_as_orphans: AtomicUsize,
    ran_on_as_orphans: AtomicUsize,
}

/// A generation, or what its worker owns of it.
struct Living(Arc<Seen>);

impl Drop for Living {
    fn drop(&mut self) {
        self.0.living.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Seen {
    fn note(&self, of_orphans: &AtomicUsize) {
        of_orphans.fetch_add(usize::from(self.orphans.load(Ordering::SeqCst)), Ordering::SeqCst);
    }

    fn living(self: &Arc<Self>) -> Living {
        self.living.fetch_add(1, Ordering::SeqCst);
        self.note(&self.begun_as_orphans);
        Living(Arc::clone(self))
    }

    fn worker(self: &Arc<Self>, life: &Life) -> Worker<Mark> {
        let (seen, Life { awaits, fails, restart, backoff, cancel, .. }) = (Arc::clone(self), life.clone());
        Worker::new("it", 0, move |cx: Context<Mark>| {
            let (living, awaits) = (seen.living(), awaits.clone());
            async move {
                for one in awaits {
                    match one {
                        Await::Sleep(ms) => sleep(ms * MS).await,
                        Await::Yield => yield_now().await,
                        Await::Send => drop(cx.send(Mark::new(cx.generation())).await),
                        Await::Cancelled => cx.cancelled().await,
                    }
                    living.0.note(&living.0.ran_on_as_orphans);
                }
                if fails { Err("as it should") } else { Ok(()) }
            }
        })
        .restart(restart)
        .backoff(Backoff::new(backoff * MS, 4 * backoff * MS))
        .intensity(Intensity::new(20, 50 * MS))
        .cancel(cancel)
    }

    /// No worker lives, and none did anything after its panel was gone.
    fn is_over(&self, handles: &[WorkerHandle]) {
        assert_eq!(self.living.load(Ordering::SeqCst), 0, "somebody still lives");
        assert_eq!(self.ran_on_as_orphans.load(Ordering::SeqCst), 0, "somebody went on after an await");
        assert_eq!(self.begun_as_orphans.load(Ordering::SeqCst), 0, "somebody began");
        for handle in handles {
            assert!(handle.status().is_final(), "{handle:?}");
        }
    }
}

/// The workers of a panel, and all that its user holds of them.
struct Held {
    handles: Vec<WorkerHandle>,
    _tasks: Tasks<Mark, (), u8>,
    _group: Group,
}

impl Held {
    fn spawn(panel: &Panel, lives: &[Life], seen: &Arc<Seen>) -> Self {
        let (tasks, group) =
            (panel.keyed_tasks().limit(1).backlog(9), panel.group().strategy(Together::OneForAll));
        let spawn = |life: &Life| match life.place {
            Place::Alone => panel.spawn(seen.worker(life)),
            Place::Pool => tasks.spawn(seen.worker(life)),
            Place::Key(key) => tasks.keyed(key).spawn(seen.worker(life)),
            Place::Group => group.spawn(seen.worker(life)),
        };
        let handles = lives.iter().map(spawn).collect();
        Self { handles, _group: group.start().expect("nothing is wrong with it"), _tasks: tasks }
    }
}

/// A moment under way, to the poll.
async fn pass(ms: u32, polls: usize) {
    sleep(ms * MS).await;
    for _ in 0..polls {
        yield_now().await;
    }
}

fn small() -> Panel {
    Panel::builder().capacity(4).build()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dropped_panel_takes_all_with_it(lives in lives(), ms in 0_u32..20, polls in 0_usize..6) {
        paused(async || {
            let (panel, seen) = (small(), Arc::new(Seen::default()));
            let held = Held::spawn(&panel, &lives, &seen);
            pass(ms, polls).await;
            let now = Instant::now();
            seen.orphans.store(true, Ordering::SeqCst);
            drop(panel);
            pass(0, 9).await;
            seen.is_over(&held.handles);
            assert!(now.elapsed() <= MS, "it took no time");
            sleep(Duration::from_secs(3_600)).await;
            seen.is_over(&held.handles);
        });
    }

    /// It is no exception to itself.
    #[test]
    fn a_worker_that_drops_its_panel_goes_with_the_others(lives in lives(), ms in 0_u32..20, polls in 0_usize..6) {
        paused(async || {
            let (panel, seen) = (small(), Arc::new(Seen::default()));
            let mut held = Held::spawn(&panel, &lives, &seen);
            let owned = Arc::new(Mutex::new(None));
            let (own, its) = (Arc::clone(&owned), Arc::clone(&seen));
            held.handles.push(panel.spawn(Worker::new("owner", 1, move |_| {
                let (own, living) = (Arc::clone(&own), its.living());
                async move {
                    pass(ms, polls).await;
                    living.0.orphans.store(true, Ordering::SeqCst);
                    let panel = own.lock().unwrap().take();
                    drop::<Option<Panel>>(panel);
                    yield_now().await;
                    living.0.note(&living.0.ran_on_as_orphans);
                }
            })));
            *owned.lock().unwrap() = Some(panel);
            sleep((ms + 2) * MS).await;
            assert!(owned.lock().unwrap().is_none());
            seen.is_over(&held.handles);
        });
    }

    #[test]
    fn a_runtime_that_goes_takes_all_with_it(lives in lives(), ms in 0_u32..20, polls in 0_usize..6) {
        let runtime = paused_runtime();
        let (panel, seen) = (
            Panel::builder().runtime(runtime.handle().clone()).capacity(4).build(),
            Arc::new(Seen::default()),
        );
        let held = Held::spawn(&panel, &lives, &seen);
        runtime.block_on(pass(ms, polls));
        let alive: Vec<_> = held.handles.iter().filter(|handle| !handle.status().is_final()).collect();
        let incidents = incidents(&panel);
        seen.orphans.store(true, Ordering::SeqCst);
        drop(runtime);
        seen.is_over(&held.handles);
        let (mut aborted, mut refused) = (0, 0);
        for handle in alive {
            match handle.status() {
                WorkerStatus::Ended(Exit::Aborted) => aborted += 1,
                // It had been asked to stop, and waited for that.
                WorkerStatus::Ended(Exit::Cancelled) if handle.cause() == Some(Cause::Replaced) => {}
                // It never ran.
                WorkerStatus::Refused(SpawnError::RuntimeGone) => {
                    prop_assert_eq!(handle.generation(), 0);
                    refused += 1;
                }
                _ => prop_assert!(false, "{handle:?}"),
            }
        }
        let late = panel.spawn(good("late"));
        prop_assert!(matches!(late.status(), WorkerStatus::Refused(SpawnError::RuntimeGone)));
        let report = panel.shutdown_blocking();
        prop_assert_eq!(report.incident_count(), incidents + aborted + refused + 1, "each is reported: {}", report);
        prop_assert_eq!(panel.worker_count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dropped_handle_changes_nothing(lives in lives(), ms in 0_u32..20, polls in 0_usize..6) {
        let observed = |holds: bool| paused(async || {
            let (mut panel, seen) = (small(), Arc::default());
            let held = Held::spawn(&panel, &lives, &seen);
            let mut events = panel.events_from(1);
            pass(ms, polls).await;
            let held = holds.then_some(held);
            let mut lines = Vec::new();
            for _ in 0..20 {
                sleep(5 * MS).await;
                lines.extend(panel.drain().map(|queued| format!("{:?}", queued.causality_order())));
            }
            while let Some(notice) = events.try_next() {
                lines.push(match notice {
                    Notice::Event(event) => event.to_string(),
                    lagged @ Notice::Lagged(_) => format!("{lagged:?}"),
                });
            }
            lines.extend(panel.workers().iter().map(|worker| worker.status().to_string()));
            drop(held);
            lines
        });
        prop_assert_eq!(observed(true), observed(false));
    }
}

/// How many generations did not end well so far.
fn incidents(panel: &Panel) -> u64 {
    let mut events = panel.events_from(1);
    let mut count = 0;
    while let Some(notice) = events.try_next() {
        let Notice::Event(event) = notice else { panic!("{notice:?}") };
        if let EventKind::Exited(exit) = event.kind {
            count += u64::from(!exit.is_clean());
        }
    }
    count
}
