//! The graph browser's composition: what it can do, listed on demand, and mods that come and go while it runs.

use super::{assert_row, browse, text, typed::typed};

#[test]
fn capabilities_are_listed_on_demand() {
    let output = typed("capabilities\nquit\n", &["--prefetch", "linked"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stderr = text(&output.stderr);
    for what in [
        "capabilities:\n",
        "  link handler https: leads to another server\n",
        "  link handler mailto: leads to no page\n",
        "  prefetch heuristic linked: first what most pages link to (in use)\n",
        "  prefetch heuristic nearest: the nearest first, of those the last used\n",
    ] {
        assert!(stderr.contains(what), "no `{what}` in {stderr}");
    }
    assert_row(&output, "shutdown clean");
}

#[test]
fn a_heuristic_that_is_not_registered_is_refused() {
    let output = browse(&["--prefetch", "magic"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("give one of linked, nearest"), "{}", text(&output.stderr));
}

/// Without the feature there is nothing that comes or goes.
#[cfg(not(feature = "mods"))]
#[test]
fn without_mods_nothing_is_announced() {
    let output = typed("capabilities\nquit\n", &[]);
    assert!(text(&output.stderr).contains("5 capabilities:"), "{}", text(&output.stderr));
    assert_row(&output, "signals 0 0 missed");
}

/// From the file to the list: loader, intent, state, signal, register.
#[cfg(feature = "mods")]
#[test]
fn a_mod_that_comes_or_goes_changes_what_is_listed() {
    use std::{
        fs,
        io::{BufRead, BufReader, Write},
        path::Path,
        process::{Command, Stdio},
    };

    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("graph_browser/mods/names");
    let mods = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(super::example("graph_browser"))
        .args(["--for", "60s", "--memory-threshold", "1", "--mods"])
        .arg(mods.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("piped");
    let mut lines =
        BufReader::new(child.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    let mut hears =
        |what: &str| lines.find(|line| line.contains(what)).unwrap_or_else(|| panic!("no `{what}`"));
    writeln!(stdin, "capabilities").expect("written");
    hears("5 capabilities:");
    // Elsewhere first, so that the loader never sees half of it.
    let (ready, place) = (mods.path().join(".names"), mods.path().join("names"));
    fs::create_dir(&ready).expect("made");
    for file in fs::read_dir(&shipped).expect("shipped") {
        let file = file.expect("an entry");
        fs::copy(file.path(), ready.join(file.file_name())).expect("copied");
    }
    fs::rename(&ready, &place).expect("moved");
    assert!(hears("capability came").contains("mod names: "));
    writeln!(stdin, "capabilities").expect("written");
    hears("6 capabilities:");
    hears("  mod names: ");
    fs::remove_dir_all(&place).expect("removed");
    hears("capability went");
    writeln!(stdin, "capabilities\nquit").expect("written");
    hears("5 capabilities:");
    drop(stdin);
    lines.for_each(drop);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "signals 2 0 missed");
    assert_row(&output, "shutdown clean");
}
