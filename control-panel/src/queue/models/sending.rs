//! Sends of every kind against a frame loop that drains when it is woken.

use super::{
    account::Kind,
    below, check,
    drive::{Cut, block_on},
    stage::Stage,
};

/// Three producers of two sources, one of them shared by two threads.
#[test]
fn every_way_of_sending_delivers_once_and_in_order() {
    check(|| {
        let mut stage = Stage::new(3);
        let shared = stage.sender(0);
        stage.actor_with(shared.clone(), |actor| (0..3).for_each(|_| actor.act()));
        stage.actor_with(shared, |actor| (0..2).for_each(|_| actor.act()));
        stage.actor(0, |actor| (0..3).for_each(|_| actor.act()));
        stage.actor(1, |actor| (0..3).for_each(|_| actor.act()));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// A sender that gives up has a place in the line, a slot, or the baton.
#[test]
fn a_sender_that_gives_up_hands_on_what_it_was_granted() {
    check(|| {
        let mut stage = Stage::new(2);
        for when in [Cut::Pending, Cut::Woken, Cut::Woken] {
            stage.actor(0, move |actor| {
                for _ in 0..2 {
                    let item = actor.item(Kind::Plain);
                    actor.send_item(item, when);
                }
            });
        }
        stage.actor(0, |actor| assert!(actor.send() && actor.send()));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

#[test]
fn batches_and_reservations_are_cut_off_anywhere() {
    check(|| {
        let mut stage = Stage::new(3);
        stage.actor(0, |actor| {
            actor.send_many(3, Cut::Woken);
            actor.send_many(2, Cut::Never);
        });
        stage.actor(0, |actor| {
            for when in [Cut::Pending, Cut::Woken, Cut::Never] {
                if let Some(mut permits) = actor.reserve(2, when) {
                    actor.send_permitted(&mut permits);
                }
            }
        });
        stage.actor(0, |actor| assert!(actor.send() && actor.send()));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// A source that holds nothing gets in, whatever the others do, and so does one that was never seen before.
#[test]
fn a_flood_keeps_no_quiet_source_out() {
    check(|| {
        let mut stage = Stage::new(4);
        let quiet = [stage.sender(1), stage.sender(2)];
        for _ in 0..2 {
            stage.actor(0, |actor| {
                for _ in 0..4 {
                    if below(2) == 0 {
                        actor.send();
                    } else {
                        actor.try_send(Kind::Plain);
                    }
                }
            });
        }
        // Each is the first of its source.
        for (sender, kind) in quiet.into_iter().zip([Kind::Plain, Kind::Clocked]) {
            stage.actor_with(sender, move |actor| assert!(actor.try_send(kind), "full"));
        }
        stage.actor(3, |actor| assert!(actor.try_send(Kind::Plain), "full for a new one"));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// A refusal is for that moment, and costs no lock until something has changed.
#[test]
fn a_sender_that_insists_gets_in() {
    check(|| {
        let mut stage = Stage::new(2);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| (0..2).for_each(|_| actor.insist()));
        }
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// What may be dropped is dropped at most once, and the newest is never lost.
#[test]
fn the_newest_is_never_lost_and_nothing_is_doubled() {
    check(|| {
        let mut stage = Stage::new(2);
        for source in [0, 0, 1] {
            stage.actor(source, |actor| {
                for _ in 0..3 {
                    match below(4) {
                        0 => {
                            let item = actor.item(Kind::Lossy);
                            actor.send_item(item, Cut::Never);
                        }
                        1 => {
                            assert!(actor.try_send(Kind::Lossy), "a lossy one is never refused");
                        }
                        2 => {
                            actor.try_send(Kind::Latest);
                        }
                        _ => {
                            let item = actor.item(Kind::Latest);
                            assert!(actor.send_item(item, Cut::Never));
                        }
                    }
                }
            });
        }
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// Producers come and go, and with them what is kept for their sources and what they were granted.
#[test]
fn producers_come_and_go() {
    check(|| {
        let mut stage = Stage::new(2);
        for source in [0, 0, 1] {
            let queue = std::sync::Arc::clone(&stage.queue);
            stage.actor(source, move |actor| {
                for _ in 0..2 {
                    actor.act();
                    let source = u8::try_from(below(2)).unwrap();
                    actor.sender = crate::IntentSender::new(queue.producer(source));
                }
            });
        }
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// Nothing is queued that a frame would be for.
#[test]
fn slots_given_back_between_frames_wake_those_who_wait() {
    check(|| {
        let mut stage = Stage::new(4);
        let sender = stage.sender(0);
        let permits = block_on(sender.reserve_many(3)).unwrap();
        assert_eq!(permits.left(), 3);
        for _ in 0..3 {
            stage.actor(0, |actor| assert!(actor.send()));
        }
        stage.actor_with(sender.clone(), move |_| drop(permits));
        stage.run(|frame| stage.read(frame));
        // One that goes lets another in, too.
        drop(sender);
        stage.finish();
    });
}
