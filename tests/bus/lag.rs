//! A subscriber that is slow learns how many signals it missed; its publisher does not.

use std::sync::mpsc;

use control_panel::{bus::Received, panel::BuildError};
use tests::watched;

use super::{Note, Panel, notes};

#[test]
fn a_subscriber_that_lags_learns_by_how_much_and_continues_with_the_oldest_that_is_kept() {
    let panel = Panel::builder().signal_capacity(8).build();
    let bus = panel.bus(0);
    let (mut slow, mut quick) = (panel.subscribe::<Note>(), panel.subscribe::<Note>());
    for id in 0..20 {
        bus.publish(Note(id));
        assert_eq!(notes(&mut quick), [id]);
    }
    let before = panel.status().signals;
    assert_eq!((before.depth, before.lagged), (8, 0), "it has not looked yet");
    let received: Vec<_> = slow.drain().collect();
    assert!(matches!(received[0], Received::Lagged(12)), "{:?}", received[0]);
    let ids = received[1..].iter().map(|received| match received {
        Received::Signal(note) => note.0,
        Received::Lagged(missed) => panic!("{missed} again"),
    });
    assert!(ids.eq(12..20));
    let after = panel.status().signals;
    assert_eq!((after.depth, after.lagged, after.published, after.subscribers), (0, 12, 20, 2));
    assert_eq!((panel.buses()[0].capacity, panel.buses()[0].lagged), (8, 12));
    bus.publish(Note(20));
    assert_eq!(notes(&mut slow), [20], "and that was all");
}

/// The slowest there can be: one that never looks, one that keeps what it has, one that is stuck with it in its hands.
#[test]
fn a_slow_subscriber_holds_up_no_publisher_and_no_other_subscriber() {
    watched(|| {
        let panel = Panel::new();
        let bus = panel.bus(0);
        let mut quick = panel.subscribe::<Note>();
        let _never = panel.subscribe::<Note>();
        let (mut keeps, mut stuck) = (panel.subscribe::<Note>(), panel.subscribe::<Note>());
        let (go_on, gate) = mpsc::channel::<()>();
        let (has, has_it) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let held = stuck.recv_blocking();
            has.send(()).unwrap();
            gate.recv().unwrap_err();
            assert!(
                matches!(held, Some(Received::Signal(note)) if note.0 == 0),
                "what it has stays what it was"
            );
            assert!(matches!(stuck.try_recv(), Some(Received::Lagged(missed)) if missed == 10_000 - 64));
        });
        bus.publish(Note(0));
        has_it.recv().unwrap();
        assert_eq!(notes(&mut quick), [0]);
        let mut kept = Vec::new();
        for id in 1..=10_000 {
            bus.publish(Note(id));
            assert_eq!(notes(&mut quick), [id]);
            kept.extend(keeps.try_recv());
        }
        assert_eq!(kept.len(), 10_000);
        drop(go_on);
        thread.join().unwrap();
    });
}

#[test]
fn a_frame_ends_under_a_flood_of_signals() {
    let panel = Panel::new();
    let bus = panel.bus(0);
    let mut view = panel.subscribe::<Note>();
    bus.publish(Note(0));
    let mut seen = 0;
    for _ in view.drain() {
        seen += 1;
        bus.publish(Note(seen)); // one more for each that is read
    }
    assert_eq!(seen, 1, "what comes meanwhile is the next frame's");
    assert!(panel.wait_ready_timeout(std::time::Duration::MAX), "for which the loop is woken");
    assert_eq!(notes(&mut view), [1]);
}

#[test]
fn a_bus_keeps_one_signal_at_least() {
    let panel = Panel::builder().signal_capacity(1).build();
    let (bus, mut view) = (panel.bus(0), panel.subscribe::<Note>());
    for id in 0..3 {
        bus.publish(Note(id));
    }
    assert!(matches!(view.try_recv(), Some(Received::Lagged(2))));
    assert_eq!(notes(&mut view), [2]);
    assert!(matches!(Panel::builder().signal_capacity(0).try_build(), Err(BuildError::ZeroSignalCapacity)));
}
