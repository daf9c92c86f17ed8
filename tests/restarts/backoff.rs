//! How long each restart waits.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use control_panel::{
    Backoff, Context, Restart, Worker, WorkerStatus,
    events::{EventKind, Notice},
    supervision::Intensity,
};
use proptest::prelude::*;
use tests::{Mark, paused};
use tokio::time::{Instant, sleep};

use super::{Life, MS, Panel, Times, Words, each};

/// The waits between these lives, as announced and as measured, and how long each of the lives was.
#[derive(Debug, PartialEq)]
struct Waits {
    announced: Vec<Duration>,
    waited: Vec<Duration>,
    up: Vec<Duration>,
}

async fn waits(backoff: Backoff, lives: &[Life], others: usize) -> Waits {
    let (panel, times) = (Panel::new(), Times::default());
    // The jitter is the worker's own: so many came before it.
    (0..others).for_each(|_| drop(panel.sender(1)));
    let mut events = panel.events();
    let endless = Intensity::new(u32::MAX, Duration::from_secs(1));
    panel.spawn(times.worker(lives.to_vec()).backoff(backoff).intensity(endless));
    sleep(Duration::from_secs(3_600)).await;
    let mut announced = Vec::new();
    while let Some(Notice::Event(event)) = events.try_next() {
        if let EventKind::BackingOff(wait) = event.kind {
            announced.push(wait);
        }
    }
    let (began, failed) = (times.began.lock().unwrap(), times.failed.lock().unwrap());
    assert_eq!((announced.len(), began.len(), failed.len()), (lives.len(), lives.len() + 1, lives.len()));
    let waited = failed.iter().zip(&began[1..]).map(|(failed, next)| *next - *failed).collect();
    let up = began.iter().zip(&*failed).map(|(began, failed)| *failed - *began).collect();
    Waits { announced, waited, up }
}

#[derive(Debug, Clone)]
struct History {
    base: Duration,
    max: Duration,
    lives: Vec<Life>,
}

/// Lives that are short, or about as long as the limit that resets the backoff.
fn life(max: u64) -> impl Strategy<Value = Life> {
    let up = prop_oneof![4 => 0_u64..5, 1 => 0..=max, 1 => Just(max - 1), 1 => Just(max), 1 => Just(max + 1)];
    let well = prop::sample::select(vec![None, None, None, None, Some(Words::First), Some(Words::Last)]);
    (up, well).prop_map(|(up, well)| Life { up: Duration::from_millis(up), well })
}

fn history() -> impl Strategy<Value = History> {
    (1_u64..200, 1_u64..20).prop_flat_map(|(base, factor)| {
        let max = base * factor;
        let (base, limit) = (Duration::from_millis(base), Duration::from_millis(max));
        let lives = prop::collection::vec(life(max), 1..16);
        lives.prop_map(move |lives| History { base, max: limit, lives })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Twice as long each time up to the limit, less up to half; from the start again once a generation was up for the limit,
    /// or said that it is well.
    #[test]
    fn each_wait_lies_within_its_band(History { base, max, lives } in history(), others in 0_usize..50) {
        let backoff = Backoff::new(base, max);
        let waits = paused(async || waits(backoff, &lives, others).await);
        let mut attempt = 0;
        for (at, life) in lives.iter().enumerate() {
            if waits.up[at] >= max || life.well.is_some() {
                attempt = 0;
            }
            let nominal = max.min(base * 2_u32.pow(attempt));
            let (announced, waited) = (waits.announced[at], waits.waited[at]);
            let band = nominal / 2..=nominal;
            prop_assert!(band.contains(&announced), "{announced:?} after life {at}, and {band:?} was promised: {waits:?}");
            // The clock's timers round up to the ms.
            prop_assert!(waited >= announced && waited <= announced + MS, "{waited:?} of {announced:?}: {waits:?}");
            attempt += 1;
        }
    }

    #[test]
    fn the_jitter_is_the_same_each_time(History { base, max, lives } in history(), others in 0_usize..50) {
        let again = || paused(async || waits(Backoff::new(base, max), &lives, others).await);
        prop_assert_eq!(again(), again());
    }
}

/// The word of a generation that has ended is no news of the one that runs, nor of the worker while it waits to be started.
#[test]
fn only_the_generation_that_runs_can_say_that_it_is_well() {
    for (said_in, resets) in
        [("old, running", false), ("old, waiting", false), ("own, waiting", false), ("own", true)]
    {
        paused(async || {
            let panel = Panel::new();
            let mut events = panel.events();
            let contexts = Arc::new(Mutex::new(Vec::<Context<Mark>>::new()));
            let kept = Arc::clone(&contexts);
            let fails = Worker::new("fails", 0, move |cx: Context<Mark>| {
                kept.lock().unwrap().push(cx);
                async {
                    sleep(10 * MS).await;
                    Err::<(), _>("down")
                }
            });
            // Waits of 1 to 2 s, 2 to 4 s, 4 to 8 s; and 1 to 2 s where it begins anew.
            let backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(100));
            let handle = panel.spawn(fails.restart(Restart::OnFailure).backoff(backoff));
            let mut wait = async || loop {
                let Notice::Event(event) = events.recv().await.unwrap() else { panic!("a gap") };
                if let EventKind::BackingOff(wait) = event.kind {
                    return wait;
                }
            };
            wait().await;
            wait().await;
            let context = |nth: usize| contexts.lock().unwrap()[nth - 1].clone();
            if said_in.ends_with("waiting") {
                assert!(matches!(handle.status(), WorkerStatus::Backoff { .. }));
                context(if said_in.starts_with("own") { 2 } else { 1 }).healthy();
            } else {
                while handle.generation() < 3 {
                    sleep(MS).await;
                }
                assert!(matches!(handle.status(), WorkerStatus::Running), "{said_in}");
                context(if said_in == "own" { 3 } else { 2 }).healthy();
            }
            let third = wait().await;
            assert_eq!(third <= Duration::from_secs(2), resets, "{said_in}: {third:?}");
            assert_eq!(third >= Duration::from_secs(4), !resets, "{said_in}: {third:?}");
        });
    }
}

/// Workers that fail together do not return together, however many were spawned before them.
#[test]
fn a_thousand_that_fail_together_spread_over_the_band() {
    const WORKERS: usize = 1_000;
    for (base, others) in [(100, 0), (128, 1), (250, 2), (999, 3), (1_000, 64), (4_321, 500), (30_000, 9_999)]
    {
        let returned: Vec<Duration> = paused(async || {
            let panel = Panel::new();
            (0..others).for_each(|_| drop(panel.sender(1)));
            let crowd: Vec<_> = (0..WORKERS).map(|_| Times::default()).collect();
            for times in &crowd {
                let worker = times.worker(each(&[10]));
                panel.spawn(worker.backoff(Backoff::new(base * MS, base * MS)));
            }
            let failed_at = Instant::now() + 10 * MS;
            sleep((base + 20) * MS).await;
            assert!(crowd.iter().all(|times| times.failed.lock().unwrap()[0] == failed_at), "together");
            crowd.iter().map(|times| times.began.lock().unwrap()[1] - failed_at).collect()
        });
        let (first, last) = (*returned.iter().min().unwrap(), *returned.iter().max().unwrap());
        let band = base * MS / 2;
        assert!(first >= band && last <= 2 * band + MS, "{first:?} to {last:?} of {band:?}");
        assert!(last >= first + band * 8 / 10, "{first:?} to {last:?} of {band:?}");
        // And nowhere is a crowd: each tenth has about a hundred.
        for tenth in 0..10 {
            let part = band + band * tenth / 10..band + band * (tenth + 1) / 10;
            let here = returned.iter().filter(|&wait| part.contains(wait)).count();
            assert!((40..=180).contains(&here), "{here} in {part:?}");
        }
    }
}
