//! A frame allocates nothing in steady state.

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use control_panel::{
    ControlPanel, FrameBudget, Intent, IntentSender, QueuedIntent, Reducer, Worker,
    console::Console,
    intent::{Delivery, LatestKey},
};
use tests::{Mark, Wakes, paused};

use super::{Panel, allocations};

/// A reducer that allocates nothing itself.
#[derive(Default)]
struct Count(u64);

impl Reducer for Count {
    type Intent = Mark;

    fn apply(&mut self, queued: QueuedIntent<Mark>) {
        self.0 += queued.intent.id;
    }
}

const FRAMES: usize = 50;

const WARM: usize = 20;

/// Allocations of the frames after the warm-up: `produce` before each, on this thread and not counted.
fn steady(mut panel: Panel, mut produce: impl FnMut(&Panel), mut frame: impl FnMut(&mut Panel)) -> usize {
    let mut counted = 0;
    for number in 0..FRAMES + WARM {
        produce(&panel);
        let here = allocations(|| frame(&mut panel));
        counted += if number < WARM { 0 } else { here };
    }
    counted
}

fn senders(panel: &Panel) -> Vec<IntentSender<Mark>> {
    (0..5).map(|source| panel.sender(source)).collect()
}

fn produce(senders: &[IntentSender<Mark>]) {
    for id in 0..100 {
        let clock = [None, None, Some(100 - id)][usize::try_from(id % 3).unwrap()];
        senders[usize::try_from(id % 5).unwrap()].try_send(Mark::with(clock, id)).unwrap();
    }
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn a_drain_allocates_nothing_in_steady_state() {
    assert!(allocations(|| drop(Box::new(Mark::new(0)))) > 0, "the count counts");
    let panel = Panel::new();
    let senders = senders(&panel);
    let count = steady(panel, |_| produce(&senders), |panel| panel.drain().for_each(drop));
    assert_eq!(count, 0);
}

/// Also where an observer reads it between two frames, and waits for the next one.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn an_observed_frame_allocates_nothing_in_steady_state() {
    let panel = Panel::new();
    let senders = senders(&panel);
    let (observer, mut console) = (panel.observer(), Console::default());
    let mut state = Count::default();
    let produce = |_: &Panel| {
        produce(&senders);
        console.refresh(&observer);
        let waits = observer.poll_changed(&Context::from_waker(Waker::noop()), console.cursor());
        assert!(waits.is_pending());
    };
    let frame = |panel: &mut Panel| {
        panel.run_frame(&mut state, &mut (), (0..30).map(|id| ((id % 3) as u8, Mark::new(id))));
    };
    assert_eq!(steady(panel, produce, frame), 0);
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn a_whole_frame_with_locals_allocates_nothing_in_steady_state() {
    let panel = Panel::new();
    let senders = senders(&panel);
    let mut state = Count::default();
    let frame = |panel: &mut Panel| {
        panel.run_frame(&mut state, &mut (), (0..30).map(|id| ((id % 3) as u8, Mark::new(id))));
    };
    assert_eq!(steady(panel, |_| produce(&senders), frame), 0);
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_that_a_budget_cuts_allocate_nothing_in_steady_state() {
    let panel = Panel::builder().frame_budget(FrameBudget::default().intents(30)).build();
    let senders = senders(&panel);
    let produce = |panel: &Panel| {
        if panel.status().queued == 0 {
            produce(&senders);
        }
    };
    assert_eq!(steady(panel, produce, |panel| panel.drain().for_each(drop)), 0);
}

/// Neither on the frame thread nor on the producers'.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn what_joins_the_rest_of_a_cut_frame_allocates_nothing_in_steady_state() {
    let mut panel = Panel::builder().frame_budget(FrameBudget::default().intents(8)).build();
    let senders = senders(&panel);
    let mut frame = |number: u64| {
        // The first and the second sources join in every frame, the others flood.
        for (source, count) in (0..).zip([1, 1, 100, 100, 100]) {
            for id in 0..count {
                let clock = [None, Some(1 + (number + id) % 7)][usize::from(source % 2 == 1)];
                _ = senders[source].try_send(Mark::with(clock, id));
            }
        }
        panel.drain().for_each(drop);
    };
    (0..1000).for_each(&mut frame);
    assert_eq!(allocations(|| (0..2000).for_each(&mut frame)), 0);
}

/// Senders that wait are granted their slots on the frame thread.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_that_wake_waiting_senders_allocate_nothing_in_steady_state() {
    for budget in [FrameBudget::default(), FrameBudget::default().intents(7)] {
        let panel = Panel::builder().capacity(16).frame_budget(budget).build();
        let senders: Vec<_> = (0..3).map(|source| panel.sender(source)).collect();
        let wakes = Wakes::new();
        let mut waiting: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
        let produce = |_: &Panel| {
            waiting.retain_mut(|send| wakes.poll(send.as_mut()).is_pending());
            while waiting.len() < 60 {
                let mut send = Box::pin(senders[waiting.len() % 3].send(Mark::new(0)));
                if wakes.poll(send.as_mut()).is_pending() {
                    waiting.push(send);
                }
            }
        };
        assert_eq!(steady(panel, produce, |panel| panel.drain().for_each(drop)), 0);
    }
}

/// A level, of which only the newest matters.
struct Level(u64);

impl Intent for Level {
    type Source = u8;

    fn delivery(&self) -> Delivery {
        Delivery::Latest(LatestKey { variant: 0, key: self.0 % 20 })
    }
}

/// Neither on the frame thread nor on the producers'.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn producers_that_fill_the_queue_in_turn_allocate_nothing_in_steady_state() {
    for producers in [2, 5, 33] {
        let mut panel = Panel::builder().capacity(64).build();
        let senders: Vec<_> = (0..producers).map(|_| panel.sender(0)).collect();
        let mut frame = |number: usize| {
            while senders[number % producers].try_send(Mark::new(0)).is_ok() {}
            panel.drain().for_each(drop);
        };
        (0..2 * producers).for_each(&mut frame);
        assert_eq!(allocations(|| (0..300).for_each(&mut frame)), 0, "{producers} producers");
    }
}

#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn intents_of_which_the_newest_matters_allocate_nothing_in_steady_state() {
    let mut panel = ControlPanel::<Level>::new();
    let sender = panel.sender(0);
    let mut frame = |_: usize| {
        (0..100).for_each(|level| assert!(sender.try_send(Level(level)).is_ok()));
        assert_eq!(panel.drain().count(), 20);
    };
    (0..WARM).for_each(&mut frame);
    assert_eq!(allocations(|| (0..300).for_each(&mut frame)), 0);
}

/// Workers start and end between the frames, on this thread's runtime.
#[test]
#[cfg_attr(feature = "observe", ignore = "a frame makes the labels of what it tells")]
fn frames_with_forwarded_events_allocate_nothing_in_steady_state() {
    paused(async || {
        let make = |notice| match notice {
            control_panel::events::Notice::Event(event) => Some(Mark::new(event.number)),
            control_panel::events::Notice::Lagged(_) => None,
        };
        let mut panel = Panel::builder().forward_events(3, make).build();
        let senders = senders(&panel);
        let (mut counted, mut state) = (0, Count::default());
        for number in 0..FRAMES + WARM {
            produce(&senders);
            if number % 3 > 0 {
                for _ in 0..20 {
                    panel.spawn(Worker::new("it", 0, async |_| Err::<(), _>("down")));
                }
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            let mut applied = 0;
            let here = allocations(|| applied = panel.run_frame(&mut state, &mut (), []).applied);
            assert_eq!(
                applied,
                if number % 3 > 0 { 180 } else { 100 },
                "each is spawned, starts, exits, ends"
            );
            counted += if number < WARM { 0 } else { here };
        }
        assert_eq!(counted, 0);
    });
}
