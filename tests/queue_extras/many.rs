//! Several intents at once.

use std::{pin::pin, task::Poll};

use control_panel::{SendError, TrySendError};
use tests::{Wakes, paused};

use super::{fill, frame, ids, note, notes, panel};

#[test]
fn a_cancelled_send_of_many_leaves_what_was_not_sent_in_order_at_every_poll() {
    let mut most = 0;
    for polls in 0..12 {
        let mut panel = panel(3);
        let sender = panel.sender(0);
        let (mut intents, wakes, mut seen) = (notes(0..10), Wakes::new(), Vec::new());
        let mut done = false;
        {
            let mut send = Box::pin(sender.send_many(&mut intents));
            for _ in 0..polls {
                done = wakes.poll(send.as_mut()).is_ready();
                if done {
                    break;
                }
                seen.extend(frame(&mut panel));
            }
        }
        seen.extend(frame(&mut panel));
        let left = ids(&intents);
        assert_eq!(seen.iter().chain(&left).copied().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert_eq!(panel.status().waiting, 0);
        assert_eq!(fill(&sender), 3, "it keeps no slot");
        most = if done { most } else { most.max(polls) };
    }
    assert!((3..11).contains(&most), "{most} polls before it is done");
}

#[test]
fn a_send_of_many_that_is_refused_keeps_the_rest_in_its_place() {
    paused(async || {
        let mut panel = panel(8);
        let sender = panel.sender(0);
        let mut intents = notes(0..5);
        intents[2].clock = Some(0);
        assert!(matches!(sender.send_many(&mut intents).await, Err(SendError::ZeroClock(()))));
        assert_eq!(ids(&intents), [2, 3, 4]);
        assert!(matches!(sender.try_send_many(&mut intents), Err(TrySendError::ZeroClock(()))));
        assert_eq!(ids(&intents), [2, 3, 4]);
        intents.pop_front();
        sender.try_send_many(&mut intents).unwrap();
        assert_eq!((frame(&mut panel), intents.len()), (vec![0, 1, 3, 4], 0));

        let mut intents = notes(0..12);
        assert!(matches!(sender.try_send_many(&mut intents), Err(TrySendError::Full(()))));
        assert_eq!(ids(&intents), [8, 9, 10, 11]);
        let wakes = Wakes::new();
        {
            let mut send = pin!(sender.send_many(&mut intents));
            assert!(wakes.poll(send.as_mut()).is_pending());
            panel.shutdown().await;
            assert!(wakes.take() > 0);
            let Poll::Ready(Err(SendError::Closed(()))) = wakes.poll(send.as_mut()) else {
                panic!("it is refused")
            };
        }
        assert_eq!(ids(&intents), [8, 9, 10, 11]);
        assert!(matches!(sender.try_send_many(&mut intents), Err(TrySendError::Closed(()))));
        assert_eq!(ids(&intents), [8, 9, 10, 11]);
        assert_eq!(frame(&mut panel), (0..8).collect::<Vec<_>>());
    });
}

#[test]
fn refusals_are_counted_each_and_what_is_refused_comes_back() {
    let panel = panel(2);
    let sender = panel.sender(0);
    fill(&sender);
    for id in 0..4 {
        assert!(matches!(sender.try_send(note(id)), Err(TrySendError::Full(back)) if back.id == id));
    }
    assert_eq!(panel.status().refused, 5);
}
