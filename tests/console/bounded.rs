//! Whatever a program does, a console keeps and shows a bounded part of it, and says what it left out.

use std::time::Duration;

use control_panel::{
    Backoff, Context, Restart, Worker,
    console::{Board, Fact, ModRow},
    supervision::Intensity,
    testing,
};

use super::{Look, Panel, Source, Update, limited};

#[test]
fn what_is_beyond_the_limits_is_counted() {
    testing::paused(async |panel: &mut Panel| {
        let mut console = limited(|limits| (limits.workers, limits.ends) = (10, 5));
        let observer = panel.observer();
        for _ in 0..40 {
            panel.spawn(Worker::once("ends", Source::Disk, |_: Context<Update>| async {}));
            panel.spawn(Worker::once("stays", Source::Disk, |cx: Context<Update>| async move {
                cx.cancelled().await;
            }));
        }
        testing::settle().await;
        let view = console.refresh(&observer);
        assert_eq!((view.worker_count, view.workers.len(), view.workers_left_out), (40, 10, 30));
        assert_eq!((view.ends.len(), view.ends_left_out, view.events_missed), (5, 35, 0));
        assert!(view.ends.is_sorted_by(|one, other| one.number > other.number), "newest first");
        // More events than are kept.
        for _ in 0..400 {
            panel.spawn(Worker::once("ends", Source::Disk, |_: Context<Update>| async {}));
        }
        testing::settle().await;
        let view = console.refresh(&observer);
        assert_eq!(
            view.events_missed,
            400 * 4 - 1024,
            "all are spawned, then each is started, exits and has ended"
        );
        // Of what happened to the first 58 after they were spawned nothing is left, and of one more its last event alone.
        assert_eq!((view.ends.len(), view.ends_left_out), (5, 35 + 400 - 58));
        let first = limited(|_| ()).refresh(&observer);
        assert_eq!(first.events_missed, 0, "a console misses nothing of what was before its first look");
    });
}

#[test]
fn exhibits_are_bounded_and_a_panic_of_one_is_shown_in_its_place() {
    let panel = Panel::new();
    let mut look = Look::at(&panel);
    assert!(look.observer.attach(|board: &mut Board| board.policy("answer", 42)));
    assert!(look.observer.attach(|board: &mut Board| {
        board.policy("half", 1);
        panic!("on purpose");
    }));
    assert!(look.observer.attach(|board: &mut Board| (0..300).for_each(|number| {
        board.module(ModRow { name: number.to_string(), ..ModRow::default() });
    })));
    let view = look.view();
    assert_eq!(view.policy[0], Fact { name: "answer".into(), value: "42".into() });
    assert_eq!((view.policy.len(), view.policy[1].name.as_str()), (2, "an exhibit panicked"));
    assert!(view.policy[1].value.contains("bounded.rs") && view.policy[1].value.contains("on purpose"));
    assert_eq!((view.mods.len(), view.exhibits_left_out), (256, 44));
    let attached = (3..40).filter(|_| look.observer.attach(|_: &mut Board| ())).count();
    assert_eq!(attached, 29, "an observer has 32");
}

#[test]
fn a_view_is_read_back_from_its_json() {
    testing::paused(async |panel: &mut Panel| {
        let mut look = Look::at(panel);
        look.observer.attach(|board: &mut Board| board.policy("answer", 42));
        panel.spawn(Worker::new("bug", Source::Disk, |_: Context<Update>| async { panic!("out of ink") }));
        let stays =
            Worker::new("stays", Source::Net, |cx: Context<Update>| async move { cx.cancelled().await });
        // Whatever it is that never comes.
        let ever = Duration::MAX;
        let stays = stays.restart(Restart::Always).intensity(Intensity::new(5, ever));
        panel.spawn(stays.backoff(Backoff::new(ever, ever)).stuck_after(ever).grace(ever));
        testing::settle().await;
        let view = look.view();
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["workers"][0]["state"], "running");
        assert_eq!(json["ends"][0]["panic"]["message"], "out of ink");
        assert!(json["workers"][0]["since"].is_f64(), "seconds");
        assert_eq!(serde_json::from_value::<control_panel::console::View>(json).unwrap(), view);
    });
}
