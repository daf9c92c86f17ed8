use std::{
    fs, mem,
    path::Path,
    sync::{Condvar, Mutex},
    thread,
};

use super::*;
use crate::{
    ControlPanel, IntentSource,
    workers::mods::{ModLoader, ModRequest},
};

#[derive(Debug)]
enum Said {
    Mod(ModEvent),
    Tick,
}

impl crate::Intent for Said {
    type Source = IntentSource;
}

impl From<ModEvent> for Said {
    fn from(event: ModEvent) -> Self {
        Self::Mod(event)
    }
}

impl ModIntent for Said {
    fn from_mod(_: &ModRequest<'_>) -> Result<Self, String> {
        Ok(Self::Tick)
    }
}

const TICKING: &str = r#"(module (import "cp" "emit_intent" (func $e (param i32 i32) (result i32))) (memory (export "memory") 1)
    (func (export "mod_activate") (result i32) (i32.const 0))
    (func (export "mod_tick") (drop (call $e (i32.const 0) (i32.const 1)))))"#;

fn put(folder: &Path, id: &str, version: &str) {
    let folder = folder.join(id);
    fs::create_dir_all(&folder).expect("made");
    fs::write(folder.join("m.wat"), TICKING).expect("written");
    let manifest = format!("id = '{id}'\nversion = '{version}'\nentry = 'm.wat'\ncapabilities = ['intent']");
    fs::write(folder.join("mod.toml"), manifest).expect("written");
}

/// A file system that does not respond stops neither ticks nor commands nor the end; when it responds, everything continues.
#[test]
fn a_folder_that_does_not_answer_stops_nothing_but_the_look_at_it() {
    let place = std::env::temp_dir().join(format!("control-panel-hangs-{}", std::process::id()));
    put(&place, "good", "1.0.0");
    put(&place, "other", "1.0.0");
    let mut loader = ModLoader::new(&place, IntentSource::ModLoader).grant("intent");
    loader = loader.tick(Duration::from_millis(5)).look_every(Duration::from_millis(20));
    // Whether looks are held, and how many were.
    let gate = Arc::new((Mutex::new((false, 0)), Condvar::new()));
    let on_the_way = Arc::clone(&gate);
    loader.parts.before_look = Arc::new(move || {
        let (held, changed) = &*on_the_way;
        let mut held = held.lock().expect("no panic");
        held.1 += usize::from(held.0);
        changed.notify_all();
        drop(changed.wait_while(held, |(closed, _)| *closed).expect("no panic"));
    });
    let hold = |closed| {
        let mut held = gate.0.lock().expect("no panic");
        *held = (closed, 0);
        gate.1.notify_all();
        if closed {
            // The look in progress is done, and the next one has begun.
            drop(gate.1.wait_while(held, |(_, looks)| *looks == 0).expect("no panic"));
        }
    };
    let control = loader.control();
    let mut panel = ControlPanel::<Said>::new();
    panel.spawn(loader.into_worker());
    let (mut ticks, mut said) = (0, Vec::new());
    let mut until = |panel: &mut ControlPanel<Said>, done: &mut dyn FnMut(u32, &[String]) -> bool| {
        ticks = 0;
        (ticks, said) = (0, Vec::new());
        let began = std::time::Instant::now();
        while !done(ticks, &said) {
            assert!(began.elapsed() < Duration::from_secs(60), "{ticks} ticks, {said:?}");
            for queued in panel.drain() {
                match queued.intent {
                    Said::Tick => ticks += 1,
                    Said::Mod(event) => said.push(event.to_string()),
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
        mem::take(&mut said)
    };
    until(&mut panel, &mut |ticks, said| said.len() == 2 && ticks > 0);
    hold(true);
    until(&mut panel, &mut |ticks, _| ticks > 20);
    let looks = control.folder().looks;
    control.deactivate("other").expect("room");
    assert_eq!(
        until(&mut panel, &mut |_, said| !said.is_empty()),
        ["mod other is inactive: the host asked for it"]
    );
    until(&mut panel, &mut |ticks, _| ticks > 20);
    assert_eq!(control.folder().looks, looks, "no look was done meanwhile");
    put(&place, "late", "1.0.0");
    hold(false);
    assert_eq!(until(&mut panel, &mut |_, said| !said.is_empty()), ["mod late 1.0.0 is active"]);
    hold(true);
    let report = panel.shutdown_blocking();
    assert!(report.is_clean(), "{report}");
    hold(false);
    fs::remove_dir_all(&place).expect("removed");
}

#[test]
fn a_panic_that_comes_again_is_reported_with_the_same_text() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let reasons: Vec<String> = (0..2)
        .map(|_| {
            let job: tokio::task::JoinHandle<()> = runtime.spawn_blocking(|| panic!("the disk is on fire"));
            let error = runtime.block_on(job).expect_err("it panics");
            gone("mod_activate", error).to_string()
        })
        .collect();
    assert_eq!(reasons, ["its mod_activate made the host panic: the disk is on fire"; 2]);
}
