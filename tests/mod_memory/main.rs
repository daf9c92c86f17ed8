//! What all mods together hold of the host's memory, compiling included, is bounded: what is reckoned from a module's code
//! before it is compiled is never less than what it takes.

mod shapes;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use control_panel::workers::mods::{ModError, ModEvent, ModLimits};
use tests::{
    eventually,
    workshop::{FINE, Said, Workshop, manifest},
};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// Counts what the process holds.
struct Counting;

// Safety: it hands everything on to `System`; the counts are plain numbers.
#[allow(unsafe_code, reason = "there is no safe way to see allocations; only this test is built with it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test at a time: they count what the whole process holds.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const MIB: usize = 1 << 20;

fn limits() -> ModLimits {
    let mut limits = ModLimits::default();
    limits.time = Duration::from_secs(60);
    // What a single mod may take is not what these are about.
    limits.code = usize::MAX;
    limits
}

fn put(mods: &Path, id: &str, entry: &str, module: &[u8]) {
    fs::create_dir_all(mods.join(id)).expect("made");
    fs::write(mods.join(id).join(entry), module).expect("written");
    fs::write(mods.join(id).join("mod.toml"), manifest(id, "1.0.0", entry, "")).expect("written");
}

/// Loads one mod; what it lacked, if it could not be loaded for that, and the most that was held meanwhile.
fn load(entry: &str, module: &[u8], most: usize) -> (Option<usize>, usize) {
    let mut workshop = Workshop::open(
        |mods| {
            put(mods, "m", entry, module);
            MOST.store(HELD.load(Relaxed), Relaxed);
        },
        |loader| loader.limits(limits()).max_memory(most),
    );
    let before = HELD.load(Relaxed);
    let lacking = workshop.wait("it is loaded or not", |said| match said {
        Said::Mod(ModEvent::Activated { .. }) => Some(None),
        Said::Mod(ModEvent::LoadFailed { reason: ModError::NoMemory { bytes, held, .. }, .. }) => {
            Some(usize::try_from(bytes + held).ok())
        }
        Said::Mod(other) => panic!("{other}"),
        _ => None,
    });
    workshop.close();
    (lacking, MOST.load(Relaxed).saturating_sub(before))
}

#[test]
fn what_is_reckoned_is_never_less_than_what_it_takes() {
    let _alone = alone();
    let text = [&FINE[..FINE.len() - 1], &"(type(func))".repeat(8_000), ")"].concat();
    let text = ("a text", "m.wat", text.into_bytes());
    let binaries = shapes::all(150_000).into_iter().map(|(name, bytes)| (name, "m.wasm", bytes));
    for (name, entry, module) in binaries.chain([text]) {
        let mut most = 1;
        // The least that it needs is what it asks for.
        let held = loop {
            let (lacking, held) = load(entry, &module, most);
            match lacking {
                Some(needed) => {
                    assert!(needed > most, "{name}");
                    most = needed;
                }
                None => break held,
            }
        };
        // Besides, the loader and its panel, and what is written anew of the module.
        let besides = MIB + 4 * module.len();
        assert!(held <= most + besides, "{name}: {} KiB were held, {} KiB reckoned", held >> 10, most >> 10);
    }
}

#[test]
fn all_mods_together_hold_no_more_than_they_may() {
    const MODS: usize = 12;
    const ALL: usize = 48 * MIB;
    let _alone = alone();
    let module = shapes::conditions(130_000);
    let before = HELD.load(Relaxed);
    let mut workshop = Workshop::open(
        |mods| {
            MOST.store(HELD.load(Relaxed), Relaxed);
            (0..MODS).for_each(|number| put(mods, &format!("m{number:02}"), "m.wasm", &module));
        },
        |loader| loader.limits(limits()).max_memory(ALL),
    );
    let mut outcomes = (Vec::new(), Vec::new());
    eventually("each is loaded or not", || {
        outcomes = (Vec::new(), Vec::new());
        for said in workshop.said() {
            match said {
                Said::Mod(ModEvent::Activated { mod_id, .. }) => outcomes.0.push(mod_id.clone()),
                Said::Mod(ModEvent::LoadFailed { mod_id, reason, .. }) => {
                    assert!(matches!(reason, ModError::NoMemory { .. }), "{reason}");
                    outcomes.1.push((mod_id.clone(), reason.to_string()));
                }
                other => panic!("{other:?}"),
            }
        }
        outcomes.0.len() + outcomes.1.len() == MODS
    });
    let (active, failed) = outcomes;
    assert!(active.len() >= 4 && failed.len() >= 4, "{active:?} {failed:?}");
    let (first, why) = &failed[0];
    assert!(
        why.contains("and of the 48 MiB for all mods together") && why.contains("are taken: remove some"),
        "{why}"
    );
    let held = MOST.load(Relaxed) - before;
    assert!(held <= ALL + MODS * module.len() * 2 + MIB, "{} KiB", held >> 10);

    // Where one gives its share back, another one gets it, and by itself.
    workshop.control.deactivate(active[0].clone()).expect("it listens");
    assert_eq!(workshop.active(first), "1.0.0");
    workshop.close();
}

/// A mod that grows is not granted what all together may not hold, and finds so itself.
#[test]
fn a_memory_that_grows_counts() {
    let _alone = alone();
    let growing = r#"(module (memory (export "memory") 1) (func (export "mod_activate") (result i32)
        (i32.add (memory.grow (i32.const 100)) (i32.const 1))))"#;
    let fits = r#"(module (memory (export "memory") 1) (func (export "mod_activate") (result i32)
        (i32.sub (memory.grow (i32.const 100)) (i32.const 1))))"#;
    let mut workshop = Workshop::open(
        |mods| {
            put(mods, "a", "m.wat", fits.as_bytes());
            put(mods, "b", "m.wat", growing.as_bytes());
        },
        |loader| loader.limits(limits()).max_memory(10 * MIB),
    );
    workshop.active("a");
    assert_eq!(workshop.active("b"), "1.0.0", "its `memory.grow` returned -1");
    workshop.close();
}
