//! How many restarts are too many.

use std::time::Duration;

use control_panel::{Backoff, Exit, Worker, WorkerHandle, WorkerStatus, supervision::Intensity};
use proptest::prelude::*;
use tests::{Mark, paused};
use tokio::time::{Instant, sleep};

use super::{Panel, Times, each};

/// At most 3 restarts within any 500 ms.
const RESTARTS: usize = 3;
const PERIOD: Duration = Duration::from_millis(500);

fn steadily(worker: Worker<Mark>) -> Worker<Mark> {
    worker.intensity(Intensity::new(3, PERIOD)).backoff(Backoff::none())
}

/// Which failure is one too many: that before which so many lie less than a period back.
fn too_many(failed: &[Instant]) -> Option<usize> {
    let recent = |at: usize| failed[..at].iter().filter(|then| failed[at] - **then < PERIOD).count();
    (0..failed.len()).find(|&at| recent(at) >= RESTARTS)
}

fn gave_up(handle: &WorkerHandle) -> bool {
    match handle.status() {
        WorkerStatus::Ended(Exit::Failed(_)) => true,
        WorkerStatus::Running => false,
        other => panic!("{other:?}"),
    }
}

/// It lives them all, or until it gives up. When it failed, and whether it gave up.
async fn lived(gaps: &[u64]) -> (Vec<Instant>, bool) {
    let (panel, times) = (Panel::new(), Times::default());
    let handle = panel.spawn(steadily(times.worker(each(gaps))));
    sleep(Duration::from_millis(gaps.iter().sum::<u64>() + 1_000)).await;
    let failed = times.failed.lock().unwrap().clone();
    assert_eq!(handle.generation(), times.began.lock().unwrap().len() as u64);
    (failed, gave_up(&handle))
}

/// Nine thousand failures, of several workers out of step with each other.
#[test]
fn one_failure_each_400_ms_is_never_too_many_in_an_hour() {
    const AN_HOUR: u64 = 3_600_000;
    let gaps = |first: u64| {
        let mut gaps = vec![400; 9_000];
        gaps[0] = first;
        gaps
    };
    paused(async || {
        let panel = Panel::new();
        let spawn = |first| {
            let times = Times::default();
            (panel.spawn(steadily(times.worker(each(&gaps(first))))), times)
        };
        let workers: Vec<_> = [1, 133, 266, 400].map(spawn).into();
        sleep(Duration::from_millis(AN_HOUR) + PERIOD).await;
        for (handle, times) in workers {
            assert!(!gave_up(&handle) && times.failed.lock().unwrap().len() == 9_000, "{handle:?}");
        }
    });
}

/// Gaps that make much of the borders.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => prop::sample::select(vec![0, 1, 165, 166, 167, 249, 250, 251, 332, 333, 334, 400, 498, 499, 500, 501]),
        3 => 0_u64..180,
        3 => 150_u64..600,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_window_slides_over_any_history(gaps in prop::collection::vec(gap(), 0..40)) {
        let (failed, gave_up) = paused(async || lived(&gaps).await);
        let expected = too_many(&failed);
        prop_assert_eq!(gave_up, expected.is_some());
        prop_assert_eq!(failed.len(), expected.map_or(gaps.len(), |at| at + 1), "it gave up at another");
    }

    #[test]
    fn four_failures_within_499_ms_are_always_too_many(
        calm in prop::collection::vec(250_u64..600, 0..20),
        (first, second) in (0_u64..500, 0_u64..500),
        third in 0_u64..500,
    ) {
        // Three gaps that are 499 ms at most, after a history with which nothing is wrong.
        let burst = [first, second, third].map(|gap| gap * 499 / (first + second + third).max(499));
        let gaps: Vec<u64> = calm.iter().copied().chain([500]).chain(burst).collect();
        let (failed, gave_up) = paused(async || lived(&gaps).await);
        prop_assert!(gave_up && failed.len() == gaps.len(), "{burst:?}: {} of {}", failed.len(), gaps.len());
    }

    /// One window for all of a group, where any of them fails.
    #[test]
    fn a_groups_window_counts_the_failures_of_all_its_members(
        members in prop::collection::vec(prop::collection::vec(250_u64..2_500, 0..12), 1..4),
    ) {
        paused(async || {
            let (panel, times) = (Panel::new(), Times::default());
            let group = panel.group().intensity(Intensity::new(3, PERIOD));
            let handles: Vec<_> =
                members.iter().map(|gaps| group.spawn(steadily(times.worker(each(gaps))))).collect();
            let _group = group.start().unwrap();
            sleep(Duration::from_secs(60)).await;
            let failed = times.failed.lock().unwrap().clone();
            let ended = handles.iter().filter(|handle| handle.status().is_final()).count();
            match too_many(&failed) {
                None => assert_eq!((failed.len(), ended), (members.iter().map(Vec::len).sum(), 0)),
                Some(at) => {
                    assert!(failed[at..].iter().all(|then| *then == failed[at]), "one came back after that");
                    assert_eq!(ended, handles.len());
                }
            }
        });
    }
}
