//! Promise 6, in a process that ends so: a main that panics leaves no orphan. While it unwinds, every async worker ends at its
//! next await and the blocking ones are asked to stop; nothing keeps the process from ending.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{ControlPanel, Restart, Worker, WorkerHandle, WorkerStatus, supervision::Cancel};
use tests::{
    Mark, Notes, eventually,
    offenders::{Busy, OnDrop, Patient},
    quiet_panic,
    scene::{self, Scene, say},
    threads, watched,
};
use tokio::time::sleep;

type Panel = ControlPanel<Mark>;

/// Not a test by itself: what the child does.
#[test]
fn child() {
    match scene::asked().as_deref() {
        Some("loop") => panics_in_the_loop(),
        Some("async") => panics_in_async_code(),
        Some("stuck") => panics_beside_the_stuck(),
        _ => {}
    }
}

/// Goes last, while its thread unwinds, and says what became of the others.
struct Last {
    workers: Vec<WorkerHandle>,
    ended: Arc<AtomicUsize>,
    patient: Patient,
}

impl Last {
    fn new() -> Self {
        Self { workers: Vec::new(), ended: Arc::default(), patient: Patient::default() }
    }

    /// Two async ones, one of which would not stop by itself, and two that block. All run.
    fn spawn(&mut self, panel: &Panel) {
        for cancel in [Cancel::Drop, Cancel::Cooperative] {
            let ended = Arc::clone(&self.ended);
            let worker = Worker::new("async", 0, move |_| {
                let ended = OnDrop(Arc::clone(&ended));
                async move {
                    let _ended = ended;
                    loop {
                        sleep(Duration::from_millis(1)).await;
                    }
                }
            });
            self.workers.push(panel.spawn(worker.cancel(cancel).restart(Restart::Always)));
        }
        self.workers.extend(self.patient.workers().map(|worker| panel.spawn(worker)));
        eventually("all run", || {
            let run = |handle: &WorkerHandle| matches!(handle.status(), WorkerStatus::Running);
            self.workers.iter().all(run) && self.patient.begun.load(Ordering::SeqCst) == 2
        });
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        // A panic here would be the second, and end the process otherwise than the test wants.
        eventually("all end", || self.workers.iter().all(|handle| handle.status().is_final()));
        say(&format!("{} were dropped", self.ended.load(Ordering::SeqCst)));
        say(&format!("{:?} were the causes", self.patient.causes.lock().unwrap()));
    }
}

fn panics_in_the_loop() {
    let mut last = Last::new();
    let mut panel = Panel::new();
    last.spawn(&panel);
    say("ready");
    let mut reducer = Notes { panic_on: Some(7), ..Notes::default() };
    panel.run_frame(&mut reducer, &mut (), [(0, Mark::new(7))]);
}

fn panics_in_async_code() {
    let mut last = Last::new();
    let runtime = threads(2);
    runtime.block_on(async {
        let panel = Panel::new();
        last.spawn(&panel);
        say("ready");
        quiet_panic()
    });
}

/// Nothing can stop these, and nothing waits for them.
fn panics_beside_the_stuck() {
    let panel = Panel::new();
    let busy = Busy::default();
    panel.spawn(busy.worker("busy"));
    panel.spawn(Worker::thread("deaf", 0, |_| {
        loop {
            thread::sleep(Duration::from_secs(1));
        }
    }));
    eventually("it blocks", || busy.blocking.load(Ordering::SeqCst) == 1);
    say("ready");
    quiet_panic()
}

#[test]
fn a_panic_in_main_takes_all_with_it_and_ends_the_process() {
    for name in ["loop", "async", "stuck"] {
        watched(move || {
            let (status, said) = Scene::begin(name).end();
            assert_eq!(status.code(), Some(101), "{name}: it ends as a panic does: {status}, {said:?}");
            if name != "stuck" {
                for line in ["2 were dropped", "[Some(Shutdown), Some(Shutdown)] were the causes"] {
                    assert!(said.iter().any(|said| said == line), "{name}: not `{line}`: {said:?}");
                }
            }
        });
    }
}
