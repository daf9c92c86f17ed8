//! The examples as their users meet them: built, run, signalled; judged by exit code and by what they print.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

/// A built example, built as its user does. Cargo tells a test where binaries are, but not where examples are, so
/// it is asked.
fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<Vec<(String, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "examples", "--examples", "--message-format=json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the examples build");
        let messages = text(&output.stdout);
        let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
        messages
            .filter_map(|message: serde_json::Value| {
                let executable = message.get("executable")?.as_str()?;
                let name = message.get("target")?.get("name")?.as_str()?;
                Some((name.to_owned(), executable.into()))
            })
            .collect()
    });
    let found = built.iter().find(|(built, _)| built == name);
    found.unwrap_or_else(|| panic!("{name} is among {built:?}")).1.clone()
}

fn browse(args: &[&str]) -> Output {
    Command::new(example("graph_browser")).args(args).output().expect("it runs")
}

fn browse_folder(folder: &Path, args: &[&str]) -> Output {
    let mut all = vec!["--quiet", "--visits", "3", "--pages", folder.to_str().expect("a UTF-8 path")];
    all.extend(args);
    browse(&all)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).expect("UTF-8")
}

/// A row of the summary as `what | figure | note`, spaces squeezed; panics if there is none.
fn row(output: &Output, what: &str) -> String {
    let table = text(&output.stdout);
    let squeezed = |line: &str| {
        let words: Vec<_> = line.trim_matches(['│', ' ']).split_whitespace().collect();
        words.join(" ")
    };
    let mut rows = table.lines().map(squeezed);
    let found = rows.find_map(|row| Some(row[row.find(what)?..].to_owned()));
    found.unwrap_or_else(|| panic!("no `{what}` in\n{table}\n{}", text(&output.stderr)))
}

fn assert_row(output: &Output, what: &str) {
    row(output, what);
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().expect("inside the folder")).expect("made");
        fs::write(file, content).expect("written");
    }
    folder
}

#[test]
fn the_shipped_site_is_browsed_and_everything_is_told() {
    // No memory is ever used beyond all of it: no pressure.
    let output = browse(&["--seed", "1", "--memory-threshold", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for what in [
        "ended all done",
        "visits 40 of 40 planned",
        "found 31",
        "read 29",
        "skipped: not HTML by its name 2 notes.txt, style.css",
        "skipped: not HTML inside 1 no-tags.html",
        "skipped: not UTF-8 1 latin-1.html",
        "external 3",
        "broken 1 shutdown.html to missing-chapter.html",
        "limits broken 0 held in every frame",
        "followed a link",
        "active webview limit",
        "lost 0",
        "LocalUI",
        "ServoDelegate",
        "Restore",
        "drain and apply, p99",
        "walk finished",
        "reader finished",
        "Cold to Active",
        "prefetched",
        "PrefetchScheduler",
        "memory pressure normal 0 change(s)",
        "memory_monitor cancelled",
        "prefetch_scheduler cancelled",
        "commands finished",
        "shutdown clean",
    ] {
        assert_row(&output, what);
    }
    assert!(
        text(&output.stderr).contains("visits"),
        "progress is told in plain lines where there is no terminal"
    );
    assert!(!text(&output.stdout).contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn the_same_seed_makes_the_same_visits() {
    // How much is prefetched between two visits is a matter of time; without a warm cache nothing is.
    let moves = |seed| {
        let output = browse(&["--quiet", "--seed", seed, "--memory-threshold", "1", "--warm-cache", "0"]);
        assert_eq!(text(&output.stderr), "", "quiet means quiet");
        assert_row(&output, "prefetched 0");
        [row(&output, "LocalUI"), row(&output, "Cold to Active"), row(&output, "Active to Cold")]
    };
    assert_eq!(moves("5"), moves("5"));
}

#[test]
fn memory_pressure_is_answered_with_the_least_recently_used() {
    // Every machine uses more than nothing, so this is pressure from the first sample on.
    let output = browse(&["--quiet", "--memory-threshold", "0"]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "MemoryMonitor");
    assert_row(&output, "memory pressure: ");
    assert_row(&output, "limits broken 0");
}

/// Runs it with these lines typed, for at most ten minutes.
fn typed(lines: &str, args: &[&str]) -> Output {
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
    drop(stdin);
    child.wait_with_output().expect("it ends")
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
        "commands finished",
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
    // The level is told within a few frames; each question is answered by several lines.
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
fn what_is_not_understood_is_answered_and_not_for_ever() {
    let output = typed("dance\nactive 0\nhelp\nquit\n", &[]);
    let told = text(&output.stderr);
    assert!(told.contains("no such command") && told.contains("give at least 1"), "{told}");
    assert!(told.contains("memory FRACTION"), "{told}");
    assert_row(&output, "changed 0 by commands");

    let flood = "nonsense\n".repeat(100_000);
    let output = typed(&flood, &["--frames", "30"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stderr);
    assert_eq!(told.lines().count(), 21, "{told}");
    assert!(told.ends_with("no more commands are read\n"), "{told}");
    assert_row(&output, "ended after --frames");
}

#[test]
fn it_ends_when_it_is_told_to() {
    let output = browse(&["--quiet", "--frames", "7", "--visits", "1000"]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "ended after --frames");
    assert_row(&output, "frames 7");
    let output = browse(&["--quiet", "--for", "50ms", "--visits", "1000"]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "ended after --for");
}

#[test]
fn a_folder_that_cannot_be_read_is_an_error_in_words() {
    let folder = folder(&[("index.html", b"<p>")]);
    for (path, why) in [("gone", "No such file"), ("index.html", "Not a directory")] {
        let output = browse_folder(&folder.path().join(path), &[]);
        assert_eq!(output.status.code(), Some(1), "{path}");
        let told = text(&output.stderr);
        assert!(told.starts_with("error: cannot read the folder") && told.contains(path), "{told}");
        assert!(cfg!(not(unix)) || told.contains(why), "{told}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn a_senseless_command_line_is_refused() {
    for (args, why) in [
        (&["--active-webviews", "0"][..], "at least 1"),
        (&["--active-webviews", "-1"], "--active-webviews"),
        (&["--memory-threshold", "NaN"], "0 to 1"),
        (&["--memory-threshold", "1.5"], "0 to 1"),
        (&["--max-pages", "0"], "at least 1"),
        (&["--for", "10"], "give a unit"),
        (&["--unknown"], "--unknown"),
    ] {
        let output = browse(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = text(&output.stderr);
        assert!(told.contains(why), "{args:?}: {told}");
    }
}

#[test]
fn limits_beyond_use_are_clamped_and_said() {
    let most = usize::MAX.to_string();
    let output = browse(&["--active-webviews", &most, "--warm-cache", &most, "--frames", "3"]);
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stderr);
    assert_eq!(told.matches("note: ").count(), 2, "{told}");
    assert_row(&output, "limit 256");
}

#[test]
fn help_teaches() {
    let output = browse(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for what in
        ["Exit codes", "--pages <DIR>", "500ms, 10s, 2m", "[default: 40]", "16 MiB", "active N", "quit"]
    {
        assert!(help.contains(what), "no {what} in {help}");
    }
}

#[test]
fn an_empty_folder_and_one_without_pages_end_by_themselves() {
    for folder in [folder(&[]), folder(&[("a.txt", b"text"), ("deep/b.png", b"\x89PNG")])] {
        let output = browse_folder(folder.path(), &[]);
        assert_eq!(output.status.code(), Some(0));
        assert_row(&output, "ended all done");
        assert_row(&output, "visits 0 of 3 planned");
        assert_row(&output, "found 0");
    }
}

#[test]
fn what_cannot_be_read_is_counted_with_its_reason() {
    let folder = folder(&[
        ("index.html", b"<a href=big.html>1</a><a href=gone.html>2</a><a href=deep/>3</a>"),
        ("big.html", &[b'<'; 200]),
        ("binary.html", b"<\0\0\0"),
        ("utf16.html", b"\xff\xfe<\0p\0>\0"),
        ("deep/index.html", b"<a href=../index.html>back</a><a href=/>root</a><a href=\"\">self</a>"),
    ]);
    let output = browse_folder(folder.path(), &["--max-page-size", "100"]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "found 5");
    assert_row(&output, "read 2");
    assert_row(&output, "skipped: too large 1 big.html");
    assert_row(&output, "skipped: not HTML inside 1 binary.html");
    assert_row(&output, "skipped: not UTF-8 1 utf16.html");
    assert_row(&output, "internal 5");
    assert_row(&output, "broken 1 index.html to gone.html");
}

#[test]
fn the_crawl_is_bounded_and_says_where_it_stopped() {
    let names: Vec<_> = (0..50).map(|n| format!("{n:02}.html")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), &b"<a href=49.html>last</a>"[..])).collect();
    let folder = folder(&files);
    let output = browse_folder(folder.path(), &["--max-pages", "10"]);
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "found 10 the walk stopped at --max-pages");
    // Nobody knows whether what was not looked at is missing.
    assert_row(&output, "broken 0");
}

#[cfg(unix)]
mod unix {
    use std::{
        os::unix::fs::{PermissionsExt, symlink},
        process::{Child, ExitStatus},
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
        // It may be gone already, when it is the second signal.
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

    /// The second may come when the ordered shutdown is over already; then there is another try.
    #[test]
    fn a_second_signal_forces_the_exit() {
        for _ in 0..50 {
            let child = endless();
            signal(&child, Signal::INT);
            signal(&child, Signal::TERM);
            let output = ended(child);
            match output.status.code() {
                Some(130 | 143) => {
                    assert_eq!(text(&output.stdout), "", "there was no time for a summary");
                    return;
                }
                code => assert_eq!(code, Some(0)),
            }
        }
        panic!("fifty second signals came too late");
    }
}

#[test]
fn hello_greets_and_stops_cleanly() {
    let output = Command::new(example("hello")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.starts_with("Hello, worker!\nHello, queue!\nHello, frame!\nclean"), "{told}");
}

#[test]
fn custom_worker_recovers_and_its_failures_are_told() {
    let output = Command::new(example("custom_worker")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let told = text(&output.stdout);
    assert!(told.contains("shift 1 reports, shift 2 reports, shift 3 reports"), "{told}");
    assert!(told.contains("tail (Log, generation 1) failed: there is no log shifts.log yet"), "{told}");
    assert!(told.contains("ticker (Clock, generation 1) cancelled"), "{told}");
}

/// The minute that it is made for is for a person, or a nightly run.
#[test]
fn soak_holds_for_two_seconds() {
    let output = Command::new(example("soak")).args(["--seconds", "2"]).output().expect("it runs");
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    for what in [
        "the report names exactly the offenders",
        "every accepted intent came out once, in order",
        "nothing of an old generation after its successor",
        "no future and no thread is left over",
        "the events tell what can have happened, in order",
    ] {
        assert!(told.contains(&format!("ok      {what}")), "no `{what}` in\n{told}");
    }
    assert!(text(&output.stderr).starts_with("seed "), "so that it can be done again");
}
