//! Many mods: what it costs to decide what comes next grows with their number, not with its square.

use std::fs;

use control_panel::workers::mods::{Deactivation, ModEvent};
use tests::workshop::{FINE, Said, Workshop, manifest};

/// Well-behaved mods start and stop within the defaults, each after what it requires and before it.
#[test]
fn five_hundred_mods_start_and_stop_within_the_defaults() {
    const MODS: usize = 500;
    let mut workshop = Workshop::open(
        |mods| {
            fs::write(mods.join("m.wat"), FINE).expect("written");
            for number in 0..MODS {
                let requires = match number.checked_sub(1) {
                    Some(before) if number % 5 != 0 => format!("requires = ['m{before:03}']"),
                    _ => String::new(),
                };
                let text = manifest(&format!("m{number:03}"), "1.0.0", "m.wat", &requires);
                fs::write(mods.join(format!("{number}.toml")), text).expect("written");
            }
        },
        |loader| loader.max_mods(MODS),
    );
    let mut ids = |what: &str, of: &dyn Fn(&Said) -> Option<String>| {
        workshop.wait(what, |_| Some(()));
        let mut ids = Vec::new();
        tests::eventually(what, || {
            ids = workshop.said().iter().filter_map(of).collect();
            ids.len() == MODS
        });
        ids
    };
    let started = ids("all are active", &|said| match said {
        Said::Mod(ModEvent::Activated { mod_id, .. }) => Some(mod_id.clone()),
        _ => None,
    });
    assert!(started.is_sorted(), "{started:?}");
    let mut panel = workshop.panel;
    let report = panel.shutdown_blocking();
    assert!(report.is_clean(), "{report}");
    // A panel that is shut down takes no more intents than there is room for: the first of them are heard of.
    let stopped: Vec<_> = panel
        .drain()
        .filter_map(|queued| match queued.intent {
            Said::Mod(ModEvent::Deactivated { mod_id, cause: Deactivation::Stopping }) => Some(mod_id),
            _ => None,
        })
        .collect();
    assert!(stopped.len() > 50 && stopped.is_sorted_by(|later, earlier| later >= earlier), "{stopped:?}");
}
