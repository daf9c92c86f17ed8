//! Time in which the whole process is stopped is not a mod's: in a process of its own, started again from this very binary.
#![cfg(unix)]

use std::{thread, time::Duration};

use control_panel::workers::mods::{ModEvent, ModLimits};
use rustix::process::{Pid, Signal, kill_process};
use tests::{
    eventually,
    scene::{self, Scene, say},
    watched,
    workshop::{Said, Workshop, write_mod},
};

/// Its tick takes a while of the 50 ms that it may take, and comes again as soon as it can.
const TICKING: &str = r#"(module (import "cp" "log" (func $log (param i32 i32 i32))) (memory (export "memory") 1)
    (func (export "mod_activate") (result i32) (i32.const 0))
    (func (export "mod_tick") (local $n i32)
        (call $log (i32.const 0) (i32.const 0) (i32.const 0))
        (loop $more (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))))"#;
const PAUSES: u32 = 20;

/// Not a test by itself: what the child does.
#[test]
fn child() {
    if scene::asked().is_none() {
        return;
    }
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "good", "1.0.0", "", TICKING),
        |loader| loader.limits(ModLimits::default()).tick(Duration::from_millis(1)),
    );
    assert_eq!(workshop.active("good"), "1.0.0");
    eventually("its status is shown", || !workshop.control.status().is_empty());
    say("ready");
    let ticks = workshop.status("good").logged;
    eventually("it has run for long", || {
        let gone = workshop.said().iter().any(|said| matches!(said, Said::Mod(ModEvent::Deactivated { .. })));
        gone || workshop.control.status()[0].logged > ticks + 20 * u64::from(PAUSES)
    });
    let status = workshop.status("good");
    assert_eq!(status.trouble, None, "it did nothing wrong");
    assert!(status.costs.longest < ModLimits::default().time, "{:?}", status.costs);
    workshop.close();
    say("well");
}

#[test]
fn a_mod_is_not_blamed_when_the_whole_process_is_paused() {
    watched(|| {
        let scene = Scene::begin("ticking");
        let pid = Pid::from_child(&scene.child);
        for _ in 0..PAUSES {
            // Longer than a call may take.
            for (signal, wait) in [(Signal::STOP, 80), (Signal::CONT, 7)] {
                kill_process(pid, signal).expect("it lives");
                thread::sleep(Duration::from_millis(wait));
            }
        }
        let (status, said) = scene.end();
        assert!(status.success() && said.iter().any(|line| line.contains("well")), "{status}, {said:?}");
    });
}
