//! Slots that producers take in advance: only the time that a send takes shows it.

use std::{future::Future, pin::pin, task};

use super::*;
use crate::{
    ControlPanel, Worker, WorkerStatus,
    lifecycle::error::{SendError, TrySendError},
    telemetry::CountsSends,
    worker::context::Context,
};

/// A producer whose buffers have room, so that it prepays from its first send in a frame on.
pub(super) fn producer(queue: &Arc<Queue<Item>>, source: u8) -> Arc<Producer<Item>> {
    let producer = queue.producer(source);
    for _ in 0..2 {
        while producer.try_send(plain(0)).is_ok() {}
        frame(queue);
    }
    producer
}

fn prepaid(producer: &Producer<Item>) -> usize {
    let mut state = producer.queue.lock();
    let with_prepaid = state.shares.occupied(producer.lane);
    assert!(state.take_back_of(producer.bucket_id), "nothing is being sent");
    with_prepaid - state.shares.occupied(producer.lane)
}

fn sends(producer: &Producer<Item>) -> usize {
    (0..1_000).take_while(|&id| producer.try_send(plain(id)).is_ok()).count()
}

#[test]
fn a_producer_takes_part_of_what_is_free_in_advance_and_keeps_it_from_no_other() {
    let (queue, _) = queue(32);
    let (first, second) = (producer(&queue, 0), producer(&queue, 0));
    first.try_send(plain(0)).unwrap();
    assert_eq!(prepaid(&first), 30, "all that is not kept for another source");
    second.try_send(plain(0)).unwrap();
    first.try_send(plain(0)).unwrap();
    assert_eq!((prepaid(&second), prepaid(&first)), (14, 7), "half of what was free each time");
    for turn in 0..4 {
        assert_eq!(frame(&queue).len(), if turn == 0 { 3 } else { 31 });
        first.try_send(plain(0)).unwrap();
        if turn % 2 == 0 {
            second.try_send(plain(0)).unwrap();
            assert_eq!((sends(&second), sends(&first)), (29, 0));
        } else {
            assert_eq!((sends(&second), sends(&first)), (30, 0));
        }
        assert_eq!(first.occupied(), 31);
    }
}

/// Also where a source comes that was not there, and more than one of them.
#[test]
fn a_source_that_holds_nothing_gets_in_whatever_others_prepaid() {
    let (queue, _) = queue(16);
    let flood = producer(&queue, 0);
    flood.try_send(plain(0)).unwrap();
    let quiet: Vec<_> = (1..10).map(|source| queue.producer(source)).collect();
    assert_eq!(sends(&flood), 5, "one is kept for each of them, and one for another");
    assert!(quiet.iter().all(|producer| producer.try_send(plain(1)).is_ok()));
    assert_eq!((sends(&flood), frame(&queue).len()), (0, 15));
}

/// Where frames run beside senders.
#[test]
fn what_goes_through_a_stage_comes_once_in_order_and_is_counted() {
    let (queue, _) = queue(64);
    let producers = [producer(&queue, 0), producer(&queue, 0)];
    queue.lock().apart = true;
    for sends in (0..24).chain([60]) {
        for id in 0..sends {
            let kind = if id % 11 == 10 { Kind::Latest } else { Kind::Plain };
            producers[usize::from(id % 5 == 4)].try_send(item(id, kind)).unwrap();
        }
        let latest = (0..sends).filter(|id| id % 11 == 10);
        let older = |id: &u32| latest.clone().any(|newer| newer > *id && (newer % 5 == 4) == (id % 5 == 4));
        let gone: Vec<_> = latest.clone().filter(older).collect();
        let stays = |id: &u32| !gone.contains(id);
        let first = (0..sends).filter(|id| id % 5 != 4).filter(stays);
        let second = (0..sends).filter(|id| id % 5 == 4).filter(stays);
        let expected: Vec<_> = first.chain(second).collect();
        assert_eq!(queue.counts().queued, expected.len());
        if !expected.is_empty() {
            let (batch, ids) = read(&queue, 3);
            queue.end_frame(batch);
            let rest = if expected.len() > 3 { frame(&queue) } else { Vec::new() };
            assert_eq!([ids, rest].concat(), expected);
        }
    }
}

/// With a block and without, and whatever the last of them is.
#[test]
fn each_intent_is_counted_once_a_frame_has_it() {
    let (queue, _) = queue(64);
    let producer = producer(&queue, 0);
    let counted = || producer.block.counts(tokio::time::Instant::now()).sent;
    let before = counted();
    let mut sent = 0;
    for last in [Kind::Plain, Kind::Latest, Kind::Clocked] {
        for count in 0..10 {
            (0..count).for_each(|id| producer.try_send(plain(id)).unwrap());
            producer.try_send(item(7, last)).unwrap();
            sent += u64::from(count) + 1;
            frame(&queue);
            assert_eq!(counted() - before, sent, "{count} and another");
        }
    }
}

/// A frame waits for no sender whose sends would otherwise have to wait for it.
#[test]
fn a_frame_is_due_once_most_slots_are_taken_and_while_no_waiter_has_one() {
    let (queue, _) = queue(64);
    let producer = producer(&queue, 0);
    queue.lock().apart = true;
    let is_due = || queue.is_due.load(Ordering::Relaxed);
    let mut taken = 0;
    while !is_due() {
        producer.try_send(plain(0)).unwrap();
        taken += 1;
    }
    assert!((32..=56).contains(&taken), "{taken} and its block are seven eighths");
    frame(&queue);
    assert!(!is_due());
    sends(&producer);
    let mut waits = Waits::new(&producer, 1);
    frame(&queue);
    assert!(waits.woken() && !is_due(), "it has a slot");
    assert!(waits.poll());
    frame(&queue);
    assert!(!is_due());
}

#[test]
fn what_is_not_used_is_free_once_a_frame_begins() {
    let (queue, _) = queue(32);
    let producer = producer(&queue, 0);
    producer.try_send(plain(1)).unwrap();
    let (batch, ids) = read(&queue, 9);
    assert_eq!((ids, producer.occupied()), (vec![1], 1));
    assert_eq!(sends(&producer), 30);
    queue.end_frame(batch);
    assert_eq!(frame(&queue).len(), 30);
    producer.try_send(plain(1)).unwrap();
    drop(producer);
    assert_eq!(frame(&queue), [1]);
    let mut state = queue.lock();
    queue.absorb(&mut state);
    assert_eq!(state.shares.known(), 0, "its source is forgotten");
}

/// A rest stays behind, and with it what its source sent since.
#[test]
fn the_loop_is_notified_of_what_is_sent_after_a_frame_began() {
    let (queue, calls) = queue(32);
    let producer = producer(&queue, 0);
    producer.try_send(plain(1)).unwrap();
    let (cut_short, _) = read(&queue, 0);
    queue.end_frame(cut_short);
    producer.try_send(plain(2)).unwrap();
    let (rest, ids) = read(&queue, 1);
    assert_eq!(ids, [1]);
    asked(&calls);
    (3..6).for_each(|id| producer.try_send(plain(id)).unwrap());
    assert_eq!(asked(&calls), 1);
    queue.end_frame(rest);
    assert_eq!((queue.counts().queued, frame(&queue)), (4, vec![2, 3, 4, 5]));
}

/// Whatever comes between, and takes numbers that were meant for others.
#[test]
fn numbers_go_on_from_one_to_the_next() {
    let (queue, _) = queue(64);
    let producer = producer(&queue, 0);
    let before = seqs_of(&queue, &producer, &[Kind::Plain])[0].0;
    let kinds = [
        [Kind::Plain, Kind::Plain, Kind::Clocked, Kind::Plain],
        [Kind::Latest, Kind::Plain, Kind::Plain, Kind::Latest],
        [Kind::Plain, Kind::Clocked, Kind::Plain, Kind::Plain],
    ];
    let seqs = seqs_of(&queue, &producer, kinds.as_flattened());
    let expected: Vec<_> =
        (1..13).filter(|&n| n != 5).map(|n| (before + n, u32::try_from(n).unwrap())).collect();
    assert_eq!(seqs, expected, "the fifth is replaced by the eighth");
    let Poll::Ready(Ok(mut permits)) = producer.poll_reserve(2, &mut None, Waker::noop()) else {
        panic!("there is room")
    };
    producer.try_send(plain(1)).unwrap();
    permits.send(plain(2)).unwrap();
    producer.try_send(plain(3)).unwrap();
    permits.send(item(4, Kind::Clocked)).unwrap();
    producer.try_send(plain(5)).unwrap();
    assert_eq!(
        sorted(&queue),
        (1..6).map(|n| (before + 12 + n, u32::try_from(n).unwrap())).collect::<Vec<_>>()
    );
}

/// Sends one of each kind, 1 and so on.
fn seqs_of(queue: &Queue<Item>, producer: &Producer<Item>, kinds: &[Kind]) -> Vec<(u64, u32)> {
    for (id, &kind) in (1..).zip(kinds) {
        producer.try_send(item(id, kind)).unwrap();
    }
    sorted(queue)
}

/// A frame by number.
fn sorted(queue: &Queue<Item>) -> Vec<(u64, u32)> {
    let mut batch = queue.begin_frame(false).expect("there is something to drain");
    batch.arrange();
    let all = std::iter::from_fn(|| batch.next(false, || true));
    let mut all: Vec<_> = all.map(|queued| (queued.causality_order().seq, queued.intent.id)).collect();
    queue.end_frame(batch);
    all.sort_unstable();
    all
}

#[test]
fn a_closed_queue_takes_nothing_more_and_a_stopping_one_what_fits() {
    let (queue, _) = queue(32);
    let (producer, other) = (producer(&queue, 0), queue.producer(0));
    producer.try_send(plain(1)).unwrap();
    queue.stop_waiting();
    assert_eq!((sends(&other), sends(&producer)), (30, 0));
    assert_eq!(frame(&queue).len(), 31);
    producer.try_send(plain(1)).unwrap();
    queue.close();
    assert!(matches!(producer.try_send(plain(2)), Err(TrySendError::Closed(_))));
    let mut intent = Some(plain(2));
    assert!(matches!(poll_send(&producer, &mut intent, &mut None, Waker::noop()), Poll::Ready(Err(_))));
    assert_eq!(frame(&queue), [1]);
}

/// What is its own is there for whatever it sends.
#[test]
fn a_producer_is_not_refused_for_what_it_prepaid_itself() {
    let (queue, _) = queue(32);
    let (first, second, third) = (producer(&queue, 0), producer(&queue, 0), queue.producer(0));
    assert_eq!(sends(&first), 31);
    let (mut one, two) = (Waits::new(&first, 1), Waits::new(&second, 2));
    frame(&queue);
    let waits = Waits::new(&third, 3);
    assert!(one.woken() && one.poll() && two.waiter_id.is_some());
    assert!(first.try_send(item(1, Kind::Clocked)).is_ok());
    drop(one);
    drop(first);
    let standing = queue.lock().shares.waiters.standing(waits.waiter_id.unwrap());
    assert_eq!(standing, waiters::Standing::Granted, "what it had is others' when it is gone");
}

#[test]
fn a_run_that_ended_sends_nothing_into_its_prepaid_slots() {
    let mut panel = ControlPanel::<Item>::new();
    let (gives, takes) = std::sync::mpsc::channel();
    let handle = panel.spawn(Worker::new("ends", 0, move |cx: Context<Item>| {
        let gives = gives.clone();
        async move {
            (1..3).for_each(|id| cx.try_send(plain(id)).unwrap());
            gives.send(cx).ok();
        }
    }));
    let cx = takes.recv().unwrap();
    while !matches!(handle.status(), WorkerStatus::Ended(_)) {
        std::thread::yield_now();
    }
    assert!(matches!(cx.try_send(plain(3)), Err(TrySendError::Ended(_))));
    let sent = pin!(cx.send(plain(3))).poll(&mut task::Context::from_waker(Waker::noop()));
    assert!(matches!(sent, Poll::Ready(Err(SendError::Ended(_)))));
    assert_eq!(panel.drain().count(), 2);
}

/// Those that wait come first: what is free goes to them in rounds, and no producer takes it in advance.
#[test]
fn while_a_send_waits_none_prepays_but_what_it_was_granted() {
    let (queue, _) = queue(32);
    let (first, second) = (producer(&queue, 0), producer(&queue, 0));
    assert_eq!(sends(&first), 31);
    let (mut one, mut two) = (Waits::new(&first, 1), Waits::new(&second, 2));
    frame(&queue);
    assert!(one.woken() && one.poll());
    assert_eq!(prepaid(&first), 15, "its part of the round, less the one it used");
    assert!(two.woken() && two.poll());
    assert_eq!(prepaid(&second), 14 + 7, "and nothing waits any more");
    assert_eq!(frame(&queue).len(), 2);
}
