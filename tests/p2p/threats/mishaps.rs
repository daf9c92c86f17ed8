//! Rows 28, 31: a disk that is full, a process that stood still; and a worker that panics.

use std::{
    env, fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use control_panel::{
    Version,
    workers::p2p_sync::OfflineReason::{Closed, JournalFailed, TimedOut, WorkerStopped},
};

use super::{Against, MALLORY};
use crate::{
    node::{LONG, Seen, Setup, folders, for_a_while, until},
    process::{Process, free_port},
    raw::{DELTA, TOOK},
};

/// The kernel stops it for longer than the idle setting, and lets it go on: each end reports one loss and one return.
#[cfg(unix)]
#[test]
fn row_31_a_process_that_is_stopped_and_goes_on_is_one_offline_and_one_online_at_both_ends() {
    let (folders, members) = folders(2);
    let idle = Duration::from_secs(3);
    let mut alice = Setup { idle, ..Setup::new(folders[0].path(), &members) }.start();
    let known = vec![(members[0], alice.address())];
    let bob = Setup { idle, known, bind: free_port(), ..Setup::new(folders[1].path(), &members) };
    let mut bob = Process::start(&bob);
    until(&mut [&mut alice], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && bob.is_online(members[0])
    });
    let (here, there) = (alice.seen_of(members[1]).len(), bob.seen_of(members[0]).len());
    bob.signal(rustix::process::Signal::STOP);
    until(&mut [&mut alice], "it is lost", |nodes| !nodes[0].is_online(members[1]));
    // Twice as long as it takes.
    for_a_while(&mut [&mut alice], 2 * idle);
    alice.commit("meanwhile");
    bob.signal(rustix::process::Signal::CONT);
    until(&mut [&mut alice], "it is back, and has the word", |nodes| {
        nodes[0].is_online(members[1]) && bob.is_online(members[0]) && bob.seen_of(members[0]).len() > there
    });
    for_a_while(&mut [&mut alice], Duration::from_secs(2));
    assert_eq!(alice.seen_of(members[1])[here..], [Seen::Offline(TimedOut), Seen::Online]);
    assert_eq!(bob.seen_of(members[0])[there..], [format!("offline: {TimedOut}"), "online".to_owned()]);
    bob.say("rest");
    until(&mut [&mut alice], "the word is there", |_| {
        bob.last("state").is_some_and(|state| state.ends_with(" 1"))
    });
}

/// It is killed, and dials again before anyone could notice: each loss is reported, however short it was.
#[cfg(unix)]
#[test]
fn one_that_is_killed_and_back_before_that_is_noticed_is_one_offline_and_one_online() {
    let (folders, members) = folders(2);
    let idle = Duration::from_secs(4);
    let mut alice = Setup { idle, ..Setup::new(folders[0].path(), &members) }.start();
    let known = vec![(members[0], alice.address())];
    let setup = Setup { idle, known, bind: free_port(), ..Setup::new(folders[1].path(), &members) };
    let mut bob = Process::start(&setup);
    until(&mut [&mut alice], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && bob.is_online(members[0])
    });
    // Longer than two that dial each other at the same time might have two connections.
    for_a_while(&mut [&mut alice], setup.connect + Duration::from_secs(1));
    let here = alice.seen_of(members[1]).len();
    bob.kill();
    bob = Process::start(&setup);
    until(&mut [&mut alice], "it is back", |nodes| {
        nodes[0].seen_of(members[1]).len() > here + 1 && bob.is_online(members[0])
    });
    for_a_while(&mut [&mut alice], Duration::from_secs(1));
    assert_eq!(alice.seen_of(members[1])[here..], [Seen::Offline(TimedOut), Seen::Online]);
}

/// The worker panics once: what it had in contact is lost with it, once, and comes back with its successor.
#[test]
fn a_worker_that_panics_is_one_offline_a_peer() {
    let (folders, members) = folders(2);
    let mut nodes: Vec<_> =
        folders.iter().map(|folder| Setup::new(folder.path(), &members).start()).collect();
    let [alice, bob] = &mut nodes[..] else { unreachable!() };
    // It has another port when it is back.
    alice.knows(bob);
    until(&mut [alice, bob], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    bob.peers.set_presence(b"panics: a worker that panics").unwrap();
    until(&mut [alice, bob], "it was lost and is back", |nodes| {
        nodes[0].seen_since_online(members[1]).len() >= 3 && nodes[0].is_online(members[1])
    });
    bob.commit("after");
    until(&mut [alice, bob], "the word is here", |nodes| nodes[0].words() == ["after"]);
    for_a_while(&mut [alice, bob], Duration::from_millis(500));
    let seen = alice.seen_since_online(members[1]);
    assert_eq!(seen, [Seen::Online, Seen::Offline(WorkerStopped), Seen::Online]);
}

/// Set in the process that has a small file system of its own at that path.
const SMALL: &str = "CONTROL_PANEL_P2P_SMALL_DISK";

#[cfg(target_os = "linux")]
#[test]
fn row_28_a_full_disk_is_one_offline_and_contact_comes_back_with_room() {
    if let Ok(folder) = env::var(SMALL) {
        on_a_small_file_system(Path::new(&folder));
        println!("\nrecovered");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=1m tmpfs \"$CONTROL_PANEL_P2P_SMALL_DISK\" || exit 77; exec \"$@\"";
    let name = "threats::mishaps::row_28_a_full_disk_is_one_offline_and_contact_comes_back_with_room";
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(SMALL, folder.path())
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no `unshare`");
        return;
    };
    let printed = String::from_utf8_lossy(&output.stdout);
    if matches!(output.status.code(), Some(1 | 77)) && !printed.contains("running 1 test") {
        println!("skipped: this process may not mount");
        return;
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("\nrecovered"), "{printed}\n{errors}");
}

fn on_a_small_file_system(folder: &Path) {
    let elsewhere = tempfile::tempdir().unwrap();
    let folders = [folder, elsewhere.path()];
    let members = folders.map(|folder| Setup::new(folder, &[]).key().peer());
    let mut alice = Setup { journal: true, ..Setup::new(folder, &members) }.start();
    let known = vec![(members[0], alice.address())];
    let mut bob = Setup { journal: true, known, ..Setup::new(elsewhere.path(), &members) }.start();
    alice.commit("before");
    until(&mut [&mut alice, &mut bob], "both are online", |nodes| {
        nodes[0].is_online(members[1]) && nodes[1].is_online(members[0]) && nodes[1].words().len() == 1
    });
    let ballast = folder.join("ballast");
    let mut room = 1 << 20;
    while room > 0 {
        // As much as there is room for.
        if fs::write(&ballast, vec![7; room]).is_ok() {
            break;
        }
        room -= 4 << 10;
    }
    let (began, long) = (Instant::now(), "x".repeat(4 << 10));
    while alice.is_online(members[1]) {
        assert!(began.elapsed() < LONG, "{:?}", alice.app.seen);
        bob.commit(&long);
        alice.frame();
        thread::sleep(Duration::from_millis(5));
    }
    for_a_while(&mut [&mut alice, &mut bob], Duration::from_secs(2));
    assert_eq!(alice.seen_since_online(members[1]), [Seen::Online, Seen::Offline(JournalFailed)]);
    assert_eq!(bob.seen_since_online(members[0]), [Seen::Online, Seen::Offline(Closed)]);

    fs::remove_file(&ballast).unwrap();
    bob.commit("after");
    let words = bob.words().len();
    assert!(words < 100, "{words} words have room");
    until(&mut [&mut alice, &mut bob], "all is here", |nodes| {
        nodes[0].words().len() == words && nodes[0].is_online(members[1]) && nodes[1].is_online(members[0])
    });
    let lost = Seen::Offline(JournalFailed);
    assert_eq!(alice.seen_since_online(members[1]), [Seen::Online, lost, Seen::Online]);
    assert_eq!(alice.words(), bob.words());
}

/// A delta that waits in the queue is not taken, however long: the peer that sent it may not count on it before a frame has merged it.
#[test]
fn row_28_what_no_frame_has_merged_is_not_taken() {
    let mut against = Against::new();
    let line = against.greet(MALLORY);
    let mut replica = against.replica(MALLORY);
    replica.commit("queued".to_owned());
    let _ = replica.settle();
    line.send(DELTA, &replica.since(&Version::new()).encode().unwrap());
    // No frame meanwhile, and longer than a session waits for what a replica does not show.
    thread::sleep(Duration::from_millis(2_500));
    assert!(!line.has(TOOK), "{:?}", line.frames());
    against.until("it is taken", |alice| alice.words() == ["queued"] && line.has(TOOK));
}
