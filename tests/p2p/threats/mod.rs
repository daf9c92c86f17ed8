//! What hostile, broken and unlucky peers do over real connections, and what comes of it: each test has the row's number of the table of threats.

mod floods;
mod group;
mod identity;
#[cfg(target_os = "linux")]
mod memory;
mod mishaps;
mod once;
mod order;
#[cfg(target_os = "linux")]
mod sleep;
mod states;
mod stretches;
mod wire;

use std::time::Duration;

use control_panel::{Peer, Replica, replica::Misbehaviour, workers::p2p_sync::OfflineReason};
use tempfile::TempDir;

use crate::{
    node::{Node, Seen, Setup, Words, folders, for_a_while, until},
    raw::{Line, Raw},
};

/// A program, and members of its group whose bytes are the test's.
struct Against {
    alice: Node,
    mallory: Raw,
    /// One more of them.
    trudy: Raw,
    members: Vec<Peer>,
    setups: Vec<Setup>,
    _folders: Vec<TempDir>,
}

const MALLORY: usize = 1;
const TRUDY: usize = 2;
/// A member that is as it should be.
const CAROL: usize = 3;

impl Against {
    fn new() -> Self {
        Self::with(|setup| setup)
    }

    /// Each of them with that of its own.
    fn with(change: impl Fn(Setup) -> Setup) -> Self {
        let (folders, members) = folders(4);
        let setup = |folder: &TempDir| change(Setup::new(folder.path(), &members));
        let setups: Vec<_> = folders.iter().map(setup).collect();
        let mut alice = setups[0].start();
        alice.address();
        let [mallory, trudy] = [MALLORY, TRUDY].map(|who| Raw::of(&setups[who]));
        Self { alice, mallory, trudy, members, setups, _folders: folders }
    }

    fn dial(&mut self, who: usize) -> Line {
        let raw = if who == MALLORY { &self.mallory } else { &self.trudy };
        raw.dial(self.members[0], self.alice.peers.status().addresses[0])
    }

    /// In contact, as a peer that has nothing.
    fn greet(&mut self, who: usize) -> Line {
        let line = self.dial(who);
        line.greet();
        let peer = self.members[who];
        self.until("it is online", |alice| alice.is_online(peer));
        line
    }

    /// As its program would have one.
    fn replica(&self, who: usize) -> Replica<Words> {
        self.setups[who].builder().build()
    }

    /// What was reported of what it wrote.
    fn misdeeds(&self, who: usize) -> Vec<Misbehaviour> {
        self.alice.misdeeds(self.members[who])
    }

    fn carol(&mut self) -> Node {
        let known = vec![(self.members[0], self.alice.address())];
        Setup { known, ..self.setups[CAROL].clone() }.start()
    }

    fn until(&mut self, what: &str, mut is: impl FnMut(&Node) -> bool) {
        until(&mut [&mut self.alice], what, |nodes| is(nodes[0]));
    }

    /// It is lost for that reason, which is reported once.
    fn assert_lost(&mut self, who: usize, reason: OfflineReason) {
        let peer = self.members[who];
        self.until("it is lost", |alice| !alice.is_online(peer));
        for_a_while(&mut [&mut self.alice], Duration::from_millis(500));
        let seen = self.alice.seen_of(peer);
        assert_eq!(seen[seen.len() - 2..], [Seen::Online, Seen::Offline(reason)], "{seen:?}");
    }

    /// What was reported of its conduct.
    fn reported(&self, who: usize) -> Vec<&str> {
        let of = |misbehaved: &&_| {
            let misbehaved: &control_panel::workers::p2p_sync::PeerMisbehaved = misbehaved;
            misbehaved.peer == self.members[who]
        };
        self.alice.app.misbehaved.iter().filter(of).map(|misbehaved| &*misbehaved.what).collect()
    }
}
