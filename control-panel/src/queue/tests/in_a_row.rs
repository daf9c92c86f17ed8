//! Where wakers, `on_ready` and destructors are called one after the other, one that panics keeps none of the others from
//! it, and its panic goes on.

use std::{
    collections::VecDeque,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use super::{callbacks::panicking, *};

/// A waker that panics.
#[derive(Default)]
struct Grenade(AtomicUsize);

impl Wake for Grenade {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        resume_unwind(Box::new("a waker"));
    }
}

fn grenade() -> Waker {
    Arc::<Grenade>::default().into()
}

/// What it unwinds with.
fn unwinds(f: impl FnOnce()) -> Option<&'static str> {
    catch_unwind(AssertUnwindSafe(f)).err().and_then(|panic| panic.downcast_ref().copied())
}

/// One more waits, whose waker panics.
fn awkward(producer: &Producer<Item>, id: u32) -> Waits<'_> {
    let mut waits = Waits { producer, intent: Some(plain(id)), waiter_id: None, woken: Arc::default() };
    let step = poll_send(producer, &mut waits.intent, &mut waits.waiter_id, &grenade());
    assert!(step.is_pending());
    waits
}

fn fill(producer: &Producer<Item>) {
    while producer.try_send(plain(0)).is_ok() {}
}

fn reserve(producer: &Arc<Producer<Item>>, most: usize) -> Permits<Item> {
    match producer.poll_reserve(most, &mut None, Waker::noop()) {
        Poll::Ready(Ok(permits)) => permits,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_are_called_and_the_first_panic_goes_on() {
    let called = std::cell::Cell::new(0);
    let call = |panic: Option<&'static str>| {
        called.set(called.get() + 1);
        if let Some(panic) = panic {
            resume_unwind(Box::new(panic));
        }
    };
    let panicked = unwinds(|| {
        let mut callbacks = Callbacks::default();
        for panic in [None, Some("the first"), Some("another"), None] {
            callbacks.call(|| call(panic));
        }
        callbacks.end();
    });
    assert_eq!((panicked, called.get()), (Some("the first"), 4));
}

#[test]
fn all_who_wait_are_sent_away() {
    for close in [false, true] {
        let (queue, _) = queue(4);
        let producer = queue.producer(0);
        fill(&producer);
        let (first, mut second) = (awkward(&producer, 10), awkward(&producer, 11));
        let (third, fourth) = (Waits::new(&producer, 12), Waits::new(&producer, 13));
        let panicked = unwinds(|| if close { queue.close() } else { queue.stop_waiting() });
        assert_eq!(panicked, Some("a waker"), "it goes on");
        assert!(third.woken() && fourth.woken());
        assert!(matches!(
            poll_send(&producer, &mut second.intent, &mut second.waiter_id, Waker::noop()),
            Poll::Ready(Err(_))
        ));
        drop(first);
    }
}

/// A panel's drop never panics.
#[test]
fn a_discard_drops_all_and_goes_on_whichever_waiter_it_wakes() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    let witness = Arc::new(());
    let intent = Item { id: 0, kind: Kind::Plain, _witness: Some(Arc::clone(&witness)) };
    producer.try_send(intent).ok().unwrap();
    fill(&producer);
    let (_first, second) = (awkward(&producer, 10), Waits::new(&producer, 11));
    queue.discard();
    assert!(second.woken());
    assert_eq!(Arc::strong_count(&witness), 1);
}

#[test]
fn the_loop_is_woken_between_frames() {
    let (queue, calls) = queue(4);
    let producer = queue.producer(0);
    let permits = reserve(&producer, 3);
    let (_stalls, goes_on) = (awkward(&producer, 0), Waits::new(&producer, 1));
    assert_eq!(unwinds(|| drop(permits)), Some("a waker"));
    assert_eq!(asked(&calls), 1, "a frame is to look after the other");
    for _ in 0..2 {
        queue.begin_frame(false).into_iter().for_each(|batch| queue.end_frame(batch));
    }
    assert!(goes_on.woken());
}

#[test]
fn the_loop_is_woken_at_a_frames_end() {
    let (queue, calls) = queue(4);
    let producer = queue.producer(0);
    fill(&producer);
    let _waits = awkward(&producer, 10);
    let (cut_short, _) = read(&queue, 1);
    asked(&calls);
    assert_eq!(unwinds(|| queue.end_frame(cut_short)), Some("a waker"));
    assert_eq!(asked(&calls), 1, "something is left");
}

#[test]
fn who_was_granted_a_slot_by_a_late_frame_is_woken_whatever_on_ready_does() {
    let (queue, panics) = panicking(4);
    let producer = queue.producer(0);
    fill(&producer);
    let waits = Waits::new(&producer, 10);
    let (late, _) = read(&queue, 1);
    let busy = queue.busy();
    queue.end_frame(late);
    drop(busy);
    let rest = queue.begin_frame(false).expect("something is left");
    assert!(!waits.woken());
    panics.store(true, Ordering::SeqCst);
    assert!(unwinds(|| queue.end_frame(rest)).is_some());
    assert!(waits.woken());
}

#[test]
fn the_loop_is_woken_for_what_came_before_the_baton_was_handed_on() {
    let (queue, calls) = queue(4);
    let producer = queue.producer(0);
    fill(&producer);
    let (mut first, _second) = (Waits::new(&producer, 10), awkward(&producer, 11));
    assert_eq!(frame(&queue).len(), 3);
    let empty = queue.begin_frame(false).expect("not all are woken");
    asked(&calls);
    assert_eq!(unwinds(|| _ = first.poll()), Some("a waker"));
    assert!(first.intent.is_none() && first.waiter_id.is_none());
    assert_eq!(asked(&calls), 1);
    queue.end_frame(empty);
    assert_eq!(frame(&queue), [10]);
}

#[test]
fn a_reservation_that_unwinds_keeps_no_slot() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    fill(&producer);
    let mut waiter_id = None;
    assert!(producer.poll_reserve(1, &mut waiter_id, Waker::noop()).is_pending());
    let _second = awkward(&producer, 11);
    assert_eq!(frame(&queue).len(), 3);
    let panicked = unwinds(|| _ = producer.poll_reserve(1, &mut waiter_id, Waker::noop()));
    assert_eq!((panicked, waiter_id), (Some("a waker"), None));
    assert_eq!(producer.occupied(), 1, "that of the other");
}

/// A frame ended while the queue was busy; the next that waits gives the slots of it away, and wakes the one before.
#[test]
fn who_unwinds_as_it_begins_to_wait_can_leave_the_line() {
    for reserves in [false, true] {
        let (queue, _) = queue(4);
        let producer = queue.producer(0);
        fill(&producer);
        let first = awkward(&producer, 10);
        let (batch, ids) = read(&queue, 3);
        assert_eq!(ids.len(), 3);
        let busy = queue.busy();
        queue.end_frame(batch);
        drop(busy);
        let (mut intent, mut waiter_id) = (Some(plain(11)), None);
        let panicked = unwinds(|| {
            if reserves {
                _ = producer.poll_reserve(1, &mut waiter_id, Waker::noop());
            } else {
                _ = poll_send(&producer, &mut intent, &mut waiter_id, Waker::noop());
            }
        });
        assert_eq!(panicked, Some("a waker"));
        assert_eq!(queue.counts().waiting, 2);
        producer.leave(waiter_id.expect("it is in the line"));
        producer.leave(first.waiter_id.unwrap());
        assert_eq!((queue.counts().waiting, producer.occupied()), (0, 0));
    }
}

/// A second panic would end the process.
#[test]
fn who_unwinds_already_unwinds_on() {
    let (queue, panics) = panicking(4);
    let producer = queue.producer(0);
    let permits = reserve(&producer, 3);
    let (first, second) = (awkward(&producer, 0), Waits::new(&producer, 1));
    panics.store(true, Ordering::SeqCst);
    let panicked = unwinds(|| {
        let _permits = permits;
        resume_unwind(Box::new("the sender"));
    });
    assert_eq!(panicked, Some("the sender"));
    drop((first, second));
    let panicked = unwinds(|| {
        let _reply = WakesLoop(Arc::clone(&queue));
        resume_unwind(Box::new("what answers"));
    });
    assert_eq!(panicked, Some("what answers"));
}

/// As an answer that is dropped.
struct WakesLoop(Arc<Queue<Item>>);

impl Drop for WakesLoop {
    fn drop(&mut self) {
        self.0.wake_loop();
    }
}

#[test]
fn a_send_of_many_that_is_cancelled_keeps_what_was_not_sent_whichever_waiter_it_wakes() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    let sender = IntentSender::new(Arc::clone(&producer));
    fill(&producer);
    let mut many: VecDeque<_> = [20, 21].map(plain).into();
    let mut sending = Box::pin(sender.send_many(&mut many));
    let woken = Arc::<Woken>::default();
    assert!(sending.as_mut().poll(&mut Context::from_waker(&woken.clone().into())).is_pending());
    let _second = awkward(&producer, 11);
    assert_eq!(frame(&queue).len(), 3);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    // Its slot is somebody else's now, and so is its turn.
    assert_eq!(unwinds(|| drop(sending)), Some("a waker"));
    assert_eq!(many.iter().map(|item| item.id).collect::<Vec<_>>(), [20, 21]);
}
