//! What the loader opens that is no file of a mod, or is while it looks no more.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use control_panel::workers::mods::Deactivation;
use tests::{
    eventually,
    workshop::{FINE, Workshop, manifest, write_file, write_mod},
};

use super::{bad_manifest, lives_on, open, refused};

#[test]
fn entries_that_lead_out_of_the_folder() {
    for entry in ["../healthy/mod.wat", "/etc/passwd.wasm", "x/../../healthy/mod.wat"] {
        let expected = "the manifest is wrong in line 3: `entry` must be a path of at most 64 bytes below the mod's folder: \
                    no `..`, not absolute";
        refused("bad", expected, bad_manifest(&manifest("bad", "1.0.0", entry, "")));
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_out_of_the_folder() {
    use std::os::unix::fs::symlink;
    let expected = |what: &str| {
        format!("{what} is a symbolic link, and none is followed: put the file or folder itself there")
    };
    refused("bad", &expected("mod.wat"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::rename(mods.join("bad/mod.wat"), mods.join("../elsewhere.wat")).expect("moved");
        symlink(mods.join("../elsewhere.wat"), mods.join("bad/mod.wat")).expect("linked");
    });
    refused("bad", &expected("bad/mod.toml"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        fs::rename(mods.join("bad/mod.toml"), mods.join("../elsewhere.toml")).expect("moved");
        symlink(mods.join("../elsewhere.toml"), mods.join("bad/mod.toml")).expect("linked");
    });
    refused("bad", &expected("bad"), |mods| {
        write_mod(&mods.join(".."), "elsewhere", "1.0.0", "", FINE);
        symlink(mods.join("../elsewhere"), mods.join("bad")).expect("linked");
    });
    // A folder on the way to the entry.
    refused("bad", &expected("inner"), |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        write_mod(&mods.join(".."), "elsewhere", "1.0.0", "", FINE);
        symlink(mods.join("../elsewhere"), mods.join("bad/inner")).expect("linked");
        write_file(&mods.join("bad/mod.toml"), &manifest("bad", "1.0.0", "inner/mod.wat", ""));
    });
    // A loop, and one that leads nowhere.
    refused("bad", &expected("bad"), |mods| symlink(mods.join("bad"), mods.join("bad")).expect("linked"));
    refused("bad", &expected("bad"), |mods| symlink("/nowhere", mods.join("bad")).expect("linked"));
}

#[test]
fn a_manifest_of_a_gigabyte() {
    let expected = "bad/mod.toml has 1073741824 bytes, and this host takes at most 65536: it was not read";
    refused("bad", expected, |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        let file = fs::OpenOptions::new().write(true).open(mods.join("bad/mod.toml")).expect("opened");
        file.set_len(1 << 30).expect("a hole needs no room");
    });
}

#[test]
fn a_module_of_a_terabyte() {
    let expected = "mod.wat has 1099511627776 bytes, and this host takes at most 1048576: it was not read";
    refused("bad", expected, |mods| {
        write_mod(mods, "bad", "1.0.0", "", FINE);
        let file = fs::OpenOptions::new().write(true).open(mods.join("bad/mod.wat")).expect("opened");
        file.set_len(1 << 40).expect("a hole needs no room");
    });
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

/// A module that is exchanged for a pipe all the time: whenever the pipe is there at the look or at the opening, it is
/// refused, and nothing waits for it.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_that_takes_the_place_of_a_module_between_the_look_and_the_opening() {
    use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};
    let mut workshop = Workshop::open(
        |mods| {
            let ticking = tests::workshop::noting("mod_tick", "", "alive");
            write_mod(mods, "healthy", "1.0.0", "capabilities = ['intent']", &ticking);
            write_mod(mods, "evil", "1.0.0", "", FINE);
        },
        |loader| loader.grant("intent").look_every(Duration::from_millis(10)),
    );
    workshop.active("evil");
    let (module, pipe) = (workshop.folder().join("evil/mod.wat"), workshop.folder().join("evil/pipe"));
    mkfifoat(CWD, &pipe, Mode::RWXU).expect("made");
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let swapper = thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            renameat_with(CWD, &module, CWD, &pipe, RenameFlags::EXCHANGE).expect("exchanged");
        }
    });
    let (reason, still_running) = workshop.failed("evil");
    assert_eq!(
        (reason.to_string().as_str(), still_running.as_deref()),
        ("mod.wat is not a regular file", Some("1.0.0"))
    );
    let looks = workshop.control.folder().looks;
    eventually("it goes on looking", || workshop.control.folder().looks > looks + 100);
    stop.store(true, Ordering::Relaxed);
    swapper.join().expect("no panic");
    lives_on(workshop);
}

/// What another program holds by a lease, as file servers do, would have to be waited for: it is read later.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_another_program_has_a_lease_on() {
    const HOLD: &str = "import fcntl, os, signal, sys, time\n\
        signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
        file = os.open(sys.argv[1], os.O_WRONLY)\n\
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
        print('held', flush=True)\n\
        time.sleep(60)\n";
    let mut workshop = open(|mods| write_mod(mods, "held", "1.0.0", "", FINE));
    workshop.active("held");
    let module = workshop.folder().join("held/mod.wat");
    write_file(&module, &format!("{FINE} "));
    eventually("it was read", || workshop.control.folder().looks > 3);
    let holder = Command::new("python3").args(["-c", HOLD]).arg(&module).stdout(Stdio::piped()).spawn();
    // Without Python, or where the file system has no leases, there is nothing to see.
    let Ok(mut holder) = holder else { return };
    let mut said = [0; 4];
    let holds = std::io::Read::read_exact(holder.stdout.as_mut().expect("piped"), &mut said).is_ok();
    if holds {
        workshop.forget();
        workshop.control.rescan();
        let (reason, still_running) = workshop.failed("held");
        let expected = "cannot read mod.wat: another program holds it, and has to let it go first: it is read again later";
        assert_eq!((reason.to_string().as_str(), still_running.as_deref()), (expected, Some("1.0.0")));
        workshop.forget();
        workshop.note("healthy");
        workshop.control.deactivate("held").expect("room");
        assert_eq!(workshop.inactive("held"), Deactivation::Asked);
        workshop.control.activate("held").expect("room");
    }
    holder.kill().expect("it runs");
    holder.wait().expect("it ends");
    workshop.active("held");
    lives_on(workshop);
}

/// Links, names and folders that are no mods, beside some that are: each is said to be what it is, and none takes a place.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_mod_takes_no_place() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};
    let mut workshop = Workshop::open(
        |mods| {
            write_mod(mods, "target", "1.0.0", "", FINE);
            write_mod(mods, "z", "1.0.0", "", FINE);
            symlink("target/mod.wat", mods.join("notes.txt")).expect("linked");
            symlink("target", mods.join("linked")).expect("linked");
            fs::create_dir(mods.join("empty")).expect("made");
            fs::create_dir(mods.join(std::ffi::OsStr::from_bytes(b"n\xff"))).expect("made");
            fs::create_dir(mods.join("\u{200f}marks\u{2028}")).expect("made");
        },
        |loader| loader.max_mods(2),
    );
    workshop.active("target");
    workshop.active("z");
    for (name, reason) in [
        ("linked", "linked is a symbolic link, and none is followed: put the file or folder itself there"),
        ("empty", "cannot read empty/mod.toml: there is no such file"),
        ("n\\xff", "cannot read n\\xff: its name is not UTF-8: rename it"),
        ("\\u{200f}marks\\u{2028}", "cannot read \\u{200f}marks\\u{2028}/mod.toml: there is no such file"),
    ] {
        assert_eq!(workshop.failed(name).0.to_string(), reason);
        assert!(workshop.status(name).trouble.is_some());
    }
    let said = format!("{:?}", workshop.said());
    assert!(!said.contains("notes.txt") && !said.contains("(mods folder)"), "{said}");
    assert_eq!(workshop.control.status().len(), 6);
    workshop.close();
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
fn a_file_where_the_mods_folder_must_be() {
    let mut workshop = open(|_| {});
    workshop.note("healthy");
    let (folder, aside) = (workshop.folder().to_owned(), workshop.folder().with_extension("aside"));
    fs::rename(&folder, &aside).expect("moved");
    fs::write(&folder, "not a folder").expect("written");
    let (reason, _) = workshop.failed("(mods folder)");
    assert!(reason.to_string().starts_with("cannot read the mods folder: "), "{reason}");
    // Nothing says that the mods are gone: they go on.
    workshop.forget();
    workshop.note("healthy");
    fs::remove_file(&folder).expect("removed");
    assert!(matches!(workshop.inactive("healthy"), Deactivation::Removed));
    fs::rename(&aside, &folder).expect("moved");
    workshop.active("healthy");
    lives_on(workshop);
}

const UNPRIVILEGED: &str = "MOD_TESTS_UNPRIVILEGED";

/// Root may read everything, so this one runs itself again without privileges.
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
            .args(["--exact", "files::permission_denied", "--nocapture"])
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
