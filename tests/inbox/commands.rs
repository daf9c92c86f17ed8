//! How commands get in and out.

use std::{pin::pin, task::Poll};

use control_panel::testing;
use tests::{Mark, Wakes, paused};
use tokio::task::yield_now;

use super::{Command, Panel, Seen, command, listener};

#[test]
fn commands_arrive_in_order_also_those_sent_before_the_worker_ran() {
    paused(async || {
        let panel = Panel::new();
        let seen = Seen::default();
        let handle = panel.spawn(listener(&seen));
        for number in 0..3 {
            handle.send(command(number)).unwrap();
        }
        yield_now().await;
        for number in 3..6 {
            handle.clone().send(command(number)).unwrap();
            yield_now().await;
        }
        assert_eq!(*seen.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn a_full_inbox_hands_the_command_back_and_takes_more_once_there_is_room() {
    paused(async || {
        let panel = Panel::new();
        for (worker, capacity) in [
            (listener(&Seen::default()), 32),
            (listener(&Seen::default()).inbox_capacity(3), 3),
            (listener(&Seen::default()).inbox_capacity(0), 1),
        ] {
            let handle = panel.spawn(worker);
            let accepted = (0..100).take_while(|&number| handle.send(command(number)).is_ok()).count();
            assert_eq!(accepted, capacity);
            let error = handle.send(command(99)).unwrap_err();
            assert_eq!(format!("{error:?}"), "Full(..)");
            assert!(error.to_string().contains("cx.inbox()"));
            assert_eq!(error.into_command().0.get(), 99);
            yield_now().await;
            handle.send(command(100)).unwrap();
        }
    });
}

/// An inbox that got away, on a task of its own, does not take what is meant for the next generation.
#[test]
fn a_newer_inbox_takes_the_place_of_an_older_one() {
    paused(async || {
        let (cx, desk) = testing::context::<Mark, ()>(0, ());
        let mut old = cx.inbox::<Command>();
        let wakes = Wakes::new();
        let mut waiting = Box::pin(old.recv());
        assert!(wakes.poll(waiting.as_mut()).is_pending());
        let mut new = cx.inbox::<Command>();
        assert_eq!(wakes.take(), 1);
        let handle = desk.handle().typed::<Command>().unwrap();
        handle.send(command(1)).unwrap();
        assert!(matches!(wakes.poll(waiting.as_mut()), Poll::Ready(None)));
        drop(waiting);
        assert!(old.try_recv().is_none());
        assert_eq!(new.recv().await.map(|command| command.0.get()), Some(1));
    });
}

#[test]
fn a_cancelled_recv_loses_nothing_and_try_recv_never_waits() {
    let (cx, desk) = testing::context::<Mark, ()>(0, ());
    let mut inbox = cx.inbox::<Command>();
    let wakes = Wakes::new();
    assert!(inbox.try_recv().is_none());
    assert!(wakes.poll(pin!(inbox.recv())).is_pending());
    let handle = desk.handle().typed::<Command>().unwrap();
    handle.send(command(1)).unwrap();
    assert_eq!(wakes.take(), 1);
    handle.send(command(2)).unwrap();
    assert_eq!(inbox.try_recv().map(|command| command.0.get()), Some(1));
    let Poll::Ready(Some(Command(number))) = wakes.poll(pin!(inbox.recv())) else { panic!("it was lost") };
    assert_eq!(number.get(), 2);
    assert!(format!("{inbox:?}").contains("Command"));
}
