//! The built-in mod loader: loads in order, grants, runs, reloads, switches and stops.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource, WorkerStatus,
    workers::{
        SpawnModLoader,
        mods::{Deactivation, HostFunction, ModError, ModEvent, ModHealth, ModIntent, ModLimits, ModLoader},
    },
};
use tests::{
    eventually,
    workshop::{FINE, Limits, Said, Workshop, manifest, noting, write_file, write_mod},
};

/// The ids of what was said to be active, in order.
fn activated(workshop: &mut Workshop) -> Vec<String> {
    let ids = workshop.told().iter().filter_map(|said| match said {
        Said::Mod(ModEvent::Activated { mod_id, .. }) => Some(mod_id.clone()),
        _ => None,
    });
    ids.collect()
}

#[test]
fn mod_loader_emits_activated_intent_on_success() {
    #[derive(Debug, PartialEq, GraphIntent)]
    enum GraphIntent {
        ModActivated { mod_id: String },
        Other,
    }
    impl From<ModEvent> for GraphIntent {
        fn from(event: ModEvent) -> Self {
            match event {
                ModEvent::Activated { mod_id, .. } => Self::ModActivated { mod_id },
                _ => Self::Other,
            }
        }
    }
    impl ModIntent for GraphIntent {}

    let folder = tempfile::tempdir().expect("a folder");
    write_mod(folder.path(), "hello", "1.0.0", "", FINE);
    let mut panel = ControlPanel::<GraphIntent>::new();
    panel.spawn_mod_loader(folder.path());
    eventually("it loads at once", || panel.queued() > 0);
    let frame: Vec<_> = panel.drain().map(|queued| (queued.source, queued.intent)).collect();
    assert_eq!(frame, [(IntentSource::ModLoader, GraphIntent::ModActivated { mod_id: "hello".into() })]);
    assert!(panel.shutdown_blocking().is_clean());
}

#[test]
fn mod_loader_emits_failed_intent_on_load_error() {
    let declining = FINE.replace("i32.const 0", "i32.const 7");
    let mut workshop =
        Workshop::open(|mods| write_mod(mods, "moody", "1.0.0", "", &declining), |loader| loader);
    let (reason, still_running) = workshop.failed("moody");
    assert_eq!(reason.to_string(), "its mod_activate returned 7; 0 would have meant active");
    assert_eq!((reason, still_running), (ModError::Declined { number: 7 }, None));
    assert_eq!(workshop.status("moody").health, ModHealth::Failed);
    workshop.close();
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
    let told: Vec<_> = workshop.told().iter().map(|said| format!("{said:?}")).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    assert!(
        told[0].contains("Deactivated { mod_id: \"b\"") && told[0].contains("NotRunning { name: \"a\" }")
    );
    assert!(
        told[1].contains("Deactivated { mod_id: \"a\"")
            && told[1].contains("NotRunning { name: \"titles\" }")
    );
    assert!(told[2].contains("Deactivated { mod_id: \"z\""));
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
    let told: Vec<_> = workshop.told().to_vec();
    let stopped =
        |id: &str| Said::Mod(ModEvent::Deactivated { mod_id: id.to_owned(), cause: Deactivation::Stopping });
    let note = |by: &str| Said::Note { by: by.to_owned(), text: format!("{by} goes") };
    assert_eq!(told, [note("b"), stopped("b"), note("a"), stopped("a")]);
    assert!(workshop.control.reload("a").is_err(), "nobody is there to obey");
}

#[test]
fn what_a_mod_emits_comes_after_its_activation_and_only_if_the_hosts_type_takes_it() {
    let several = r#"(module
        (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
        (import "cp" "log" (func $log (param i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "{\"kind\":\"note\",\"text\":\"hi\"}")
        (data (i32.const 100) "{\"kind\":\"format-disk\"}")
        (data (i32.const 200) "\ff\fe")
        (data (i32.const 300) "{\"kind\":\"remote\",\"clock\":0}")
        (func $expect (param $got i32) (param $wanted i32)
            (if (i32.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
        (func (export "mod_activate") (result i32)
            (call $expect (call $emit (i32.const 0) (i32.const 27)) (i32.const 0))
            (call $expect (call $emit (i32.const 100) (i32.const 22)) (i32.const -4))
            (call $expect (call $emit (i32.const 0) (i32.const 26)) (i32.const -4))
            (call $expect (call $emit (i32.const 200) (i32.const 2)) (i32.const -2))
            (call $expect (call $emit (i32.const 300) (i32.const 27)) (i32.const -4))
            (call $expect (call $emit (i32.const 65535) (i32.const 2)) (i32.const -1))
            (call $expect (call $emit (i32.const -1) (i32.const 1)) (i32.const -1))
            (call $expect (call $emit (i32.const 0) (i32.const 16385)) (i32.const -3))
            (call $log (i32.const 2) (i32.const 0) (i32.const 6))
            (call $log (i32.const 2) (i32.const 65536) (i32.const 1))
            (i32.const 0)))"#;
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "busy", "1.0.0", "capabilities = ['intent', 'remote']", several),
        |loader| loader.grant("intent").grant_to("busy", "remote"),
    );
    assert_eq!(workshop.note("busy"), "hi");
    assert!(matches!(&workshop.told()[0], Said::Mod(ModEvent::Activated { .. })));
    assert_eq!(workshop.told().len(), 2, "what was refused is nowhere");
    eventually("a round is over", || !workshop.control.status().is_empty());
    let status = workshop.status("busy");
    assert_eq!((status.refused, status.logged), (3, 5));
    let log: Vec<_> = status.log.iter().map(|line| &*line.text).collect();
    assert!(log[0].starts_with("an intent was refused: there is no kind Some(\"format-disk\")"), "{log:?}");
    assert!(log[2].contains("its clock is 0"), "{log:?}");
    assert_eq!(log[3..], ["{\"kind", "a log line was not within the mod's memory"]);
    workshop.close();
}

/// A module whose `mod_tick` asks for the policy's value and notes it.
const ASKING: &str = r#"(module
    (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
    (import "cp" "policy" (func $policy (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "greeting")
    (data (i32.const 16) "secret")
    (data (i32.const 100) "{\"kind\":\"note\",\"text\":\"")
    (func $expect (param $got i32) (param $wanted i32)
        (if (i32.ne (local.get $got) (local.get $wanted)) (then (unreachable))))
    (func (export "mod_activate") (result i32)
        (call $expect (call $policy (i32.const 16) (i32.const 6) (i32.const 500) (i32.const 9)) (i32.const -7))
        (call $expect (call $policy (i32.const 0) (i32.const 5) (i32.const 500) (i32.const 9)) (i32.const -6))
        (call $expect (call $policy (i32.const 0) (i32.const 8) (i32.const 500) (i32.const 4)) (i32.const 5))
        (call $expect (i32.load (i32.const 500)) (i32.const 0))
        (call $expect (call $policy (i32.const 0) (i32.const 8) (i32.const 65535) (i32.const 9)) (i32.const -1))
        (i32.const 0))
    (func (export "mod_tick") (local $length i32)
        (local.set $length
            (call $policy (i32.const 0) (i32.const 8) (i32.const 123) (i32.const 64)))
        (i32.store16 (i32.add (i32.const 123) (local.get $length)) (i32.const 0x7d22))
        (drop (call $emit (i32.const 100) (i32.add (local.get $length) (i32.const 25))))))"#;

#[test]
fn a_mod_reads_the_values_it_is_granted_as_they_are_now() {
    let mut workshop = Workshop::open(
        |_| {},
        |loader| {
            ["intent", "policy:greeting", "policy:great", "policy:greet"]
                .into_iter()
                .fold(loader, control_panel::workers::ModLoader::grant)
        },
    );
    workshop.panel.set_policy(Limits { greeting: "hello".into() });
    let more = "capabilities = ['intent', 'policy:greeting', 'policy:greet']";
    write_mod(workshop.folder(), "asking", "1.0.0", more, ASKING);
    assert_eq!(workshop.note("asking"), "hello");
    workshop.panel.set_policy(Limits { greeting: "good day".into() });
    workshop.wait("the new value", |said| match said {
        Said::Note { text, .. } => (text == "good day").then_some(()),
        _ => None,
    });
    workshop.close();
}

#[test]
fn a_host_adds_functions_that_need_a_capability() {
    let calling = r#"(module
        (import "host" "double" (func $double (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "abc")
        (func (export "mod_activate") (result i32)
            (if (i32.ne (call $double (i32.const 0) (i32.const 3) (i32.const 10)) (i32.const 6))
                (then (unreachable)))
            (i32.ne (i32.load (i32.const 12)) (i32.const 0x63626163))))"#;
    let calls = Arc::new(AtomicI32::new(0));
    let counted = Arc::clone(&calls);
    let double = HostFunction::new("double", "texts", 3, move |call, arguments| {
        let [at, length, out] = *arguments else { return -1 };
        counted.fetch_add(length, Ordering::Relaxed);
        assert_eq!(call.mod_id(), "calling");
        let Some(twice) = call.text(at, length).map(|text| text.repeat(2)) else { return -1 };
        call.log("called");
        call.put(out, 100, twice.as_bytes())
    });
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "calling", "1.0.0", "capabilities = ['texts']", calling);
            write_mod(mods, "other", "1.0.0", "", calling);
        },
        |loader| loader.grant_to("calling", "texts").function(double),
    );
    workshop.active("calling");
    assert_eq!(calls.load(Ordering::Relaxed), 3);
    assert_eq!(
        workshop.failed("other").0.to_string(),
        "it imports `host.double`, but its manifest does not ask for the capability `texts`"
    );
    workshop.close();
}

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
    let told = workshop.told().to_vec();
    assert_eq!(told[0], Said::Note { by: "m".into(), text: "goodbye of 1".into() });
    assert_eq!(
        told[1],
        Said::Mod(ModEvent::Deactivated { mod_id: "m".into(), cause: Deactivation::Replaced })
    );
    assert!(matches!(&told[2], Said::Mod(ModEvent::Activated { .. })));
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
fn a_failure_is_told_once_and_tried_again_when_it_is_asked_for_or_changed() {
    let moody = FINE.replace("i32.const 0", "i32.const 7");
    let mut workshop = Workshop::open(|mods| write_mod(mods, "m", "1.0.0", "", &moody), |loader| loader);
    workshop.failed("m");
    thread::sleep(Duration::from_millis(350));
    assert_eq!(workshop.told().len(), 1, "three more looks told nothing new");
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

/// A start function is a call like every other: what `AssemblyScript` makes of top-level code.
#[test]
fn a_start_function_runs_before_activation_and_may_call_the_host() {
    let starting = r#"(module
        (import "cp" "log" (func $log (param i32 i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "started")
        (global $ready (mut i32) (i32.const 5))
        (func $start (call $log (i32.const 1) (i32.const 0) (i32.const 7)) (global.set $ready (i32.const 0)))
        (start $start)
        (func (export "mod_activate") (result i32) (global.get $ready)))"#;
    let mut workshop = Workshop::open(|mods| write_mod(mods, "s", "1.0.0", "", starting), |loader| loader);
    workshop.active("s");
    eventually("the status tells", || !workshop.control.status().is_empty());
    assert_eq!(&*workshop.status("s").log[0].text, "started");
    assert_eq!(workshop.status("s").costs.calls, 2);
    workshop.close();
}

/// With the default limits, the host's thread stops a call of a runaway and goes on; the loader is told to stop in the
/// middle of one, and that too has an end.
#[test]
fn a_runaway_is_stopped_by_the_clock_and_the_loader_by_its_grace() {
    let endless = r#"(module (memory (export "memory") 1)
        (func (export "mod_activate") (result i32) (i32.const 0))
        (func (export "mod_tick") (loop $for_ever (br $for_ever))))"#;
    let mut limits = ModLimits::default();
    limits.fuel = u64::MAX;
    limits.time = Duration::from_millis(50);
    let write = |mods: &Path| write_mod(mods, "endless", "1.0.0", "", endless);
    let mut workshop = Workshop::open(write, |loader| loader.limits(limits));
    let Deactivation::Failed(why) = workshop.inactive("endless") else { panic!("it failed") };
    assert_eq!(why.to_string(), "its mod_tick was stopped: it ran for longer than 50ms");
    workshop.close();

    limits.time = Duration::from_secs(3_600);
    let mut workshop = Workshop::open(write, |loader| loader.limits(limits));
    workshop.active("endless");
    thread::sleep(Duration::from_millis(50));
    drop(workshop);
}

#[test]
fn a_panel_that_is_dropped_or_shut_down_half_way_takes_the_loader_along() {
    let mut workshop = Workshop::open(
        |mods| {
            for number in 0..20 {
                write_mod(mods, &format!("m{number}"), "1.0.0", "", FINE);
            }
        },
        |loader| loader,
    );
    workshop.active("m0");
    let control = workshop.control.clone();
    let report = workshop.panel.shutdown_blocking();
    assert!(report.is_clean(), "{report}");
    assert!(report.workers().iter().all(|worker| worker.name == "mod_loader"));
    assert!(control.activate("m1").is_err());
    let workshop = Workshop::open(|mods| write_mod(mods, "a", "1.0.0", "", FINE), |loader| loader);
    drop(workshop);
}

/// The queue is full and nobody drains it: mods wait, nothing is lost, and the loader goes on afterwards.
#[test]
fn a_full_queue_holds_the_mods_up_and_loses_nothing() {
    let chatty = r#"(module
        (import "cp" "emit_intent" (func $emit (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "{\"kind\":\"note\",\"text\":\"hi\"}")
        (func (export "mod_activate") (result i32) (local $n i32)
            (loop $more
                (drop (call $emit (i32.const 0) (i32.const 27)))
                (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
            (i32.ne (call $emit (i32.const 0) (i32.const 27)) (i32.const -5)))
        (func (export "mod_tick") (drop (call $emit (i32.const 0) (i32.const 27)))))"#;
    let mut workshop = Workshop::open(
        |mods| {
            for number in 0..8 {
                write_mod(mods, &format!("c{number}"), "1.0.0", "capabilities = ['intent']", chatty);
            }
        },
        |loader| loader.grant("intent"),
    );
    thread::sleep(Duration::from_millis(300));
    let queued = workshop.panel.queued();
    assert!(queued <= 256, "the queue is bounded: {queued}");
    for number in 0..8 {
        workshop.active(&format!("c{number}"));
    }
    for number in 0..8 {
        let id = format!("c{number}");
        eventually("all its notes", || {
            let notes = |said: &&Said| matches!(said, Said::Note { by, .. } if *by == id);
            workshop.told().iter().filter(notes).count() > 64
        });
    }
    workshop.close();
}

/// Its own reading is no change that wakes it, and what it knows it does not ask again.
#[test]
fn a_loader_with_nothing_to_do_sleeps() {
    let seldom = Duration::from_secs(3_600);
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "a", "1.0.0", "", FINE);
            write_mod(mods, "broken", "1.0.0", "", "(module");
        },
        |loader| loader.look_every(seldom).tick(seldom),
    );
    workshop.failed("broken");
    thread::sleep(Duration::from_millis(500));
    let before = workshop.control.status();
    thread::sleep(Duration::from_millis(500));
    // Each round publishes anew.
    assert!(Arc::ptr_eq(&before, &workshop.control.status()), "no round in half a second");
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
    thread::sleep(Duration::from_millis(100));
    assert!(matches!(handle.status(), WorkerStatus::Running) && panel.drain().next().is_none());
    fs::create_dir_all(&folder).expect("made");
    write_mod(&folder, "a", "1.0.0", "", FINE);
    eventually("it is loaded", || panel.queued() > 0);
    assert!(panel.shutdown_blocking().is_clean());
}

/// "Never" and "for ever" are durations like any other.
#[test]
fn periods_limits_and_sizes_may_be_as_long_as_there_are() {
    let mut limits = ModLimits::default();
    limits.time = Duration::MAX;
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "m", "1.0.0", "", FINE),
        |loader| {
            loader
                .limits(limits)
                .tick(Duration::MAX)
                .look_every(Duration::MAX)
                .max_module_size(u64::MAX)
                .max_mods(usize::MAX)
        },
    );
    workshop.active("m");
    workshop.control.reload("m").expect("room");
    assert_eq!(workshop.inactive("m"), Deactivation::Replaced);
    workshop.close();
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
    assert_eq!(workshop.told().len(), 1, "{:#?}", workshop.told());
    assert_eq!(workshop.status("m").health, ModHealth::Active);
    workshop.close();
}

/// An intent that no panel takes is a mistake of the host: the loader says so and stops its mods.
#[test]
fn an_intent_with_the_clock_0_makes_the_loader_fail_and_say_why() {
    #[derive(Debug, GraphIntent)]
    enum Update {
        #[intent(clock = clock)]
        Mod { clock: u64 },
    }
    impl From<ModEvent> for Update {
        fn from(_: ModEvent) -> Self {
            Self::Mod { clock: 0 }
        }
    }
    impl ModIntent for Update {}

    let folder = tempfile::tempdir().expect("a folder");
    write_mod(folder.path(), "hello", "1.0.0", "", FINE);
    let panel = ControlPanel::<Update>::new();
    let worker = panel.spawn_mod_loader(folder.path());
    eventually("it ends", || worker.status().is_final());
    let status = format!("{:?}", worker.status());
    assert!(status.contains("ZeroClock"), "{status}");
    let report = panel.shutdown_blocking();
    let told = "the intent's clock is 0, which means local: a replicated intent's clock starts at 1";
    assert!(report.to_string().contains(told), "{report}");
}

/// A hand says so when nobody is there to obey, and when nothing runs any more.
#[test]
fn the_hand_of_a_loader_that_is_gone_knows_it() {
    let gone = control_panel::workers::mods::ControlError::Stopped;
    let loader = || ModLoader::new("nowhere", IntentSource::ModLoader);
    let dropped = loader().control();
    assert_eq!(dropped.activate("m"), Err(gone), "the loader was dropped");
    let to_be = loader();
    let control = to_be.control();
    let worker = to_be.into_worker::<Said, Limits>();
    control.activate("m").expect("it may run yet");
    drop(worker);
    assert_eq!(control.activate("m"), Err(gone), "the worker was dropped");

    let mut workshop = Workshop::open(|mods| write_mod(mods, "m", "1.0.0", "", FINE), |loader| loader);
    workshop.active("m");
    eventually("a round is over", || !workshop.control.status().is_empty());
    assert!(workshop.panel.shutdown_blocking().is_clean());
    let status = workshop.status("m");
    assert_eq!((status.health, status.version, status.trouble), (ModHealth::Stopped, None, None));
    assert_eq!(status.health.to_string(), "stopped");
    let refused = loader();
    let control = refused.control();
    workshop.panel.spawn(refused.into_worker());
    assert_eq!(control.activate("m"), Err(gone), "the panel was shut down before");
}

/// As many numbers as a module can pass work; more are refused where the mistake is made.
#[test]
fn a_host_function_of_more_numbers_than_a_module_can_pass_is_refused_at_once() {
    let numbers = "i32 ".repeat(32);
    let zeros = "(i32.const 0)".repeat(32);
    let calling = format!(
        r#"(module (import "host" "many" (func $many (param {numbers}) (result i32)))
            (memory (export "memory") 1)
            (func (export "mod_activate") (result i32) (call $many {zeros})))"#
    );
    let many = HostFunction::new("many", "many", 32, |_, arguments| i32::from(arguments.len() != 32));
    let mut workshop = Workshop::open(
        |mods| write_mod(mods, "m", "1.0.0", "capabilities = ['many']", &calling),
        |loader| loader.grant("many").function(many),
    );
    workshop.active("m");
    workshop.close();
    let refused = std::panic::catch_unwind(|| HostFunction::new("more", "many", 33, |_, _| 0));
    let panic = refused.expect_err("too many");
    let told = panic.downcast_ref::<String>().expect("a text");
    assert_eq!(told, "the host function `more` takes 33 numbers, and a module can pass at most 32");
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
    assert!(!workshop.told().iter().any(of_user), "{:#?}", workshop.told());
    workshop.forget();
    write_mod(workshop.folder(), "base", "3.0.0", "", FINE);
    workshop.wait("version 3", |said| match said {
        Said::Mod(ModEvent::Activated { version, .. }) => (version == "3.0.0").then_some(()),
        _ => None,
    });
    let mut ended = workshop.told().iter().rev().filter_map(|said| match said {
        Said::Mod(ModEvent::Deactivated { mod_id, .. }) => Some(mod_id.clone()),
        _ => None,
    });
    assert_eq!(ended.next().as_deref(), Some("base"), "it is stopped after the one that requires it");
    workshop.close();
}
