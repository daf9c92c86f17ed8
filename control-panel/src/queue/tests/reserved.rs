//! Slots that are granted or reserved before the intent is there, and what becomes of them.

use super::*;
use crate::queue::permits::Permits;

fn latest(id: u32) -> Item {
    item(id, Kind::Latest)
}

fn reserve(producer: &Arc<Producer<Item>>, most: usize) -> Permits<Item> {
    match producer.poll_reserve(most, &mut None, Waker::noop()) {
        Poll::Ready(Ok(permits)) => permits,
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_two_who_waited_with_one_key_the_newer_replaces_and_its_slot_is_free() {
    let (queue, _) = queue(3);
    let producer = queue.producer(0);
    (0..2).for_each(|id| assert!(producer.try_send(plain(id)).is_ok()));
    let mut waits = [2, 3].map(|id| {
        let mut waits = Waits::new(&producer, id);
        waits.intent = Some(latest(id));
        waits
    });
    assert_eq!(frame(&queue), [0, 1]);
    assert!(waits.iter_mut().all(Waits::poll));
    assert_eq!(producer.occupied(), 1);
    assert_eq!(frame(&queue), [3]);
    assert_eq!(producer.occupied(), 0);
}

#[test]
fn a_slot_that_was_not_needed_goes_to_who_waits() {
    let (queue, _) = queue(3);
    let producer = queue.producer(0);
    let mut permits = reserve(&producer, 2);
    assert!(permits.send(latest(0)).is_ok());
    let mut waits = Waits::new(&producer, 7);
    assert!(permits.send(latest(1)).is_ok());
    assert!(waits.woken() && waits.poll());
    assert_eq!((permits.left(), frame(&queue)), (0, vec![1, 7]));
    assert_eq!(producer.occupied(), 0);
}

#[test]
fn what_permits_refuse_is_counted() {
    let (queue, _) = queue(3);
    let producer = queue.producer(0);
    let mut permits = reserve(&producer, 1);
    assert!(permits.send(plain(0)).is_ok());
    assert!(permits.send(plain(1)).is_err());
    let mut permits = reserve(&producer, 1);
    queue.close();
    assert!(permits.send(plain(2)).is_err());
    assert_eq!(queue.counts().refused, 2);
}

#[test]
fn no_slot_is_reserved_by_who_is_closed() {
    let (queue, _) = queue(3);
    let producer = queue.producer(0);
    assert_eq!(reserve(&producer, 0).left(), 0);
    queue.stop_waiting();
    assert_eq!(reserve(&producer, 0).left(), 0, "nothing that it would wait for");
    queue.close();
    for most in [0, 1] {
        let refused = producer.poll_reserve(most, &mut None, Waker::noop());
        assert!(matches!(refused, Poll::Ready(Err(producer::Refusal::Closed))), "{refused:?}");
    }
    assert_eq!(queue.counts().refused, 1, "a request for none has nothing refused");
}

/// All at once, not one by one: the lock is held meanwhile.
#[test]
fn every_slot_there_is_can_be_reserved_at_once() {
    let (queue, _) = queue(usize::MAX);
    let (producer, other) = (queue.producer(0), queue.producer(1));
    let permits = reserve(&producer, usize::MAX);
    assert_eq!(permits.left(), producer.occupied());
    assert!(permits.left() > usize::MAX / 4);
    assert!(producer.try_send(plain(0)).is_err());
    assert!(other.try_send(plain(1)).is_ok());
    let _others: Vec<_> = (2..9).map(|source| queue.producer(source)).collect();
    assert!(producer.try_send(plain(0)).is_err());
    drop(permits);
    assert!(producer.try_send(plain(2)).is_ok());
    assert_eq!((producer.occupied(), frame(&queue)), (1, vec![2, 1]));
}

#[test]
fn what_an_ended_frame_gave_back_can_be_reserved_too() {
    let (queue, _) = queue(8);
    let producer = queue.producer(0);
    let all = reserve(&producer, usize::MAX).left();
    (0..5).for_each(|id| assert!(producer.try_send(plain(id)).is_ok()));
    assert_eq!(frame(&queue).len(), 5);
    assert_eq!(reserve(&producer, usize::MAX).left(), all);
}
