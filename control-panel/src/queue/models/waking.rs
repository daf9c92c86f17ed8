//! Which task is woken, by which thread, and how often.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use shuttle::thread;

use super::{
    account::Kind,
    below, check,
    drive::{Cut, block_on, drive},
    stage::Stage,
    waiting::{Door, full, one_frame, sends, stalling, wait},
};
use crate::util::park;

/// One frame grants the slots, and the baton does the rest.
#[test]
fn one_frame_wakes_all_that_it_has_room_for() {
    check(|| {
        let mut stage = full(5);
        let senders: Vec<_> = (0..3).map(|_| wait(&mut stage, sends(Cut::Never))).collect();
        one_frame(&stage, 4);
        stage.join();
        drop(senders);
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// The first has the baton, and the only slot there is or one of two.
#[test]
fn a_waiter_that_gives_up_hands_on_its_slot_and_the_baton() {
    check(|| {
        let mut stage = full(3);
        let senders = [Cut::Woken, Cut::Never].map(|when| wait(&mut stage, sends(when)));
        one_frame(&stage, 1 + below(2));
        stage.join();
        drop(senders);
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// The first that is woken does not move until all the others are through, whether a frame frees the slots or a sender that
/// had reserved them.
#[test]
fn an_executor_that_stalls_holds_up_only_its_own() {
    check(|| {
        let mut stage = Stage::new(5);
        let sender = stage.sender(0);
        let mut permits = block_on(sender.reserve_many(4)).unwrap();
        assert_eq!(permits.left(), 4);
        let (others, door) = (Arc::new(AtomicUsize::new(3)), Arc::new(Door::default()));
        let mut senders = vec![stalling(&mut stage, &door)];
        for _ in 0..3 {
            let (others, door) = (Arc::clone(&others), Arc::clone(&door));
            senders.push(wait(&mut stage, move |actor| {
                assert!(actor.send());
                if others.fetch_sub(1, Ordering::SeqCst) == 1 {
                    door.open();
                }
            }));
        }
        let queued = below(2) == 0;
        stage.actor_with(sender, move |actor| {
            while queued && permits.left() > 0 {
                actor.send_permitted(&mut permits);
            }
        });
        stage.run(|frame| stage.read(frame));
        drop(senders);
        stage.finish();
    });
}

/// What is kept for a source is free when its last sender goes. No frame is begun.
#[test]
fn a_source_that_goes_lets_another_in() {
    check(|| {
        let mut stage = Stage::new(3);
        let (sender, quiet) = (stage.sender(0), stage.sender(1));
        stage.actor_with(sender.clone(), |actor| assert!(actor.send() && actor.send()));
        drop(quiet);
        stage.join();
        drop(sender);
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// With more sources than slots, each has one. No frame is begun.
#[test]
fn a_source_that_comes_lets_another_in() {
    check(|| {
        let mut stage = Stage::new(3);
        let flood = stage.sender(0);
        stage.actor_with(flood.clone(), |actor| assert!(actor.send() && actor.send()));
        stage.join();
        let second = stage.sender(1);
        stage.actor_with(second.clone(), |actor| assert!(actor.send()));
        stage.join();
        let third = stage.sender(2);
        stage.actor_with(third.clone(), |actor| assert!(actor.send()));
        let fourth = stage.sender(3);
        stage.bound = 4;
        stage.join();
        drop((flood, second, third, fourth));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// `on_ready`, wakers and the drops of intents send themselves: none of them is called under the lock.
#[test]
fn nothing_foreign_runs_under_the_lock() {
    check(|| {
        let (mut stage, probe) = Stage::probed(3);
        for source in [0, 0, 1] {
            let probe = Arc::clone(&probe);
            stage.actor(source, move |actor| {
                for _ in 0..2 {
                    let kind = [Kind::Plain, Kind::Lossy, Kind::Latest][below(3) as usize];
                    let mut item = actor.item(kind);
                    item.probe = Some(Arc::clone(&probe));
                    if below(3) == 0 {
                        actor.try_send_item(item);
                        continue;
                    }
                    let (given_up, restless) = (below(4) == 0, below(2) == 0);
                    actor.send_by(item, |sending| {
                        drive(sending, Some(&probe), |doze| {
                            // As in a `select!`, whose other branch was woken.
                            if restless {
                                thread::yield_now();
                            } else {
                                doze.sleep();
                            }
                            !given_up
                        })
                    });
                }
            });
        }
        stage.run(|frame| stage.read(frame));
        stage.join();
        assert!(probe.calls() > 0);
        probe.arm(None);
        // No waiting loop may have been woken for what the probe sent last.
        stage.run(|frame| stage.read(frame));
        drop(probe);
        stage.finish();
    });
}

/// The same for a loop that sleeps in `wait_ready`.
#[test]
fn a_loop_that_waits_for_the_queue_itself_is_woken_for_every_intent() {
    check(|| {
        let mut stage = Stage::new(2);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| assert!(actor.send() && actor.send()));
        }
        while stage.account.count() < 6 {
            park::wait(stage.queue.ready());
            let frame = stage.drain();
            match below(3) {
                0 => drop(frame),
                1 => stage.read_some(frame, 1),
                _ => stage.read(frame),
            }
            thread::yield_now();
        }
        // What ended late is finished.
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}
