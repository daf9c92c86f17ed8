//! The built-in memory monitor: on change, with hysteresis, thresholds from the policy, for any intent.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSender, IntentSource, testing,
    workers::memory_monitor::{
        MemoryLevel, MemoryMonitor, MemoryPolicy, MemoryPressure, MemoryReadError, MemorySample,
        MemoryThresholds, SpawnMemoryMonitor,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LifecycleCause {
    MemoryPressureWarning,
    MemoryPressureCritical,
}

#[derive(Debug, PartialEq, GraphIntent)]
enum GraphIntent {
    DemoteNodeToCold { cause: LifecycleCause },
    MemoryIsFine,
}

impl From<MemoryPressure> for GraphIntent {
    fn from(pressure: MemoryPressure) -> Self {
        let cause = match pressure.level {
            MemoryLevel::Normal => return Self::MemoryIsFine,
            MemoryLevel::Warning => LifecycleCause::MemoryPressureWarning,
            MemoryLevel::Critical => LifecycleCause::MemoryPressureCritical,
        };
        Self::DemoteNodeToCold { cause }
    }
}

const WARNING: GraphIntent = GraphIntent::DemoteNodeToCold { cause: LifecycleCause::MemoryPressureWarning };
const CRITICAL: GraphIntent = GraphIntent::DemoteNodeToCold { cause: LifecycleCause::MemoryPressureCritical };

struct LifecyclePolicy {
    memory_pressure_threshold: f64,
}

impl Default for LifecyclePolicy {
    fn default() -> Self {
        Self { memory_pressure_threshold: 0.8 }
    }
}

impl MemoryPolicy for LifecyclePolicy {
    fn memory_thresholds(&self) -> MemoryThresholds {
        MemoryThresholds::warning_at(self.memory_pressure_threshold)
    }
}

type Panel = ControlPanel<GraphIntent, LifecyclePolicy>;

/// A machine whose memory is used as the test says, in percent, and how often it was asked.
#[derive(Clone, Default)]
struct Machine {
    used: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
}

impl Machine {
    fn monitor(&self) -> MemoryMonitor<IntentSource> {
        let machine = self.clone();
        MemoryMonitor::new(IntentSource::MemoryMonitor).only(move || {
            machine.asked.fetch_add(1, Ordering::Relaxed);
            MemorySample { used: machine.used.load(Ordering::Relaxed), total: 100 }
        })
    }

    /// The intents that follow from this usage within one interval.
    async fn at(&self, panel: &mut Panel, percent: u64) -> Vec<GraphIntent> {
        self.used.store(percent, Ordering::Relaxed);
        testing::advance(Duration::from_secs(5)).await;
        panel.drain().map(|queued| queued.intent).collect()
    }
}

#[test]
fn memory_monitor_emits_demotion_intent_under_pressure() {
    testing::paused(async |panel: &mut Panel| {
        let machine = Machine::default();
        panel.spawn(machine.monitor().into_worker());
        assert_eq!(machine.at(panel, 50).await, [], "no news is no intent");
        assert_eq!(machine.at(panel, 85).await, [WARNING]);
        assert_eq!(machine.at(panel, 85).await, [], "a level is reported once");
        assert_eq!(machine.at(panel, 77).await, [], "still within the hysteresis");
        assert_eq!(machine.at(panel, 95).await, [CRITICAL]);
        assert_eq!(machine.at(panel, 40).await, [GraphIntent::MemoryIsFine]);
        assert!(panel.shutdown().await.is_clean());
    });
}

#[test]
fn a_new_threshold_applies_at_once_to_the_last_sample() {
    testing::paused(async |panel: &mut Panel| {
        let machine = Machine::default();
        panel.spawn(machine.monitor().interval(Duration::from_secs(3600)).into_worker());
        machine.used.store(50, Ordering::Relaxed);
        testing::settle().await;
        assert_eq!(panel.drain().count(), 0);
        panel.set_policy(LifecyclePolicy { memory_pressure_threshold: 0.4 });
        testing::settle().await;
        let frame: Vec<_> = panel.drain().map(|queued| (queued.source, queued.intent)).collect();
        assert_eq!(frame, [(IntentSource::MemoryMonitor, WARNING)]);
        for absurd in [f64::NAN, -1.0, 7.0, f64::INFINITY] {
            panel.set_policy(LifecyclePolicy { memory_pressure_threshold: absurd });
            testing::settle().await;
        }
        assert_eq!(panel.worker_count(), 1, "no policy brings it down");
        assert_eq!(
            machine.asked.load(Ordering::Relaxed),
            1,
            "the interval decides when it samples, and nothing else"
        );
    });
}

/// Thresholds as they are set for what is rare, and as no one should set them: the hysteresis does not keep what it began.
#[test]
fn a_warning_ends_when_nothing_is_used_whatever_its_threshold_is() {
    for threshold in [0.05, 0.02, 0.000_001, 0.0] {
        testing::paused(async move |panel: &mut Panel| {
            panel.set_policy(LifecyclePolicy { memory_pressure_threshold: threshold });
            let machine = Machine::default();
            panel.spawn(machine.monitor().into_worker());
            assert_eq!(machine.at(panel, 0).await, [], "{threshold}");
            assert_eq!(machine.at(panel, 7).await, [WARNING], "{threshold}");
            assert_eq!(machine.at(panel, 0).await, [GraphIntent::MemoryIsFine], "{threshold}");
        });
    }
}

/// A monitor that runs, and a queue without room for what it tells.
async fn monitored_and_full(panel: &Panel) -> (Machine, IntentSender<GraphIntent>) {
    let machine = Machine::default();
    panel.spawn(machine.monitor().into_worker());
    testing::settle().await;
    let hog = panel.sender(IntentSource::MemoryMonitor);
    while hog.try_send(GraphIntent::MemoryIsFine).is_ok() {}
    (machine, hog)
}

#[test]
fn a_level_that_could_not_be_sent_is_sent_later() {
    testing::paused(async |panel: &mut Panel| {
        let (machine, _hog) = monitored_and_full(panel).await;
        machine.used.store(85, Ordering::Relaxed);
        testing::advance(Duration::from_secs(60)).await;
        assert!(panel.drain().all(|queued| queued.intent == GraphIntent::MemoryIsFine));
        testing::settle().await;
        assert_eq!(panel.drain().map(|queued| queued.intent).collect::<Vec<_>>(), [WARNING]);
    });
}

/// What is sent is the level at the time when there is room to send it.
#[test]
fn a_level_that_is_over_before_it_could_be_sent_is_not_sent() {
    testing::paused(async |panel: &mut Panel| {
        let (machine, hog) = monitored_and_full(panel).await;
        machine.used.store(95, Ordering::Relaxed);
        testing::advance(Duration::from_secs(60)).await;
        machine.used.store(80, Ordering::Relaxed);
        assert!(panel.drain().all(|queued| queued.intent == GraphIntent::MemoryIsFine));
        testing::settle().await;
        assert_eq!(panel.drain().map(|queued| queued.intent).collect::<Vec<_>>(), [WARNING], "not CRITICAL");

        while hog.try_send(GraphIntent::MemoryIsFine).is_ok() {}
        machine.used.store(10, Ordering::Relaxed);
        testing::advance(Duration::from_secs(60)).await;
        panel.set_policy(LifecyclePolicy { memory_pressure_threshold: 0.05 });
        assert!(panel.drain().all(|queued| queued.intent == GraphIntent::MemoryIsFine));
        testing::settle().await;
        assert_eq!(panel.drain().count(), 0, "a warning before, and by the new policy one now");
        assert_eq!(panel.status().waiting, 0);
        assert!(hog.try_send(GraphIntent::MemoryIsFine).is_ok());
    });
}

/// While there is no room to tell anything, the gauges are read on.
#[test]
fn what_the_gauges_show_is_current_also_while_the_queue_is_full() {
    testing::paused(async |panel: &mut Panel| {
        let machine = Machine::default();
        let monitor = machine.monitor();
        let readings = monitor.readings();
        panel.spawn(monitor.into_worker());
        testing::settle().await;
        let hog = panel.sender(IntentSource::MemoryMonitor);
        while hog.try_send(GraphIntent::MemoryIsFine).is_ok() {}
        for percent in [85, 95, 10, 97] {
            machine.used.store(percent, Ordering::Relaxed);
            testing::advance(Duration::from_secs(5)).await;
            let shown = readings.latest()[0].sample.map(|sample| sample.used);
            assert_eq!(shown, Some(percent));
        }
        // Another policy is heard too.
        let level = || readings.latest()[0].level;
        assert_eq!(level(), MemoryLevel::Critical);
        panel.set_policy(LifecyclePolicy { memory_pressure_threshold: 0.96 });
        testing::settle().await;
        assert_eq!(level(), MemoryLevel::Warning);
        assert!(panel.drain().all(|queued| queued.intent == GraphIntent::MemoryIsFine));
        testing::settle().await;
        assert_eq!(panel.drain().map(|queued| queued.intent).collect::<Vec<_>>(), [WARNING]);
    });
}

/// A sampler is the program's code: its panic is a gauge that cannot be read, for as long as it panics.
#[test]
fn a_sampler_that_panics_is_an_error_and_the_others_count() {
    testing::paused(async |panel: &mut Panel| {
        let machine = Machine::default();
        let bad = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&bad);
        let monitor = machine.monitor().also(move || match now.load(Ordering::Relaxed) {
            0 => panic::resume_unwind(Box::new("the gauge is broken")),
            used => MemorySample { used, total: 100 },
        });
        let readings = monitor.readings();
        panel.spawn(monitor.into_worker());
        assert_eq!(machine.at(panel, 85).await, [WARNING]);
        let broken = Some(MemoryReadError::Panicked("the gauge is broken".to_owned()));
        assert_eq!(readings.latest()[1].error, broken);
        assert_eq!(machine.at(panel, 10).await, [GraphIntent::MemoryIsFine]);
        bad.store(99, Ordering::Relaxed);
        assert_eq!(machine.at(panel, 10).await, [CRITICAL]);
        assert_eq!(readings.latest()[1].error, None);
        assert_eq!(panel.worker_count(), 1);
    });
}

/// The real sampler, on this very machine: below any threshold there is nothing, above it a warning.
#[test]
fn the_real_monitor_reports_real_memory() {
    let mut panel = Panel::builder().policy(LifecyclePolicy { memory_pressure_threshold: 0.000_001 }).build();
    panel.spawn_memory_monitor();
    tests::eventually("it samples immediately", || panel.queued() > 0);
    let frame: Vec<_> = panel.drain().map(|queued| (queued.source, queued.intent)).collect();
    assert_eq!(frame.len(), 1);
    assert!(matches!(frame[0], (IntentSource::MemoryMonitor, GraphIntent::DemoteNodeToCold { .. })));
    assert!(panel.shutdown_blocking().is_clean());
}

/// An intent that no panel takes is a mistake of the host: the worker fails, and the report says why.
#[test]
fn an_intent_with_the_clock_0_makes_the_monitor_fail_and_say_why() {
    #[derive(Debug, GraphIntent)]
    enum Update {
        #[intent(clock = clock)]
        Pressure { clock: u64 },
    }
    impl From<MemoryPressure> for Update {
        fn from(_: MemoryPressure) -> Self {
            Self::Pressure { clock: 0 }
        }
    }

    let mut status = String::new();
    testing::paused(async |panel: &mut ControlPanel<Update>| {
        let full =
            MemoryMonitor::new(IntentSource::MemoryMonitor).only(|| MemorySample { used: 100, total: 100 });
        let worker = panel.spawn(full.into_worker());
        testing::advance(Duration::from_secs(60)).await;
        assert!(worker.status().is_final(), "{:?}", worker.status());
        status = format!("{:?}", worker.status());
    });
    assert!(status.contains("ZeroClock"), "{status}");
}

/// An interval that no clock can count is "never again": it samples once.
#[test]
fn the_interval_may_be_as_long_as_there_are() {
    testing::paused(async |panel: &mut Panel| {
        let machine = Machine::default();
        let worker = panel.spawn(machine.monitor().interval(Duration::MAX).into_worker());
        testing::advance(Duration::from_secs(24 * 3_600)).await;
        assert!(!worker.status().is_final(), "{:?}", worker.status());
        assert_eq!(machine.asked.load(Ordering::Relaxed), 1);
    });
}
