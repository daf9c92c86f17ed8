//! One journal, one process.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use control_panel::journal::{Fault, Journal};

use crate::make;

/// Set in the process that holds the journal of that path until its standard input ends.
const HOLD: &str = "JOURNAL_FAULTS_HOLD";

#[test]
fn a_second_handle_in_this_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    let journal = Journal::open(&path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    let Fault::InUse { pid, program } = error.fault() else { panic!("{error:?}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert_eq!(program.as_deref(), env::current_exe().unwrap().to_str());
    journal.close().unwrap();
    Journal::open(&path).unwrap();
}

#[test]
fn a_second_process_is_refused_and_the_first_is_named() {
    if let Ok(path) = env::var(HOLD) {
        let journal = Journal::open(path).unwrap();
        println!("\nheld");
        std::io::stdout().flush().unwrap();
        std::io::stdin().lines().for_each(drop);
        journal.close().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.journal");
    make(&path);
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["processes::a_second_process_is_refused_and_the_first_is_named", "--exact", "--nocapture"])
        .env(HOLD, &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "held"));

    let before = fs::read(&path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error.fault(), Fault::InUse { pid, .. } if *pid == Some(child.id())), "{error:?}");
    assert!(error.to_string().contains(&format!("in use by process {}", child.id())), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    drop(child.stdin.take());
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());
    assert_eq!(Journal::open(&path).unwrap().session(), 4);
}
