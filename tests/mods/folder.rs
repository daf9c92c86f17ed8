//! What changes in the folder while the loader runs: new versions, broken ones, files that come and go.

use std::{fs, thread, time::Duration};

use control_panel::{
    ControlPanel, IntentSource, WorkerStatus, testing,
    workers::mods::{Deactivation, ModError, ModEvent, ModFolderWatch, ModHealth, ModLoader},
};
use tests::{
    eventually,
    workshop::{FINE, Limits, Said, Workshop, noting, write_file, write_mod},
};

#[test]
fn a_new_version_takes_the_place_of_the_old_one_and_the_old_one_says_goodbye() {
    let version = |number: u32| noting("mod_deactivate", "", &format!("goodbye of {number}"));
    let more = "capabilities = ['intent']";
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "m", "1.0.0", more, &version(1)),
        |loader| loader.grant("intent"),
    );
    assert_eq!(workshop.active("m"), "1.0.0");
    workshop.forget();
    write_mod(workshop.folder(), "m", "2.0.0", more, &version(2));
    // Its files are renamed one after the other: either may have been seen alone.
    workshop.wait("version 2", |said| match said {
        Said::Mod(ModEvent::Activated { version, .. }) => (version == "2.0.0").then_some(()),
        _ => None,
    });
    let said = workshop.said().to_vec();
    assert_eq!(said[0], Said::Note { by: "m".into(), text: "goodbye of 1".into() });
    assert_eq!(
        said[1],
        Said::Mod(ModEvent::Deactivated { mod_id: "m".into(), cause: Deactivation::Replaced })
    );
    assert!(matches!(&said[2], Said::Mod(ModEvent::Activated { .. })));
    workshop.close();
}

#[test]
fn a_broken_new_version_leaves_the_old_one_running_and_says_so() {
    let ticking = noting("mod_tick", "", "tick");
    let more = "capabilities = ['intent']";
    let mut workshop =
        Workshop::open(|mods| write_mod(mods, "m", "1.0.0", more, &ticking), |loader| loader.grant("intent"));
    workshop.active("m");
    write_file(&workshop.folder().join("m/mod.wat"), "(module (func");
    let (reason, still_running) = workshop.failed("m");
    assert!(reason.to_string().starts_with("its text is no valid WebAssembly: "), "{reason}");
    assert_eq!(still_running.as_deref(), Some("1.0.0"));
    eventually("it is in the status", || workshop.status("m").health == ModHealth::Outdated);
    workshop.forget();
    workshop.note("m");
    // A broken manifest is no different, though the id in it cannot be known.
    write_file(&workshop.folder().join("m/mod.toml"), "id = 3");
    let (reason, still_running) = workshop.failed("m");
    assert!(reason.to_string().contains("`id` must be a text"), "{reason}");
    assert_eq!(still_running.as_deref(), Some("1.0.0"));
    workshop.forget();
    workshop.note("m");
    // And a good one heals it.
    write_mod(workshop.folder(), "m", "3.0.0", more, &ticking);
    assert_eq!(workshop.active("m"), "3.0.0");
    eventually("it is well", || workshop.status("m").health == ModHealth::Active);
    workshop.close();
}

#[test]
fn a_failure_is_reported_once_and_tried_again_when_it_is_asked_for_or_changed() {
    let moody = FINE.replace("i32.const 0", "i32.const 7");
    let mut workshop = Workshop::open(|mods| write_mod(mods, "m", "1.0.0", "", &moody), |loader| loader);
    workshop.failed("m");
    thread::sleep(Duration::from_millis(350));
    assert_eq!(workshop.said().len(), 1, "three more looks reported nothing new");
    workshop.forget();
    workshop.control.activate("m").expect("room");
    workshop.failed("m");
    workshop.forget();
    write_mod(workshop.folder(), "m", "1.0.1", "", FINE);
    workshop.active("m");
    workshop.forget();
    workshop.control.reload("m").expect("room");
    workshop.active("m");
    assert_eq!(workshop.inactive("m"), Deactivation::Replaced);
    workshop.close();
}

#[test]
fn a_mod_whose_files_go_is_stopped_and_one_that_comes_is_started() {
    let mut workshop = Workshop::open(|mods| write_mod(mods, "a", "1.0.0", "", FINE), |loader| loader);
    workshop.active("a");
    write_mod(workshop.folder(), "b", "1.0.0", "", FINE);
    workshop.active("b");
    fs::remove_dir_all(workshop.folder().join("a")).expect("removed");
    assert_eq!(workshop.inactive("a"), Deactivation::Removed);
    eventually("it is forgotten", || workshop.control.status().len() == 1);
    workshop.close();
}

#[test]
fn the_file_system_tells_of_a_change_long_before_the_next_look() {
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "a", "1.0.0", "", FINE),
        |loader| loader.look_every(Duration::from_secs(3_600)),
    );
    workshop.active("a");
    write_mod(workshop.folder(), "b", "1.0.0", "", FINE);
    workshop.active("b");
    write_mod(workshop.folder(), "b", "2.0.0", "", FINE);
    workshop.wait("version 2", |said| match said {
        Said::Mod(ModEvent::Activated { version, .. }) => (version == "2.0.0").then_some(()),
        _ => None,
    });
    workshop.close();
}

#[test]
fn a_folder_that_is_deleted_and_made_anew_is_watched_anew() {
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "a", "1.0.0", "", FINE),
        |loader| loader.look_every(Duration::from_millis(200)),
    );
    for round in 0..3 {
        workshop.active("a");
        workshop.forget();
        fs::remove_dir_all(workshop.folder()).expect("removed");
        assert_eq!(workshop.inactive("a"), Deactivation::Removed, "round {round}");
        write_mod(workshop.folder(), "a", "1.0.0", "", FINE);
    }
    workshop.active("a");
    workshop.close();
}

#[test]
fn a_loader_without_a_folder_waits_for_one() {
    let place = tempfile::tempdir().expect("a place");
    let folder = place.path().join("later/mods");
    let mut panel = ControlPanel::<Said, Limits>::new();
    let handle = panel.spawn(
        control_panel::workers::ModLoader::new(&folder, IntentSource::ModLoader)
            .look_every(Duration::from_millis(20))
            .into_worker(),
    );
    eventually("it runs", || matches!(handle.status(), WorkerStatus::Running));
    thread::sleep(Duration::from_millis(100));
    assert!(matches!(handle.status(), WorkerStatus::Running) && panel.drain().next().is_none());
    fs::create_dir_all(&folder).expect("made");
    write_mod(&folder, "a", "1.0.0", "", FINE);
    eventually("it is loaded", || panel.queued() > 0);
    assert!(panel.shutdown_blocking().is_clean());
}

/// Files that are no mods do not push out one that runs.
#[test]
fn a_mod_that_runs_goes_on_whatever_else_lies_in_the_folder() {
    let mut workshop =
        Workshop::open(|mods| write_mod(mods, "m", "1.0.0", "", FINE), |loader| loader.max_mods(1));
    workshop.active("m");
    workshop.forget();
    for number in 0..200 {
        fs::write(workshop.folder().join(format!("{number}.tmp")), "").expect("written");
    }
    write_mod(workshop.folder(), "a", "1.0.0", "", FINE);
    let (reason, _) = workshop.failed("(mods folder)");
    assert_eq!(reason, ModError::TooMany { most: 1 });
    assert!(!format!("{:?}", workshop.said()).contains("ctivated"), "{:#?}", workshop.said());
    assert_eq!(workshop.status("m").health, ModHealth::Active);
    workshop.close();
}

/// What is written into a file that is no mod's brings about no look, and no mod is read again.
#[test]
fn a_log_in_the_folder_makes_nothing_be_read_again() {
    use std::io::Write;
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "m", "1.0.0", "", FINE);
            fs::write(mods.join("app.log"), "").expect("written");
            fs::write(mods.join("m/app.log"), "").expect("written");
        },
        |loader| loader.look_every(Duration::from_secs(3_600)),
    );
    workshop.active("m");
    // The watches that the first look began bring about a second one.
    eventually("it is watched", || workshop.control.folder().watch == ModFolderWatch::Notified);
    let mut looks = 0;
    eventually("no look more", || {
        looks = workshop.control.folder().looks;
        thread::sleep(Duration::from_millis(300));
        workshop.control.folder().looks == looks
    });
    for _ in 0..30 {
        for log in ["app.log", "m/app.log"] {
            let log = workshop.folder().join(log);
            let mut log = fs::OpenOptions::new().append(true).open(log).expect("opened");
            log.write_all(b"a line\n").expect("written");
        }
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(workshop.control.folder().looks, looks);
    // And what is a mod's is found all the same.
    write_mod(workshop.folder(), "m", "2.0.0", "", FINE);
    workshop.wait("version 2", |said| match said {
        Said::Mod(ModEvent::Activated { version, .. }) => (version == "2.0.0").then_some(()),
        _ => None,
    });
    workshop.close();
}

#[test]
fn it_is_known_how_changes_are_noticed() {
    let mut workshop = Workshop::open(|mods| write_mod(mods, "m", "1.0.0", "", FINE), |loader| loader);
    workshop.active("m");
    eventually("it is watched", || workshop.control.folder().watch == ModFolderWatch::Notified);
    fs::remove_dir_all(workshop.folder()).expect("removed");
    let no_folder = "only looked at regularly: there is no such folder";
    eventually("it is not", || workshop.control.folder().watch.to_string() == no_folder);
    write_mod(workshop.folder(), "m", "1.0.0", "", FINE);
    eventually("it is watched again", || workshop.control.folder().watch == ModFolderWatch::Notified);
    assert_eq!(workshop.control.folder().trouble, None);
    workshop.close();
}

/// Under paused time the clock waits for a look as for everything else.
#[test]
fn a_test_under_paused_time_finds_its_mods_loaded() {
    let place = tempfile::tempdir().expect("a place");
    write_mod(place.path(), "m", "1.0.0", "", FINE);
    testing::paused(async |panel: &mut ControlPanel<Said, Limits>| {
        panel.spawn(ModLoader::new(place.path(), IntentSource::ModLoader).into_worker());
        testing::advance(Duration::from_millis(500)).await;
        let said: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
        assert!(matches!(&said[..], [Said::Mod(ModEvent::Activated { .. })]), "{said:?}");
        assert!(panel.shutdown().await.is_clean());
    });
}
