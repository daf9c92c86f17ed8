//! Producers that send into blocks of slots taken in advance: most of their sends do not take the queue's lock.

use std::sync::{Arc, atomic::Ordering};

use shuttle::thread;

use super::{
    account::{Id, Kind},
    below, check,
    drive::Cut,
    stage::Stage,
};

/// Enough slots for each producer to have a block.
const ROOMY: usize = 24;

/// What one thread sends through two senders in turn happens one after the other: the second's comes behind in a frame, so the first
/// one's is never in a later frame. Others keep both blocks busy.
#[test]
fn what_was_sent_before_and_comes_before_is_in_no_later_frame() {
    check(|| {
        let mut stage = Stage::new(ROOMY);
        let (first, second) = (stage.sender(0), stage.sender(1));
        stage.actor_with(first.clone(), |actor| (0..3).for_each(|_| assert!(actor.try_send(Kind::Plain))));
        stage.actor_with(second.clone(), |actor| (0..2).for_each(|_| assert!(actor.try_send(Kind::Plain))));
        stage.actor_with(first.clone(), move |actor| {
            for turn in 0..8 {
                actor.sender = if turn % 2 == 0 { first.clone() } else { second.clone() };
                // Clocked ones come behind all that are local.
                let kind = if turn == 5 { Kind::Clocked } else { Kind::Plain };
                assert!(actor.try_send(kind));
            }
        });
        let mut handed_out: Vec<Id> = Vec::new();
        stage.run(|frame| {
            frame.for_each(|queued| {
                handed_out.push(queued.intent.id);
                stage.account.seen(&queued, true);
            });
        });
        let place = |nth| handed_out.iter().position(|&id| id == (3, nth));
        for nth in (0..8).step_by(2) {
            assert!(place(nth) < place(nth + 1), "{nth} was sent first: {handed_out:?}");
        }
        stage.finish();
    });
}

/// Clones share a block, and send what goes past it.
#[test]
fn clones_share_a_block() {
    check(|| {
        let mut stage = Stage::new(ROOMY);
        let shared = stage.sender(0);
        for _ in 0..3 {
            stage.actor_with(shared.clone(), |actor| {
                for _ in 0..3 {
                    let kind = if below(3) == 0 { Kind::Clocked } else { Kind::Plain };
                    assert!(actor.try_send(kind), "there is room");
                }
            });
        }
        drop(shared);
        stage.run(|frame| if below(4) == 0 { stage.read_some(frame, below(4)) } else { stage.read(frame) });
        stage.finish();
    });
}

/// One takes back what the other has and does not use; those that wait come first.
#[test]
fn a_block_is_taken_back_for_a_producer_that_needs_it() {
    check(|| {
        let mut stage = Stage::new(8);
        for _ in 0..2 {
            stage.actor(0, |actor| {
                for _ in 0..4 {
                    if below(2) == 0 { actor.insist() } else { assert!(actor.send()) }
                }
            });
        }
        stage.actor(1, |actor| assert!(actor.try_send(Kind::Plain), "a quiet source gets in"));
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}

/// No slot of a block is good after that.
#[test]
fn a_close_takes_back_every_block() {
    check(|| {
        let mut stage = Stage::new(ROOMY);
        let shared = stage.sender(0);
        for sender in [shared.clone(), shared, stage.sender(1)] {
            stage.actor_with(sender, |actor| {
                for _ in 0..4 {
                    if below(2) == 0 {
                        actor.try_send(Kind::Plain);
                    } else {
                        let item = actor.item(Kind::Plain);
                        actor.send_item(item, Cut::Never);
                    }
                }
            });
        }
        let (queue, bell) = (Arc::clone(&stage.queue), Arc::clone(&stage.bell));
        stage.actor(1, move |_| {
            (0..below(6)).for_each(|_| thread::yield_now());
            bell.stopping.store(true, Ordering::SeqCst);
            queue.close();
            bell.closed.store(true, Ordering::SeqCst);
        });
        stage.run(|frame| stage.read(frame));
        stage.finish();
    });
}
