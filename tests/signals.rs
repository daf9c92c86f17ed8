//! Ctrl-C and SIGTERM, with real signals to real processes: this very binary, started again as a child.
#![cfg(unix)]

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use control_panel::{
    Context, ControlPanel, Worker,
    signals::{self, Options, Second, Stop},
};
use rustix::process::{Pid, Signal, kill_process};
use tests::{
    Mark,
    scene::{self, Scene, say},
    watched,
};

type Scenes<const N: usize> = [(&'static str, fn(&Stop)); N];

/// Those that end by themselves when a signal came.
const ORDERLY: Scenes<4> = [("loop", polls), ("async", awaits), ("woken", is_woken), ("calls", calls_back)];

/// Not a test by itself: what the child does.
#[test]
fn child() {
    let Some(scene) = scene::asked() else { return };
    // Longer than any test: no busy machine sees its end.
    let an_hour = Options::default().window(Duration::from_secs(3600));
    let (options, play): (_, fn(&Stop)) = match scene.as_str() {
        "stuck" => (None, gets_stuck),
        "stuck, no window" => (Some(Options::default().window(Duration::ZERO)), gets_stuck),
        "in the window" => (Some(an_hour), counts_requests),
        "ignored" => {
            (Some(Options::default().window(Duration::ZERO).second(Second::Ignored)), counts_requests)
        }
        name => (None, ORDERLY.iter().find(|scene| scene.0 == name).unwrap().1),
    };
    let stop = options.map_or_else(signals::listen, signals::listen_with).unwrap();
    assert!(!stop.is_requested() && stop.signal().is_none());
    shares_its_options(options);
    play(&stop);
    say(&format!("stopped by {}", stop.signal().unwrap()));
}

/// The handlers belong to the process: no program gets others without noticing.
fn shares_its_options(options: Option<Options>) {
    let same = options.unwrap_or_default();
    assert!(signals::listen().is_ok() && signals::listen_with(same).is_ok());
    let refused = signals::listen_with(same.window(Duration::from_millis(7))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
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

/// Goes on until the test says so, and then how often it was asked to stop.
fn counts_requests(stop: &Stop) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    stop.on_request(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        say("requested");
    });
    say("ready");
    scene::waits();
    say(&format!("{} request", calls.load(Ordering::SeqCst)));
}

/// Callbacks: a panic takes no other with it, a dropped `Stop` takes its own back, a late one is called immediately.
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
        for (scene, _) in ORDERLY {
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

/// One press of Ctrl-C, which the terminal and a wrapper both deliver; a `docker stop` that a shell forwards as well.
#[test]
fn what_arrives_within_the_window_is_one_request() {
    let (int, term) = (Signal::INT, Signal::TERM);
    let burst = [int, int, term, int, term].repeat(10);
    for (first, others) in
        [(int, vec![int]), (term, vec![int]), (int, vec![term]), (term, burst.clone()), (int, burst)]
    {
        watched(move || {
            let mut child = Scene::begin("in the window");
            kill(&child, first);
            child.hears("requested");
            for &other in &others {
                kill(&child, other);
            }
            child.goes_on();
            let (status, said) = child.end();
            assert!(status.success(), "{first:?}, {others:?}: {status}, {said:?}");
            let name = if first == int { "stopped by Ctrl-C" } else { "stopped by SIGTERM" };
            for once in ["1 request", name] {
                assert_eq!(said.iter().filter(|line| line.contains(once)).count(), 1, "{others:?}: {said:?}");
            }
            assert!(!said.iter().any(|line| line == "requested"), "{others:?}: {said:?}");
        });
    }
}

#[test]
fn a_second_request_may_be_ignored() {
    watched(|| {
        let mut child = Scene::begin("ignored");
        kill(&child, Signal::INT);
        child.hears("requested");
        for _ in 0..20 {
            kill(&child, Signal::TERM);
            thread::sleep(Duration::from_millis(5));
        }
        child.goes_on();
        let (status, said) = child.end();
        assert!(status.success(), "{status}, {said:?}");
        assert!(said.iter().any(|line| line.contains("1 request")), "{said:?}");
    });
}

#[test]
fn the_second_request_ends_the_process_whatever_is_stuck() {
    let (int, term) = (Signal::INT, Signal::TERM);
    for scene in ["stuck", "stuck, no window"] {
        for (first, second, code) in [(int, int, 130), (term, term, 143), (int, term, 143), (term, int, 130)]
        {
            watched(move || {
                let mut child = Scene::begin(scene);
                kill(&child, first);
                child.hears("requested");
                assert!(child.child.try_wait().unwrap().is_none(), "one signal only asks");
                // As a person does, until it helps: the first ones may be within the window.
                while child.child.try_wait().unwrap().is_none() {
                    kill(&child, second);
                    thread::sleep(Duration::from_millis(20));
                }
                let (status, said) = child.end();
                assert_eq!(status.code(), Some(code), "{first:?}, {second:?}: {status}, {said:?}");
            });
        }
    }
}

#[test]
fn the_defaults_are_half_a_second_and_an_end() {
    let written = Options::default().window(Duration::from_millis(500)).second(Second::EndsProcess);
    assert_eq!(Options::default(), written);
}
