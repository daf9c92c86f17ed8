//! Mods that require others: started after them, stopped before them.

use std::{thread, time::Duration};

use control_panel::workers::mods::{Deactivation, ModError, ModEvent, ModHealth};
use tests::{
    eventually,
    workshop::{FINE, Said, Workshop, manifest, noting, write_file, write_mod},
};

/// The ids of what was said to be active, in order.
fn activated(workshop: &mut Workshop) -> Vec<String> {
    let ids = workshop.said().iter().filter_map(|said| match said {
        Said::Mod(ModEvent::Activated { mod_id, .. }) => Some(mod_id.clone()),
        _ => None,
    });
    ids.collect()
}

#[test]
fn mods_are_activated_after_what_they_require_and_stopped_before_it() {
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "a", "1.0.0", "requires = ['titles']", FINE);
            write_mod(mods, "b", "1.0.0", "requires = ['a']", FINE);
            write_mod(mods, "z", "1.0.0", "provides = ['titles']", FINE);
            // A single file is a mod too.
            write_file(&mods.join("alone.toml"), &manifest("alone", "2.0.0", "alone.wat", ""));
            write_file(&mods.join("alone.wat"), FINE);
        },
        |loader| loader,
    );
    workshop.active("b");
    assert_eq!(activated(&mut workshop), ["alone", "z", "a", "b"]);
    workshop.forget();
    workshop.control.deactivate("z").expect("room");
    assert_eq!(workshop.inactive("z"), Deactivation::Asked);
    workshop.failed("b");
    let said: Vec<_> = workshop.said().iter().map(|said| format!("{said:?}")).collect();
    assert_eq!(said.len(), 5, "{said:#?}");
    assert!(
        said[0].contains("Deactivated { mod_id: \"b\"") && said[0].contains("NotRunning { name: \"a\" }")
    );
    assert!(
        said[1].contains("Deactivated { mod_id: \"a\"")
            && said[1].contains("NotRunning { name: \"titles\" }")
    );
    assert!(said[2].contains("Deactivated { mod_id: \"z\""));
    workshop.forget();
    workshop.control.activate("z").expect("room");
    workshop.active("b");
    assert_eq!(activated(&mut workshop), ["z", "a", "b"], "all of them come back");
    workshop.close();
}

#[test]
fn the_last_words_at_the_end_come_in_reverse_order() {
    let mut workshop = Workshop::open(
        |mods| {
            let farewell = |text| noting("mod_deactivate", "", text);
            write_mod(mods, "a", "1.0.0", "capabilities = ['intent']", &farewell("a goes"));
            let more = "requires = ['a']\ncapabilities = ['intent']";
            write_mod(mods, "b", "1.0.0", more, &farewell("b goes"));
        },
        |loader| loader.grant("intent"),
    );
    workshop.active("b");
    workshop.forget();
    assert!(workshop.panel.shutdown_blocking().is_clean());
    let said: Vec<_> = workshop.said().to_vec();
    let stopped =
        |id: &str| Said::Mod(ModEvent::Deactivated { mod_id: id.to_owned(), cause: Deactivation::Stopping });
    let note = |by: &str| Said::Note { by: by.to_owned(), text: format!("{by} goes") };
    assert_eq!(said, [note("b"), stopped("b"), note("a"), stopped("a")]);
    assert!(workshop.control.reload("a").is_err(), "no loader is there to obey");
}

#[test]
fn a_mod_that_fails_while_it_runs_is_stopped_and_so_is_what_requires_it() {
    let dying = r#"(module (memory (export "memory") 1) (global $left (mut i32) (i32.const 3))
        (func (export "mod_activate") (result i32) (i32.const 0))
        (func (export "mod_tick")
            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
            (if (i32.eqz (global.get $left)) (then (unreachable)))))"#;
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "dying", "1.0.0", "", dying);
            write_mod(mods, "heir", "1.0.0", "requires = ['dying']", FINE);
            write_mod(mods, "well", "1.0.0", "", FINE);
        },
        |loader| loader,
    );
    workshop.active("heir");
    let Deactivation::Failed(why) = workshop.inactive("dying") else { panic!("it failed") };
    assert!(why.to_string().starts_with("its mod_tick failed: "), "{why}");
    let Deactivation::Failed(why) = workshop.inactive("heir") else { panic!("it lacks") };
    assert_eq!(why.to_string(), "it requires `dying`, whose mod is not running");
    eventually("the status tells", || workshop.status("dying").health == ModHealth::Failed);
    assert_eq!(workshop.status("well").health, ModHealth::Active);
    workshop.forget();
    workshop.control.activate("dying").expect("room");
    workshop.active("heir");
    workshop.close();
}

/// The new version would leave another mod without what it requires, but does not even load: nothing happens to that.
#[test]
fn a_broken_new_version_leaves_those_alone_that_require_the_old_one() {
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "base", "1.0.0", "provides = ['pages']", FINE);
            write_mod(mods, "user", "1.0.0", "requires = ['pages']", FINE);
        },
        |loader| loader,
    );
    workshop.active("user");
    workshop.forget();
    let declining = FINE.replace("i32.const 0", "i32.const 3");
    write_mod(workshop.folder(), "base", "2.0.0", "", &declining);
    workshop.wait("the new one failed", |said| match said {
        Said::Mod(ModEvent::LoadFailed { reason: ModError::Declined { number: 3 }, .. }) => Some(()),
        _ => None,
    });
    thread::sleep(Duration::from_millis(300));
    let of_user = |said: &Said| matches!(said, Said::Mod(event) if event.mod_id() == "user");
    assert!(!workshop.said().iter().any(of_user), "{:#?}", workshop.said());
    workshop.forget();
    write_mod(workshop.folder(), "base", "3.0.0", "", FINE);
    workshop.wait("version 3", |said| match said {
        Said::Mod(ModEvent::Activated { version, .. }) => (version == "3.0.0").then_some(()),
        _ => None,
    });
    let mut ended = workshop.said().iter().rev().filter_map(|said| match said {
        Said::Mod(ModEvent::Deactivated { mod_id, .. }) => Some(mod_id.clone()),
        _ => None,
    });
    assert_eq!(ended.next().as_deref(), Some("base"), "it is stopped after the one that requires it");
    workshop.close();
}
