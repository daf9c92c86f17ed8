//! Rows 31 and 32: a machine that sleeps, all of it, and clocks that jump.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use control_panel::Peer;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    node::{Setup, folders},
    process::{Process, free_port},
};

const IDLE: Duration = Duration::from_secs(3);

/// What is preloaded into processes whose clocks a file moves. `None`, with the reason printed, where it cannot be made.
fn shim(folder: &TempDir) -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clock/clock.c");
    let made = folder.path().join("clock.so");
    let output = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&made).arg(source).output();
    match output {
        Ok(output) if output.status.success() => Some(made),
        Ok(output) => {
            println!("skipped: {}", String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            println!("skipped: no C compiler: {error}");
            None
        }
    }
}

/// Two processes that know each other, with an idle setting of three seconds.
struct Two {
    processes: [Process; 2],
    members: Vec<Peer>,
    _folders: Vec<TempDir>,
}

impl Two {
    /// Each with clocks that this file moves, by what is preloaded.
    fn new(clocks: [Option<(&Path, &Path)>; 2]) -> Self {
        let (folders, members) = folders(2);
        let at = [free_port(), free_port()];
        let processes = [0, 1].map(|me| {
            let known = vec![(members[1 - me], at[1 - me])];
            let setup = Setup { idle: IDLE, known, bind: at[me], ..Setup::new(folders[me].path(), &members) };
            let environment = clocks[me].map(|(shim, clock)| {
                [("LD_PRELOAD", shim.as_os_str()), ("CONTROL_PANEL_P2P_CLOCK", clock.as_os_str())]
            });
            Process::start_with(&setup, environment.as_ref().map_or(&[][..], |set| set))
        });
        let two = Self { processes, members, _folders: folders };
        two.until("both are online", Self::are_online);
        two
    }

    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        self.processes[0].wait_for(what, |_| is(self));
    }

    /// What each reported of the other.
    fn seen(&self) -> [Vec<String>; 2] {
        [0, 1].map(|me| self.processes[me].seen_of(self.members[1 - me]))
    }

    fn are_online(&self) -> bool {
        self.seen().iter().all(|seen| seen.last().is_some_and(|last| last == "online"))
    }

    fn signal(&self, signal: Signal) {
        for process in &self.processes {
            process.signal(signal);
        }
    }

    fn has_words(&self, count: usize) -> bool {
        let has = |process: &Process| {
            process.last("state").is_some_and(|state| state.ends_with(&format!(" {count}")))
        };
        self.processes.iter().all(has)
    }

    /// What is said next is heard, and each end has reported one loss and one return since, or neither: where what was on its way when it stopped is read first, the connection goes on.
    fn assert_settles(&mut self, before: [usize; 2], words: usize) {
        self.processes[0].say("word after");
        self.until("the word is there", |two| two.has_words(words));
        // Longer than it takes to find out.
        thread::sleep(2 * IDLE);
        self.until("both are in contact", Self::are_online);
        for (seen, before) in self.seen().iter().zip(before) {
            let since = &seen[before..];
            let is_one = matches!(since, [lost, back] if lost.starts_with("offline: ") && back == "online");
            assert!(is_one || since.is_empty(), "{since:?}");
        }
    }
}

/// All of them stop at the same time, for longer than the idle setting, and go on: as when a machine with both sleeps, where the clock goes on meanwhile; and as two machines that wake one after the
/// other, of which the first finds out that the other is not there.
#[test]
fn row_31_all_processes_that_stop_together_report_one_loss_and_one_return() {
    let mut two = Two::new([None, None]);
    let before = two.seen().map(|seen| seen.len());
    two.signal(Signal::STOP);
    thread::sleep(Duration::from_secs(8));
    two.signal(Signal::CONT);
    two.assert_settles(before, 1);

    let before = two.seen().map(|seen| seen.len());
    two.signal(Signal::STOP);
    thread::sleep(IDLE);
    two.processes[0].signal(Signal::CONT);
    two.until("it finds out", |two| two.seen()[0].last().is_some_and(|last| last != "online"));
    two.processes[1].signal(Signal::CONT);
    two.until("it is back", Two::are_online);
    two.assert_settles(before, 2);
    assert_eq!(two.seen()[0].len(), before[0] + 2);
}

/// A machine that slept for eight hours, whose clock went on meanwhile: both processes find that eight hours have passed, at once. No burst of timers comes of it.
#[test]
fn row_31_eight_hours_that_pass_at_once_are_one_loss_and_one_return_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shim) = shim(&folder) else { return };
    let clock = folder.path().join("clock");
    fs::write(&clock, "0 0").unwrap();
    let mut two = Two::new([Some((&shim, &clock)); 2]);
    for word in 1..=3 {
        let before = two.seen().map(|seen| seen.len());
        two.signal(Signal::STOP);
        fs::write(&clock, format!("{0} {0}", word * 8 * 60 * 60)).unwrap();
        two.signal(Signal::CONT);
        two.assert_settles(before, word);
    }
}

/// The wall clock of one is thirty years ahead, then forty behind: no one is lost by it, and what is said comes in the order in which it was said.
#[test]
fn row_32_a_wall_clock_that_jumps_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(shim) = shim(&folder) else { return };
    let clock = folder.path().join("clock");
    let year = 365 * 24 * 60 * 60_i64;
    fs::write(&clock, format!("{} 0", 30 * year)).unwrap();
    let mut two = Two::new([Some((&shim, &clock)), None]);
    let before = two.seen();
    for process in &mut two.processes {
        process.say("wall");
    }
    two.until("each says what time it is", |two| {
        let [ahead, here] = [0, 1].map(|me| two.processes[me].last("wall")?.parse::<i64>().ok());
        ahead.zip(here).is_some_and(|(ahead, here)| ahead > here + 29 * year)
    });
    for (word, jump) in [0, -40 * year, 90 * year, -1, 0].into_iter().enumerate() {
        fs::write(&clock, format!("{jump} 0")).unwrap();
        // By turns, so that each is after what it has seen.
        two.processes[word % 2].say(&format!("word {word}"));
        two.until("the word is here and there", |two| two.has_words(word + 1));
    }
    thread::sleep(2 * IDLE);
    assert_eq!(two.seen(), before);
    for process in &mut two.processes {
        assert_eq!(process.list(), ["0", "1", "2", "3", "4"]);
    }
}
