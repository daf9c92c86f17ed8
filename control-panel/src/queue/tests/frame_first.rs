//! A frame that meets senders goes first, and holds none back once it gave up.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::*;

#[test]
fn a_frame_that_gives_up_holds_no_sender_back() {
    let (queue, _) = queue(4);
    let busy = queue.busy();
    assert!(queue.lock_for_frame().is_none());
    assert!(!queue.frame_tries.load(Ordering::Relaxed));
    drop(busy);
    drop(queue.lock_for_frame().expect("it is free"));
    assert!(!queue.frame_tries.load(Ordering::Relaxed));
}

#[test]
fn a_sender_goes_on_when_a_frame_does_not_come() {
    let (queue, _) = queue(4);
    // As by a frame whose thread was descheduled.
    queue.frame_tries.store(true, Ordering::Relaxed);
    queue.producer(1).try_send(item(1, Kind::Latest)).unwrap();
    assert_eq!(queue.counts().queued, 1);
}

/// Before frames went first, an optimised build gave none at all.
#[test]
fn a_flood_of_latest_intents_leaves_frames_a_turn() {
    let (queue, _) = queue(4);
    let flooding = AtomicBool::new(true);
    thread::scope(|scope| {
        let producer = queue.producer(1);
        let flooding = &flooding;
        scope.spawn(move || {
            for id in (0..1_000).cycle().take_while(|_| flooding.load(Ordering::Relaxed)) {
                producer.try_send(item(id, Kind::Latest)).unwrap();
            }
        });
        let (mut frames, mut handed_out) = (0, 0);
        while handed_out < 20 && frames < 5_000 {
            thread::sleep(Duration::from_millis(1));
            frames += 1;
            let Some(mut batch) = queue.begin_frame(false) else { continue };
            handed_out += usize::from(batch.next(true, || true).is_some());
            queue.end_frame(batch);
        }
        flooding.store(false, Ordering::Relaxed);
        assert_eq!(handed_out, 20, "in {frames} frames");
    });
}
