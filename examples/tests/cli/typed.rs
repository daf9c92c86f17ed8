//! The graph browser, and what is typed while it runs.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Output, Stdio},
};

use super::{assert_row, example, text};

/// Runs it with these lines typed, for at most ten minutes.
pub(crate) fn typed(lines: &str, args: &[&str]) -> Output {
    let mut child = Command::new(example("graph_browser"))
        .args(["--quiet", "--for", "10m", "--memory-threshold", "1"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    // It may have enough before all is written.
    stdin.write_all(lines.as_bytes()).ok();
    let output = child.wait_with_output().expect("it ends");
    // Open until then: whether the reader would find the end before it is stopped depends on the machine.
    drop(stdin);
    output
}

#[test]
fn the_policy_is_changed_while_it_runs() {
    let output = typed("active 2\nwarm 0\n\nstatus\nquit\n", &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for what in [
        "ended by the command `quit`",
        "changed 2 by commands",
        "active webview limit 2",
        "warm cache limit 0",
        "limits broken 0 held in every frame",
        // It waits for another line when the program ends.
        "commands cancelled",
        "shutdown clean",
    ] {
        assert_row(&output, what);
    }
    let answer = text(&output.stderr);
    assert!(answer.contains("policy: active 2 (now 2), warm 0 (now 0), memory 1"), "{answer}");
    assert!(answer.contains("memory: machine ") && answer.contains(" MiB, normal"), "{answer}");
}

/// Every machine uses more than nothing: the new threshold reaches the monitor, and its answer the state.
#[test]
fn a_threshold_that_is_typed_reaches_the_memory_monitor_at_once() {
    let mut child = Command::new(example("graph_browser"))
        .args(["--quiet", "--for", "10m", "--visits", "100000", "--memory-threshold", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    let mut answers =
        BufReader::new(child.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    writeln!(stdin, "memory 0\nactive 9").expect("written");
    // The level is printed within a few frames; each question is answered by several lines.
    let mut policy = String::new();
    for _ in 0..500 {
        writeln!(stdin, "status").expect("written");
        policy = answers.find(|line| line.starts_with("policy: ")).expect("an answer");
        if policy.contains("active 9 (now 4)") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(policy, "policy: active 9 (now 4), warm 8 (now 4), memory 0");
    writeln!(stdin, "quit").expect("written");
    drop(stdin);
    answers.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_row(&output, "memory pressure warning 1 change(s)");
    assert_row(&output, "limits broken 0");
}

#[test]
fn what_is_not_understood_is_answered_and_not_forever() {
    let output = typed("dance\nactive 0\nhelp\nquit\n", &[]);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("no such command") && stderr.contains("give at least 1"), "{stderr}");
    assert!(stderr.contains("memory FRACTION"), "{stderr}");
    assert_row(&output, "changed 0 by commands");

    let flood = "nonsense\n".repeat(100_000);
    let output = typed(&flood, &["--frames", "30"]);
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert_eq!(stderr.lines().count(), 21, "{stderr}");
    assert!(stderr.ends_with("no more commands are read\n"), "{stderr}");
    assert_row(&output, "ended after --frames");
}
