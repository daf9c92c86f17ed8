//! Promise 3: capacity bounds the queue and the frames together, a frame that was cut short is finished first,
//! and no flood keeps out a quiet source.

use std::{
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    thread,
    time::Duration,
};

use control_panel::{ControlPanel, FrameBudget, IntentSender, TrySendError};
use proptest::prelude::*;
use tests::{Mark, Notes, Wakes, ops, paused, schedule, watched};

type Panel = ControlPanel<Mark>;

/// Sends until there is no room.
fn flood(sender: &IntentSender<Mark>) -> usize {
    (0..100_000).take_while(|&id| sender.try_send(Mark::new(id)).is_ok()).count()
}

/// A frame loop's mischief: what is handed out, kept alive, cut off.
#[derive(Debug, Clone)]
enum Frames {
    Drain,
    Read(usize, usize),
    Drop(usize),
}

fn frames() -> impl Strategy<Value = Vec<Frames>> {
    let one = prop_oneof![
        2 => Just(Frames::Drain),
        3 => (any::<usize>(), 1_usize..9).prop_map(|(at, n)| Frames::Read(at, n)),
        2 => any::<usize>().prop_map(Frames::Drop),
    ];
    prop::collection::vec(one, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The model asserts the bound at each slot taken, and that no send waits for a free slot.
    #[test]
    fn the_bound_and_the_shares_hold_at_each_step_with_frames_alive(
        setting in ops::setting(3),
        steps in ops::ops(80),
    ) {
        schedule::run(setting, &steps);
    }

    /// Some sources flood after every step, by `try_send` and by waiting sends. A source that holds nothing gets in.
    #[test]
    fn a_quiet_source_gets_in_whatever_the_floods_and_the_frames_do(
        floods in 1_u8..4,
        quiet in 1_u8..4,
        spare in 0_usize..20,
        frames in frames(),
    ) {
        let capacity = usize::from(floods + quiet) + spare;
        let mut panel = Panel::builder().capacity(capacity).build();
        let floods: Vec<_> = (0..floods).map(|source| panel.sender(source)).collect();
        let quiet: Vec<_> = (100..100 + quiet).map(|source| panel.sender(source)).collect();
        let mut waiting = Vec::new();
        let wakes = Wakes::new();
        let mut live = Vec::new();
        for step in frames {
            for sender in &floods {
                flood(sender);
                let mut send: Pin<Box<dyn Future<Output = _>>> = Box::pin(sender.send(Mark::new(0)));
                prop_assert!(wakes.poll(send.as_mut()).is_pending());
                waiting.push(send);
            }
            let status = panel.status();
            prop_assert!(status.accepted - status.drained <= capacity as u64);
            match step {
                Frames::Drain => live.push(panel.drain()),
                Frames::Read(at, count) if !live.is_empty() => {
                    let at = at % live.len();
                    live[at].by_ref().take(count).for_each(drop);
                }
                Frames::Drop(at) if !live.is_empty() => drop(live.swap_remove(at % live.len())),
                _ => {}
            }
            waiting.retain_mut(|send| wakes.poll(send.as_mut()).is_pending());
        }
        // Whatever is queued, handed out, cut off or granted: each quiet source holds nothing, so it gets in.
        for sender in &quiet {
            prop_assert!(sender.try_send(Mark::new(1)).is_ok(), "{sender:?} is kept out");
        }
        // And so does a source that was never used before.
        prop_assert!(panel.sender(200).try_send(Mark::new(2)).is_ok());
    }
}

#[test]
fn a_flood_gets_all_but_a_slot_for_each_other_source_and_one_unseen() {
    let panel = Panel::builder().capacity(10).build();
    let (flooding, other, third) = (panel.sender(0), panel.sender(1), panel.sender(2));
    assert_eq!(flood(&flooding), 7);
    assert_eq!((flood(&other), flood(&third)), (1, 1));
    let unseen = panel.sender(3);
    assert_eq!((flood(&unseen), panel.status().queued), (1, 10));
    // Of the clones of one sender none is a source of its own.
    assert_eq!(flood(&unseen.clone()), 0);
    drop((other, third, unseen));
    assert_eq!(flood(&flooding), 0, "what they hold is still theirs");
}

#[test]
fn with_more_sources_than_slots_each_has_one() {
    let mut panel = Panel::builder().capacity(1).build();
    let senders: Vec<_> = (0..20).map(|source| panel.sender(source)).collect();
    for sender in &senders {
        assert_eq!(flood(sender), 1);
    }
    assert_eq!(panel.drain().count(), 20);
    let panel = Panel::builder().capacity(usize::MAX).build();
    assert_eq!(flood(&panel.sender(0)), 100_000, "the greatest capacity overflows nothing");
}

/// With more sources the bound is higher: a source that waits without holding a slot is not forgotten.
#[test]
fn a_source_that_waits_for_the_bound_gets_its_slot_when_more_sources_raise_it() {
    let panel = Panel::builder().capacity(6).build();
    let flooding = panel.sender(0);
    assert_eq!(flood(&flooding), 5);
    let others = [1, 2].map(|source| panel.sender(source));
    assert_eq!(others.each_ref().map(flood), [1, 0], "the one slot for an unseen source is taken");
    let wakes = Wakes::new();
    let mut waiting = std::pin::pin!(others[1].send(Mark::new(7)));
    assert!(wakes.poll(waiting.as_mut()).is_pending());
    let more: Vec<_> = (3..6).map(|source| panel.sender(source)).collect();
    assert_eq!(wakes.take(), 0, "six sources, six slots");
    let seventh = panel.sender(6);
    assert_eq!(wakes.take(), 1);
    assert!(wakes.poll(waiting.as_mut()).is_ready());
    drop((more, seventh));
}

#[test]
fn slots_are_free_when_the_frame_is_over_and_not_before() {
    let mut panel = Panel::builder().capacity(4).build();
    let sender = panel.sender(0);
    assert_eq!(flood(&sender), 3);
    let mut frame = panel.drain();
    assert_eq!(frame.by_ref().take(2).count(), 2);
    assert!(matches!(sender.try_send(Mark::new(9)), Err(TrySendError::Full(mark)) if mark.id == 9));
    drop(frame);
    assert_eq!(flood(&sender), 2, "the rest keeps its slot");
    assert_eq!(panel.drain().count(), 1, "the rest and nothing else");
    assert_eq!(panel.drain().count(), 2);
    assert_eq!(panel.status().drained, 5);
}

#[test]
fn a_drain_takes_what_was_queued_when_it_began() {
    let mut panel = Panel::builder().capacity(100).build();
    let sender = panel.sender(0);
    sender.try_send(Mark::new(0)).unwrap();
    let mut ids = Vec::new();
    for queued in panel.drain() {
        ids.push(queued.intent.id);
        sender.try_send(Mark::new(queued.intent.id + 1)).unwrap();
    }
    assert_eq!(ids, [0], "a producer that keeps pace does not make the frame endless");
    assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_budget_in_count_or_time_cuts_the_frame_and_the_next_one_goes_on() {
    paused(async || {
        let budget = FrameBudget::default().intents(5).time(Duration::from_millis(4));
        let mut panel = Panel::builder().frame_budget(budget).build();
        let sender = panel.sender(0);
        for id in 0..9 {
            sender.try_send(Mark::new(id)).unwrap();
        }
        let mut frame = panel.drain();
        assert_eq!((frame.remaining(), frame.size_hint()), (9, (0, Some(9))));
        assert_eq!(frame.by_ref().map(|queued| queued.intent.id).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(frame.next().is_none() && frame.remaining() == 4);
        drop(frame);
        // The time runs from the drain, and one intent is handed out whatever it says.
        let mut frame = panel.drain();
        tokio::time::advance(Duration::from_millis(5)).await;
        assert_eq!(frame.by_ref().map(|queued| queued.intent.id).collect::<Vec<_>>(), [5]);
        drop(frame);
        let mut frame = panel.drain();
        assert!(frame.next().is_some());
        tokio::time::advance(Duration::from_millis(3)).await;
        assert!(frame.next().is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(frame.next().is_none());
        drop(frame);
        assert_eq!(panel.drain().map(|queued| queued.intent.id).collect::<Vec<_>>(), [8]);
    });
}

#[test]
fn a_panicking_reducers_rest_keeps_its_slots_too() {
    let mut panel = Panel::builder().capacity(4).build();
    let sender = panel.sender(0);
    assert_eq!(flood(&sender), 3);
    let mut notes = Notes { panic_on: Some(0), ..Notes::default() };
    panic::catch_unwind(AssertUnwindSafe(|| panel.run_frame(&mut notes, &mut (), []))).unwrap_err();
    assert_eq!((flood(&sender), panel.status().queued), (1, 3));
    assert_eq!(panel.run_frame(&mut notes, &mut (), []).left, 1);
    assert_eq!(notes.ids, [0, 1, 2]);
}

/// Grants go round the sources, and within one first come, first served.
#[test]
fn floods_that_wait_share_evenly() {
    let mut panel = Panel::builder().capacity(5).frame_budget(FrameBudget::default().intents(1)).build();
    let senders = [0, 1, 2].map(|source| panel.sender(source));
    let wakes = Wakes::new();
    let mut waiting = Vec::new();
    let mut next = 0;
    let mut handed_out = [0_u32; 3];
    for _ in 0..300 {
        for sender in &senders {
            let mut send: Pin<Box<dyn Future<Output = _>>> = Box::pin(sender.send(Mark::new(next)));
            next += 1;
            if wakes.poll(send.as_mut()).is_pending() {
                waiting.push(send);
            }
        }
        panel.drain().for_each(|queued| handed_out[usize::from(queued.source)] += 1);
        waiting.retain_mut(|send| wakes.poll(send.as_mut()).is_pending());
        assert!(panel.status().queued <= 5);
    }
    let (least, most) = (handed_out.iter().min().unwrap(), handed_out.iter().max().unwrap());
    assert!(least * 10 >= most * 6, "{handed_out:?}");
}

#[test]
fn threads_that_flood_never_exceed_the_capacity() {
    watched(|| {
        let mut panel = Panel::builder().capacity(8).build();
        let senders: Vec<_> = (0..4).map(|source| panel.sender(source)).collect();
        thread::scope(|scope| {
            for sender in senders {
                scope.spawn(move || while sender.send_blocking(Mark::new(0)).is_ok() {});
            }
            let mut seen = [0; 4];
            while seen.iter().any(|&count| count < 100) {
                let frame = panel.drain();
                assert!(frame.remaining() + panel.status().queued <= 8);
                frame.for_each(|queued| seen[usize::from(queued.source)] += 1);
            }
            drop(panel);
        });
    });
}
