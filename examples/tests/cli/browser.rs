//! The graph browser: what it is given, what it tells, and how it ends.

use super::{assert_row, browse, browse_folder, folder, row, text};

#[test]
fn the_shipped_site_is_browsed_and_everything_is_printed() {
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
        "progress is printed in plain lines where there is no terminal"
    );
    assert!(!text(&output.stdout).contains('\u{1b}'), "colours are for terminals");
}

#[test]
fn the_same_seed_makes_the_same_visits() {
    // How much is prefetched between two visits is a matter of time, as is what a mod blocks: here there is no warm cache,
    // and no mod.
    let no_mods = tempfile::tempdir().expect("a temporary folder");
    let moves = |seed| {
        let mut args = vec!["--quiet", "--seed", seed, "--memory-threshold", "1", "--warm-cache", "0"];
        if cfg!(feature = "mods") {
            args.extend(["--mods", no_mods.path().to_str().expect("a UTF-8 path")]);
        }
        let output = browse(&args);
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

#[test]
fn it_ends_when_it_is_asked_to() {
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
        let stderr = text(&output.stderr);
        assert!(stderr.starts_with("error: cannot read the folder") && stderr.contains(path), "{stderr}");
        assert!(cfg!(not(unix)) || stderr.contains(why), "{stderr}");
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
        let stderr = text(&output.stderr);
        assert!(stderr.contains(why), "{args:?}: {stderr}");
    }
}

#[test]
fn limits_beyond_use_are_clamped_and_said() {
    let most = usize::MAX.to_string();
    let output = browse(&["--active-webviews", &most, "--warm-cache", &most, "--frames", "3"]);
    assert_eq!(output.status.code(), Some(0));
    let stderr = text(&output.stderr);
    assert_eq!(stderr.matches("note: ").count(), 2, "{stderr}");
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
    // What was not looked at may or may not be missing.
    assert_row(&output, "broken 0");
}
