use std::{
    sync::{Arc, atomic::AtomicUsize},
    task::{Context, Poll, Wake},
};

mod asked;
mod busy;
mod callbacks;
mod cooperative;
mod frame_first;
mod in_a_row;
mod places;
mod prepaid;
mod reserved;
mod stalled;

use super::*;
use crate::intent::{Delivery, LatestKey};

impl<I: Intent> Queue<I> {
    /// As a sender that is held up in the lock.
    pub(crate) fn busy(&self) -> impl Sized + '_ {
        self.lock()
    }
}

impl<I: Intent> Producer<I> {
    fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        self.try_send_of(None, intent)
    }
}

/// An intent by its number. Its kind says what it does.
struct Item {
    id: u32,
    kind: Kind,
    _witness: Option<Arc<()>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Clocked,
    Latest,
    PanicsInDrop,
}

impl Intent for Item {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        (self.kind == Kind::Clocked).then_some(u64::from(self.id))
    }

    fn delivery(&self) -> Delivery {
        match self.kind {
            Kind::Latest => Delivery::Latest(LatestKey { variant: 0, key: 0 }),
            _ => Delivery::Reliable,
        }
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        if self.kind == Kind::PanicsInDrop {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    }
}

fn item(id: u32, kind: Kind) -> Item {
    Item { id, kind, _witness: None }
}

fn plain(id: u32) -> Item {
    item(id, Kind::Plain)
}

/// A queue that counts how often it asked for a frame.
fn queue(capacity: usize) -> (Arc<Queue<Item>>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let on_ready: OnReady = Box::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    (Arc::new(Queue::new(capacity, Some(on_ready))), calls)
}

fn asked(calls: &AtomicUsize) -> usize {
    calls.swap(0, Ordering::SeqCst)
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// One step of a send without a clock.
fn poll_send(
    producer: &Producer<Item>,
    intent: &mut Option<Item>,
    waiter_id: &mut Option<waiters::WaiterId>,
    waker: &Waker,
) -> Poll<Result<(), producer::Refusal>> {
    if waiter_id.is_none() && producer.send_prepaid(None, intent) {
        return Poll::Ready(Ok(()));
    }
    producer.poll_send(None, 0, intent, waiter_id, waker)
}

/// A send polled by hand.
struct Waits<'a> {
    producer: &'a Producer<Item>,
    intent: Option<Item>,
    waiter_id: Option<waiters::WaiterId>,
    woken: Arc<Woken>,
}

impl<'a> Waits<'a> {
    fn new(producer: &'a Producer<Item>, id: u32) -> Self {
        let mut waits = Self { producer, intent: Some(plain(id)), waiter_id: None, woken: Arc::default() };
        assert!(!waits.poll(), "there is room for {id}");
        waits
    }

    fn poll(&mut self) -> bool {
        let waker = Arc::clone(&self.woken).into();
        poll_send(self.producer, &mut self.intent, &mut self.waiter_id, &waker) == Poll::Ready(Ok(()))
    }

    fn woken(&self) -> bool {
        self.woken.0.load(Ordering::SeqCst) > 0
    }
}

/// Begins a frame as the panel does, and reads so many of it.
fn read(queue: &Queue<Item>, most: usize) -> (Box<Batch<Item>>, Vec<u32>) {
    let mut batch = queue.begin_frame(false).expect("there is something to drain");
    batch.arrange();
    let ids = std::iter::from_fn(|| batch.next(false, || true)).take(most).map(|queued| queued.intent.id);
    let ids = ids.collect();
    (batch, ids)
}

fn frame(queue: &Queue<Item>) -> Vec<u32> {
    let (batch, ids) = read(queue, usize::MAX);
    queue.end_frame(batch);
    ids
}

#[test]
fn who_was_refused_is_refused_again_without_the_lock_until_there_may_be_room() {
    let (queue, _) = queue(3);
    let producer = queue.producer(0);
    let sent = (0..9).take_while(|&id| producer.try_send(plain(id)).is_ok()).count();
    assert_eq!(sent, 2);
    let (answer, answered) = std::sync::mpsc::channel();
    let busy = queue.state.lock();
    let flood = Arc::clone(&producer);
    let flooding = std::thread::spawn(move || answer.send(flood.try_send(plain(9)).is_err()));
    let refused = answered.recv_timeout(std::time::Duration::from_secs(20));
    drop(busy);
    flooding.join().unwrap().ok();
    assert_eq!(refused, Ok(true), "it waited for the lock");
    assert_eq!(frame(&queue), [0, 1]);
    assert!(producer.try_send(plain(10)).is_ok());
}

#[test]
fn a_frame_that_does_not_get_the_lock_is_ended_by_the_next_and_nothing_is_lost() {
    let (queue, calls) = queue(4);
    let producer = queue.producer(0);
    for id in 0..3 {
        producer.try_send(plain(id)).ok().unwrap();
    }
    assert_eq!(asked(&calls), 1);
    let mut waits = Waits::new(&producer, 3);
    let (batch, ids) = read(&queue, 1);
    assert_eq!(ids, [0]);

    let busy = queue.state.lock();
    queue.end_frame(batch);
    assert_eq!(asked(&calls), 1, "another frame is asked for");
    assert!(queue.begin_frame(false).is_none());
    assert_eq!(asked(&calls), 1, "and again");
    let own = queue.begin_frame(true).expect("the frame loop's own intents are not held up");
    assert_eq!(own.len(), 0);
    queue.end_frame(own);
    assert!(queue.has_work());
    assert_eq!(queue.counts().drained, 1, "what it handed out, though its rest is late");
    drop(busy);
    assert!(!waits.woken());

    asked(&calls);
    assert_eq!(queue.left(), 0, "what is late is not counted yet");
    let (rest, ids) = read(&queue, usize::MAX);
    assert_eq!(ids, [1, 2], "the rest comes first");
    assert!(!waits.woken(), "not on the reducer's time");
    assert!(!queue.has_work());
    queue.end_frame(rest);
    assert!(waits.woken(), "its slots are free");
    assert!(waits.poll());
    assert_eq!(asked(&calls), 1);
    assert_eq!(frame(&queue), [3]);
    assert!(!queue.has_work() && queue.begin_frame(false).is_none());
    let Counts { queued, waiting, accepted, refused, dropped, drained } = queue.counts();
    assert_eq!((queued, waiting, accepted, refused, dropped, drained), (0, 0, 4, 0, 0, 4));
}

#[test]
fn rests_come_in_the_order_of_their_frames_however_late_they_end() {
    for late in [true, false] {
        let (queue, _) = queue(16);
        let producer = queue.producer(0);
        let mut frames = Vec::new();
        for id in [0, 10, 20] {
            producer.try_send(plain(id)).ok().unwrap();
            producer.try_send(plain(id + 1)).ok().unwrap();
            frames.push(read(&queue, 1).0);
        }
        let busy = late.then(|| queue.state.lock());
        let last = frames.pop().unwrap();
        queue.end_frame(frames.remove(0));
        queue.end_frame(last);
        queue.end_frame(frames.remove(0));
        drop(busy);
        assert_eq!([frame(&queue), frame(&queue), frame(&queue)], [[1], [11], [21]]);
        assert!(!queue.lock().shares.is_unwoken());
        assert_eq!((queue.counts().drained, queue.counts().queued), (6, 0));
    }
}

#[test]
fn a_sleeper_is_woken_for_a_frame_that_is_late() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    producer.try_send(plain(0)).ok().unwrap();
    let (batch, _) = read(&queue, 0);
    let woken = Arc::new(Woken::default());
    let waker = Arc::clone(&woken).into();
    let mut cx = Context::from_waker(&waker);
    // The send left a permit of the notification behind: one look is had for it.
    let mut ready = Box::pin(queue.ready());
    assert!(ready.as_mut().poll(&mut cx).is_pending());
    let busy = queue.state.lock();
    queue.end_frame(batch);
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(ready.as_mut().poll(&mut cx), Poll::Ready(()));
    drop(busy);
    assert_eq!(frame(&queue), [0]);
}

#[test]
fn discarding_drops_rests_and_late_frames_too_each_intent_for_itself() {
    for late in [true, false] {
        let (queue, _) = queue(32);
        let producer = queue.producer(0);
        let witness = Arc::new(());
        let seen = |id, kind| Item { id, kind, _witness: Some(Arc::clone(&witness)) };
        for (id, kind) in (1..).zip([Kind::PanicsInDrop, Kind::PanicsInDrop, Kind::Clocked].repeat(3)) {
            producer.try_send(seen(id, kind)).ok().unwrap();
        }
        let mut batch = queue.begin_frame(false).unwrap();
        batch.arrange();
        // A budget that is used up: it has looked at all of them.
        assert!(batch.next(true, || false).is_none());
        let busy = late.then(|| queue.state.lock());
        queue.end_frame(batch);
        drop(busy);
        producer.try_send(seen(20, Kind::PanicsInDrop)).ok().unwrap();
        producer.try_send(seen(21, Kind::PanicsInDrop)).ok().unwrap();
        queue.discard();
        assert_eq!(Arc::strong_count(&witness), 1);
        assert!(producer.try_send(plain(0)).is_err());
    }
}

/// The one with the baton sleeps. Others were granted slots between two frames, and nothing is queued that a frame
/// would be for.
#[test]
fn a_waiter_granted_a_slot_between_frames_is_woken_though_the_one_before_stalls() {
    let (queue, calls) = queue(4);
    let producer = queue.producer(0);
    let waker = Arc::new(Woken::default()).into();
    let Poll::Ready(Ok(permits)) = producer.poll_reserve(3, &mut None, &waker) else { panic!("it waits") };
    let (stalls, mut goes_on) = (Waits::new(&producer, 0), Waits::new(&producer, 1));
    assert_eq!(asked(&calls), 0);
    drop(permits);
    assert!(stalls.woken() && !goes_on.woken());
    assert_eq!(asked(&calls), 1, "a frame is to look after the other");
    for _ in 0..2 {
        assert!(queue.begin_frame(false).map(|batch| queue.end_frame(batch)).is_some() || goes_on.woken());
    }
    assert!(goes_on.woken() && goes_on.poll());
}

/// A place in a batch is given to another producer once the one before has nothing in the batch being filled.
#[test]
fn places_are_used_again_and_the_newest_replaces_only_its_own_producers_in_the_same_frame() {
    let (queue, _) = queue(64);
    let (first, second) = (queue.producer(0), queue.producer(1));
    let latest = |id| item(id, Kind::Latest);
    let send = |producer: &Producer<Item>, intent| assert!(producer.try_send(intent).is_ok());
    send(&first, plain(0));
    for id in [1, 2] {
        send(&first, latest(id));
        send(&second, latest(id + 10));
    }
    assert_eq!(frame(&queue), [0, 2, 12]);
    send(&first, plain(3));
    send(&second, latest(13));
    send(&first, latest(4));
    assert_eq!(frame(&queue), [3, 4, 13], "what a frame took is not replaced");
    for round in 0..4 {
        // The buffers are used in turn.
        let intents = if round < 2 { [latest(6), plain(5)] } else { [plain(5), latest(6)] };
        for intent in intents {
            send(&first, intent);
        }
        assert_eq!(frame(&queue), if round < 2 { [6, 5] } else { [5, 6] });
    }

    send(&second, plain(20));
    drop(second);
    for id in 21..30 {
        let producer = queue.producer(1);
        send(&producer, plain(id));
        drop(producer);
        assert_eq!(frame(&queue).last(), Some(&id));
        assert!(queue.lock().accounts.len() <= 3, "places are used again");
    }
}

#[test]
fn a_frame_that_outlives_the_panel_is_dropped_where_it_is_late_too() {
    let (queue, calls) = queue(8);
    let producer = queue.producer(0);
    let witness = Arc::new(());
    for id in 0..3 {
        let intent = Item { id, kind: Kind::PanicsInDrop, _witness: Some(Arc::clone(&witness)) };
        producer.try_send(intent).ok().unwrap();
    }
    let mut batch = queue.begin_frame(false).unwrap();
    batch.arrange();
    queue.discard();
    assert_eq!((Arc::strong_count(&witness), asked(&calls)), (4, 1));
    let busy = queue.state.lock();
    queue.end_frame(batch);
    drop(busy);
    assert_eq!((Arc::strong_count(&witness), asked(&calls)), (1, 0));
}
