//! Ctrl-C and SIGTERM, with real signals to real processes: this very binary, started again as a child.
#![cfg(unix)]

use std::{sync::mpsc, thread, time::Duration};

use control_panel::{
    Context, ControlPanel, Worker,
    signals::{self, Stop},
};
use rustix::process::{Pid, Signal, kill_process};
use tests::{
    Mark,
    scene::{self, Scene, say},
    watched,
};

type Scenes = [(&'static str, fn(&Stop)); 5];
const SCENES: Scenes =
    [("loop", polls), ("async", awaits), ("woken", is_woken), ("stuck", gets_stuck), ("calls", calls_back)];

/// Not a test by itself: what the child does.
#[test]
fn child() {
    let Some(scene) = scene::asked() else { return };
    let stop = signals::listen().unwrap();
    assert!(!stop.is_requested() && stop.signal().is_none());
    let (_, play) = SCENES.iter().find(|(name, _)| *name == scene).unwrap();
    play(&stop);
    say(&format!("stopped by {}", stop.signal().unwrap()));
}

/// A synchronous loop.
fn polls(stop: &Stop) {
    say("ready");
    while !stop.is_requested() {
        thread::sleep(Duration::from_millis(1));
    }
    // All calls tell the same.
    assert!(signals::listen().unwrap().is_requested() && stop.clone().is_requested());
}

/// Async code, with a shutdown and its report.
fn awaits(stop: &Stop) {
    tests::threads(1).block_on(async {
        let panel = ControlPanel::<Mark>::new();
        panel.spawn(Worker::new("worker", 0, |_| std::future::pending::<()>()));
        say("ready");
        stop.requested().await;
        assert!(panel.shutdown().await.is_clean());
    });
}

/// A loop that sleeps until an intent comes.
fn is_woken(stop: &Stop) {
    let mut panel = ControlPanel::<Mark>::new();
    let sender = panel.sender(0);
    stop.on_request(|| say("replaced"));
    stop.on_request(move || sender.try_send(Mark::new(7)).unwrap());
    say("ready");
    assert!(panel.wait_ready_timeout(Duration::MAX));
    assert_eq!(panel.drain().next().map(|queued| queued.intent.id), Some(7));
    assert!(stop.is_requested());
}

/// A worker and the main thread that nothing can stop.
fn gets_stuck(stop: &Stop) {
    let panel = ControlPanel::<Mark>::new();
    panel.spawn(Worker::new("stuck", 0, async |_: Context<Mark>| {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }));
    // The signals' own thread is stuck as well.
    stop.on_request(|| {
        say("requested");
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    });
    say("ready");
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Callbacks: a panic takes no other with it, a dropped `Stop` takes its own back, a late one is called at once.
fn calls_back(stop: &Stop) {
    let (first, second, third) = (stop.clone(), stop.clone(), stop.clone());
    let (done, waiting) = mpsc::channel();
    first.on_request(|| tests::quiet_panic());
    second.on_request(move || done.send("second").unwrap());
    third.on_request(|| say("dropped"));
    drop(third);
    say("ready");
    assert_eq!(waiting.recv(), Ok("second"));
    let (done, waiting) = mpsc::channel();
    stop.on_request(move || done.send(thread::current().id()).unwrap());
    assert_eq!(waiting.try_recv(), Ok(thread::current().id()));
}

fn kill(scene: &Scene, signal: Signal) {
    kill_process(Pid::from_child(&scene.child), signal).unwrap();
}

#[test]
fn the_first_signal_asks_and_the_program_ends_by_itself() {
    for (signal, name) in [(Signal::INT, "stopped by Ctrl-C"), (Signal::TERM, "stopped by SIGTERM")] {
        for (scene, _) in SCENES.iter().filter(|(name, _)| *name != "stuck") {
            watched(move || {
                let child = Scene::begin(scene);
                kill(&child, signal);
                let (status, said) = child.end();
                assert!(status.success(), "{scene}: {status}, {said:?}");
                assert!(said.iter().any(|line| line.contains(name)), "{scene}: {said:?}");
                for never in ["replaced", "dropped"] {
                    assert!(!said.iter().any(|line| line.contains(never)), "{scene}: {said:?}");
                }
            });
        }
    }
}

#[test]
fn the_second_signal_ends_the_process_whatever_is_stuck() {
    for (first, second, code) in [
        (Signal::INT, Signal::INT, 130),
        (Signal::TERM, Signal::TERM, 143),
        (Signal::INT, Signal::TERM, 143),
        (Signal::TERM, Signal::INT, 130),
    ] {
        watched(move || {
            let mut child = Scene::begin("stuck");
            kill(&child, first);
            child.hears("requested");
            assert!(child.child.try_wait().unwrap().is_none(), "one signal only asks");
            kill(&child, second);
            let (status, said) = child.end();
            assert_eq!(status.code(), Some(code), "{first:?}, {second:?}: {status}, {said:?}");
        });
    }
}
