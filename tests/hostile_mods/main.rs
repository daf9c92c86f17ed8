//! Modules that are broken or mean harm. Each is stopped with a reason in plain words, a healthy mod beside it ticks on,
//! and the loader ends as it should.

mod greedy;
mod malformed;

use std::{path::Path, thread, time::Duration};

use control_panel::workers::mods::{HostFunction, ModLimits};
use tests::workshop::{Workshop, noting, write_mod};

/// What runs on, whatever its neighbour does.
fn healthy(mods: &Path) {
    write_mod(mods, "healthy", "1.0.0", "capabilities = ['intent']", &noting("mod_tick", "", "alive"));
}

fn open(fill: impl FnOnce(&Path)) -> Workshop {
    let mut limits = ModLimits::default();
    // What is to be stopped by the clock says so itself: the healthy one is not to fail on a busy machine.
    limits.time = Duration::from_secs(5);
    limits.fuel = u64::MAX;
    let panicking = HostFunction::new("panic", "host", 0, |_, _| panic!("on purpose"));
    let slow = HostFunction::new("slow", "host", 0, |_, _| {
        thread::sleep(Duration::from_millis(20));
        0
    });
    Workshop::open(
        |mods| {
            healthy(mods);
            fill(mods);
        },
        |loader| loader.limits(limits).grant("intent").grant("host").function(panicking).function(slow),
    )
}

/// The healthy one ticks on after what was done, and everything ends.
fn lives_on(mut workshop: Workshop) {
    workshop.forget();
    assert_eq!(workshop.note("healthy"), "alive");
    workshop.close();
}

/// A text that is refused, and why.
fn refused(wat: &str, more: &str, reason: &str) {
    let mut workshop = open(|mods| write_mod(mods, "bad", "1.0.0", more, wat));
    let text = workshop.failed("bad").0.to_string();
    assert!(text.starts_with(reason), "{text:?} is not {reason:?}");
    assert!(text.len() < 400 && !text.contains(char::is_control), "{text:?}");
    lives_on(workshop);
}

/// A module with a memory and these fields.
fn module(fields: &str) -> String {
    format!(r#"(module {fields} (memory (export "memory") 1))"#)
}

/// A module whose activation does this.
fn activating(body: &str) -> String {
    module(&format!(r#"(func (export "mod_activate") (result i32) {body} (i32.const 0))"#))
}

const SOON: &str = "limits.time_ms = 50";
const LOOP: &str = "(loop $for_ever (br $for_ever))";
