//! Programs that share a graph over real connections, and what their journals replay to.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use control_panel::{IntentSource, journal::Recording};

use super::*;
use crate::{commands::Command, intent::NodeKey};

/// One of them, without its windows.
struct Terminal {
    panel: Panel,
    app: GraphBrowserApp,
    share: Share,
    record: Record,
    /// Tickets that it gave, the newest first.
    tickets: Vec<String>,
    refusals: usize,
}

impl Terminal {
    fn start(folder: &Path, name: &str, args: &[&str]) -> Self {
        let journal = folder.join(name);
        let line = ["graph_browser", "--offline-after", "15s", "--journal", journal.to_str().expect("UTF-8")];
        let cli = Cli::parse_from(line.iter().chain(args));
        let (mut share, record, app) = Share::open(&cli, &journal).expect("it opens");
        let panel = Panel::builder().record(&record.journal).build();
        panel.spawn(record.writer());
        share.spawn(&panel);
        Self { panel, app, share, record, tickets: Vec::new(), refusals: 0 }
    }

    fn frame(&mut self, local: impl IntoIterator<Item = GraphIntent>) {
        let local = local.into_iter().map(|intent| (IntentSource::LocalUI, intent));
        self.panel.run_frame(&mut self.app, &mut (), local);
        for answer in self.share.answers(&self.app) {
            match answer.strip_prefix("ticket: ").and_then(|rest| rest.split(' ').next()) {
                Some(ticket) => self.tickets.insert(0, ticket.to_owned()),
                None => self.refusals += 1,
            }
        }
    }

    fn note(&mut self, path: &str) {
        self.frame([GraphIntent::Command(Command::Note { path: path.to_owned(), words: path.to_owned() })]);
    }

    /// A new ticket.
    fn invite(&mut self, owner: bool) -> String {
        let given = self.tickets.len();
        self.frame([GraphIntent::Command(Command::Invite { owner })]);
        until(&mut [self], |terminals| terminals[0].tickets.len() > given);
        self.tickets[0].clone()
    }

    fn stop(mut self) -> GraphBrowserApp {
        assert!(self.panel.shutdown_blocking().is_clean());
        while self.panel.status().queued > 0 {
            self.panel.run_frame(&mut self.app, &mut (), []);
        }
        drop(self.panel);
        self.record.journal.close().expect("it is written");
        self.app
    }
}

fn until(terminals: &mut [&mut Terminal], mut is_so: impl FnMut(&[&mut Terminal]) -> bool) {
    let began = Instant::now();
    while !is_so(terminals) {
        assert!(began.elapsed() < Duration::from_secs(120), "not in time");
        for terminal in terminals.iter_mut() {
            terminal.frame([]);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn until_notes(terminals: &mut [&mut Terminal], count: usize) {
    until(terminals, |terminals| terminals.iter().all(|terminal| terminal.app.graph().notes.len() == count));
}

/// The one that began, an owner that it invited, and one that this owner invited while the first was away; and the journal of each replays to what it was.
#[test]
fn any_owner_invites_and_each_journal_replays() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |name: &str, args: &[&str]| Terminal::start(folder.path(), name, args);
    let mut alice = start("a", &["--share"]);
    alice.frame([GraphIntent::PagesFound(vec![(NodeKey(0), "0.html".into())])]);
    until(&mut [&mut alice], |terminals| !terminals[0].tickets.is_empty());
    let writes = alice.tickets[0].clone();
    let mut other = start("w", &["--peer", &writes]);
    let owns = alice.invite(true);
    let mut bob = start("b", &["--peer", &owns]);
    bob.note("of bob");
    other.note("of the writer");
    until_notes(&mut [&mut alice, &mut other, &mut bob], 2);
    // One that may write alone does not invite.
    other.frame([GraphIntent::Command(Command::Invite { owner: false })]);
    assert_eq!((other.tickets.len(), other.refusals), (0, 1));

    drop(alice.stop());
    let other = other.stop();
    let ticket = bob.invite(false);
    let mut carol = start("c", &["--peer", &ticket]);
    carol.note("of carol");
    until_notes(&mut [&mut bob, &mut carol], 3);
    // A second session of the first, which hears of all that from the other owner.
    let mut alice = start("a", &["--share"]);
    until(&mut [&mut alice], |terminals| !terminals[0].tickets.is_empty());
    let peer = alice.tickets[0].parse::<Ticket>().expect("a ticket");
    bob.share.peers.set_addresses(peer.peer(), peer.addresses());
    until_notes(&mut [&mut alice, &mut bob, &mut carol], 3);
    alice.note("again");
    until_notes(&mut [&mut alice, &mut bob, &mut carol], 4);
    // A node that one drags moves for all.
    let place = Command::Place { path: "0.html".to_owned(), place: Some((40, -7)) };
    carol.frame([GraphIntent::Command(place)]);
    until(&mut [&mut alice, &mut bob, &mut carol], |terminals| {
        terminals.iter().all(|terminal| terminal.app.graph().places.get("0.html") == Some(&(40, -7)))
    });
    for (name, app, sessions) in
        [("a", &alice.stop(), 2), ("b", &bob.stop(), 1), ("c", &carol.stop(), 1), ("w", &other, 1)]
    {
        let recording = Recording::open(folder.path().join(name)).expect("a journal");
        assert_eq!((recording.sessions(), recording.opaque()), (sessions, 0), "{name}");
        let replay = recording.replay::<GraphBrowserApp>(u64::MAX);
        assert!(replay.is_same(), "{name}: {:?}", replay.deviations);
        let replayed = replay.state.expect("a state");
        assert!(replayed.graph() == app.graph() && replayed.clock() == app.clock(), "{name}");
        assert_eq!(replayed.author(), app.author());
        assert_eq!(replayed.contacts.lines().collect::<Vec<_>>(), app.contacts.lines().collect::<Vec<_>>());
    }
}
