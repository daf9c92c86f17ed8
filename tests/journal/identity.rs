//! Which life of its peer a start is.

use std::{collections::BTreeSet, env, fs, path::Path, process::Command};

use control_panel::{
    Author, Replica,
    journal::Journal,
    replica::{
        Grant,
        codec::{Limits, Postcard, read_postcard},
    },
};

use crate::{HERE, THERE, Words, builder, frame, start};

/// One session of a program, closed at its end.
fn session(path: &Path, word: &str) -> (Author, Vec<String>) {
    let (journal, mut replica) = start(path).unwrap();
    frame(&mut replica, word);
    journal.close().unwrap();
    (replica.author(), replica.state().0.clone())
}

/// The folder as it is, lock files and all.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_start_after_a_close_is_the_same_life() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (first, _) = session(&path, "a");
    let (second, words) = session(&path, "b");
    assert_eq!((first, words), (second, vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn a_start_after_a_crash_is_a_new_life_with_all_that_was_durable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (journal, mut replica) = start(&path).unwrap();
    frame(&mut replica, "a");
    journal.flush().unwrap();
    frame(&mut replica, "never written");
    let first = replica.author();
    drop((journal, replica));
    let (journal, replica) = start(&path).unwrap();
    assert!(replica.author().incarnation > first.incarnation);
    assert_eq!(replica.state().0, ["a"]);
    // It is noted before its first commit: another start, that commits nothing either, is another one.
    let second = replica.author();
    drop((journal, replica));
    assert!(start(&path).unwrap().1.author().incarnation > second.incarnation);
}

/// The last of all lives crashed: the next is any that was not taken yet, and so is the one after that.
#[test]
fn lives_do_not_run_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let mut lives = BTreeSet::new();
    for _ in 0..4 {
        let journal = Journal::open(&path).unwrap();
        let mut replica =
            journal.replica(builder(HERE).incarnation(if lives.is_empty() { u32::MAX } else { 0 })).unwrap();
        frame(&mut replica, "a");
        journal.flush().unwrap();
        assert!(lives.insert(replica.author().incarnation), "taken twice: {lives:?}");
    }
    assert_eq!(start(&path).unwrap().1.state().0.len(), 4);
}

#[test]
fn a_copied_folder_is_another_life_and_the_original_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("original/app.journal");
    fs::create_dir(original.parent().unwrap()).unwrap();
    let (first, _) = session(&original, "a");
    copy(original.parent().unwrap(), &folder.path().join("copy"));
    let (copied, words) = session(&folder.path().join("copy/app.journal"), "in the copy");
    assert_ne!(copied, first);
    assert_eq!(words, ["a", "in the copy"]);
    assert_eq!(session(&original, "b").0, first);
}

#[test]
fn a_backup_that_is_put_back_is_another_life_than_all_before() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let path = home.join("app.journal");
    fs::create_dir(&home).unwrap();
    let mut lives = vec![session(&path, "a").0];
    let backup = folder.path().join("backup");
    copy(&home, &backup);
    // Two crashes later it is needed.
    for _ in 0..2 {
        let (journal, mut replica) = start(&path).unwrap();
        frame(&mut replica, "lost to the backup");
        journal.flush().unwrap();
        lives.push(replica.author());
    }
    // Over the same files, so that their numbers and their paths are the same.
    copy(&backup, &home);
    let (journal, replica) = start(&path).unwrap();
    assert!(!lives.contains(&replica.author()), "{lives:?} and {}", replica.author());
    assert_eq!(replica.state().0, ["a"]);
    drop(journal);
}

/// Set in a process that is one session: the path of its journal.
const SESSION: &str = "JOURNAL_SESSION";

#[test]
fn session_of_this_process() {
    let Some(path) = env::var_os(SESSION) else { return };
    let (author, words) = session(Path::new(&path), "a");
    println!("life {} of {} words", author.incarnation, words.len());
}

/// One session in a process of its own, on a machine whose boot has this name, or on this one: what it says of itself. `None` where a boot cannot be named.
fn session_after(boot: Option<&Path>, path: &Path) -> Option<(u32, usize)> {
    let program = env::current_exe().unwrap();
    let mut command = match boot {
        None => Command::new(program),
        Some(boot) => {
            let named = r#"mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@""#;
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", named, "sh"]).arg(boot).arg(program);
            command
        }
    };
    command.args(["--exact", "identity::session_of_this_process", "--nocapture"]).env(SESSION, path);
    let Ok(output) = command.output() else {
        assert!(boot.is_some());
        return None;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    let life = said.lines().find_map(|line| line.split_once("life "));
    let (life, words) = life.map(|(_, life)| life.trim_end_matches(" words").split_once(" of ").unwrap())?;
    Some((life.parse().unwrap(), words.parse().unwrap()))
}

/// The snapshot of a virtual machine brings files back with their places and times. What it does not bring back is the boot.
#[test]
fn a_machine_that_was_set_back_and_started_is_another_life() {
    let folder = tempfile::tempdir().unwrap();
    let (path, boot) = (folder.path().join("app.journal"), folder.path().join("boot"));
    fs::write(&boot, "8d9c1c0e-0000-4000-8000-000000000001\n").unwrap();
    let (first, _) = session_after(None, &path).unwrap();
    assert_eq!(session_after(None, &path), Some((first, 2)), "the same machine goes on");
    let Some((set_back, words)) = session_after(Some(&boot), &path) else {
        println!("skipped: no name of a boot may be mounted here");
        return;
    };
    assert!(set_back > first && words == 3, "{set_back} after {first}");
    assert_eq!(session_after(Some(&boot), &path), Some((set_back, 4)), "and goes on as that");
}

#[test]
fn a_journal_that_was_moved_is_another_life() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.journal"), folder.path().join("b.journal"));
    let (first, _) = session(&from, "a");
    fs::rename(&from, &to).unwrap();
    assert_ne!(session(&to, "b").0, first);
}

#[test]
fn two_new_journals_of_one_peer_are_two_lives() {
    let folder = tempfile::tempdir().unwrap();
    let lives: Vec<_> = (0..2).map(|n| session(&folder.path().join(format!("{n}")), "a").0).collect();
    assert_ne!(lives[0], lives[1], "with a chance of 1 in 65,536 they are the same");
}

#[test]
fn void_operations_come_back_once_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    // It may only read.
    let start = || {
        let journal = Journal::open(&path).unwrap();
        let replica = journal.replica(builder(HERE).members([THERE]).member(HERE, Grant::Read)).unwrap();
        (journal, replica)
    };
    let words = |replica: &mut Replica<Words>| -> Vec<_> {
        replica.take_void().into_iter().map(|(_, word)| word).collect()
    };
    let (journal, mut replica) = start();
    frame(&mut replica, "first");
    journal.flush().unwrap();
    drop((journal, replica));

    let (journal, mut replica) = start();
    assert_eq!(words(&mut replica), ["first"], "it was not taken before the crash");
    frame(&mut replica, "second");
    journal.close().unwrap();
    drop((journal, replica));

    let (_journal, mut replica) = start();
    assert_eq!(words(&mut replica), ["second"]);
}

/// A replica that goes on from another's snapshot, and commits a word on top; and the other.
fn joined(path: &Path, word: &str) -> (Replica<Words>, Journal, Replica<Words>) {
    let mut there = builder(THERE).build();
    there.commit("old".to_owned());
    let _ = there.settle();
    there.cut().unwrap();
    there.invite(HERE, Grant::Write).unwrap();
    let snapshot = there.snapshot().unwrap();
    assert!(snapshot.level() > 0);
    let journal = Journal::open(path).unwrap();
    let mut here = journal.replica(builder(HERE).members([THERE])).unwrap();
    here.rejoin(snapshot).unwrap();
    let _ = here.settle();
    frame(&mut here, word);
    (there, journal, here)
}

#[test]
fn a_replica_that_joined_without_the_history_goes_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (mut there, journal, mut here) = joined(&path, "new");
    assert_eq!(here.state().0, ["old", "new"]);
    journal.flush().unwrap();
    there.merge(here.outbox().unwrap());
    let author = here.author();
    drop((journal, here));

    let journal = Journal::open(&path).unwrap();
    let mut here = journal.replica(builder(HERE).members([THERE])).unwrap();
    assert_eq!(here.state().0, ["old", "new"]);
    assert!(here.author().incarnation > author.incarnation);
    frame(&mut here, "newer");
    journal.flush().unwrap();
    there.merge(here.outbox().unwrap());
    let _ = there.settle();
    assert_eq!(there.state(), here.state());
}

/// The state of a snapshot that an older program took is brought to the present schema, at each start.
#[test]
fn a_snapshot_of_an_older_program_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let (_, journal, here) = joined(&path, "above");
    journal.close().unwrap();
    drop((journal, here));

    let updated = || Postcard::migrating(1, |_, op| Ok(format!("{}!", read_postcard::<String>(op)?)));
    let open = |codec| {
        let journal = Journal::open(&path).unwrap();
        let builder = builder(HERE).members([THERE]).codec(codec, Limits::default());
        journal.replica(builder).map(|replica| replica.state().0.clone())
    };
    let error = open(updated()).unwrap_err();
    assert!(error.to_string().contains("Codec::migrate_state"), "{error}");
    let shout = |Words(words): Words| Words(words.iter().map(|word| format!("{word}!")).collect());
    for _ in 0..2 {
        let codec = updated().migrating_state(move |schema, state| {
            assert_eq!(schema, 0);
            Ok(shout(read_postcard(state)?))
        });
        assert_eq!(open(codec).unwrap(), ["old!", "above!"]);
    }
}

/// A joiner must not build on what a crash takes back.
#[test]
fn a_snapshot_comes_when_what_is_in_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path().join("app.journal")).unwrap();
    let mut here = journal.replica(builder(HERE)).unwrap();
    frame(&mut here, "first");
    here.invite(THERE, Grant::Write).unwrap();
    assert!(here.snapshot().is_none(), "nothing is written yet");
    assert!(here.snapshot().is_none());
    journal.flush().unwrap();
    // One that always has something that is not durable gives one all the same.
    frame(&mut here, "second");
    let snapshot = here.snapshot().expect("what is in it is durable");
    let mut there = builder(THERE).members([HERE]).join(snapshot).unwrap();
    let _ = there.settle();
    assert_eq!(there.state().0, ["first"]);
    assert!(here.snapshot().is_none(), "it was given, and the next has the second");
    journal.flush().unwrap();
    there.rejoin(here.snapshot().unwrap()).unwrap();
    let _ = there.settle();
    assert_eq!(there.state().0, ["first", "second"]);
}
