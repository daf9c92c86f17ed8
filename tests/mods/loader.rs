//! The loader as a worker: what it tells, how it waits, and how it ends.

use std::{path::Path, sync::Arc, thread, time::Duration};

use control_panel::{
    ControlPanel, GraphIntent, IntentSource,
    workers::{
        SpawnModLoader,
        mods::{Deactivation, ModError, ModEvent, ModHealth, ModIntent, ModLimits, ModLoader},
    },
};
use tests::{
    eventually,
    workshop::{FINE, Limits, Said, Workshop, write_mod},
};

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
    eventually("it loads immediately", || panel.queued() > 0);
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

/// With the default limits, the host's thread stops a call of a runaway and goes on; the loader is asked to stop in the
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

/// The queue is full and not drained: mods wait, nothing is lost, and the loader continues afterwards.
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
            workshop.said().iter().filter(notes).count() > 64
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
    // Each round publishes anew.
    let is_quiet = || {
        let before = workshop.control.status();
        thread::sleep(Duration::from_millis(500));
        Arc::ptr_eq(&before, &workshop.control.status())
    };
    eventually("it is done with what its own reading brought about", is_quiet);
    assert!(is_quiet(), "no round in half a second");
    workshop.close();
}

/// "Never" and "forever" are durations like any other.
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
    let expected = "the intent's clock is 0, which means local: a replicated intent's clock starts at 1";
    assert!(report.to_string().contains(expected), "{report}");
}

/// The control reports when no loader is there to obey, and when nothing runs any more.
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
