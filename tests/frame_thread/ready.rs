//! `on_ready`, and what it does not wait for.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use control_panel::{Context, ControlPanel, FrameBudget, Intent, IntentSender, Spawner, Worker};
use tests::{Mark, Notes, eventually, threads, watched};

use super::Panel;

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

/// An `on_ready` and an intent's `clock` that block one producer block no other thread.
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
