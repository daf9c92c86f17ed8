//! Folders and files that are broken or mean harm. Each is refused with a reason in plain words, a healthy mod beside it
//! ticks on, and the loader ends as it should.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::workers::mods::{Deactivation, ModError};
use tests::{
    eventually,
    workshop::{FINE, Workshop, manifest, noting, write_file, write_mod},
};

fn open(fill: impl FnOnce(&Path)) -> Workshop {
    Workshop::open(
        |mods| {
            let ticking = noting("mod_tick", "", "alive");
            write_mod(mods, "healthy", "1.0.0", "capabilities = ['intent']", &ticking);
            fill(mods);
        },
        |loader| loader.grant("intent"),
    )
}

fn lives_on(mut workshop: Workshop) {
    workshop.forget();
    assert_eq!(workshop.note("healthy"), "alive");
    workshop.close();
}

/// A mod that is refused under this id, and why.
fn refused(id: &str, reason: &str, fill: impl FnOnce(&Path)) {
    let mut workshop = open(fill);
    assert_eq!(workshop.failed(id).0.to_string(), reason);
    lives_on(workshop);
}

/// A mod `bad` whose manifest is this.
fn bad_manifest(text: &str) -> impl FnOnce(&Path) {
    let text = text.to_owned();
    move |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        write_file(&mods.join("bad/mod.toml"), &text);
    }
}

#[test]
fn entries_that_lead_out_of_the_folder() {
    for entry in ["../healthy/mod.wat", "/etc/passwd.wasm", "x/../../healthy/mod.wat"] {
        let told = "the manifest is wrong in line 3: `entry` must be a path of at most 64 bytes below the mod's folder: \
                    no `..`, not absolute";
        refused("bad", told, bad_manifest(&manifest("bad", "1.0.0", entry, "")));
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let told = |what: &str| {
        format!("{what} is a symbolic link or leads out of the mods folder: put the file itself there")
    };
    refused("bad", &told("mod.wat"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::rename(mods.join("bad/mod.wat"), mods.join("../elsewhere.wat")).expect("moved");
        symlink(mods.join("../elsewhere.wat"), mods.join("bad/mod.wat")).expect("linked");
    });
    refused("bad", &told("bad/mod.toml"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::rename(mods.join("bad/mod.toml"), mods.join("../elsewhere.toml")).expect("moved");
        symlink(mods.join("../elsewhere.toml"), mods.join("bad/mod.toml")).expect("linked");
    });
    refused("bad", &told("bad"), |mods| {
        write_mod(&mods.join(".."), "elsewhere", "1.0.0", "", FINE);
        symlink(mods.join("../elsewhere"), mods.join("bad")).expect("linked");
    });
    // A folder on the way to the entry.
    refused("bad", &told("inner/mod.wat"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        write_mod(&mods.join(".."), "elsewhere", "1.0.0", "", FINE);
        symlink(mods.join("../elsewhere"), mods.join("bad/inner")).expect("linked");
        write_file(&mods.join("bad/mod.toml"), &manifest("bad", "1.0.0", "inner/mod.wat", ""));
    });
    // A loop, and one that leads nowhere.
    refused("bad", &told("bad"), |mods| symlink(mods.join("bad"), mods.join("bad")).expect("linked"));
    refused("bad", &told("bad"), |mods| symlink("/nowhere", mods.join("bad")).expect("linked"));
}

#[test]
fn a_manifest_of_a_gigabyte() {
    let told = "bad/mod.toml has 1073741824 bytes, and this host takes at most 65536: it was not read";
    refused("bad", told, |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        let file = fs::OpenOptions::new().write(true).open(mods.join("bad/mod.toml")).expect("opened");
        file.set_len(1 << 30).expect("a hole needs no room");
    });
}

#[test]
fn a_module_of_a_terabyte() {
    let told = "mod.wat has 1099511627776 bytes, and this host takes at most 1048576: it was not read";
    refused("bad", told, |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        let file = fs::OpenOptions::new().write(true).open(mods.join("bad/mod.wat")).expect("opened");
        file.set_len(1 << 40).expect("a hole needs no room");
    });
}

#[test]
fn manifests_that_are_none() {
    refused("bad", "the manifest is wrong: it is not UTF-8 text", |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::write(mods.join("bad/mod.toml"), b"id = '\xff'").expect("written");
    });
    refused("bad", "the manifest is wrong: it has no `id`", bad_manifest(""));
    let told = "the manifest is wrong in line 4: there is no key `author`; known are id, version, entry, provides, \
                requires, capabilities, limits";
    refused("bad", told, bad_manifest(&manifest("bad", "1.0.0", "mod.wat", "author = 'me'")));
    let told = "the manifest is wrong in line 4: `limits.fuel` asks for 9000000000000000000, and this host allows \
                50000000: ask for less";
    refused(
        "bad",
        told,
        bad_manifest(&manifest("bad", "1.0.0", "mod.wat", "limits.fuel = 9_000_000_000_000_000_000")),
    );
}

#[test]
fn folders_where_files_must_be() {
    refused("bad", "bad/mod.toml is not a regular file", |mods| {
        fs::create_dir_all(mods.join("bad/mod.toml")).expect("made");
    });
    refused("bad", "mod.wat is not a regular file", |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::remove_file(mods.join("bad/mod.wat")).expect("removed");
        fs::create_dir(mods.join("bad/mod.wat")).expect("made");
    });
    refused("bad", "cannot read bad/mod.toml: there is no such file", |mods| {
        fs::create_dir(mods.join("bad")).expect("made");
    });
    refused("bad", "cannot read mod.wat: there is no such file", |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::remove_file(mods.join("bad/mod.wat")).expect("removed");
    });
}

/// Opening a pipe waits until somebody writes into it: it is not opened.
#[cfg(unix)]
#[test]
fn a_pipe_where_a_module_must_be() {
    refused("bad", "mod.wat is not a regular file", |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::remove_file(mods.join("bad/mod.wat")).expect("removed");
        let made = Command::new("mkfifo").arg(mods.join("bad/mod.wat")).status().expect("mkfifo");
        assert!(made.success());
    });
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
    // Both are told of, and once one of them goes the other is free to run.
    eventually("both", || {
        let told = format!("{:?}", workshop.told());
        told.contains("with: \"two\"") && told.contains("with: \"one\"")
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
    assert!(!format!("{:?}", workshop.told()).contains("Deactivated"));
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

/// Files that are rewritten all the time: whatever is read is one version whole, or nothing.
#[test]
fn a_file_that_is_replaced_while_it_is_read() {
    let mut workshop = open(|_| {});
    let folder = workshop.folder().to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let padding = format!(";; {}\n", "x".repeat(500_000));
    let writer = thread::spawn(move || {
        let mut round = 0_u32;
        while !stopped.load(Ordering::Relaxed) {
            round += 1;
            let wat =
                format!("{padding}{}", FINE.replace("i32.const 0", &format!("i32.const {}", round % 2)));
            write_mod(&folder, "restless", &format!("1.0.{round}"), "", &wat);
            // In place too, so that half of it can be seen.
            fs::write(folder.join("restless/mod.wat"), &wat).ok();
            thread::sleep(Duration::from_millis(u64::from(round % 7)));
        }
        write_mod(&folder, "restless", "9.0.0", "", FINE);
    });
    workshop.forget();
    thread::sleep(Duration::from_millis(1_500));
    workshop.note("healthy");
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("it wrote");
    workshop
        .wait("the last version", |said| format!("{said:?}").contains("version: \"9.0.0\"").then_some(()));
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

#[test]
fn a_file_where_the_mods_folder_must_be() {
    let mut workshop = open(|_| {});
    workshop.note("healthy");
    let (folder, aside) = (workshop.folder().to_owned(), workshop.folder().with_extension("aside"));
    fs::rename(&folder, &aside).expect("moved");
    fs::write(&folder, "not a folder").expect("written");
    let (reason, _) = workshop.failed("(mods folder)");
    assert!(reason.to_string().starts_with("cannot read the mods folder: "), "{reason}");
    // Nobody said that the mods are gone: they go on.
    workshop.forget();
    workshop.note("healthy");
    fs::remove_file(&folder).expect("removed");
    assert!(matches!(workshop.inactive("healthy"), Deactivation::Removed));
    fs::rename(&aside, &folder).expect("moved");
    workshop.active("healthy");
    lives_on(workshop);
}

const UNPRIVILEGED: &str = "MOD_TESTS_UNPRIVILEGED";

/// Root may read everything, so this one runs itself again as nobody.
#[cfg(unix)]
#[test]
fn permission_denied() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let may_read_all = || {
        let place = tempfile::tempdir().expect("a place");
        let file: PathBuf = place.path().join("secret");
        fs::write(&file, "x").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("its owner");
        fs::read(&file).is_ok()
    };
    if env::var_os(UNPRIVILEGED).is_none() && may_read_all() {
        let place = tempfile::tempdir().expect("a place");
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("its owner");
        let copy = place.path().join("tests");
        fs::copy(env::current_exe().expect("this program"), &copy).expect("copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("its owner");
        let again = Command::new(&copy)
            .args(["--exact", "permission_denied", "--nocapture"])
            .env(UNPRIVILEGED, "1")
            .current_dir("/")
            .uid(65_534)
            .output()
            .expect("run again");
        let printed = String::from_utf8_lossy(&again.stdout);
        assert!(again.status.success() && printed.contains("1 passed"), "{printed}");
        return;
    }
    let forbid =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner");
    let mut workshop = open(|mods| {
        write_mod(mods, "closed", "1.0.0", "", FINE);
        forbid(&mods.join("closed/mod.wat"), 0o000);
        write_mod(mods, "locked", "1.0.0", "", FINE);
        forbid(&mods.join("locked"), 0o000);
    });
    assert_eq!(workshop.failed("closed").0.to_string(), "cannot read mod.wat: permission denied");
    assert_eq!(workshop.failed("locked").0.to_string(), "cannot read locked/mod.toml: permission denied");
    forbid(&workshop.folder().join("closed/mod.wat"), 0o600);
    workshop.active("closed");
    // The whole folder: what runs goes on.
    let folder = workshop.folder().to_owned();
    forbid(&folder, 0o000);
    assert_eq!(
        workshop.failed("(mods folder)").0.to_string(),
        "cannot read the mods folder: permission denied"
    );
    workshop.forget();
    workshop.note("healthy");
    forbid(&folder, 0o700);
    forbid(&folder.join("locked"), 0o700);
    workshop.active("locked");
    lives_on(workshop);
}
