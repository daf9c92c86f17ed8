//! Senders that stay in the middle of a send: preempted, say, with the lock of their block.

use std::{sync::mpsc, thread};

use super::{prepaid::producer, *};
use crate::lifecycle::error::TrySendError;

/// One of each of three sources, with a block, and two intents sent.
fn three(queue: &Arc<Queue<Item>>) -> [Arc<Producer<Item>>; 3] {
    let producers = [0, 1, 2].map(|source| producer(queue, source));
    for (producer, id) in producers.iter().zip([0, 10, 20]) {
        producer.try_send(plain(id)).unwrap();
        producer.try_send(plain(id + 1)).unwrap();
    }
    producers
}

/// What comes behind may have been sent after what is in there.
#[test]
fn a_frame_hands_out_what_comes_before_a_busy_block() {
    let (queue, calls) = queue(256);
    let [first, second, third] = three(&queue);
    third.try_send(item(30, Kind::Clocked)).unwrap();
    first.try_send(item(40, Kind::Clocked)).unwrap();
    let busy = second.block.busy();
    asked(&calls);
    assert_eq!(frame(&queue), [0, 1]);
    assert_eq!((asked(&calls), queue.has_work()), (1, true), "the frame is asked for again");
    assert!(frame(&queue).is_empty());
    assert_eq!(asked(&calls), 1);
    first.try_send(plain(2)).unwrap();
    assert_eq!(frame(&queue), [2]);
    drop(busy);
    assert_eq!(asked(&calls), 1);
    second.try_send(plain(12)).unwrap();
    assert_eq!(asked(&calls), 0, "it is in its block still, and the frame is asked for");
    assert_eq!(queue.counts().queued, 7);
    assert_eq!(frame(&queue), [10, 11, 12, 20, 21, 30, 40]);
    assert!(!queue.has_work());
    let Counts { queued, accepted, drained, .. } = queue.counts();
    assert_eq!((queued, accepted), (0, drained));
}

#[test]
fn a_busy_block_keeps_the_frame_loops_own_from_nothing() {
    let (queue, _) = queue(256);
    let [first, ..] = three(&queue);
    let busy = first.block.busy();
    let own = queue.begin_frame(true).expect("they are not held up");
    assert_eq!(own.len(), 0);
    queue.end_frame(own);
    drop(busy);
    assert_eq!(frame(&queue).len(), 6);
}

#[test]
fn nothing_joins_a_rest_while_a_block_is_busy() {
    let (queue, _) = queue(256);
    let [first, second, third] = three(&queue);
    let (batch, ids) = read(&queue, 5);
    assert_eq!(ids, [0, 1, 10, 11, 20]);
    queue.end_frame(batch);
    for (producer, id) in [(&first, 2), (&second, 12), (&third, 22)] {
        producer.try_send(plain(id)).unwrap();
    }
    let busy = first.block.busy();
    assert_eq!(frame(&queue), [21]);
    drop(busy);
    assert_eq!(frame(&queue), [2, 12, 22]);
}

/// They are looked at, and stay where they are.
#[test]
fn what_is_in_blocks_is_counted() {
    let (queue, _) = queue(256);
    let [first, second, _third] = three(&queue);
    for _ in 0..2 {
        let Counts { queued, accepted, drained, .. } = queue.counts();
        assert_eq!((queued, accepted - drained, queue.left()), (6, 6, 6));
        assert_eq!(first.occupied(), 2);
        assert!(queue.lock().lent > 0, "a producer has a block");
    }
    let busy = second.block.busy();
    assert_eq!(queue.counts().queued, 5, "as of when the block was lent");
    drop(busy);
}

/// It is not waited for under the queue's lock, and others go on.
#[test]
fn a_sender_that_needs_more_is_refused_what_is_in_a_busy_block() {
    let (queue, _) = queue(16);
    let (first, second) = (producer(&queue, 0), producer(&queue, 0));
    first.try_send(plain(0)).unwrap();
    let busy = first.block.busy();
    assert!(second.try_send(plain(1)).is_err());
    let mut waits = Waits::new(&second, 20);
    drop(busy);
    assert_eq!(frame(&queue), [0]);
    assert!(waits.woken() && waits.poll());
    assert!(second.try_send(plain(21)).is_ok());
}

/// What a producer sends comes after what is in its block.
#[test]
fn a_clone_waits_for_one_in_the_middle_of_a_send() {
    let (queue, _) = queue(256);
    let producer = producer(&queue, 0);
    let Poll::Ready(Ok(mut permits)) = producer.poll_reserve(1, &mut None, Waker::noop()) else {
        panic!("there is room")
    };
    producer.try_send(plain(1)).unwrap();
    let mut busy = producer.block.take(None).expect("it has a block");
    let (says, hears) = mpsc::channel();
    let clone = thread::spawn(move || {
        says.send(()).unwrap();
        permits.send(plain(3)).unwrap();
        says.send(()).unwrap();
    });
    hears.recv().unwrap();
    assert!(hears.recv_timeout(std::time::Duration::from_millis(20)).is_err(), "it waits");
    assert!(queue.state.try_lock().is_some(), "not with the queue's lock");
    busy.entries.push(plain(2));
    drop(busy);
    clone.join().unwrap();
    assert_eq!(frame(&queue), [1, 2, 3]);
}

/// What was being sent is drained, and nothing is accepted after the close.
#[test]
fn a_close_waits_for_one_in_the_middle_of_a_send() {
    let (queue, _) = queue(256);
    let [first, second, _third] = three(&queue);
    let mut busy = first.block.take(None).expect("it has a block");
    // Refused for want of room, it does not look again until something changes.
    while second.try_send(plain(12)).is_ok() {}
    assert!(matches!(second.try_send(plain(12)), Err(TrySendError::Full(_))));
    let closing = thread::spawn({
        let queue = Arc::clone(&queue);
        move || queue.close()
    });
    while !matches!(second.try_send(plain(12)), Err(TrySendError::Closed(_))) {
        thread::yield_now();
    }
    assert!(!closing.is_finished());
    busy.entries.push(plain(2));
    drop(busy);
    closing.join().unwrap();
    assert!(matches!(first.try_send(plain(3)), Err(TrySendError::Closed(_))));
    assert_eq!(frame(&queue)[..3], [0, 1, 2]);
}
