//! Journals on the command line: what each command prints, and the code that it ends with.

mod kept;

use std::{fs, path::Path, process::Output};

use super::{example, folder, text};

fn journal(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = std::process::Command::new(example("graph_journal"));
    command.args(arguments).current_dir(folder).output().expect("the example runs")
}

/// Ends with this code, and prints all of these.
#[track_caller]
fn expect(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> String {
    let output = journal(folder, arguments);
    let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {all}");
    for word in words {
        assert!(all.contains(word), "{arguments:?}: no `{word}` in {all}");
    }
    all
}

fn json(folder: &Path, arguments: &[&str], code: i32) -> serde_json::Value {
    let output = journal(folder, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let value: serde_json::Value = serde_json::from_str(&printed).expect("one object");
    assert_eq!(value["code"], code);
    let is_name = |name: &String| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    assert!(value.as_object().expect("an object").keys().all(is_name), "{value}");
    value
}

#[test]
fn a_journal_is_recorded_replayed_compared_shrunk_and_exported() {
    let folder = folder(&[]);
    let at = folder.path();
    expect(at, &["record", "a.journal", "--seed", "1", "--frames", "300"], 0, &["edits"]);
    expect(at, &["record", "b.journal", "--seed", "2", "--frames", "300"], 0, &["edits"]);
    let before = fs::read(at.join("a.journal")).unwrap();

    expect(at, &["replay", "a.journal", "--to-frame", "3"], 0, &["as it was recorded", "by name only"]);
    expect(
        at,
        &["replay", "a.journal", "--to-frame", "3", "--intents"],
        0,
        &["1:0 LocalUI", "MouseMoved (skipped)"],
    );
    let printed = expect(
        at,
        &["replay", "a.journal", "--to-frame", "20", "--print", "pages"],
        0,
        &["Page {", "title:"],
    );
    assert!(!printed.contains("edits:"), "{printed}");
    expect(
        at,
        &["replay", "a.journal", "--to-frame", "3", "--print", "nothing"],
        2,
        &["the state has no `nothing`"],
    );
    // What a peer sent is in what is shared, and is named where it is listed.
    let print = ["replay", "a.journal", "--to-frame", "30", "--print", "remarks.state"];
    let shared = expect(at, &print, 0, &["Remarks", "mine", "seen 0"]);
    assert!(!shared.contains("Page {"), "{shared}");
    let list = ["replay", "a.journal", "--to-frame", "20", "--intents"];
    expect(at, &list, 0, &["P2pSync", "FromPeer", "seen 0"]);
    let replayed = json(at, &["replay", "a.journal", "--to-frame", "3", "--print", "edits"], 0);
    assert_eq!((replayed["frames"].as_u64(), &replayed["deviations"]), (Some(3), &serde_json::json!([])));
    assert!(replayed["state"].as_str().unwrap().parse::<u64>().is_ok());

    expect(at, &["diff", "a.journal", "a.journal"], 0, &["equal: "]);
    let found = json(at, &["diff", "a.journal", "b.journal"], 1);
    assert!(found["frame"].as_u64().unwrap() > 0 && found["left"] != found["right"], "{found}");

    expect(at, &["whatif", "a.journal", "--drop", "1:0"], 0, &["no state differs", "fails as before"]);
    let edit = ["whatif", "a.journal", "--edit", "2:0", "--with", r#"{"Add":99}"#];
    expect(at, &edit, 1, &["after frame 2: ", "99", "in the end: "]);
    expect(at, &["whatif", "a.journal", "--delay", "1:0:5"], 0, &["in the end: the same"]);
    expect(at, &["whatif", "a.journal", "--drop", "1:99"], 2, &["frame 1 has no intent 99"]);
    expect(at, &["whatif", "a.journal"], 2, &["--drop"]);

    let shrunk = json(
        at,
        &["shrink", "a.journal", "--out", "few.recording", "--test", "few.rs", "--type", "crate::Site"],
        1,
    );
    let intents = shrunk["intents"].as_array().unwrap().len();
    assert!((4..10).contains(&intents), "{shrunk}");
    assert!(fs::read_to_string(at.join("few.rs")).unwrap().contains("failure::<crate::Site>()"));
    let few = fs::read(at.join("few.recording")).unwrap();
    assert!(
        few.windows(5).all(|bytes| bytes != b"seen "),
        "what a peer said in the same frames is not in it"
    );
    expect(at, &["shrink", "few.recording"], 1, &["which is gone", "#[test]"]);
    expect(at, &["shrink", "a.journal", "--out", "few.recording"], 3, &["few.recording"]);

    expect(at, &["export", "a.journal", "--out", "a.recording"], 0, &["intents: "]);
    expect(at, &["diff", "a.journal", "a.recording"], 0, &["equal: "]);
    expect(at, &["export", "a.journal", "--out", "c.recording", "--redact"], 0, &["intents: "]);
    expect(at, &["record"], 2, &["Usage: graph_journal record <FILE>"]);
    expect(
        at,
        &["whatif", "a.journal"],
        2,
        &["graph_journal whatif [--json] <FILE> --edit <FRAME:INTENT> --with <JSON>"],
    );
    let holds_title =
        |file: &str| fs::read(at.join(file)).unwrap().windows(6).any(|bytes| bytes == b"about ");
    assert!(holds_title("a.recording") && !holds_title("c.recording"), "titles are private");
    let shown = |file: &str| text(&journal(at, &["replay", file, "--intents"]).stdout);
    assert!(shown("c.recording").contains("FromPeer (not serialized)"), "{}", shown("c.recording"));
    assert!(!shown("c.recording").contains("seen 0"), "remarks are private");

    expect(at, &["refold", "a.journal"], 1, &["invariant"]);
    // Before the mistake shows, and without the digests.
    expect(at, &["record", "e.journal", "--seed", "1", "--frames", "20"], 0, &["edits"]);
    expect(at, &["refold", "e.journal"], 0, &["the same"]);
    expect(at, &["export", "e.journal", "--out", "e.recording", "--redact"], 0, &["intents: "]);
    expect(at, &["refold", "e.recording"], 3, &["nothing", "export --states"]);
    expect(at, &["export", "a.journal", "--out", "s.recording", "--states"], 0, &["intents: "]);
    expect(at, &["diff", "a.journal", "s.recording"], 0, &["equal: "]);
    expect(at, &["export", "a.journal", "--out", "t.recording", "--states", "--redact"], 2, &["--redact"]);
    expect(at, &["check", "a.journal", "a.recording"], 0, &["whole; ", "1 session(s)"]);
    expect(at, &["salvage", "a.journal", "--out", "d.journal"], 0, &["frames: "]);
    expect(at, &["diff", "a.journal", "d.journal"], 0, &["equal: "]);

    assert_eq!(fs::read(at.join("a.journal")).unwrap(), before, "nothing that is read changes");
}

#[test]
fn what_is_no_journal_is_refused_by_name() {
    let folder = folder(&[("empty", b""), ("text", b"not a journal, but long enough to be looked at\n")]);
    let at = folder.path();
    expect(at, &["replay", "gone"], 3, &["gone: no such file"]);
    expect(at, &["replay", "empty"], 3, &["empty"]);
    expect(at, &["check", "text"], 3, &["text: not a journal"]);
    let error = json(at, &["check", "text"], 3);
    assert!(error["error"].as_str().unwrap().contains("not a journal"));
    expect(at, &["replay"], 2, &["FILE"]);
    expect(at, &["frobnicate"], 2, &["unrecognized subcommand"]);
    let wrong = json(at, &["frobnicate"], 2);
    assert!(wrong["error"].as_str().unwrap().starts_with("unrecognized subcommand 'frobnicate'"), "{wrong}");
    let mut help = expect(at, &["--help"], 0, &["A bug report is one file", "Exit codes:"]);
    for command in COMMANDS {
        let example = format!("graph_journal {command} ");
        help +=
            &expect(at, &[command, "--help"], 0, &["Usage: ", "--json", "Example:", &example, "Exit codes:"]);
    }
    let wide: Vec<_> = help.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "wider than a terminal: {wide:#?}");
}

const COMMANDS: [&str; 8] = ["replay", "diff", "whatif", "shrink", "refold", "check", "salvage", "export"];

/// What cannot end well ends before the work, and one bad file hides no other.
#[test]
fn long_work_does_not_end_in_vain() {
    let folder =
        folder(&[("there", b"already"), ("text", b"not a journal, but long enough to be looked at\n")]);
    let at = folder.path();
    expect(at, &["record", "a.journal", "--frames", "20"], 0, &["edits"]);
    for arguments in [
        &["shrink", "text", "--out", "there"][..],
        &["shrink", "text", "--test", "there"],
        &["export", "text", "--out", "there"],
        &["salvage", "text", "--out", "there"],
    ] {
        expect(at, arguments, 3, &["error: there cannot be made: it is there already"]);
    }
    assert_eq!(fs::read(at.join("there")).unwrap(), b"already");
    expect(at, &["shrink", "a.journal", "--name", "no name"], 2, &["not the name of a function"]);
    for command in ["refold", "check"] {
        let words = ["error: text: not a journal", "error: gone: no such file", "a.journal: "];
        expect(at, &[command, "text", "gone", "a.journal"], 3, &words);
        let found = json(at, &[command, "text", "a.journal"], 3);
        assert!(found["files"][0]["error"].is_string() && found["files"][1]["frames"].is_u64(), "{found}");
    }
}

/// Nothing panics, nothing is complained of, and the code is the same.
#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_closes_the_pipe() {
    use std::process::{Command, Stdio};

    let folder = folder(&[]);
    let at = folder.path();
    let closed = |arguments: &[&str]| {
        let mut command = Command::new(example("graph_journal"));
        let command = command.args(arguments).current_dir(at).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        (output.status.code(), text(&output.stderr))
    };
    let quiet = |code| (Some(code), String::new());
    assert_eq!(closed(&["record", "a.journal", "--frames", "300"]), quiet(0));
    assert_eq!(closed(&["replay", "a.journal", "--to-frame", "3", "--intents"]), quiet(0));
    assert_eq!(closed(&["replay", "a.journal", "--to-frame", "3", "--json"]), quiet(0));
    assert_eq!(closed(&["shrink", "a.journal"]), quiet(1));
    assert_eq!(closed(&["--help"]), quiet(0));
}

/// What was found is not said to be printed where it was not.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_below_what_is_printed_is_an_error() {
    let folder = folder(&[]);
    let at = folder.path();
    expect(at, &["record", "a.journal", "--frames", "20"], 0, &["edits"]);
    for arguments in [&["replay", "a.journal"][..], &["replay", "a.journal", "--json"]] {
        let full = fs::File::options().write(true).open("/dev/full").expect("a full disk");
        let mut command = std::process::Command::new(example("graph_journal"));
        let output = command.args(arguments).current_dir(at).stdout(full).output().expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(
            text(&output.stderr).contains("error: what was found could not be printed: "),
            "{arguments:?}"
        );
    }
}

/// What it writes to stderr where that is a terminal.
#[cfg(unix)]
fn on_a_terminal(folder: &Path, arguments: &[&str]) -> String {
    use std::{fs::File, io::Read, process::Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let side =
        File::options().read(true).write(true).open(name.to_str().expect("UTF-8")).expect("its other side");
    let mut child = std::process::Command::new(example("graph_journal"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(side)
        .spawn()
        .expect("it runs");
    let (mut written, mut buffer) = (Vec::new(), [0; 4_096]);
    let mut terminal = File::from(terminal);
    // Its end is an error of the terminal's.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        written.extend_from_slice(&buffer[..read]);
    }
    child.wait().expect("it ends");
    String::from_utf8_lossy(&written).into_owned()
}

#[cfg(unix)]
#[test]
fn progress_is_for_terminals_alone_and_json_has_none() {
    let folder = folder(&[]);
    let at = folder.path();
    expect(at, &["record", "a.journal", "--seed", "1", "--frames", "300"], 0, &["edits"]);
    let before = fs::read(at.join("a.journal")).unwrap();
    let commands = [
        &["replay", "a.journal"][..],
        &["diff", "a.journal", "a.journal"],
        &["whatif", "a.journal", "--drop", "1:0"],
        &["shrink", "a.journal"],
        &["refold", "a.journal"],
        &["check", "a.journal"],
        &["salvage", "a.journal", "--out", "saved.journal"],
        &["export", "a.journal", "--out", "a.recording"],
    ];
    for command in commands {
        let again = || {
            for made in ["saved.journal", "a.recording"] {
                let _ = fs::remove_file(at.join(made));
            }
        };
        let shown = on_a_terminal(at, command);
        assert!(shown.contains('\u{1b}') || shown.contains('\r'), "{command:?}: a bar is drawn: {shown:?}");
        again();
        assert_eq!(on_a_terminal(at, &[command, &["--json"]].concat()), "", "{command:?}");
        again();
        assert_eq!(text(&journal(at, command).stderr), "", "{command:?}: no terminal, no bar");
        again();
    }
    assert_eq!(fs::read(at.join("a.journal")).unwrap(), before);
}
