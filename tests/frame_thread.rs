//! Promise 4: the frame thread never waits for producers, allocates nothing in steady state, and sleeps until
//! `on_ready` wakes it: once per transition, whenever something is left behind, never under a lock.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use control_panel::{
    Context, ControlPanel, Delivery, FrameBudget, Intent, IntentSender, LatestKey, PolicyWatch, QueuedIntent,
    Reducer, Spawner, Worker,
};
use tests::{Mark, Notes, Wakes, eventually, paused, threads, watched};

type Panel = ControlPanel<Mark>;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread allocates.
struct Counting;

// Safety: it hands everything on to `System`; the count is a plain cell that needs no allocation of its own.
#[allow(unsafe_code, reason = "there is no safe way to see allocations; only this test is built with it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates in `f`.
fn allocations(f: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    f();
    ALLOCATIONS.get() - before
}

/// A reducer that allocates nothing itself.
#[derive(Default)]
struct Count(u64);

impl Reducer for Count {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        self.0 += queued.intent.id;
    }
}

const FRAMES: usize = 50;
const WARM: usize = 20;

/// Allocations of the frames after the warm-up: `produce` before each, on this thread and not counted.
fn steady(mut panel: Panel, mut produce: impl FnMut(&Panel), mut frame: impl FnMut(&mut Panel)) -> usize {
    let mut counted = 0;
    for number in 0..FRAMES + WARM {
        produce(&panel);
        let here = allocations(|| frame(&mut panel));
        counted += if number < WARM { 0 } else { here };
    }
    counted
}

fn senders(panel: &Panel) -> Vec<IntentSender<Mark>> {
    (0..5).map(|source| panel.sender(source)).collect()
}

fn produce(senders: &[IntentSender<Mark>]) {
    for id in 0..100 {
        let clock = [None, None, Some(100 - id)][usize::try_from(id % 3).unwrap()];
        senders[usize::try_from(id % 5).unwrap()].try_send(Mark::with(clock, id)).unwrap();
    }
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn a_drain_allocates_nothing_in_steady_state() {
    assert!(allocations(|| drop(Box::new(Mark::new(0)))) > 0, "the count counts");
    let panel = Panel::new();
    let senders = senders(&panel);
    let count = steady(panel, |_| produce(&senders), |panel| panel.drain().for_each(drop));
    assert_eq!(count, 0);
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn a_whole_frame_with_locals_allocates_nothing_in_steady_state() {
    let panel = Panel::new();
    let senders = senders(&panel);
    let mut state = Count::default();
    let frame = |panel: &mut Panel| {
        panel.run_frame(&mut state, &mut (), (0..30).map(|id| ((id % 3) as u8, Mark::new(id))));
    };
    assert_eq!(steady(panel, |_| produce(&senders), frame), 0);
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_that_a_budget_cuts_allocate_nothing_in_steady_state() {
    let panel = Panel::builder().frame_budget(FrameBudget::default().intents(30)).build();
    let senders = senders(&panel);
    let produce = |panel: &Panel| {
        if panel.status().queued == 0 {
            produce(&senders);
        }
    };
    assert_eq!(steady(panel, produce, |panel| panel.drain().for_each(drop)), 0);
}

/// Neither on the frame thread nor on the producers'.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn what_joins_the_rest_of_a_cut_frame_allocates_nothing_in_steady_state() {
    let mut panel = Panel::builder().frame_budget(FrameBudget::default().intents(8)).build();
    let senders = senders(&panel);
    let mut frame = |number: u64| {
        // The first and the second sources join in every frame, the others flood.
        for (source, count) in (0..).zip([1, 1, 100, 100, 100]) {
            for id in 0..count {
                let clock = [None, Some(1 + (number + id) % 7)][usize::from(source % 2 == 1)];
                _ = senders[source].try_send(Mark::with(clock, id));
            }
        }
        panel.drain().for_each(drop);
    };
    (0..1000).for_each(&mut frame);
    assert_eq!(allocations(|| (0..2000).for_each(&mut frame)), 0);
}

/// Senders that wait are granted their slots on the frame thread.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_that_wake_waiting_senders_allocate_nothing_in_steady_state() {
    for budget in [FrameBudget::default(), FrameBudget::default().intents(7)] {
        let panel = Panel::builder().capacity(16).frame_budget(budget).build();
        let senders: Vec<_> = (0..3).map(|source| panel.sender(source)).collect();
        let wakes = Wakes::new();
        let mut waiting: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
        let produce = |_: &Panel| {
            waiting.retain_mut(|send| wakes.poll(send.as_mut()).is_pending());
            while waiting.len() < 60 {
                let mut send = Box::pin(senders[waiting.len() % 3].send(Mark::new(0)));
                if wakes.poll(send.as_mut()).is_pending() {
                    waiting.push(send);
                }
            }
        };
        assert_eq!(steady(panel, produce, |panel| panel.drain().for_each(drop)), 0);
    }
}

/// A level, of which only the newest matters.
struct Level(u64);

impl Intent for Level {
    type Source = u8;

    fn delivery(&self) -> Delivery {
        Delivery::Latest(LatestKey { variant: 0, key: self.0 % 20 })
    }
}

/// Neither on the frame thread nor on the producers'.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn producers_that_fill_the_queue_in_turn_allocate_nothing_in_steady_state() {
    for producers in [2, 5, 33] {
        let mut panel = Panel::builder().capacity(64).build();
        let senders: Vec<_> = (0..producers).map(|_| panel.sender(0)).collect();
        let mut frame = |number: usize| {
            while senders[number % producers].try_send(Mark::new(0)).is_ok() {}
            panel.drain().for_each(drop);
        };
        (0..2 * producers).for_each(&mut frame);
        assert_eq!(allocations(|| (0..300).for_each(&mut frame)), 0, "{producers} producers");
    }
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn intents_of_which_the_newest_matters_allocate_nothing_in_steady_state() {
    let mut panel = ControlPanel::<Level>::new();
    let sender = panel.sender(0);
    let mut frame = |_: usize| {
        (0..100).for_each(|level| assert!(sender.try_send(Level(level)).is_ok()));
        assert_eq!(panel.drain().count(), 20);
    };
    (0..WARM).for_each(&mut frame);
    assert_eq!(allocations(|| (0..300).for_each(&mut frame)), 0);
}

/// What a subscriber announces nothing for, a publisher pays nothing for: in no number, whether they keep up, lag, or look
/// at nothing.
#[test]
fn announcing_allocates_nothing_whoever_listens() {
    for subscribers in [0, 1, 64] {
        let panel = Panel::new();
        let bus = panel.bus::<u64>(0);
        let mut views: Vec<_> = (0..subscribers).map(|_| panel.subscribe::<u64>()).collect();
        bus.publish(0);
        let published = allocations(|| (1..1_000).for_each(|id| bus.publish(id)));
        assert_eq!(published, 0, "{subscribers} that lag");
        for view in &mut views {
            let read = allocations(|| view.drain().for_each(drop));
            assert_eq!(read, 0, "what it reads");
        }
        let frame = allocations(|| {
            for id in 0..200 {
                bus.publish(id);
                for view in &mut views {
                    assert_eq!(view.drain().count(), 1);
                }
            }
        });
        assert_eq!(frame, 0, "{subscribers} that keep up");
        assert_eq!(allocations(|| assert_eq!(panel.status().signals.published, 1_200)), 0);
    }
}

#[test]
fn announcing_to_those_who_await_allocates_nothing() {
    let panel = Panel::new();
    let bus = panel.bus::<u64>(0);
    let wakes = Wakes::new();
    let mut awaiting: Vec<_> = (0..64).map(|_| panel.subscribe::<u64>()).collect();
    for round in 0..50 {
        let mut waits: Vec<_> =
            awaiting.iter_mut().map(|subscription| Box::pin(subscription.recv())).collect();
        for wait in &mut waits {
            assert!(wakes.poll(wait.as_mut()).is_pending());
        }
        assert_eq!(allocations(|| bus.publish(round)), 0);
        assert_eq!(wakes.take(), 64);
        for wait in &mut waits {
            assert!(wakes.poll(wait.as_mut()).is_ready());
        }
    }
}

/// Workers start and end between the frames, on this thread's runtime.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_with_forwarded_events_allocate_nothing_in_steady_state() {
    paused(async || {
        let make = |notice| match notice {
            control_panel::Notice::Event(event) => Some(Mark::new(event.number)),
            control_panel::Notice::Lagged(_) => None,
        };
        let mut panel = Panel::builder().forward_events(3, make).build();
        let senders = senders(&panel);
        let (mut counted, mut state) = (0, Count::default());
        for number in 0..FRAMES + WARM {
            produce(&senders);
            if number % 3 > 0 {
                for _ in 0..20 {
                    panel.spawn(Worker::new("it", 0, async |_| Err::<(), _>("down")));
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            let mut applied = 0;
            let here = allocations(|| applied = panel.run_frame(&mut state, &mut (), []).applied);
            assert_eq!(
                applied,
                if number % 3 > 0 { 180 } else { 100 },
                "each is spawned, starts, exits, ends"
            );
            counted += if number < WARM { 0 } else { here };
        }
        assert_eq!(counted, 0);
    });
}

#[test]
fn on_ready_is_called_once_per_transition_and_again_for_what_is_left() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let on_ready = move || {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    let since = || calls.swap(0, Ordering::SeqCst);
    let mut panel = Panel::builder().on_ready(on_ready).build();
    let sender = panel.sender(0);
    drop(panel.drain());
    assert_eq!(since(), 0, "nothing to tell");
    for id in 0..5 {
        sender.try_send(Mark::new(id)).unwrap();
    }
    assert_eq!(since(), 1, "from empty, and not again");
    panel.drain().by_ref().take(2).for_each(drop);
    assert_eq!(since(), 1, "three are left behind");
    sender.try_send(Mark::new(5)).unwrap();
    assert_eq!(since(), 0, "the loop was woken already");
    let frame = panel.drain();
    sender.try_send(Mark::new(6)).unwrap();
    assert_eq!(since(), 1, "while a frame is read");
    assert_eq!(frame.count(), 3);
    assert_eq!(since(), 0, "and that is enough");
    let mut notes = Notes { panic_on: Some(5), ..Notes::default() };
    panic::catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut notes, &mut (), []))).unwrap_err();
    assert_eq!(since(), 1, "after a panicking reducer");
    panel.run_frame(&mut notes, &mut (), []);
    assert_eq!((since(), notes.ids.as_slice()), (0, [5, 6].as_slice()));
    sender.try_send(Mark::new(7)).unwrap();
    assert_eq!(since(), 1);
}

/// From inside `on_ready` everything can be called, wherever it is called from.
#[test]
fn on_ready_is_never_called_under_a_lock() {
    watched(|| {
        let inside = Arc::new(OnceLock::<(Spawner<Mark>, IntentSender<Mark>)>::new());
        let seen = Arc::new(Mutex::new(0));
        let (tools, count) = (Arc::clone(&inside), Arc::clone(&seen));
        let on_ready = move || {
            let Some((spawner, sender)) = tools.get() else { return };
            *count.lock().unwrap() += 1;
            assert!(format!("{spawner:?}").contains("Queue"));
            sender.clone().try_send(Mark::new(9)).ok();
            spawner.spawn(Worker::new("from on_ready", 3, async |_| {}));
        };
        // What it counts is intents: the workers that it spawns would have it called for themselves.
        let mut panel = Panel::builder().capacity(8).wake_for_workers(false).on_ready(on_ready).build();
        inside.set((panel.spawner(), panel.sender(1))).unwrap();
        // A worker that ends has the queue's lock for a moment; a frame that does not get it asks once more.
        let quiet = |panel: &Panel| eventually("they ended", || panel.worker_count() == 0);
        let sender = panel.sender(0);
        sender.try_send(Mark::new(0)).unwrap(); // in `try_send`
        sender.send_blocking(Mark::new(1)).unwrap();
        quiet(&panel);
        drop(panel.drain()); // in a frame's drop
        assert_eq!(*seen.lock().unwrap(), 2);
        quiet(&panel);
        assert_eq!(panel.drain().count(), 3);
        quiet(&panel);
        assert_eq!((panel.drain().count(), *seen.lock().unwrap()), (2, 3));
        sender.send_blocking(Mark::new(2)).unwrap(); // in `send`
        quiet(&panel);
        assert_eq!((panel.drain().count(), *seen.lock().unwrap()), (2, 4));
        assert!(panel.shutdown_blocking().is_clean());
    });
}

/// An `on_ready` and an intent's `clock` that block a producer block nobody else.
#[test]
fn a_producer_stuck_in_foreign_code_does_not_hold_up_the_frame_thread() {
    struct Slow(Option<mpsc::Receiver<()>>);
    impl Intent for Slow {
        type Source = u8;
        fn clock(&self) -> Option<u64> {
            self.0.as_ref().map(|gate| gate.recv().is_err().into())
        }
    }
    watched(|| {
        let (open, gate) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let gate = Mutex::new(gate);
        let on_ready = move || {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().ok();
        };
        let mut panel = ControlPanel::<Slow>::builder().on_ready(on_ready).build();
        let (first, second, third) = (panel.sender(0), panel.sender(0), panel.sender(0));
        thread::scope(|scope| {
            scope.spawn(move || first.try_send(Slow(None)).unwrap());
            inside.recv().unwrap();
            let (release, clock) = mpsc::channel();
            scope.spawn(move || second.try_send(Slow(Some(clock))).unwrap_err());
            third.try_send(Slow(None)).unwrap();
            assert_eq!(panel.drain().count(), 2);
            assert_eq!(panel.status().drained, 2);
            release.send(()).unwrap();
            drop(open);
        });
    });
}

/// A loop that sleeps until it is woken, and never looks by itself, gets everything: no wake is lost.
#[test]
fn a_sleeping_loop_is_woken_for_every_intent() {
    watched(|| {
        for _ in 0..5 {
            let runtime = threads(2);
            let frame_thread = thread::current();
            let mut panel = Panel::builder()
                .capacity(4)
                .frame_budget(FrameBudget::default().intents(2))
                .runtime(runtime.handle().clone())
                .on_ready(move || frame_thread.unpark())
                .build();
            for source in 0..4 {
                panel.spawn(Worker::new("producer", source, async |cx: Context<Mark>| {
                    for id in 0..100 {
                        cx.send(Mark::new(id)).await.unwrap();
                    }
                }));
            }
            let mut seen = 0;
            while seen < 400 {
                seen += panel.drain().count();
                if seen < 400 {
                    thread::park();
                }
            }
            eventually("all ended", || panel.worker_count() == 0);
        }
    });
}

#[test]
fn setting_the_policy_never_waits_for_those_who_look_at_it() {
    paused(async || {
        let panel = ControlPanel::<Mark, String>::builder().policy("old".into()).build();
        let mut watch: PolicyWatch<String> = panel.context(0).policy();
        let held = watch.borrow_and_update();
        panel.set_policy("new".into());
        watch.changed().await.unwrap();
        assert_eq!((held.as_str(), watch.borrow_and_update().as_str()), ("old", "new"));
        assert_eq!(panel.policy().as_str(), "new");
        // A change that a cancelled call would have returned is returned by the next.
        assert!(Wakes::new().poll(std::pin::pin!(watch.changed())).is_pending());
        panel.set_policy("newer".into());
        watch.changed().await.unwrap();
        drop(panel);
        watch.changed().await.unwrap_err();
        assert_eq!(watch.borrow().as_str(), "newer");
    });
}

#[test]
fn looking_at_the_status_allocates_nothing_where_nothing_changed_and_nothing_is_kept() {
    paused(async || {
        let panel = Panel::new();
        for _ in 0..100 {
            panel.spawn(Worker::new("idle", 0, |_| std::future::pending::<()>()));
        }
        tokio::task::yield_now().await;
        let kept = panel.status();
        assert_eq!(kept.workers.len(), 100);
        assert_eq!(allocations(|| drop(panel.status())), 0);
        assert_eq!(allocations(|| assert_eq!(panel.status().events, kept.events)), 0);
        drop(kept);
        for warm in [true, true, false] {
            panel.workers()[0].stop();
            tokio::task::yield_now().await;
            let taken = allocations(|| assert!(panel.status().workers.len() < 100));
            assert!(warm || taken == 0, "in place: {taken}");
        }
    });
}
