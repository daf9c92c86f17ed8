//! Sends of several intents at once, reserved slots, lossy and latest-wins intents, and a loop that waits for work.

use std::{
    collections::VecDeque,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    thread,
    time::Duration,
};

use control_panel::{ControlPanel, Delivery, Intent, IntentSender, LatestKey, SendError, TrySendError};
use tests::{Wakes, drive, paused, paused_runtime, watched};

struct Note {
    id: u64,
    clock: Option<u64>,
    delivery: Delivery,
    _witness: Option<Arc<()>>,
}

impl Intent for Note {
    type Source = u8;

    fn clock(&self) -> Option<u64> {
        self.clock
    }

    fn delivery(&self) -> Delivery {
        self.delivery
    }
}

type Panel = ControlPanel<Note>;

fn note(id: u64) -> Note {
    Note { id, clock: None, delivery: Delivery::Reliable, _witness: None }
}

fn lossy(id: u64) -> Note {
    Note { delivery: Delivery::Lossy, ..note(id) }
}

fn latest(key: u64, id: u64) -> Note {
    Note { delivery: Delivery::Latest(LatestKey { variant: 0, key }), ..note(id) }
}

fn notes(ids: impl IntoIterator<Item = u64>) -> VecDeque<Note> {
    ids.into_iter().map(note).collect()
}

fn ids(notes: &VecDeque<Note>) -> Vec<u64> {
    notes.iter().map(|note| note.id).collect()
}

fn frame(panel: &mut Panel) -> Vec<u64> {
    panel.drain().map(|queued| queued.intent.id).collect()
}

/// Of the capacity, one slot is kept for a source not seen yet.
fn panel(slots: usize) -> Panel {
    Panel::builder().capacity(slots + 1).build()
}

fn fill(sender: &IntentSender<Note>) -> usize {
    (0..1_000).take_while(|_| sender.try_send(note(1_000)).is_ok()).count()
}

type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), SendError<Note>>> + 'a>>;

/// Sends that wait, each polled once.
fn waiting(sender: &IntentSender<Note>, count: u64) -> Vec<(Arc<Wakes>, Waiting<'_>)> {
    let one = |id| {
        let (wakes, mut send) = (Wakes::new(), Box::pin(sender.send(note(id))));
        assert!(wakes.poll(send.as_mut()).is_pending());
        (wakes, send as Waiting<'_>)
    };
    (0..count).map(one).collect()
}

/// Polls those that were woken, and whom they wake. How many are left.
fn go_on(waiting: &mut Vec<(Arc<Wakes>, Waiting<'_>)>) -> usize {
    while let Some(at) = waiting.iter().position(|(wakes, _)| wakes.take() > 0) {
        let (wakes, mut send) = waiting.remove(at);
        assert!(matches!(wakes.poll(send.as_mut()), Poll::Ready(Ok(()))), "woken, so it has a slot");
    }
    waiting.len()
}

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
                panic!("it is told")
            };
        }
        assert_eq!(ids(&intents), [8, 9, 10, 11]);
        assert!(matches!(sender.try_send_many(&mut intents), Err(TrySendError::Closed(()))));
        assert_eq!(ids(&intents), [8, 9, 10, 11]);
        assert_eq!(frame(&mut panel), (0..8).collect::<Vec<_>>());
    });
}

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
fn dropped_permits_free_their_slots_and_wake_those_who_wait() {
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
fn a_sender_that_goes_gives_its_sources_slot_to_those_who_wait() {
    let panel = panel(3);
    let (sender, quiet) = (panel.sender(0), panel.sender(1));
    assert_eq!(fill(&sender), 2, "one is kept for the other source");
    let mut sends = waiting(&sender, 1);
    drop(quiet);
    assert_eq!(go_on(&mut sends), 0);
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
fn the_newest_of_a_key_takes_the_place_of_the_one_before() {
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
    assert_eq!(frame(&mut panel), [0, 21, 12, 3, 20], "in their places, each producer for itself");
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
    // Where the queue is full there is still room in the place of the one before.
    send(&sender, latest(1, 0));
    fill(&sender);
    send(&sender, latest(1, 9));
    assert_eq!(frame(&mut panel)[0], 9);
}

#[test]
fn a_loop_that_waits_for_work_is_woken_once_there_is_some() {
    let mut panel = panel(4);
    let sender = panel.sender(0);
    let wakes = Wakes::new();
    for round in 0..3 {
        {
            let mut ready = pin!(panel.wait_ready());
            assert!(wakes.poll(ready.as_mut()).is_pending());
            sender.try_send(note(round)).unwrap();
            assert!(wakes.take() > 0);
            assert!(wakes.poll(ready.as_mut()).is_ready());
        }
        // Not read, so it is still there.
        drop(panel.drain());
        assert!(wakes.poll(pin!(panel.wait_ready())).is_ready());
        assert_eq!(frame(&mut panel), [round]);
    }
}

#[test]
fn a_thread_that_waits_for_work_misses_none() {
    watched(|| {
        let mut panel = panel(4);
        assert!(!panel.wait_ready_timeout(Duration::from_millis(1)));
        let sender = panel.sender(0);
        thread::scope(|scope| {
            scope.spawn(move || {
                for id in 0..300 {
                    sender.send_blocking(note(id)).ok().unwrap();
                }
            });
            let mut seen = Vec::new();
            while seen.len() < 300 {
                assert!(panel.wait_ready_timeout(Duration::MAX));
                seen.extend(frame(&mut panel));
            }
            assert_eq!(seen, (0..300).collect::<Vec<_>>());
        });
        assert!(!panel.wait_ready_timeout(Duration::ZERO));
    });
}
