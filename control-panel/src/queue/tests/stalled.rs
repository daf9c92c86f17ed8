//! A sender that was granted slots and does not come for them holds up no other, also when there is nothing to drain.

use super::{callbacks::panicking, *};

/// Frames, until none is asked for any more.
fn frames_asked_for(queue: &Queue<Item>) -> usize {
    (0..20).take_while(|_| queue.begin_frame(false).map(|batch| queue.end_frame(batch)).is_some()).count()
}

/// Source 0 holds all it can, and one that waits is granted that, woken, and not polled.
fn stalled(producer: &Producer<Item>, queue: &Queue<Item>) -> (Arc<Woken>, Option<waiters::WaiterId>) {
    while producer.try_send(plain(0)).is_ok() {}
    let stalls = Waits::new(producer, 1);
    frame(queue);
    assert!(stalls.woken());
    let Waits { woken, waiter_id, .. } = stalls;
    (woken, waiter_id)
}

#[test]
fn who_waits_behind_one_who_does_not_come_asks_for_a_frame() {
    let (queue, calls) = queue(16);
    let producer = queue.producer(0);
    let (_, waiter_id) = stalled(&producer, &queue);
    assert_eq!((producer.occupied(), frames_asked_for(&queue)), (15, 0));
    asked(&calls);
    let mut waits = Waits::new(&producer, 2);
    assert_eq!(asked(&calls), 1, "nothing is queued that would bring a frame");
    assert!((1..=2).contains(&frames_asked_for(&queue)));
    assert!(waits.woken() && waits.poll());
    assert!(producer.try_send(plain(3)).is_ok(), "what was granted is shared");
    assert_eq!(frame(&queue), [2, 3]);
    assert_eq!((producer.occupied(), frames_asked_for(&queue)), (1, 0), "one slot stays granted");
    assert!((0..14).all(|id| producer.try_send(plain(id)).is_ok()), "the others do not");
    producer.leave(waiter_id.unwrap());
}

#[test]
fn who_is_refused_for_one_who_does_not_come_has_a_slot_after_the_next_frames() {
    let (queue, calls) = queue(16);
    let producer = queue.producer(0);
    let (_, waiter_id) = stalled(&producer, &queue);
    asked(&calls);
    assert!(producer.try_send(plain(2)).is_err());
    assert_eq!(asked(&calls), 1);
    assert!((1..=2).contains(&frames_asked_for(&queue)));
    assert!((0..14).all(|id| producer.try_send(plain(id)).is_ok()));
    assert!(producer.try_send(plain(14)).is_err());
    assert_eq!(frame(&queue).len(), 14);
    producer.leave(waiter_id.unwrap());
}

/// A frame that found intents, and somebody moving, may be the last that comes by itself.
#[test]
fn a_frame_that_leaves_a_waiter_without_a_slot_asks_for_another() {
    let (queue, calls) = queue(16);
    let (producer, other, quiet) = (queue.producer(0), queue.producer(0), queue.producer(1));
    while producer.try_send(plain(0)).is_ok() {}
    let (_stalls, mut waiter_id) = (Waits::new(&producer, 1), None);
    assert!(other.poll_reserve(1, &mut waiter_id, Waker::noop()).is_pending());
    frame(&queue);
    let Poll::Ready(Ok(held)) = other.poll_reserve(1, &mut waiter_id, Waker::noop()) else {
        panic!("granted")
    };
    assert_eq!(held.left(), 1);
    assert!(quiet.try_send(plain(2)).is_ok());
    let third = queue.producer(0);
    let mut waits = Waits::new(&third, 3);
    asked(&calls);
    assert_eq!(frame(&queue), [2]);
    assert_eq!(
        (waits.woken(), asked(&calls)),
        (false, 1),
        "the slot that is free is kept for another source"
    );
    assert_eq!(frames_asked_for(&queue), 1);
    assert!(waits.woken() && waits.poll());
}

/// What a permit's holder was granted beyond the permit is others' after a frame, also an empty one.
#[test]
fn a_permit_that_is_held_holds_one_slot() {
    let (queue, _) = queue(16);
    let (holds, other) = (queue.producer(0), queue.producer(0));
    while holds.try_send(plain(0)).is_ok() {}
    let mut waiter_id = None;
    assert!(holds.poll_reserve(1, &mut waiter_id, Waker::noop()).is_pending());
    frame(&queue);
    let Poll::Ready(Ok(permits)) = holds.poll_reserve(1, &mut waiter_id, Waker::noop()) else {
        panic!("granted")
    };
    let mut waits = Waits::new(&other, 2);
    assert!((1..=2).contains(&frames_asked_for(&queue)));
    assert!(waits.woken() && waits.poll());
    assert_eq!(frame(&queue), [2]);
    assert!((0..14).all(|id| other.try_send(plain(id)).is_ok()));
    assert_eq!((permits.left(), other.try_send(plain(14)).is_err()), (1, true));
}

#[test]
fn rounds_go_on_without_one_who_does_not_come() {
    let (queue, _) = queue(16);
    let producer = queue.producer(0);
    let (_, waiter_id) = stalled(&producer, &queue);
    let others = [queue.producer(0), queue.producer(0)];
    let mut waits: Vec<_> = others.iter().map(|producer| Waits::new(producer, 7)).collect();
    frames_asked_for(&queue);
    for _ in 0..5 {
        // Each comes when it is woken, and sends until it has to wait again.
        while let Some(waits) = waits.iter_mut().find(|waits| waits.woken()) {
            waits.woken = Arc::default();
            while waits.poll() {
                waits.intent = Some(plain(7));
            }
        }
        assert_eq!(frame(&queue).len(), 14);
    }
    // It comes after all, and takes what it was granted.
    let mut late = Waits { producer: &producer, intent: Some(plain(1)), waiter_id, woken: Arc::default() };
    assert!(late.poll());
    for waits in &mut waits {
        producer.leave(waits.waiter_id.take().unwrap());
    }
    assert_eq!(frame(&queue), [1]);
    assert_eq!((producer.occupied(), frames_asked_for(&queue)), (0, 0));
}

/// Also where the frame that is asked for makes `on_ready` panic.
#[test]
fn what_is_refused_comes_back_whatever_the_asking_does() {
    let (queue, panics) = panicking(16);
    let producer = queue.producer(0);
    let (_, waiter_id) = stalled(&producer, &queue);
    let before = queue.counts().refused;
    panics.store(true, Ordering::SeqCst);
    let mut many = [plain(2), plain(3)].into();
    assert!(IntentSender::new(Arc::clone(&producer)).try_send_many(&mut many).is_err());
    assert_eq!((many.len(), queue.counts().refused - before), (2, 1));
    panics.store(false, Ordering::SeqCst);
    producer.leave(waiter_id.unwrap());
}
