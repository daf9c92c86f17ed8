//! What asks for a frame, and how often the loop is woken.

use std::{future::Future, pin::pin, task::Waker};

use super::*;

/// The first of the two is followed by another whatever the loop does; news that comes in between is news again.
#[test]
fn news_asks_for_two_frames_and_is_announced_once() {
    let (queue, calls) = queue(4);
    for _ in 0..3 {
        (0..3).for_each(|_| queue.wake_loop());
        assert_eq!((asked(&calls), queue.has_work()), (1, true));
        assert!(queue.begin_frame(false).is_none());
        assert_eq!((asked(&calls), queue.has_work()), (1, true), "a loop may have looked before the drain");
        (0..3).for_each(|_| queue.wake_loop());
        assert_eq!((asked(&calls), queue.has_work()), (1, true), "that came after the look");
        assert!(queue.begin_frame(false).is_none());
        assert_eq!((asked(&calls), queue.has_work()), (1, true));
        assert!(queue.begin_frame(false).is_none());
        assert_eq!((asked(&calls), queue.has_work()), (0, false));
        assert!(queue.begin_frame(false).is_none());
    }
}

#[test]
fn news_does_not_wait_for_who_holds_the_lock() {
    let (queue, calls) = queue(4);
    let busy = queue.state.lock();
    queue.wake_loop();
    assert_eq!(asked(&calls), 1);
    (0..2).for_each(|_| assert!(queue.begin_frame(false).is_none()));
    assert_eq!((asked(&calls), queue.has_work()), (1, false));
    drop(busy);
}

#[test]
fn every_waiting_loop_is_woken() {
    let (queue, _) = queue(4);
    let producer = queue.producer(0);
    let (mut first, mut second) = (pin!(queue.ready()), pin!(queue.ready()));
    let woken = [(); 2].map(|()| Arc::<Woken>::default());
    let wakers = woken.clone().map(Waker::from);
    let mut cx = wakers.each_ref().map(Context::from_waker);
    assert!(first.as_mut().poll(&mut cx[0]).is_pending() && second.as_mut().poll(&mut cx[1]).is_pending());
    producer.try_send(plain(0)).ok().unwrap();
    assert_eq!(woken.map(|woken| woken.0.load(Ordering::SeqCst)), [1, 1]);
    assert!(first.poll(&mut cx[0]).is_ready() && second.poll(&mut cx[1]).is_ready());
}

#[test]
fn a_loop_woken_while_it_looks_looks_again() {
    let ready = Ready::new(None);
    let looks = std::cell::Cell::new(0);
    let mut waits = pin!(ready.wait(|| {
        ready.call(looks.replace(looks.get() + 1) == 0);
        looks.get() > 1
    }));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
}
