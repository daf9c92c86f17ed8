//! A reducer that knows mods by id is right after every batch of events, whatever happened to the folder meanwhile.

use std::{collections::BTreeMap, fs, path::Path};

use control_panel::workers::mods::{Deactivation, ModEvent};
use tests::{
    eventually,
    workshop::{FINE, Said, Workshop, write_file, write_mod},
};

/// By id, the version that runs: as the events say, and nothing else.
fn reduced(said: &[Said]) -> BTreeMap<String, String> {
    let mut reduced = BTreeMap::new();
    for said in said {
        let Said::Mod(event) = said else { continue };
        match event {
            ModEvent::Activated { mod_id, version } => {
                let before = reduced.insert(mod_id.clone(), version.clone());
                assert_eq!(before, None, "{mod_id} was active already");
            }
            ModEvent::Deactivated { mod_id, .. } => {
                assert!(reduced.remove(mod_id).is_some(), "{mod_id} was not active");
            }
            ModEvent::LoadFailed { mod_id, still_running, .. } => {
                assert_eq!(reduced.get(mod_id), still_running.as_ref(), "{event}");
            }
            _ => panic!("{event}"),
        }
    }
    reduced
}

/// The same as the loader says it.
fn running(workshop: &Workshop) -> BTreeMap<String, String> {
    let status = workshop.control.status();
    status.iter().filter_map(|it| Some((it.mod_id.clone()?, it.version.clone()?))).collect()
}

/// Two folders' names exchanged, as a person does it.
fn exchange(mods: &Path, one: &str, other: &str) {
    let aside = mods.join("../aside");
    fs::rename(mods.join(one), &aside).expect("moved");
    fs::rename(mods.join(other), mods.join(one)).expect("moved");
    fs::rename(&aside, mods.join(other)).expect("moved");
}

/// Waits until the folder was looked at as it is now, and all that follows from that is done.
fn settle(workshop: &mut Workshop, marks: &mut u32) {
    // A look that sees the first mark may have begun before it; the one that sees the second did not.
    for _ in 0..2 {
        *marks += 1;
        let version = format!("{marks}.0.0");
        write_mod(workshop.folder(), "zz", &version, "", FINE);
        workshop.control.rescan();
        workshop.wait("the mark", |said| match said {
            Said::Mod(ModEvent::Activated { mod_id, version: active }) => {
                (mod_id == "zz" && *active == version).then_some(())
            }
            _ => None,
        });
    }
}

#[test]
fn folders_whose_names_are_exchanged() {
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "a", "1.0.0", "", FINE);
            write_mod(mods, "b", "1.0.0", "", FINE);
        },
        |loader| loader,
    );
    let mut marks = 0;
    settle(&mut workshop, &mut marks);
    for _ in 0..5 {
        exchange(workshop.folder(), "a", "b");
        settle(&mut workshop, &mut marks);
        let reduced = reduced(workshop.said());
        assert_eq!(reduced.keys().collect::<Vec<_>>(), ["a", "b", "zz"]);
        eventually("the loader says so too", || running(&workshop) == reduced);
    }
    // Renamed over one another: what was there is gone.
    let mods = workshop.folder().to_owned();
    fs::rename(mods.join("b"), mods.join("c")).expect("renamed");
    settle(&mut workshop, &mut marks);
    assert!(reduced(workshop.said()).contains_key("b") && reduced(workshop.said()).contains_key("a"));
    fs::remove_dir_all(mods.join("a")).expect("removed");
    let gone = workshop.wait("one is gone", |said| match said {
        Said::Mod(ModEvent::Deactivated { mod_id, cause: Deactivation::Removed }) => Some(mod_id.clone()),
        _ => None,
    });
    settle(&mut workshop, &mut marks);
    assert!(!reduced(workshop.said()).contains_key(&gone));
    workshop.close();
}

#[test]
fn whatever_happens_to_the_folder() {
    let names = ["p", "q", "r", "s"];
    for seed in 1_u64..4 {
        let mut state = seed;
        let mut below = move |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).expect("31 bits") % bound
        };
        let mut workshop = Workshop::open(|_| {}, |loader| loader);
        let mods = workshop.folder().to_owned();
        let put = |slot: &str, id: &str, version: usize, requires: &str, wat: &str| {
            write_mod(&mods, slot, "0.0.0", "", wat);
            let manifest =
                format!("id = '{id}'\nversion = '{version}.0.0'\nentry = 'mod.wat'\nrequires = [{requires}]");
            write_file(&mods.join(slot).join("mod.toml"), &manifest);
        };
        for name in names {
            put(name, name, 1, "", FINE);
        }
        let mut marks = 0;
        settle(&mut workshop, &mut marks);
        assert_eq!(reduced(workshop.said()).len(), 5);
        for batch in 0..12 {
            for _ in 0..=below(3) {
                let (slot, other, id) = (names[below(4)], names[below(4)], names[below(4)]);
                match below(7) {
                    0 | 1 if slot != other && mods.join(slot).exists() && mods.join(other).exists() => {
                        exchange(&mods, slot, other);
                    }
                    2 if mods.join(slot).exists() && !mods.join(other).exists() => {
                        fs::rename(mods.join(slot), mods.join(other)).expect("renamed");
                    }
                    3 => put(slot, id, below(3), "", "(module"),
                    4 => put(slot, id, below(3), &format!("'{other}'"), FINE),
                    5 if mods.join(slot).exists() => fs::remove_dir_all(mods.join(slot)).expect("removed"),
                    _ => put(slot, id, below(3), "", FINE),
                }
            }
            settle(&mut workshop, &mut marks);
            let reduced = reduced(workshop.said());
            eventually(&format!("seed {seed}, batch {batch}: {reduced:?}"), || running(&workshop) == reduced);
        }
        workshop.close();
    }
}
