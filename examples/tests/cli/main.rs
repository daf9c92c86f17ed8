//! The examples as their users meet them: built, run, signalled; judged by exit code and by what they print.

mod browser;
#[cfg(feature = "journal")]
mod journal;
#[cfg(all(feature = "journal", unix))]
mod recorded;
mod register;
#[cfg(all(feature = "journal", unix))]
mod running;
#[cfg(all(feature = "p2p", unix))]
mod shared;
mod typed;
#[cfg(unix)]
mod unix;

use std::{
    fs,
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
        // With mods, journals and peers where this very test is.
        let features = [
            ("mods", cfg!(feature = "mods")),
            ("journal", cfg!(feature = "journal")),
            ("p2p", cfg!(feature = "p2p")),
        ];
        let features =
            features.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        let output = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "examples", "--examples", "--message-format=json"])
            .args(["--features", &features])
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
fn hello_greets_and_stops_cleanly() {
    let output = Command::new(example("hello")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    assert!(stdout.starts_with("Hello, worker!\nHello, queue!\nHello, frame!\nclean"), "{stdout}");
}

#[test]
fn custom_worker_recovers_and_its_failures_are_printed() {
    let output = Command::new(example("custom_worker")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    let stdout = text(&output.stdout);
    assert!(stdout.contains("shift 1 reports, shift 2 reports, shift 3 reports"), "{stdout}");
    assert!(stdout.contains("tail (Log, generation 1) failed: there is no log shifts.log yet"), "{stdout}");
    assert!(stdout.contains("ticker (Clock, generation 1) cancelled"), "{stdout}");
}

#[test]
fn shared_text_is_right_as_a_document_and_wrong_as_positions() {
    let output = Command::new(example("shared_text")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[2], "a document in the state: \"Goodbye brave new world\"");
    assert!(lines[3].starts_with("    the same on both, and right; "), "{said}");
    assert!(lines[7].starts_with("    the same on both, and wrong; "), "{said}");
    let help = Command::new(example("shared_text")).arg("--help").output().expect("it runs");
    assert!(text(&help.stdout).contains("--delay <KEYSTROKES>"), "{}", text(&help.stdout));
}

#[test]
fn a_daemon_starts_itself_again() {
    let output = Command::new(example("cookbook_detach")).output().expect("it runs");
    let said = text(&output.stdout);
    assert_eq!(said, "the process in the background says: ready\n", "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(0));
}

fn share(args: &[&str]) -> Output {
    Command::new(example("shared_list")).args(args).output().expect("it runs")
}

/// The lists at the end, by whose they are.
fn lists(shown: &str) -> Vec<&str> {
    let line = |name: &str| {
        let mut lines =
            shown.lines().filter_map(|line| line.trim_start().strip_prefix(name)?.strip_prefix(": "));
        lines.next().unwrap_or_else(|| panic!("no list of {name} in\n{shown}"))
    };
    ["alice", "bob", "carol"].map(line).to_vec()
}

#[test]
fn shared_list_converges_and_shows_how() {
    let output = share(&["--seed", "7", "--loss", "60"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    let lists = lists(&shown);
    assert!(lists.iter().all(|list| *list == lists[0] && list.contains(" done)")), "{shown}");
    for part in
        ["frame | alice", "merged redone items", "equal since frame ", " operations redone, ", " lost, "]
    {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "plain text: {shown}");
    assert_eq!(shown, text(&share(&["--seed", "7", "--loss", "60"]).stdout), "one seed, one table");
}

#[test]
fn shared_list_says_where_there_is_no_agreement_and_where_the_command_line_makes_no_sense() {
    let output = share(&["--loss", "100", "--frames", "5"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("no agreement after 1005 frames: "), "{shown}");
    assert_eq!(lists(&shown).len(), 3);
    for wrong in [&["--loss", "101"][..], &["--frames", "0"], &["--seed", "x"], &["--speed"]] {
        let output = share(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(output.stdout.is_empty());
    }
    let help = share(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("Exit codes: 0 the lists are equal; 1 "));
}

/// The minute that it is made for is for a person, or a nightly run.
#[test]
fn soak_holds_for_two_seconds() {
    let output = Command::new(example("soak")).args(["--seconds", "2"]).output().expect("it runs");
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    for what in [
        "the report names exactly the offenders",
        "every accepted intent came out once, in order",
        "nothing of an old generation after its successor",
        "no future and no thread is left over",
        "the events tell what can have happened, in order",
    ] {
        assert!(stdout.contains(&format!("ok      {what}")), "no `{what}` in\n{stdout}");
    }
    assert!(text(&output.stderr).starts_with("seed "), "so that it can be done again");
}
