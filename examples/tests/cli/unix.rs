//! What only Unix has: links, pipes, permissions and signals.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::*;

#[test]
fn symbolic_links_are_not_followed_and_pipes_not_opened() {
    let folder = folder(&[("index.html", b"<a href=loop/index.html>round</a>")]);
    symlink(folder.path(), folder.path().join("loop")).expect("linked");
    symlink("/etc/hostname", folder.path().join("out.html")).expect("linked");
    let made = Command::new("mkfifo").arg(folder.path().join("pipe.html")).status();
    assert!(made.expect("mkfifo runs").success());
    let output = browse_folder(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "found 1");
    assert_row(&output, "skipped: symbolic link 2 loop, out.html");
    assert_row(&output, "skipped: pipe, socket or device 1 pipe.html");
    assert_row(&output, "broken 1");
}

#[test]
fn what_may_not_be_read_is_skipped_or_an_error() {
    let folder = folder(&[("index.html", b"<p>"), ("secret.html", b"<p>"), ("closed/a.html", b"<p>")]);
    let deny = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("denied");
    };
    let allow = |path: &Path| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("allowed");
    };
    let (page, closed) = (folder.path().join("secret.html"), folder.path().join("closed"));
    deny(&page);
    deny(&closed);
    if fs::read(&page).is_ok() {
        // To root nothing is denied, so there is nothing to see.
        allow(&closed);
        return;
    }
    let output = browse_folder(folder.path(), &[]);
    assert_row(&output, "skipped: unreadable 2 closed/, secret.html");
    let refused = browse_folder(&closed, &[]);
    allow(&closed);
    assert_eq!((output.status.code(), refused.status.code()), (Some(0), Some(1)));
}

#[test]
fn a_name_cannot_command_the_terminal() {
    let folder = folder(&[("\u{1b}[31mred.html", b"no tag"), ("index.html", b"<p>")]);
    let output = browse_folder(folder.path(), &[]);
    assert_row(&output, "not HTML inside 1 \\u{1b}[31mred.html");
}

/// A browser that has begun and will not end by itself.
fn endless() -> Child {
    let mut child = Command::new(example("graph_browser"))
        .args(["--for", "10m"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    // Signals are listened for before the first line of progress.
    let mut line = String::new();
    let stderr = child.stderr.as_mut().expect("piped");
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    assert!(line.contains("pages"), "{line}");
    child
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().expect("small")).expect("not 0");
    // It may be gone already, when it is the second.
    kill_process(pid, signal).ok();
}

fn ended(mut child: Child) -> Output {
    let status: ExitStatus = child.wait().expect("it ends");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child.stdout.take().expect("piped").read_to_end(&mut stdout).expect("read");
    child.stderr.take().expect("piped").read_to_end(&mut stderr).expect("read");
    Output { status, stdout, stderr }
}

#[test]
fn one_signal_shuts_down_in_order() {
    for (number, name) in [(Signal::INT, "Ctrl-C"), (Signal::TERM, "SIGTERM")] {
        let child = endless();
        signal(&child, number);
        let output = ended(child);
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert_row(&output, &format!("ended {name}"));
        assert_row(&output, "shutdown clean");
        assert_row(&output, "memory_monitor cancelled");
        assert_row(&output, "lost 0");
    }
}

/// As under a wrapper that forwards what the terminal sent as well.
#[test]
fn a_signal_that_arrives_twice_shuts_down_in_order_all_the_same() {
    for (first, second, name) in
        [(Signal::INT, Signal::INT, "Ctrl-C"), (Signal::TERM, Signal::TERM, "SIGTERM")]
    {
        let child = endless();
        signal(&child, first);
        signal(&child, second);
        let output = ended(child);
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert_row(&output, &format!("ended {name}"));
        assert_row(&output, "shutdown clean");
    }
}
