//! What a metrics recorder is given.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use control_panel::{Backoff, ControlPanel, IntentSource, Restart, Worker, testing};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use super::{Nothing, TURN, Update, a_bad_day};

#[test]
fn a_recorder_is_given_depth_counts_restarts_and_times() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || testing::paused(a_bad_day));
    let mut seen = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
        seen.insert((key.key().name().to_owned(), labels.join(",")), value);
    }
    let counter = |name: &str, label: &str| match seen.get(&(name.to_owned(), label.to_owned())) {
        Some(DebugValue::Counter(count)) => *count,
        other => panic!("{name} {label}: {other:?} in {seen:?}"),
    };
    assert_eq!(counter("control_panel_worker_restarts_total", "control-panel,flaky"), 2);
    assert_eq!(counter("control_panel_worker_errors_total", "control-panel,flaky"), 1);
    assert_eq!(counter("control_panel_intents_total", "control-panel,Restore"), 2);
    assert_eq!(counter("control_panel_intents_total", "control-panel,LocalUI"), 1);
    let (taken, dropped) = (
        counter("control_panel_intents_total", "control-panel,PrefetchScheduler"),
        counter("control_panel_dropped_total", "control-panel"),
    );
    assert_eq!(taken + dropped, 300);
    let depth = seen.get(&("control_panel_queue_depth".to_owned(), "control-panel".to_owned()));
    assert!(matches!(depth, Some(DebugValue::Gauge(depth)) if depth.into_inner() > 0.0), "{depth:?}");
    let times = seen.get(&("control_panel_frame_seconds".to_owned(), "control-panel".to_owned()));
    assert!(matches!(times, Some(DebugValue::Histogram(times)) if times.len() == 2), "{times:?}");
}

#[test]
fn metrics_are_described_and_living_workers_counted_by_state() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let mut totals = BTreeMap::new();
    let mut workers = || {
        for (key, unit, description, value) in snapshotter.snapshot().into_vec() {
            assert!(unit.is_some() && description.is_some(), "{key:?} is not described");
            if key.key().name() == "control_panel_workers" {
                let state =
                    key.key().labels().find(|label| label.key() == "state").unwrap().value().to_owned();
                let DebugValue::Gauge(count) = value else { panic!("a gauge") };
                // A snapshot sets the gauges back.
                *totals.entry(state).or_insert(0.0) += count.into_inner();
            }
        }
        let mut living = totals.clone();
        living.retain(|_, count: &mut f64| count.abs() > 0.5);
        living
    };
    metrics::with_local_recorder(&recorder, || {
        testing::paused(async |panel: &mut ControlPanel<Update>| {
            let patient = |name| Worker::new(name, IntentSource::Restore, |_| std::future::pending::<()>());
            let (first, _second) = (panel.spawn(patient("first")), panel.spawn(patient("second")));
            let fails = Worker::new("fails", IntentSource::Restore, async |_| Err::<(), _>("down"))
                .restart(Restart::OnFailure)
                .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(1)));
            panel.spawn(fails);
            let expected = |states: &[(&str, f64)]| {
                states.iter().map(|&(state, count)| (state.to_owned(), count)).collect()
            };
            assert_eq!(workers(), expected(&[("starting", 3.0)]));
            testing::settle().await;
            assert_eq!(workers(), expected(&[("running", 2.0), ("backoff", 1.0)]));
            first.stop();
            first.ended().await;
            assert_eq!(workers(), expected(&[("running", 1.0), ("backoff", 1.0)]));
            panel.run_frame(&mut Nothing, &mut (), []);
            panel.shutdown().await;
            assert_eq!(workers(), expected(&[]));
        });
    });
}
