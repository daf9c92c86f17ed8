//! What it chooses, how fast, and how it yields.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{
    Backoff, ControlPanel, IntentSource, testing,
    workers::{
        MemoryLevel,
        prefetch::{
            Neighbourhood, PrefetchFeed, PrefetchScheduler, PrefetchSettings, Prewarm, SpawnPrefetchScheduler,
        },
    },
};
use tokio::time::Instant;

use super::{GraphIntent, LifecycleCause, LifecyclePolicy, MS, Panel, around, chosen, settings};

/// Nothing was chosen.
const NONE: [u32; 0] = [];

#[test]
fn prefetch_scheduler_emits_promotions_of_the_best_at_its_pace() {
    testing::paused(async |panel: &mut Panel| {
        let (worker, feed) = panel.spawn_prefetch_scheduler();
        assert_eq!(worker.name(), "prefetch_scheduler");
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel), NONE, "nothing is known yet");

        feed.publish(around(0, 1..=9));
        testing::settle().await;
        let first: Vec<_> = panel.drain().map(|queued| (queued.source, queued.intent)).collect();
        let promotion = GraphIntent::PromoteNodeToActive { key: 1, cause: LifecycleCause::SelectedPrewarm };
        assert_eq!(first, [(IntentSource::PrefetchScheduler, promotion)]);
        testing::advance(240 * MS).await;
        assert_eq!(chosen(panel), NONE);
        for next in 2..=4 {
            testing::advance(250 * MS).await;
            assert_eq!(chosen(panel), [next]);
        }
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel), NONE, "four ahead of this focus");

        feed.publish(around(0, [8, 2]));
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel), NONE, "still the same focus");
        feed.publish(around(7, [8, 2]));
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel), [8, 2], "another focus: what was chosen before may be chosen again");
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn the_policy_watch_turns_it_on_and_off_and_sets_its_pace_at_once() {
    testing::paused(async |panel: &mut Panel| {
        let hourly = settings(Duration::from_secs(3_600), 99, 99);
        panel.set_policy(hourly);
        let (_, feed) = panel.spawn_prefetch_scheduler();
        feed.publish(around(0, 1..=99));
        testing::advance(Duration::from_secs(1)).await;
        assert_eq!(chosen(panel), [1]);
        panel.set_policy(settings(100 * MS, 99, 99));
        testing::settle().await;
        assert_eq!(chosen(panel), [2], "by the new pace it is long due");
        testing::advance(1_000 * MS).await;
        assert_eq!(chosen(panel).len(), 10);
        panel.set_policy(LifecyclePolicy(PrefetchSettings { enabled: false, ..hourly.0 }));
        testing::advance(Duration::from_secs(36_000)).await;
        assert_eq!(chosen(panel), NONE, "off");
        for off in [settings(MS, 0, 9), settings(MS, 9, 0)] {
            panel.set_policy(off);
            testing::advance(Duration::from_secs(60)).await;
            assert_eq!(chosen(panel), NONE, "nothing at all is off too");
        }
        panel.set_policy(settings(100 * MS, 99, 15));
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel).len(), 3, "twelve were chosen before");
    });
}

#[test]
fn a_warning_slows_it_down_and_critical_stops_it() {
    testing::paused(async |panel: &mut Panel| {
        panel.set_policy(settings(100 * MS, 99, 999));
        let (_, feed) = panel.spawn_prefetch_scheduler();
        feed.publish(around(0, 1..=999));
        let mut in_a_minute = async |level| {
            feed.set_level(level);
            testing::advance(Duration::from_secs(10)).await;
            chosen(panel).len()
        };
        let normal = in_a_minute(MemoryLevel::Normal).await;
        let warning = in_a_minute(MemoryLevel::Warning).await;
        assert!((99..=101).contains(&normal) && (24..=26).contains(&warning), "{normal}, {warning}");
        assert_eq!(in_a_minute(MemoryLevel::Critical).await, 0);
        assert!((24..=26).contains(&in_a_minute(MemoryLevel::Warning).await));
    });
}

#[test]
fn it_leaves_no_more_undrained_than_its_budget_and_never_half_of_the_queue() {
    testing::paused(async |panel: &mut Panel| {
        panel.set_policy(settings(10 * MS, 3, 999));
        let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
        let backoff = Backoff::new(10 * MS, 50 * MS);
        panel.spawn(scheduler.backoff(backoff).into_worker());
        feed.publish(around(0, 1..=999));
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(panel.queued(), 3);
        let mut frame = panel.drain();
        assert_eq!(frame.by_ref().take(1).count(), 1);
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(panel.queued(), 0, "a frame that goes on occupies its slots");
        drop(frame);
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(panel.status().accepted, 4, "one was drained, one may follow");
        while panel.queued() > 0 {
            drop(chosen(panel));
        }
        // The budget is free again when the frame has ended, also where no other frame follows.
        testing::advance(Duration::from_secs(60)).await;
        assert_eq!(chosen(panel).len(), 3);

        panel.set_policy(settings(10 * MS, usize::MAX, 999));
        testing::advance(Duration::from_secs(600)).await;
        let status = panel.status();
        assert_eq!((status.queued, status.capacity, status.refused), (128, 256, 0), "half, whatever it may");
    });
}

/// The tries of a scheduler whose every intent is refused, taken from the queue's count of refusals.
async fn tries(panel: &mut Panel, feed: &PrefetchFeed<u32>, most: usize) -> Vec<Duration> {
    let hog = panel.sender(IntentSource::PrefetchScheduler);
    while hog.try_send(GraphIntent::Noise).is_ok() {}
    let (began, before) = (Instant::now(), panel.status().refused);
    feed.publish(around(99, [7]));
    let mut tries = Vec::new();
    for _ in 0..20_000 {
        testing::settle().await;
        if panel.status().refused > before + tries.len() as u64 {
            tries.push(began.elapsed());
        }
        if tries.len() == most {
            break;
        }
    }
    assert_eq!(tries.len(), most, "within 40 s");
    tries
}

#[test]
fn congestion_backs_off_exponentially_with_jitter_and_a_success_resets_it() {
    let gaps =
        |tries: &[Duration]| tries.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect::<Vec<_>>();
    let waits = |seed| {
        testing::paused(async |panel: &mut Panel| {
            // A budget beyond the queue's own bound is met by the queue's refusals.
            panel.set_policy(settings(MS, usize::MAX, 9));
            let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
            let backoff = Backoff::new(100 * MS, 1_600 * MS);
            panel.spawn(scheduler.backoff(backoff).seed(seed).into_worker());
            // Half of the queue is its bound before the queue refuses, so another source fills the rest.
            let other = panel.sender(IntentSource::Restore);
            while other.try_send(GraphIntent::Noise).is_ok() {}
            let mine = panel.sender(IntentSource::PrefetchScheduler);
            while mine.try_send(GraphIntent::Noise).is_ok() {}
            let first = gaps(&tries(panel, &feed, 8).await);
            drop(chosen(panel));
            testing::advance(Duration::from_secs(2)).await;
            assert_eq!(chosen(panel), [7], "room at last");
            while other.try_send(GraphIntent::Noise).is_ok() {}
            feed.publish(around(1, []));
            testing::settle().await;
            (first, gaps(&tries(panel, &feed, 3).await))
        })
    };
    let (first, second) = waits(1);
    for (gap, nominal) in first.iter().zip([100, 200, 400, 800, 1_600, 1_600, 1_600]) {
        // A timer's tick and the test's own steps are a few milliseconds.
        assert!(*gap >= nominal * MS / 2 && *gap <= (nominal + 5) * MS, "{gap:?} of {nominal} ms");
    }
    assert!(second[0] <= 105 * MS && second[1] <= 205 * MS, "a success resets it: {second:?}");
    assert_eq!(waits(1), (first.clone(), second), "the same seed, the same jitter");
    assert_ne!(waits(2).0, first, "another seed, another jitter");
}

/// A scheduler whose budget is used up, some way into a backoff of minutes.
async fn backed_off(panel: &mut Panel) -> PrefetchFeed<u32> {
    panel.set_policy(settings(8 * MS, 1, 9));
    let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3_600));
    panel.spawn(scheduler.backoff(backoff).into_worker());
    feed.publish(around(0, 1..=9));
    testing::advance(Duration::from_secs(600)).await;
    assert_eq!(chosen(panel), [1], "the only one, and then it backs off");
    testing::advance(Duration::from_secs(60)).await;
    assert_eq!(chosen(panel), NONE, "still");
    feed
}

#[test]
fn another_focus_resets_the_backoff_and_another_neighbourhood_does_not() {
    testing::paused(async |panel: &mut Panel| {
        let feed = backed_off(panel).await;
        feed.publish(around(0, 2..=9));
        testing::settle().await;
        assert_eq!(chosen(panel), NONE);
        feed.publish(around(1, 2..=9));
        testing::settle().await;
        assert_eq!(chosen(panel), [2]);
    });
}

#[test]
fn other_settings_reset_the_backoff_and_the_same_ones_do_not() {
    testing::paused(async |panel: &mut Panel| {
        let _feed = backed_off(panel).await;
        panel.set_policy(settings(8 * MS, 1, 9));
        testing::settle().await;
        assert_eq!(chosen(panel), NONE);
        panel.set_policy(settings(9 * MS, 1, 9));
        testing::settle().await;
        assert_eq!(chosen(panel), [2]);
    });
}

#[test]
fn it_ends_with_its_feed_and_with_the_panel() {
    testing::paused(async |panel: &mut Panel| {
        let (worker, feed) = panel.spawn_prefetch_scheduler::<u32>();
        testing::settle().await;
        assert!(!worker.status().is_final());
        drop(feed);
        testing::settle().await;
        assert!(worker.status().is_final());
        let (_, _feed) = panel.spawn_prefetch_scheduler::<u32>();
        let report = panel.shutdown().await;
        assert!(report.is_clean(), "{report}");
    });
}

#[test]
fn a_heuristic_of_ones_own_chooses_and_is_asked_sparingly() {
    testing::paused(async |panel: &mut Panel| {
        panel.set_policy(settings(100 * MS, 9, 3));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let worst_first = move |around: &Neighbourhood<u32>, most: usize| {
            log.lock().unwrap().push((around.focus().copied(), most));
            around.candidates().iter().rev().map(|candidate| candidate.node).collect::<Vec<_>>()
        };
        let (scheduler, feed) = PrefetchScheduler::new(IntentSource::PrefetchScheduler);
        panel.spawn(scheduler.heuristic(worst_first).into_worker());
        feed.publish(around(0, [1, 2, 2, 3, 3, 3]));
        for _ in 0..60 {
            testing::advance(10 * MS).await;
            feed.set_level(MemoryLevel::Normal);
        }
        assert_eq!(chosen(panel), [3, 2, 1], "each once, although it is named again");
        assert_eq!(*asked.lock().unwrap(), [(Some(0), 3)]);
    });
}

/// An intent that no panel takes is a mistake of the host: the worker fails, and the report says why.
#[test]
fn an_intent_with_the_clock_0_makes_the_scheduler_fail_and_say_why() {
    #[derive(Debug, GraphIntent)]
    enum Update {
        #[intent(clock = clock)]
        Prewarm { clock: u64 },
    }
    impl From<Prewarm<u32>> for Update {
        fn from(_: Prewarm<u32>) -> Self {
            Self::Prewarm { clock: 0 }
        }
    }

    let mut status = String::new();
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let (worker, feed) = panel.spawn_prefetch_scheduler();
        feed.publish(around(0, 1..=9));
        testing::advance(Duration::from_secs(60)).await;
        assert!(worker.status().is_final(), "{:?}", worker.status());
        status = format!("{:?}", worker.status());
    });
    assert!(status.contains("ZeroClock"), "{status}");
}
