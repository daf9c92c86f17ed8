//! What manifests say that cannot be, alone or together.

use std::fs;

use control_panel::workers::mods::ModError;
use tests::{
    eventually,
    workshop::{FINE, Workshop, manifest, write_file, write_mod},
};

use super::{bad_manifest, lives_on, open, refused};

#[test]
fn manifests_that_are_none() {
    refused("bad", "the manifest is wrong in line 1: it is not UTF-8 text", |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::write(mods.join("bad/mod.toml"), b"id = '\xff'").expect("written");
    });
    refused("bad", "the manifest is wrong: it has no `id`", bad_manifest(""));
    let expected = "the manifest is wrong in line 4: there is no key `author`; known are id, version, entry, provides, \
                requires, capabilities, limits";
    refused("bad", expected, bad_manifest(&manifest("bad", "1.0.0", "mod.wat", "author = 'me'")));
    let expected = "the manifest is wrong in line 4: `limits.fuel` asks for 9000000000000000000, and this host allows \
                50000000: ask for less";
    refused(
        "bad",
        expected,
        bad_manifest(&manifest("bad", "1.0.0", "mod.wat", "limits.fuel = 9_000_000_000_000_000_000")),
    );
}

/// Each reason names the line and the key that it is about.
#[test]
fn mistakes_are_found_where_they_are() {
    let dotted = format!("{} = 1", vec!["a"; 9_000].join("."));
    for (more, expected) in [
        (dotted.as_str(), "in line 4: a key has too many parts"),
        ("[limits]\nfuel = 1\nfuel = 2", "in line 6: the key `fuel` is there twice"),
        (
            "limits.fuel = 99999999999999999999999",
            "in line 4: `limits.fuel` asks for 99999999999999999999999, and this host allows 50000000: ask for less",
        ),
        (
            "requires = ['html >= 1.0']",
            "in line 4: `html >= 1.0` in `requires` must be a name alone, `html`: there are no version constraints",
        ),
    ] {
        let expected = format!("the manifest is wrong {expected}");
        refused("bad", &expected, bad_manifest(&manifest("bad", "1.0.0", "mod.wat", more)));
    }
}

#[test]
fn two_mods_of_one_id() {
    let mut workshop = open(|mods| {
        write_mod(mods, "one", "1.0.0", "", FINE);
        write_mod(mods, "two", "1.0.0", "", FINE);
        write_file(&mods.join("two/mod.toml"), &manifest("one", "2.0.0", "mod.wat", ""));
    });
    let (reason, _) = workshop.failed("one");
    assert_eq!(reason.to_string(), "the id `one` is also that of two: ids must differ");
    // Both are reported, and once one of them goes the other is free to run.
    eventually("both", || {
        let said = format!("{:?}", workshop.said());
        said.contains("with: \"two\"") && said.contains("with: \"one\"")
    });
    fs::remove_dir_all(workshop.folder().join("one")).expect("removed");
    assert_eq!(workshop.active("one"), "2.0.0");
    // A newcomer does not push out the one that runs.
    workshop.forget();
    write_mod(workshop.folder(), "a", "1.0.0", "", FINE);
    write_file(&workshop.folder().join("a/mod.toml"), &manifest("one", "3.0.0", "mod.wat", ""));
    workshop.wait("the newcomer is refused", |said| {
        format!("{said:?}").contains("DuplicateId { id: \"one\", with: \"two\" }").then_some(())
    });
    assert!(!format!("{:?}", workshop.said()).contains("Deactivated"));
    lives_on(workshop);
}

#[test]
fn requirements_that_cannot_be_met() {
    let mut workshop = open(|mods| {
        write_mod(mods, "self", "1.0.0", "requires = ['self']", FINE);
        write_mod(mods, "chicken", "1.0.0", "requires = ['egg']", FINE);
        write_mod(mods, "egg", "1.0.0", "requires = ['chicken']", FINE);
        write_mod(mods, "lonely", "1.0.0", "requires = ['friend']", FINE);
        write_mod(mods, "behind", "1.0.0", "requires = ['lonely']", FINE);
        write_mod(mods, "left", "1.0.0", "provides = ['seat']", FINE);
        write_mod(mods, "right", "1.0.0", "provides = ['seat']", FINE);
    });
    for (id, reason) in [
        ("self", "it requires itself"),
        ("chicken", "mods require each other in a circle: chicken requires egg requires chicken"),
        ("egg", "mods require each other in a circle: egg requires chicken requires egg"),
        ("lonely", "it requires `friend`, which no mod provides"),
        ("behind", "it requires `lonely`, whose mod is not running"),
        ("left", "`seat` is also provided by the mod `right`: only one of them can be loaded"),
        ("right", "`seat` is also provided by the mod `left`: only one of them can be loaded"),
    ] {
        assert_eq!(workshop.failed(id).0.to_string(), reason, "{id}");
    }
    lives_on(workshop);
}

/// What requires a mod that does not load fails too, though the plan was fine.
#[test]
fn a_requirement_that_turns_out_to_be_broken() {
    let mut workshop = open(|mods| {
        write_mod(mods, "base", "1.0.0", "", &FINE.replace("i32.const 0", "i32.const 1"));
        write_mod(mods, "top", "1.0.0", "requires = ['base']", FINE);
    });
    assert_eq!(workshop.failed("base").0, ModError::Declined { number: 1 });
    assert_eq!(workshop.failed("top").0.to_string(), "it requires `base`, whose mod is not running");
    write_mod(workshop.folder(), "base", "1.0.1", "", FINE);
    workshop.active("top");
    lives_on(workshop);
}

#[test]
fn more_mods_than_the_host_takes_do_not_push_out_those_that_run() {
    let mut workshop =
        Workshop::open(|mods| write_mod(mods, "z", "1.0.0", "", FINE), |loader| loader.max_mods(4));
    workshop.active("z");
    for number in 0..40 {
        write_mod(workshop.folder(), &format!("m{number:02}"), "1.0.0", "", FINE);
    }
    let (reason, _) = workshop.failed("(mods folder)");
    assert_eq!(reason.to_string(), "this host takes at most 4 mods: remove some");
    eventually("as many as it takes", || {
        let active = workshop.control.status().iter().filter(|status| status.version.is_some()).count();
        active == 4
    });
    assert!(workshop.status("z").version.is_some(), "what runs is not pushed out");
    workshop.close();
}

#[test]
fn a_folder_full_of_what_is_no_mod() {
    let workshop = open(|mods| {
        for number in 0..300 {
            fs::write(mods.join(format!("note{number}.txt")), "x").expect("written");
            fs::write(mods.join(format!(".hidden{number}.toml")), "x").expect("written");
        }
    });
    lives_on(workshop);
}

#[test]
fn names_that_command_a_terminal() {
    let mut workshop = open(|mods| fs::create_dir(mods.join("a\u{1b}[31m\n")).expect("made"));
    let (reason, _) = workshop.failed("a\\u{1b}[31m\\n");
    assert_eq!(reason.to_string(), "cannot read a\\u{1b}[31m\\n/mod.toml: there is no such file");
    lives_on(workshop);
}
