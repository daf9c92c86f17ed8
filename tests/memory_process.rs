//! The memory monitor leaves the process as it found it: in a process of its own, started again from this very binary.
#![cfg(unix)]

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    workers::memory_monitor::{MemoryGauge, MemoryMonitor, MemoryPressure},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::{
    eventually,
    scene::{self, Scene, say},
    watched,
};

#[derive(Debug, GraphIntent)]
enum Update {
    #[intent(from)]
    Pressure(#[expect(dead_code, reason = "for its name")] MemoryPressure),
}

/// Not a test by itself: what the child does.
#[test]
fn child() {
    if scene::asked().is_none() {
        return;
    }
    let hard = getrlimit(Resource::Nofile).maximum;
    let low = Rlimit { current: hard.map_or(Some(512), |hard| Some(512.min(hard / 2))), maximum: hard };
    setrlimit(Resource::Nofile, low).expect("a limit may be lowered");
    say("ready");
    let panel = ControlPanel::<Update>::new();
    let monitor = MemoryMonitor::new(IntentSource::MemoryMonitor);
    let readings = monitor.readings();
    panel.spawn(monitor.into_worker());
    eventually("every gauge was asked", || readings.latest().len() == 4);
    let process = readings.latest().iter().find(|reading| reading.gauge == MemoryGauge::Process).cloned();
    assert!(process.is_some_and(|reading| reading.sample.is_some_and(|sample| sample.used > 0)));
    assert!(panel.shutdown_blocking().is_clean());
    let after = getrlimit(Resource::Nofile);
    say(if (after.current, after.maximum) == (low.current, low.maximum) { "unchanged" } else { "changed" });
}

#[test]
fn measuring_memory_does_not_raise_the_limit_of_open_files() {
    watched(|| {
        let (status, said) = Scene::begin("monitor").end();
        assert!(status.success(), "{status}, {said:?}");
        assert!(said.iter().any(|line| line.contains("unchanged")), "{said:?}");
    });
}
