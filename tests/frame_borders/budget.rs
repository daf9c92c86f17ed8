//! What joins the rest of a frame that was cut short: all that sources with nothing in it sent, in one order.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use control_panel::{FrameBudget, IntentSender};
use proptest::prelude::*;
use tests::{Mark, Notes, paused};

use super::{Panel, ids};

fn panel(capacity: usize, budget: usize) -> Panel {
    Panel::builder().capacity(capacity).frame_budget(FrameBudget::default().intents(budget)).build()
}

fn send(sender: &IntentSender<Mark>, ids: impl IntoIterator<Item = u64>) {
    for id in ids {
        sender.try_send(Mark::new(id)).unwrap();
    }
}

/// Sends until there is no room.
fn flood(sender: &IntentSender<Mark>) -> usize {
    (0..100_000).take_while(|_| sender.try_send(Mark::new(0)).is_ok()).count()
}

/// A key is pressed in each frame while others flood, and each is applied in the next.
#[test]
fn a_key_comes_before_the_rest_of_floods_in_every_frame() {
    for floods in 1..4 {
        let mut panel = panel(256, 8);
        let keyboard = panel.sender(0);
        let floods: Vec<_> = (1..=floods).map(|source| panel.sender(source)).collect();
        for key in 1..2000 {
            for sender in &floods {
                flood(sender);
            }
            send(&keyboard, [key]);
            assert_eq!(ids(panel.drain())[0], key, "{} floods", floods.len());
        }
    }
}

/// Cut by a count, by the time, by a drop and by a panic: what comes next is the rest with what the others sent.
#[test]
fn whatever_cut_the_frame_the_others_join_the_rest() {
    paused(async || {
        for way in ["count", "time", "drop", "panic"] {
            let budget = match way {
                "count" => FrameBudget::default().intents(2),
                "time" => FrameBudget::default().time(Duration::from_millis(4)),
                _ => FrameBudget::default(),
            };
            let mut panel = Panel::builder().frame_budget(budget).build();
            let [first, cut, last] = [1, 3, 5].map(|source| panel.sender(source));
            let same = panel.sender(3);
            send(&cut, 30..34);
            let mut notes = Notes { panic_on: Some(31), ..Notes::default() };
            match way {
                "panic" => {
                    let run = || panel.run_frame(&mut notes, &mut (), []);
                    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
                    notes.ids.clear();
                }
                "time" => {
                    let mut frame = panel.drain();
                    assert_eq!(ids(frame.by_ref().take(2)), [30, 31]);
                    tokio::time::advance(Duration::from_millis(5)).await;
                    assert!(frame.next().is_none());
                }
                "drop" => assert_eq!(ids(panel.drain().take(2)), [30, 31]),
                _ => assert_eq!(ids(panel.drain()), [30, 31]),
            }
            send(&last, [50]);
            send(&cut, [34]);
            send(&same, [35]);
            send(&first, [10, 11]);
            first.try_send(Mark::at(7, 71)).unwrap();
            cut.try_send(Mark::at(6, 70)).unwrap();
            last.try_send(Mark::at(3, 60)).unwrap();
            let mut frames = Vec::new();
            while panel.queued() > 0 {
                frames.push(ids(panel.drain()));
            }
            // 34, 35 and 70 wait: their source has something in the rest.
            let all = match way {
                "count" => vec![vec![10, 11], vec![32, 33], vec![34, 35], vec![50, 60], vec![70, 71]],
                _ => vec![vec![10, 11, 32, 33, 50, 60, 71], vec![34, 35, 70]],
            };
            assert_eq!(frames, all, "{way}");
        }
    });
}

/// What the loop itself adds is ordered like all others, and keeps no source waiting.
#[test]
fn the_loops_own_and_what_joins_come_in_one_order() {
    let mut panel = panel(64, 2);
    let [first, cut] = [1, 3].map(|source| panel.sender(source));
    send(&cut, [30, 31, 32]);
    assert_eq!(ids(panel.drain()), [30, 31]);
    send(&first, [10]);
    let mut notes = Notes { panic_on: Some(2), ..Notes::default() };
    let own = [(1, 11), (0, 1), (0, 2), (3, 33)].map(|(source, id)| (source, Mark::new(id)));
    let run = || panel.run_frame(&mut notes, &mut (), own);
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    send(&first, [12]);
    panel.run_frame(&mut notes, &mut (), [(0, Mark::new(3))]);
    // 12 waits for 10, which is in the rest.
    assert_eq!(notes.ids, [1, 2, 3, 10, 11, 32, 33]);
    assert_eq!(ids(panel.drain()), [12]);
}

/// Frames that were alive together: the older one's rest is finished first, and with it what has nothing in it.
#[test]
fn the_rests_of_several_frames_keep_every_producers_order() {
    let mut panel = Panel::new();
    let [a, b, c] = [1, 2, 3].map(|source| panel.sender(source));
    send(&a, [10, 11]);
    let first = panel.drain();
    send(&a, [12]);
    send(&b, [20]);
    let second = panel.drain();
    send(&a, [13]);
    send(&b, [21]);
    send(&c, [30]);
    let third = panel.drain();
    drop(third);
    drop(first);
    drop(second);
    send(&c, [31]);
    assert_eq!(ids(panel.drain()), [10, 11, 20, 30]);
    assert_eq!(ids(panel.drain()), [12, 21, 31]);
    assert_eq!(ids(panel.drain()), [13]);
}

/// A flood that is ordered first joins as often as it has nothing in the rest. What is ordered last gets its turn all the
/// same.
#[test]
fn no_flood_that_is_ordered_first_keeps_out_what_is_ordered_last() {
    for (budget, chunk) in [(1, 1), (8, 8), (8, 200), (3, 7)] {
        let mut panel = panel(256, budget);
        let [flooding, quiet] = [0, 9].map(|source| panel.sender(source));
        let mut longest = 0;
        let mut waits = 0;
        send(&quiet, [1]);
        for _ in 0..5000 {
            for _ in 0..chunk {
                _ = flooding.try_send(Mark::new(0));
            }
            waits += 1;
            if ids(panel.drain()).contains(&1) {
                longest = longest.max(waits);
                waits = 0;
                send(&quiet, [1]);
            }
        }
        // What was queued before it, once, and what the flood may get beyond its part.
        let most = 2 * 256 / budget + 16;
        assert!(longest.max(waits) <= most, "{longest} frames, then {waits}, of at most {most}");
    }
}

#[test]
fn floods_share_a_budget_evenly() {
    for budget in [1, 2, 8] {
        let mut panel = panel(64, budget);
        let senders = [0, 1, 2, 3].map(|source| panel.sender(source));
        let mut handed_out = [0_u32; 4];
        for frame in 0..4000 {
            // The first to come gets the slots that are free.
            let (after, before) = senders.split_at(frame % 4);
            for sender in before.iter().chain(after) {
                flood(sender);
            }
            panel.drain().for_each(|queued| handed_out[usize::from(queued.source)] += 1);
        }
        let (least, most) = (handed_out.iter().min().unwrap(), handed_out.iter().max().unwrap());
        assert!(least * 10 >= most * 7, "{handed_out:?} with a budget of {budget}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// However many wait and whatever is cut: a source that has nothing in the rest and sends less than its part is applied
    /// in the next frame, before all that it is ordered before; every intent comes once, and each producer's in its order.
    #[test]
    fn what_is_ordered_first_and_sends_little_comes_in_the_next_frame(
        budget in 4_usize..12,
        floods in prop::collection::vec((1_u8..6, prop::option::of(1_u64..4)), 1..4),
        sends in prop::collection::vec((prop::collection::vec(0_usize..12, 1..4), any::<bool>(), 0_u8..4), 1..60),
    ) {
        let mut panel = panel(128, budget);
        let keyboard = panel.sender(0);
        let senders: Vec<_> = floods.iter().map(|(source, clock)| (panel.sender(*source), *clock)).collect();
        let (mut next, mut accepted, mut seen) = (0, Vec::new(), Vec::new());
        for (bursts, pressed, way) in sends {
            for (count, (sender, clock)) in bursts.iter().zip(&senders) {
                for _ in 0..*count {
                    if sender.try_send(Mark::with(*clock, next)).is_ok() {
                        accepted.push((sender.origin(), next));
                    }
                    next += 1;
                }
            }
            let key = pressed.then_some(next);
            if pressed {
                keyboard.try_send(Mark::new(next)).unwrap();
                accepted.push((keyboard.origin(), next));
                next += 1;
            }
            let mut frame = panel.drain();
            let handed_out: Vec<_> = match way {
                0 => frame.by_ref().take(2).collect(),
                _ => frame.by_ref().collect(),
            };
            drop(frame);
            prop_assert!(handed_out.len() <= budget);
            prop_assert!(handed_out.is_sorted_by_key(control_panel::QueuedIntent::causality_order));
            if let Some(key) = key {
                prop_assert_eq!(handed_out[0].intent.id, key);
            }
            seen.extend(handed_out.into_iter().map(|queued| (queued.causality_order().origin, queued.intent.id)));
        }
        while panel.queued() > 0 {
            seen.extend(panel.drain().map(|queued| (queued.causality_order().origin, queued.intent.id)));
        }
        for origin in senders.iter().map(|(sender, _)| sender.origin()).chain([keyboard.origin()]) {
            let of = |all: &[(control_panel::intent::Origin, u64)]| {
                all.iter().filter(|(of, _)| *of == origin).map(|(_, id)| *id).collect::<Vec<_>>()
            };
            prop_assert_eq!(of(&seen), of(&accepted));
        }
    }
}
