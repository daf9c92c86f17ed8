//! What foreign code may do to the queue, and when it runs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::AtomicBool;

use super::*;

/// A queue whose `on_ready` panics while its flag is set.
pub(super) fn panicking(capacity: usize) -> (Arc<Queue<Item>>, Arc<AtomicBool>) {
    let panics = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&panics);
    let on_ready: OnReady = Box::new(move || {
        if flag.load(Ordering::SeqCst) {
            resume_unwind(Box::new("on purpose"));
        }
    });
    (Arc::new(Queue::new(capacity, Some(on_ready))), panics)
}

#[test]
fn an_on_ready_that_panics_takes_no_other_wake_with_it() {
    let (queue, panics) = panicking(4);
    let producer = queue.producer(0);
    for id in 0..3 {
        producer.try_send(plain(id)).ok().unwrap();
    }
    let (mut first, second) = (Waits::new(&producer, 3), Waits::new(&producer, 4));
    assert_eq!(frame(&queue), [0, 1, 2]);
    assert!(first.woken() && !second.woken());
    let next = queue.begin_frame(false).expect("one is asked for: not all are woken");
    panics.store(true, Ordering::SeqCst);
    assert!(catch_unwind(AssertUnwindSafe(|| first.poll())).is_err());
    assert!(second.woken(), "the baton is handed on");
    assert!(
        first.waiter_id.is_none(),
        "it has left the line, and must not leave it again when it is dropped"
    );
    panics.store(false, Ordering::SeqCst);
    queue.end_frame(next);
}

/// The same for one that finds its slot not needed.
#[test]
fn nor_does_one_that_panics_for_a_slot_that_was_not_needed() {
    let (queue, panics) = panicking(6);
    let producer = queue.producer(0);
    (0..5).for_each(|id| assert!(producer.try_send(plain(id)).is_ok()));
    let mut waits = [5, 6, 7, 8].map(|id| {
        let mut waits = Waits::new(&producer, id);
        waits.intent = Some(item(id, if id < 7 { Kind::Latest } else { Kind::Plain }));
        waits
    });
    let (batch, _) = read(&queue, 3);
    queue.end_frame(batch);
    assert!(waits[0].poll() && waits[1].woken(), "three are granted a slot");
    let rest = queue.begin_frame(false).expect("what was cut off comes first");
    assert!(!waits[2].woken());
    panics.store(true, Ordering::SeqCst);
    // It replaces the one before. The slot goes to the fourth, and a frame is asked for: the third has the baton.
    assert!(catch_unwind(AssertUnwindSafe(|| waits[1].poll())).is_err());
    assert!(waits[2].woken(), "the baton is handed on");
    panics.store(false, Ordering::SeqCst);
    queue.end_frame(rest);
}

#[test]
fn an_on_ready_that_panics_leaves_no_producer_behind_without_an_owner() {
    let (queue, panics) = panicking(4);
    let flood = queue.producer(0);
    for id in 0..3 {
        flood.try_send(plain(id)).ok().unwrap();
    }
    let stalls = Waits::new(&flood, 3);
    assert_eq!(frame(&queue), [0, 1, 2]);
    assert!(stalls.woken());
    let one_more = queue.producer(1);
    one_more.try_send(plain(4)).ok().unwrap();
    let (quiet, _fourth) = (queue.producer(2), queue.producer(3));
    let waits = Waits::new(&quiet, 5);
    let (batch, _) = read(&queue, 1);
    assert_eq!(queue.lock().shares.known(), 4);
    panics.store(true, Ordering::SeqCst);
    // A fifth source raises the bound. The one that waits is granted a slot, and a frame is asked for to wake it.
    assert!(catch_unwind(AssertUnwindSafe(|| queue.producer(4))).is_err());
    panics.store(false, Ordering::SeqCst);
    assert_eq!(queue.lock().shares.known(), 4, "the fifth is forgotten");
    queue.end_frame(batch);
    frame(&queue);
    assert!(waits.woken());
}

/// Looks whether the lock is held when it is dropped.
struct Looks {
    queue: Arc<Queue<Item>>,
    held: Arc<AtomicBool>,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Looks {
    fn drop(&mut self) {
        self.held.fetch_or(self.queue.state.try_lock().is_none(), Ordering::SeqCst);
    }
}

/// As in a `select!` that looks at its send because another branch was woken.
#[test]
fn the_waker_of_one_who_looks_unasked_is_not_dropped_under_the_lock() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    for id in 0..3 {
        producer.try_send(plain(id)).ok().unwrap();
    }
    let first = Waits::new(&producer, 3);
    let held = Arc::new(AtomicBool::new(false));
    let (mut intent, mut waiter_id) = (Some(plain(4)), None);
    let looks = || Arc::new(Looks { queue: Arc::clone(&queue), held: Arc::clone(&held) }).into();
    assert!(poll_send(&producer, &mut intent, &mut waiter_id, &looks()).is_pending());
    frame(&queue);
    assert!(first.woken());
    let other = Waker::noop();
    assert_eq!(poll_send(&producer, &mut intent, &mut waiter_id, other), Poll::Ready(Ok(())));
    assert!(!held.load(Ordering::SeqCst), "it may be the last that holds a task, whose drop may send");
}

/// The loop's own intents are ordered as it made them, also where one frame was cut short and the next finds the queue
/// busy.
#[test]
fn the_loops_own_intents_wait_for_those_that_an_earlier_frame_left() {
    for clocked in [false, true] {
        let (queue, calls) = queue(8);
        let origin = queue.origin();
        let own = |seq: u64| {
            let kind = if clocked { Kind::Clocked } else { Kind::Plain };
            let intent = item(u32::try_from(seq).unwrap() + 1, kind);
            Local { source: 1, origin, clock: intent.clock().unwrap_or(0), seq, intent }
        };
        let begin = |local: &mut Vec<Local<Item>>| {
            let mut batch = queue.begin_frame(true)?;
            queue.add_own(&mut batch, local);
            batch.arrange();
            Some(batch)
        };
        let next = |batch: &mut Batch<Item>| batch.next(true, || false).map(|queued| queued.intent.id);
        queue.producer(0).try_send(plain(100)).ok().unwrap();

        let mut cut_short = begin(&mut vec![own(0), own(1)]).unwrap();
        assert_eq!(next(&mut cut_short), Some(1));
        let busy = queue.state.lock();
        queue.end_frame(cut_short);
        asked(&calls);
        assert!(begin(&mut vec![own(2)]).is_none(), "the one before it comes first");
        assert_eq!(asked(&calls), 1, "another frame is asked for");
        drop(busy);

        let mut rest = begin(&mut vec![own(2)]).unwrap();
        assert_eq!([next(&mut rest), next(&mut rest), next(&mut rest)], [Some(2), Some(3), None]);
        let busy = queue.state.lock();
        queue.end_frame(rest);
        let mut alone = begin(&mut vec![own(3)]).expect("what is left now is no intent of the loop's");
        assert_eq!(next(&mut alone), Some(4));
        drop(busy);
        queue.end_frame(alone);
        assert_eq!(frame(&queue), [100]);
        let busy = queue.state.lock();
        let mut alone =
            begin(&mut vec![own(4)]).expect("those before it are handed out, whatever the buffer had");
        assert_eq!(next(&mut alone), Some(5));
        drop(busy);
        queue.end_frame(alone);
    }
}
