//! A view that the loop polls: a signal for it wakes a loop that sleeps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{Context, Worker};
use tests::{Mark, Wakes, watched};

use super::{Note, Panel, notes};

/// A panel, and how often `on_ready` was called since the last time.
fn counting() -> (Panel, impl Fn() -> usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let on_ready = move || {
        counter.fetch_add(1, Ordering::SeqCst);
    };
    (Panel::builder().on_ready(on_ready).build(), move || calls.swap(0, Ordering::SeqCst))
}

/// What a loop does that was woken: frames until there is no reason for another.
fn settle(panel: &mut Panel, since: impl Fn() -> usize) {
    assert!(panel.wait_ready_timeout(Duration::ZERO), "it was woken");
    let frames = (0..10).take_while(|_| {
        panel.drain().for_each(drop);
        panel.wait_ready_timeout(Duration::ZERO)
    });
    assert!(frames.count() < 10, "it sleeps again");
    since();
}

#[test]
fn a_signal_wakes_the_loop_once_until_the_view_has_looked() {
    let (mut panel, since) = counting();
    let (bus, mut view) = (panel.bus(0), panel.subscribe::<Note>());
    bus.publish(Note(1));
    bus.publish(Note(2));
    assert_eq!(since(), 1, "also before it looked for the first time");
    settle(&mut panel, &since);
    bus.publish(Note(3));
    assert_eq!(since(), 0, "the view has not looked yet");
    assert_eq!(notes(&mut view), [1, 2, 3]);
    bus.publish(Note(4));
    assert_eq!(since(), 1);
    settle(&mut panel, &since);
    assert_eq!(notes(&mut view), [4]);
    assert_eq!(since(), 0);
    // What is not read to the end is left for the next frame.
    (5..8).for_each(|id| bus.publish(Note(id)));
    settle(&mut panel, &since);
    assert!(view.drain().next().is_some());
    assert_eq!(since(), 1);
    settle(&mut panel, &since);
    assert_eq!(notes(&mut view), [6, 7]);
    assert!(view.try_recv().is_none());
    bus.publish(Note(8));
    assert_eq!(since(), 1, "`try_recv` that found nothing waits too");
    settle(&mut panel, &since);
    drop(view);
    bus.publish(Note(9));
    assert_eq!(since(), 0, "no one looks any more");
}

#[test]
fn a_subscriber_that_awaits_is_woken_as_its_own_task_and_wakes_no_loop() {
    let (panel, since) = counting();
    let (bus, mut host) = (panel.bus(0), panel.subscribe::<Note>());
    let wakes = Wakes::new();
    {
        let mut recv = std::pin::pin!(host.recv());
        assert!(wakes.poll(recv.as_mut()).is_pending());
        bus.publish(Note(1));
        assert_eq!((wakes.take(), since()), (1, 0));
        assert!(wakes.poll(recv.as_mut()).is_ready());
    }
    let mut worker = panel.context(1).subscribe::<Note>();
    assert!(worker.try_recv().is_none());
    bus.publish(Note(2));
    assert_eq!(since(), 0, "a worker's subscription never does");
}

/// A loop that does nothing unless it is woken shows every signal.
#[test]
fn a_sleeping_loop_shows_every_signal_of_a_worker() {
    watched(|| {
        let mut panel = Panel::builder().signal_capacity(1_000).build();
        let mut view = panel.subscribe::<Note>();
        panel.spawn(Worker::thread("announces", 0, |cx: Context<Mark>| {
            let bus = cx.bus();
            for id in 0..1_000 {
                bus.publish(Note(id));
                if id % 7 == 0 {
                    thread::yield_now();
                }
            }
        }));
        let mut seen = Vec::new();
        while seen.len() < 1_000 {
            assert!(panel.wait_ready_timeout(Duration::MAX));
            panel.drain().for_each(drop);
            seen.extend(notes(&mut view));
        }
        assert!(seen.into_iter().eq(0..1_000));
    });
}

/// A waker that panics takes no other subscriber's turn.
#[test]
fn a_panicking_waker_keeps_no_other_from_its_turn() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            tests::quiet_panic()
        }
    }
    let panel = Panel::new();
    let bus = panel.bus(0);
    let (mut first, mut second) = (panel.subscribe::<Note>(), panel.subscribe::<Note>());
    let (mut panics, mut waits) = (Box::pin(first.recv()), Box::pin(second.recv()));
    let panicking = Arc::new(Panics).into();
    assert!(panics.as_mut().poll(&mut std::task::Context::from_waker(&panicking)).is_pending());
    let wakes = Wakes::new();
    assert!(wakes.poll(waits.as_mut()).is_pending());
    let publishes = std::panic::AssertUnwindSafe(|| bus.publish(Note(1)));
    assert!(std::panic::catch_unwind(publishes).is_err(), "the publisher learns it");
    assert_eq!(wakes.take(), 1);
    drop((panics, waits));
    assert_eq!((notes(&mut first), notes(&mut second)), (vec![1], vec![1]));
}
