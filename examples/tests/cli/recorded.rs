//! The graph browser with `--journal`: killed, started again, refused, and on a full disk.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output},
};

use super::{
    assert_row, browse, example, folder, row,
    running::{Browser, StatusLine, browser, graph_of, site},
    text,
};

fn browse_to_the_end(pages: &Path, more: &[&str]) -> Output {
    let pages = pages.to_str().expect("a UTF-8 path");
    browse(&[&["--quiet", "--visits", "3", "--memory-threshold", "1", "--pages", pages], more].concat())
}

#[test]
fn a_browser_that_is_killed_at_any_moment_starts_again_where_it_was() {
    let (pages, kept) = (site(1_500), folder(&[]));
    let journal = kept.path().join("browser.journal");
    let mut durable = StatusLine::default();
    let mut lives = Vec::new();
    let rounds = env::var("SIGKILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8_u64);
    for round in 0..rounds {
        let (mut browser, began) = Browser::start(&mut browser(), &journal, pages.path());
        assert_eq!(began.session, round + 1);
        assert!(!lives.contains(&began.life), "round {round}: a life twice, so numbers twice: {began:?}");
        lives.push(began.life);
        assert!(began.clock >= durable.clock, "round {round}: {began:?} after {durable:?}");
        assert!(began.operations >= durable.operations, "round {round}: {began:?} after {durable:?}");
        assert!(began.pages >= durable.pages && began.links >= durable.links, "{began:?} after {durable:?}");
        durable = began;
        // At first before it has done anything, then later and later.
        let mut asked: Vec<StatusLine> = Vec::new();
        for _ in 0..round % 12 * 2 {
            let status = browser.status();
            let is_durable = |before: &&StatusLine| status.written >= before.given;
            durable = asked.iter().rev().find(is_durable).copied().unwrap_or(durable);
            asked.push(status);
        }
        browser.kill();
    }
    let (mut last, began) = Browser::start(&mut browser(), &journal, pages.path());
    assert!(began.operations >= durable.operations);
    let all = last.until(|_, status| status.pages == 1_500 && status.operations >= 1_500);
    assert_eq!(last.quit().status.code(), Some(0));

    let output = browse_to_the_end(pages.path(), &["--journal", journal.to_str().expect("a UTF-8 path")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let without = browse_to_the_end(pages.path(), &[]);
    assert_eq!(graph_of(&output), graph_of(&without), "as if it had never been killed; {all:?}");
    assert_row(&output, "lost 0");
}

/// The third done gate of the design this library was begun with.
#[test]
fn graph_browser_app_resumes_its_persisted_lamport_clock_after_kill_9() {
    let (pages, kept) = (site(20), folder(&[]));
    let journal = kept.path().join("browser.journal");
    let (mut killed, began) = Browser::start(&mut browser(), &journal, pages.path());
    assert_eq!((began.clock, began.operations), (0, 0));
    killed.until(|browser, status| status.pages == 20 && !browser.progress.contains("walking"));
    // Nothing is left to do when all pages are read: what is durable then is all.
    let mut before = killed.durable();
    loop {
        let now = killed.durable();
        if now.operations == before.operations && now.operations > 20 {
            break;
        }
        before = now;
    }
    killed.kill();

    fs::write(pages.path().join("new.html"), "<a href=0001.html>x</a>").unwrap();
    let (mut again, began) = Browser::start(&mut browser(), &journal, pages.path());
    assert_eq!((began.session, began.clock), (2, before.clock), "the clock that was on disk");
    assert_eq!((began.operations, began.pages, began.links), (before.operations, before.pages, before.links));
    assert_ne!(began.life, before.life, "after a kill its numbers are those of another life");
    let after = again.until(|_, status| status.pages == 21 && status.operations >= before.operations + 2);
    assert_eq!(after.clock, before.clock + 2, "each operation later than all before: a page found, and read");
    assert_eq!(again.quit().status.code(), Some(0));

    let (again, began) = Browser::start(&mut browser(), &journal, pages.path());
    assert_eq!((began.clock, began.life), (after.clock, after.life), "closed in order, it goes on as it was");
    again.kill();
}

#[test]
fn what_was_typed_and_opened_is_restored_and_a_quit_is_not() {
    let (pages, kept) = (site(20), folder(&[]));
    let journal = kept.path().join("browser.journal");
    let (mut killed, _) = Browser::start(&mut browser(), &journal, pages.path());
    killed.type_line("active 2");
    killed.type_line("warm 5");
    killed.until(|browser, _| browser.policy.contains("active 2 (now 2), warm 5 (now 5)"));
    killed.until(|browser, _| browser.progress.contains(" 2 active, 5 warm"));
    killed.durable();
    killed.kill();

    let (mut again, _) = Browser::start(&mut browser(), &journal, pages.path());
    again.status();
    assert!(again.policy.contains("active 2 (now 2), warm 5 (now 5)"), "{}", again.policy);
    assert!(again.progress.contains(" 2 active, "), "{}", again.progress);
    let output = again.quit();
    assert_row(&output, "ended by the command `quit`");
    assert!(row(&output, "restored ").split(' ').nth(1).unwrap().parse::<u64>().unwrap() > 2);

    // What is given on the command line counts more, and the `quit` of the run before ends nothing.
    let (mut third, _) = Browser::start(browser().args(["--warm-cache", "3"]), &journal, pages.path());
    third.status();
    assert!(third.policy.contains("active 2 (now 2), warm 3 (now 3)"), "{}", third.policy);
    third.kill();
}

#[test]
fn without_the_option_nothing_is_written() {
    let (pages, here) = (site(5), folder(&[]));
    let output = browser()
        .args(["--quiet", "--visits", "3", "--pages"])
        .arg(pages.path())
        .current_dir(here.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0, "nothing where it runs");
    assert_eq!(fs::read_dir(pages.path()).unwrap().count(), 5, "nothing where the pages are");
    let help = text(&browse(&["--help"]).stdout);
    for words in
        ["--journal <FILE>", "kill -9", "Without this option nothing is", "3 the journal cannot be used"]
    {
        assert!(help.contains(words), "no `{words}` in {help}");
    }
}

#[test]
fn a_journal_that_cannot_be_used_is_refused_by_name() {
    let (pages, other, kept) = (site(5), site(6), folder(&[]));
    let at = |name: &str| kept.path().join(name);
    let good = at("good");
    let (mut running, _) = Browser::start(&mut browser(), &good, pages.path());
    running.durable();
    let refused = |name: &str, pages: &Path, why: &str| {
        let path = at(name);
        let before = fs::read(&path).ok();
        let output = browse_to_the_end(pages, &["--journal", path.to_str().expect("a UTF-8 path")]);
        let status = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{name}: {status}");
        assert!(
            status.starts_with("error: ") && status.contains(name) && status.contains(why),
            "{name}: {status}"
        );
        assert_eq!(status.lines().count(), 1, "{status}");
        assert_eq!(text(&output.stdout), "", "{name}");
        assert!(name == "good" || fs::read(&path).ok() == before, "{name}: it was changed");
    };
    refused("good", pages.path(), &format!("in use by process {}", running.child.id()));
    assert_eq!(running.quit().status.code(), Some(0));
    refused("good", other.path(), "of the folder ");

    let bytes = fs::read(&good).unwrap();
    fs::write(at("truncated"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(at("flipped"), bytes.iter().map(|byte| byte ^ 0x10).collect::<Vec<_>>()).unwrap();
    fs::write(at("a text"), "Dear diary, today I saw a page.").unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::write(at("locked up"), &bytes).unwrap();
    fs::set_permissions(at("locked up"), fs::Permissions::from_mode(0o444)).unwrap();
    fs::create_dir(at("a folder")).unwrap();
    symlink(&good, at("a link")).unwrap();
    for (name, why) in [
        ("truncated", "amaged"),
        ("flipped", "not a journal"),
        ("a text", "not a journal"),
        ("empty", "an empty file is no journal"),
        ("locked up", "read-only"),
        ("a folder", "not a file"),
        ("a link", "a symbolic link"),
        ("nowhere/a.journal", "no such file"),
    ] {
        refused(name, pages.path(), why);
    }
}

#[test]
fn a_full_disk_is_shown_and_nothing_is_lost() {
    let (pages, small, outside) = (site(700), folder(&[]), folder(&[]));
    let room = outside.path().join("room");
    // A small file system of its own, nearly full until there is a file `room`.
    let script = "mount -t tmpfs -o size=2m tmpfs \"$SMALL\" || exit 77
        head -c 1870000 /dev/zero > \"$SMALL/ballast\"
        (until [ -e \"$ROOM\" ]; do sleep 0.05; done; rm \"$SMALL/ballast\") &
        exec \"$@\"";
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]).env("SMALL", small.path()).env("ROOM", &room);
        command
    };
    let may_mount = namespace("mount -t tmpfs -o size=2m tmpfs \"$SMALL\"").output();
    if !may_mount.is_ok_and(|output| output.status.success()) {
        println!("skipped: this process may not mount");
        return;
    }
    let journal = small.path().join("browser.journal");
    let (mut browser, _) =
        Browser::start(namespace(script).arg(example("graph_browser")), &journal, pages.path());
    browser.until(|browser, _| browser.progress.contains(", journal: "));
    assert!(
        browser.progress.contains("the disk is full") && browser.progress.ends_with("trying again"),
        "{}",
        browser.progress
    );
    let full = browser.status();
    assert!(full.written < full.given, "{full:?}");

    fs::write(room, "").unwrap();
    browser.until(|browser, status| !browser.progress.contains(", journal: ") && status.pages == 700);
    let without = browse_to_the_end(pages.path(), &[]);
    let edges: u64 = row(&without, "edges ").split(' ').nth(1).unwrap().parse().unwrap();
    browser.until(|_, status| status.links == edges);
    let output = browser.quit();
    assert_eq!(output.status.code(), Some(0));
    assert_row(&output, "could not be written 1");
    assert_row(&output, "written again 1");
    assert_eq!(graph_of(&output), graph_of(&without));
}
