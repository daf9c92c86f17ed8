//! Intents that need not arrive, or of which only the newest counts.

use std::{collections::VecDeque, pin::pin, sync::Arc, task::Poll};

use control_panel::IntentSender;
use tests::Wakes;

use super::{Note, fill, frame, latest, lossy, note, panel};

#[test]
fn lossy_ones_are_dropped_and_counted_when_the_queue_is_full_and_never_wait() {
    let witness = Arc::new(());
    let seen = |id| Note { _witness: Some(Arc::clone(&witness)), ..lossy(id) };
    let mut panel = panel(2);
    let sender = panel.sender(0);
    for id in 0..4 {
        sender.try_send(seen(id)).unwrap();
    }
    let wakes = Wakes::new();
    assert!(matches!(wakes.poll(pin!(sender.send(seen(4)))), Poll::Ready(Ok(()))));
    let mut many = VecDeque::from([seen(5), seen(6)]);
    sender.try_send_many(&mut many).unwrap();
    let status = panel.status();
    assert_eq!((many.len(), status.dropped, status.refused, status.accepted), (0, 5, 0, 2));
    assert_eq!(Arc::strong_count(&witness), 3);
    assert_eq!(frame(&mut panel), [0, 1]);
}

#[test]
fn the_newest_of_a_key_replaces_the_one_before_and_comes_at_its_own_place() {
    let mut panel = panel(6);
    let (sender, other) = (panel.sender(0), panel.sender(0));
    let send = |sender: &IntentSender<Note>, note| sender.try_send(note).unwrap();
    send(&sender, note(0));
    send(&sender, latest(1, 1));
    send(&sender, latest(2, 2));
    send(&other, latest(1, 20));
    send(&sender, note(3));
    send(&sender, latest(1, 11));
    send(&sender, latest(2, 12));
    let wakes = Wakes::new();
    assert!(matches!(wakes.poll(pin!(sender.send(latest(1, 21)))), Poll::Ready(Ok(()))));
    assert_eq!(frame(&mut panel), [0, 3, 12, 21, 20], "each producer for itself");
    send(&sender, latest(2, 5));
    send(&sender, latest(1, 4));
    assert_eq!(frame(&mut panel), [5, 4], "what a frame took is not replaced");
    // With a clock each stands for itself.
    for (clock, id) in [(2, 2), (1, 1)] {
        send(&sender, Note { clock: Some(clock), ..latest(1, id) });
    }
    send(&sender, latest(1, 0));
    send(&sender, Note { clock: Some(3), ..latest(1, 3) });
    assert_eq!(frame(&mut panel), [0, 1, 2, 3]);
    // Where the queue is full there is still room in the slot of the one before.
    send(&sender, latest(1, 0));
    let filled = fill(&sender);
    send(&sender, latest(1, 9));
    let frame = frame(&mut panel);
    assert_eq!((frame.len(), frame.last()), (filled + 1, Some(&9)));
}
