//! Queues that stop, close and are discarded while all producers send.

use std::sync::{Arc, atomic::Ordering};

use shuttle::thread;

use super::{
    account::Kind,
    below, check,
    drive::Cut,
    stage::Stage,
    waiting::{Door, full, one_frame, stalling},
};

/// Nothing drains any more: waiters are sent away, with their intents.
#[test]
fn a_waiter_is_sent_away_when_the_panel_stops() {
    check(|| {
        let mut stage = Stage::new(2);
        let (queue, bell) = (Arc::clone(&stage.queue), Arc::clone(&stage.bell));
        for source in [0, 0, 1] {
            stage.actor(source, |actor| (0..2).for_each(|_| actor.act()));
        }
        bell.stopping.store(true, Ordering::SeqCst);
        queue.stop_waiting();
        stage.join();
        // What was accepted can be drained still.
        stage.run(|frame| stage.read(frame));
        drop(queue);
        stage.finish();
    });
}

/// A shutdown on another thread than the loop's, which goes on.
#[test]
fn a_queue_that_closes_hands_everything_back_or_out() {
    check(|| {
        let mut stage = Stage::new(3);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| (0..3).for_each(|_| actor.act()));
        }
        // It has slots already when the queue closes, or waits for some.
        stage.actor(0, |actor| {
            if let Some(mut permits) = actor.reserve(2, Cut::Never) {
                thread::yield_now();
                actor.send_permitted(&mut permits);
            }
        });
        let (queue, bell) = (Arc::clone(&stage.queue), Arc::clone(&stage.bell));
        stage.actor(1, move |_| {
            bell.stopping.store(true, Ordering::SeqCst);
            if below(2) == 0 {
                queue.stop_waiting();
                thread::yield_now();
            }
            queue.close();
            bell.closed.store(true, Ordering::SeqCst);
        });
        stage.run(|frame| if below(3) == 0 { drop(frame) } else { stage.read(frame) });
        stage.join();
        let sender = stage.sender(0);
        assert!(sender.try_send(stage.account.item((0, 0), Kind::Plain)).is_err(), "it is closed");
        drop(sender);
        stage.finish();
    });
}

/// One that was granted a slot and has not taken it gets its intent back: what is drained after the close is all.
#[test]
fn a_close_takes_back_what_was_granted() {
    check(|| {
        let mut stage = full(3);
        let door = Arc::<Door>::default();
        let sender = stalling(&mut stage, &door);
        stage.bell.stopping.store(true, Ordering::SeqCst);
        one_frame(&stage, 1);
        stage.queue.close();
        let accepted = stage.queue.counts().accepted;
        door.open();
        stage.join();
        assert_eq!(stage.queue.counts().accepted, accepted, "something was accepted after the close");
        drop(sender);
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// The panel is dropped while senders send, and before a frame that is being read elsewhere.
#[test]
fn a_panel_that_goes_takes_every_intent_with_it() {
    check(|| {
        let mut stage = Stage::new(3);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| (0..2).for_each(|_| actor.act()));
        }
        stage.actor(0, |actor| {
            if let Some(mut permits) = actor.reserve(2, Cut::Never) {
                thread::yield_now();
                actor.send_permitted(&mut permits);
            }
        });
        (0..below(4)).for_each(|_| thread::yield_now());
        stage.read_some(stage.drain(), below(3));
        let mut frame = stage.drain();
        let (account, bell) = (Arc::clone(&stage.account), Arc::clone(&stage.bell));
        let reader = thread::spawn(move || {
            bell.ends_frames();
            for _ in 0..below(3) {
                frame.next().iter().for_each(|queued| account.seen(queued, true));
            }
        });
        stage.bell.stopping.store(true, Ordering::SeqCst);
        stage.queue.discard();
        stage.bell.closed.store(true, Ordering::SeqCst);
        stage.join();
        reader.join().unwrap();
        stage.dismantle();
    });
}
