//! Reserved slots.

use std::task::Poll;

use control_panel::{SendError, TrySendError};
use tests::{Wakes, drive, paused_runtime};

use super::{Note, fill, frame, go_on, note, panel, waiting};

#[test]
fn permits_are_as_many_as_asked_for_and_free_at_most_and_send_no_more() {
    let runtime = paused_runtime();
    let mut panel = panel(5);
    let sender = panel.sender(0);
    assert_eq!(drive(&runtime, sender.reserve_many(0)).unwrap().left(), 0);
    let mut two = drive(&runtime, sender.reserve_many(2)).unwrap();
    assert_eq!(two.left(), 2);
    let mut three = drive(&runtime, sender.reserve_many(100)).unwrap();
    assert_eq!(three.left(), 3);
    assert!(matches!(sender.try_send(note(9)), Err(TrySendError::Full(_))));
    for id in [0, 1] {
        two.send(note(id)).unwrap();
    }
    assert!(matches!(two.send(note(7)), Err(TrySendError::Full(back)) if back.id == 7));
    let zero = Note { clock: Some(0), ..note(8) };
    assert!(matches!(three.send(zero), Err(TrySendError::ZeroClock(back)) if back.id == 8));
    assert_eq!(three.left(), 3);
    three.send(note(2)).unwrap();
    drop((two, three));
    assert_eq!(frame(&mut panel), [0, 1, 2]);
    assert_eq!(fill(&sender), 5, "what was not used is free");
}

#[test]
fn a_closed_panel_takes_nothing_more_in_reserved_slots() {
    let runtime = paused_runtime();
    let panel = panel(3);
    let sender = panel.sender(0);
    let mut permits = drive(&runtime, sender.reserve_many(2)).unwrap();
    drive(&runtime, panel.shutdown());
    assert!(matches!(permits.send(note(5)), Err(TrySendError::Closed(back)) if back.id == 5));
    assert_eq!((permits.left(), panel.status().accepted), (2, 0));
    assert!(matches!(drive(&runtime, sender.reserve_many(1)), Err(SendError::Closed(()))));
}

#[test]
fn dropped_permits_free_their_slots_and_wake_waiting_senders() {
    let runtime = paused_runtime();
    let panel = panel(3);
    let sender = panel.sender(0);
    let permits = drive(&runtime, sender.reserve_many(3)).unwrap();
    let mut sends = waiting(&sender, 4);
    assert_eq!(go_on(&mut sends), 4);
    drop(permits);
    assert_eq!(go_on(&mut sends), 1);
    assert_eq!(panel.status().queued, 3);
}

/// What it was granted beyond is given back too: if nothing is sent, no frame would take it back.
#[test]
fn dropped_permits_give_back_the_credit_behind_them() {
    let runtime = paused_runtime();
    let mut panel = panel(5);
    let (sender, other) = (panel.sender(0), panel.sender(0));
    fill(&sender);
    let wakes = Wakes::new();
    let mut reserve = Box::pin(sender.reserve_many(2));
    assert!(wakes.poll(reserve.as_mut()).is_pending());
    frame(&mut panel);
    let Poll::Ready(Ok(permits)) = wakes.poll(reserve.as_mut()) else { panic!("it was granted five") };
    assert_eq!(permits.left(), 2);
    let mut sends = waiting(&other, 5);
    drop(permits);
    assert_eq!(go_on(&mut sends), 0);
    drop(runtime);
}

/// One that was woken for its slots hands the baton on, whatever it does with them.
#[test]
fn a_reservation_wakes_the_next() {
    let mut panel = panel(2);
    let (sender, other) = (panel.sender(0), panel.sender(0));
    fill(&sender);
    let wakes = Wakes::new();
    let mut reserve = Box::pin(sender.reserve_many(2));
    assert!(wakes.poll(reserve.as_mut()).is_pending());
    let mut sends = waiting(&other, 1);
    panel.drain().for_each(drop);
    let Poll::Ready(Ok(permits)) = wakes.poll(reserve.as_mut()) else { panic!("it was granted a slot") };
    assert_eq!((permits.left(), go_on(&mut sends)), (1, 0));
}

#[test]
fn a_cancelled_reservation_keeps_no_slot_and_no_place() {
    for granted in [false, true] {
        let mut panel = panel(2);
        let (sender, other) = (panel.sender(0), panel.sender(0));
        fill(&sender);
        let wakes = Wakes::new();
        let mut reserve = Box::pin(sender.reserve_many(2));
        assert!(wakes.poll(reserve.as_mut()).is_pending());
        let mut sends = waiting(&other, 2);
        if granted {
            frame(&mut panel);
            assert!(wakes.take() > 0);
        }
        drop(reserve);
        if !granted {
            frame(&mut panel);
        }
        assert_eq!((go_on(&mut sends), panel.status().waiting), (0, 0));
        frame(&mut panel);
        assert_eq!(fill(&sender), 2);
    }
}

#[test]
fn a_sender_that_is_dropped_gives_its_sources_slot_to_waiting_senders() {
    let panel = panel(3);
    let (sender, quiet) = (panel.sender(0), panel.sender(1));
    assert_eq!(fill(&sender), 2, "one is kept for the other source");
    let mut sends = waiting(&sender, 1);
    drop(quiet);
    assert_eq!(go_on(&mut sends), 0);
}
