//! One total order for all, a publisher's own in it; each type of signal has a bus of its own.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use control_panel::bus::Received;
use tests::watched;

use super::{Note, Panel, notes};

#[test]
fn every_subscriber_gets_every_signal_in_one_order() {
    const PUBLISHERS: u64 = 4;
    const EACH: u64 = 500;
    watched(|| {
        let panel = Panel::builder().signal_capacity(usize::try_from(PUBLISHERS * EACH).unwrap()).build();
        let barrier = Arc::new(Barrier::new(usize::try_from(PUBLISHERS).unwrap()));
        let subscribers: Vec<_> = (0..3)
            .map(|_| {
                let mut notes = panel.subscribe::<Note>();
                thread::spawn(move || {
                    let next = |_| match notes.recv_blocking() {
                        Some(Received::Signal(note)) => (note.source(), note.origin(), note.0),
                        other => panic!("{other:?}"),
                    };
                    (0..PUBLISHERS * EACH).map(next).collect::<Vec<_>>()
                })
            })
            .collect();
        for source in 0..PUBLISHERS {
            let bus = panel.bus(u8::try_from(source).unwrap());
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                (0..EACH).for_each(|id| bus.publish(Note(id)));
            });
        }
        let seen: Vec<_> = subscribers.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(seen.windows(2).all(|two| two[0] == two[1]), "all see one order");
        for source in 0..PUBLISHERS {
            let own: Vec<_> = seen[0].iter().filter(|note| u64::from(note.0) == source).collect();
            assert!(own.iter().map(|note| note.2).eq(0..EACH), "a publisher's are in its own");
            assert!(own.windows(2).all(|two| two[0].1 == two[1].1), "of one origin");
        }
    });
}

#[test]
fn each_type_of_signal_has_a_bus_of_its_own_whichever_side_asks_for_it_first() {
    struct Other;
    let panel = Panel::new();
    assert_eq!(panel.buses(), []);
    let mut early = panel.subscribe::<Note>();
    let (bus, same) = (panel.bus(0), panel.spawner().bus(1));
    let mut late = panel.spawner().subscribe::<Note>();
    panel.bus::<Other>(0).publish(Other);
    bus.publish(Note(1));
    same.publish(Note(2));
    bus.clone().publish(Note(3));
    assert_eq!((notes(&mut early), notes(&mut late)), (vec![1, 2, 3], vec![1, 2, 3]));
    let signals: Vec<_> = panel.buses().iter().map(|bus| (bus.signal, bus.published)).collect();
    assert_eq!(signals.len(), 2);
    assert!(signals[0].0.ends_with("Note") && signals[1].0.ends_with("Other"), "{signals:?}");
    assert_eq!((signals[0].1, signals[1].1), (3, 1));
}

#[test]
fn a_later_subscriber_gets_what_is_published_from_then_on() {
    let panel = Panel::new();
    let bus = panel.bus(0);
    bus.publish(Note(1)); // no one listens: it is gone
    let mut first = panel.subscribe();
    bus.publish(Note(2));
    let mut second = panel.subscribe();
    bus.publish(Note(3));
    assert_eq!((notes(&mut first), notes(&mut second)), (vec![2, 3], vec![3]));
    drop((first, second));
    bus.publish(Note(4));
    assert_eq!(panel.status().signals.published, 4);
    assert_eq!(panel.status().signals.subscribers, 0);
}

/// A signal is shared: it needs no `Clone`, and all readers have the same one.
#[test]
fn a_signal_outlives_its_place_on_the_bus() {
    struct Large(#[expect(dead_code, reason = "only its memory counts")] Arc<()>);
    let panel = Panel::builder().signal_capacity(2).build();
    let bus = panel.bus(0);
    let mut subscription = panel.subscribe::<Large>();
    let witness = Arc::new(());
    bus.publish(Large(Arc::clone(&witness)));
    let Some(Received::Signal(kept)) = subscription.try_recv() else { panic!("it was published") };
    let clone = kept.clone();
    (0..5).for_each(|_| bus.publish(Large(Arc::default())));
    assert_eq!(Arc::strong_count(&witness), 2);
    drop(kept);
    assert_eq!(Arc::strong_count(&witness), 2, "the clone has it");
    drop(clone);
    assert_eq!(Arc::strong_count(&witness), 1);
}
