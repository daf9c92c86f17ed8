//! The graph browser with `--share` and `--peer`: several programs with one graph.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use tempfile::TempDir;

use super::{
    assert_row, browse, folder,
    running::{Browser, browser, graph_of, site},
    text,
};

/// The pages, and where the journals are.
struct Place {
    pages: TempDir,
    kept: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { pages: site(20), kept: folder(&[]) }
    }

    fn start(&self, name: &str, args: &[&str]) -> Browser {
        // A busy machine holds a process up for seconds.
        let mut command = browser();
        command.args(args).args(["--offline-after", "8s"]);
        Browser::start(&mut command, &self.kept.path().join(name), self.pages.path()).0
    }

    /// The program that shares the graph, and its ticket.
    fn share(&self, name: &str) -> (Browser, String) {
        let mut owner = self.start(name, &["--share"]);
        let ticket = ticket(&mut owner);
        (owner, ticket)
    }

    fn join(&self, name: &str, ticket: &str) -> Browser {
        self.start(name, &["--peer", ticket])
    }
}

/// The next that it prints.
fn ticket(owner: &mut Browser) -> String {
    let mut ticket = None;
    owner.until(|owner, _| {
        let said = owner.said.iter().find_map(|line| line.strip_prefix("ticket: ")?.split(' ').next());
        ticket = said.map(str::to_owned);
        ticket.is_some()
    });
    ticket.expect("found")
}

fn invite(owner: &mut Browser) -> String {
    owner.type_line("invite");
    ticket(owner)
}

/// Runs until it shows so many notes.
fn until_notes(browser: &mut Browser, notes: &[&str]) {
    let shown = |said: &[String], note: &str| said.iter().any(|line| line == &format!("note on {note}"));
    browser.until(|browser, _| notes.iter().all(|note| shown(&browser.said, note)));
}

/// How it sees its peers, without their names: in order.
fn contacts(browser: &Browser) -> Vec<&str> {
    let contacts = browser.said.iter().filter_map(|line| line.strip_prefix("peer ")?.split_once(": "));
    let mut contacts: Vec<_> = contacts.map(|(_, contact)| contact).collect();
    contacts.sort_unstable();
    contacts
}

const LOST: &str = "offline: nothing was heard of it in time";

#[test]
fn three_terminals_have_one_graph() {
    let place = Place::new();
    let (mut owner, first) = place.share("a.journal");
    let second = invite(&mut owner);
    assert_ne!(first, second);
    let mut bob = place.join("b.journal", &first);
    let mut carol = place.join("c.journal", &second);
    for (browser, note) in
        [(&mut owner, "0001.html of a"), (&mut bob, "0002.html of b"), (&mut carol, "new.html of c")]
    {
        browser.type_line(&format!("note {note}"));
    }
    for browser in [&mut owner, &mut bob, &mut carol] {
        until_notes(browser, &["0001.html: of a", "0002.html: of b", "new.html: of c"]);
        browser.until(|_, status| status.pages == 20);
    }
    let edges = owner.durable().links;
    bob.until(|_, status| status.links == edges);
    carol.until(|_, status| status.links == edges);
    owner.until(|owner, _| contacts(owner) == ["online", "online"]);
    bob.type_line("invite");
    bob.until(|bob, _| bob.said.iter().any(|line| line == "only an owner of the graph invites"));

    let outputs = [owner, bob, carol].map(Browser::quit);
    for output in &outputs {
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        assert_row(output, "notes 3");
        assert_row(output, "p2p_sync cancelled");
        assert_row(output, "shutdown clean");
    }
    assert_eq!(graph_of(&outputs[0]), graph_of(&outputs[1]));
    assert_eq!(graph_of(&outputs[0]), graph_of(&outputs[2]));
}

#[test]
fn one_that_is_killed_is_offline_in_the_others_and_catches_up_when_it_is_back() {
    let place = Place::new();
    let (mut owner, first) = place.share("a.journal");
    let second = invite(&mut owner);
    let mut bob = place.join("b.journal", &first);
    let mut carol = place.join("c.journal", &second);
    bob.type_line("note 0002.html before");
    for browser in [&mut owner, &mut bob, &mut carol] {
        until_notes(browser, &["0002.html: before"]);
    }
    bob.durable();
    owner.until(|owner, _| contacts(owner) == ["online", "online"]);
    bob.kill();
    owner.until(|owner, _| contacts(owner).contains(&LOST));
    owner.type_line("note 0001.html meanwhile");
    carol.type_line("note 0003.html meanwhile");
    until_notes(&mut owner, &["0001.html: meanwhile", "0003.html: meanwhile"]);

    // The same line again: its ticket was redeemed, and is not redeemed again.
    let mut bob = place.join("b.journal", &first);
    until_notes(&mut bob, &["0001.html: meanwhile", "0002.html: before", "0003.html: meanwhile"]);
    owner.until(|owner, _| contacts(owner) == ["online", "online"]);
    for browser in [owner, bob, carol] {
        assert_eq!(browser.quit().status.code(), Some(0));
    }
}

#[test]
fn two_that_edited_offline_converge() {
    let place = Place::new();
    let (mut owner, first) = place.share("a.journal");
    let mut bob = place.join("b.journal", &first);
    bob.type_line("note 0001.html together");
    until_notes(&mut owner, &["0001.html: together"]);
    owner.durable();
    owner.kill();

    bob.type_line("note 0001.html by the one that stayed");
    bob.type_line("note 0002.html by the one that stayed");
    until_notes(&mut bob, &["0001.html: by the one that stayed", "0002.html: by the one that stayed"]);
    bob.durable();
    bob.kill();

    let (mut owner, moved) = place.share("a.journal");
    until_notes(&mut owner, &["0001.html: together"]);
    owner.type_line("note 0001.html by the one that was away");
    owner.type_line("note 0003.html by the one that was away");
    until_notes(&mut owner, &["0003.html: by the one that was away"]);

    // Both have other addresses than before: a new ticket says where the owner is, and pairs no one.
    let mut bob = place.join("b.journal", &moved);
    for browser in [&mut owner, &mut bob] {
        until_notes(browser, &["0002.html: by the one that stayed", "0003.html: by the one that was away"]);
    }
    let note =
        |browser: &Browser| browser.said.iter().find(|line| line.starts_with("note on 0001.html")).cloned();
    assert_eq!(note(&owner), note(&bob));
    let ticket = invite(&mut owner);
    let outputs = [owner, bob].map(Browser::quit);
    assert_eq!(graph_of(&outputs[0]), graph_of(&outputs[1]));
    assert!(outputs.iter().all(|output| output.status.code() == Some(0)));

    // Its ticket ended with it.
    let output = join_and_wait(&place, "d.journal", &ticket);
    assert_eq!(output.status.code(), Some(4));
}

/// One that cannot join ends by itself.
fn join_and_wait(place: &Place, name: &str, ticket: &str) -> std::process::Output {
    let mut command = browser();
    command.args(["--quiet", "--peer", ticket, "--journal"]).arg(place.kept.path().join(name));
    command.arg("--pages").arg(place.pages.path()).output().expect("it runs")
}

#[test]
fn what_cannot_be_shared_is_refused_in_words() {
    let place = Place::new();
    let (owner, ticket) = place.share("a.journal");
    let bob = place.join("b.journal", &ticket);
    let mut bob = bob;
    bob.until(|_, status| status.pages == 20);

    // Used up, by another.
    let output = join_and_wait(&place, "c.journal", &ticket);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("error: the ticket was not redeemed: ") && said.contains("redeemed before"),
        "{said}"
    );

    // Its own.
    assert_eq!(owner.quit().status.code(), Some(0));
    let output = join_and_wait(&place, "a.journal", &ticket);
    assert_eq!((output.status.code(), &*text(&output.stdout)), (Some(4), ""), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("own ticket"), "{}", text(&output.stderr));
    assert_eq!(bob.quit().status.code(), Some(0));

    let at = |name: &str| place.kept.path().join(name);
    let share = |name: &str| -> Command {
        let mut command = browser();
        command.args(["--quiet", "--frames", "3", "--share", "--journal"]).arg(at(name));
        command
    };
    let refused = |command: &mut Command, code: i32, why: &str| {
        let output = command.output().expect("it runs");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.starts_with("error: ") && said.contains(why) && said.lines().count() == 1, "{said}");
    };
    // The graph of another.
    refused(&mut share("b.journal"), 3, "a group that began with other members");
    fs::set_permissions(at("a.journal.key"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(&mut share("a.journal"), 4, "a.journal.key");
    fs::set_permissions(at("a.journal.key"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(at("a.journal.peers"), "control-panel peers v1\n").unwrap();
    refused(&mut share("a.journal"), 4, "a.journal.peers");
    assert_eq!(fs::read_to_string(at("a.journal.peers")).unwrap(), "control-panel peers v1\n");
    // One that was not shared from its beginning.
    let alone = browser().args(["--quiet", "--frames", "3", "--journal"]).arg(at("alone.journal")).output();
    assert_eq!(alone.expect("it runs").status.code(), Some(0));
    refused(&mut share("alone.journal"), 3, "alone.journal");
}

#[test]
fn a_senseless_command_line_is_refused_and_help_teaches() {
    for (args, why) in [
        (&["--share"][..], "--journal <FILE>"),
        (&["--peer", "cp1abc", "--journal", "x"], "ticket"),
        (&["--peer", "hello", "--journal", "x"], "it is no ticket"),
        (&["--share", "--journal", "x", "--offline-after", "1m"], "100ms to 15s"),
        (&["--share", "--journal", "x", "--listen", "here"], "--listen"),
    ] {
        let output = browse(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(why), "{args:?}: {}", text(&output.stderr));
        assert!(!Path::new("x").exists());
    }
    let help = text(&browse(&["--help"]).stdout);
    for words in [
        "--share",
        "--peer <TICKET>",
        "uses no server",
        "4 the graph cannot be shared",
        "note PATH WORDS",
        "[default: 5s]",
    ] {
        assert!(help.contains(words), "no `{words}` in {help}");
    }
}
