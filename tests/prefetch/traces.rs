//! Whatever happens to it, what is promised holds, and it decides the same each time.

use std::time::Duration;

use control_panel::{
    Backoff, IntentSource,
    workers::{
        MemoryLevel,
        prefetch::{PrefetchScheduler, PrefetchSettings},
    },
};
use proptest::prelude::*;
use tests::paused;
use tokio::time::Instant;

use super::{GraphIntent, LifecyclePolicy, MS, Panel, around, chosen, settings};

/// What may happen to a scheduler.
#[derive(Debug, Clone)]
enum Event {
    Publish {
        focus: u32,
        nodes: Vec<u32>,
    },
    Level(MemoryLevel),
    Policy {
        on: bool,
        pace: u64,
        budget: usize,
        ahead: usize,
    },
    Drain,
    /// Another source takes all the room that there is.
    Flood,
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let level = prop_oneof![
        2 => Just(MemoryLevel::Normal),
        1 => Just(MemoryLevel::Warning),
        1 => Just(MemoryLevel::Critical)
    ];
    prop_oneof![
        3 => (0_u32..3, prop::collection::vec(0_u32..30, 0..9))
            .prop_map(|(focus, nodes)| Event::Publish { focus, nodes }),
        1 => level.prop_map(Event::Level),
        1 => (any::<bool>(), 1_u64..500, 0_usize..6, 0_usize..6)
            .prop_map(|(on, pace, budget, ahead)| Event::Policy { on, pace, budget, ahead }),
        3 => Just(Event::Drain),
        1 => Just(Event::Flood),
        3 => (0_u64..1_000).prop_map(Event::Wait),
    ]
}

/// The choices: when, and which.
type Trace = Vec<(Duration, u32)>;

const CAPACITY: usize = 12;

/// Runs the events, checks what must hold after each, and at the end that it is still alive.
fn trace(events: &[Event], seed: u64) -> Result<Trace, TestCaseError> {
    paused(async || {
        let mut panel = Panel::builder().capacity(CAPACITY).build();
        let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
        let backoff = Backoff::new(50 * MS, 800 * MS);
        panel.spawn(scheduler.backoff(backoff).seed(seed).into_worker());
        let own = panel.sender(IntentSource::PrefetchScheduler);
        let other = panel.sender(IntentSource::Restore);
        let began = Instant::now();
        let mut policy = PrefetchSettings::default();
        let mut level = MemoryLevel::Normal;
        let mut published: (u32, Vec<u32>) = (0, Vec::new());
        let mut since_focus: Vec<u32> = Vec::new();
        let mut undrained = 0;
        let mut publications = 0;
        let mut trace = Trace::new();
        let mut last: Option<Instant> = None;
        let mut expected = Vec::new();
        let end = [Event::Drain, Event::Level(MemoryLevel::Normal)];
        for event in events.iter().chain(&end) {
            let mut wait = 0;
            match event {
                Event::Publish { focus, nodes } => {
                    if *focus != published.0 || publications == 0 {
                        since_focus.clear();
                    }
                    publications += 1;
                    published = (*focus, nodes.clone());
                    feed.publish(around(*focus, nodes.iter().copied()));
                }
                Event::Level(new) => {
                    level = *new;
                    feed.set_level(level);
                }
                &Event::Policy { on: enabled, pace, budget, ahead } => {
                    policy = PrefetchSettings { enabled, pace: Duration::from_millis(pace), budget, ahead };
                    panel.set_policy(LifecyclePolicy(policy));
                }
                Event::Drain => {
                    let drained = chosen(&mut panel);
                    prop_assert_eq!(&drained, &std::mem::take(&mut expected), "as they were chosen");
                    undrained = 0;
                }
                Event::Flood => while other.try_send(GraphIntent::Noise).is_ok() {},
                Event::Wait(ms) => wait = *ms,
            }
            // Millisecond by millisecond, so that each choice is seen when it is made.
            for _ in 0..=wait {
                tokio::time::sleep(MS).await;
                let now = own.occupied();
                prop_assert!(now <= undrained + 1, "one at a time");
                if now == undrained {
                    continue;
                }
                undrained = now;
                let best = published.1.iter().find(|node| !since_focus.contains(node));
                let best = *best.expect("it chooses among what was published, none twice");
                since_focus.push(best);
                expected.push(best);
                trace.push((began.elapsed(), best));
                prop_assert!(policy.enabled && level != MemoryLevel::Critical);
                prop_assert!(undrained <= policy.budget.min(CAPACITY / 2));
                prop_assert!(since_focus.len() <= policy.ahead);
                if let Some(then) = last {
                    let slower = if level == MemoryLevel::Warning { 4 } else { 1 };
                    // Both ends were seen to a millisecond.
                    prop_assert!(then.elapsed() + MS >= policy.pace * slower, "not so fast");
                }
                last = Some(Instant::now());
            }
        }
        // Whatever happened, where there is room and reason, something is chosen within its longest waits.
        prop_assert_eq!(chosen(&mut panel), expected, "as they were chosen");
        panel.set_policy(settings(10 * MS, 2, 9));
        feed.publish(around(1_000, [1_001]));
        tokio::time::sleep(801 * MS).await;
        prop_assert_eq!(chosen(&mut panel).pop(), Some(1_001));
        prop_assert!(panel.shutdown().await.is_clean());
        Ok(trace)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_keeps_its_bounds_and_decides_the_same_again(
        events in prop::collection::vec(event(), 0..40),
        seed in any::<u64>(),
    ) {
        let first = trace(&events, seed)?;
        prop_assert_eq!(trace(&events, seed)?, first);
    }
}

/// It fills its budget between the last drain and the end.
#[test]
fn a_budget_that_is_full_at_the_end_is_drained_first() {
    let events = [
        Event::Publish { focus: 0, nodes: vec![2, 3, 4, 0] },
        Event::Policy { on: true, pace: 1, budget: 2, ahead: 4 },
    ];
    trace(&events, 0).unwrap();
}
