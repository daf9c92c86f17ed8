//! What is known of where peers are by their own word, and what of it each session's other side gets: pure.
//!
//! Announcements are flooded as link states are (OSPF; RFC 2328): each has a counter of its peer's own, the highest counts, and each newer one is passed on
//! once to each neighbour but the one that it came from. So it ends, whatever the ways between peers. A peer that begins anew with a low counter hears its own
//! earlier word from a neighbour, and goes on beyond it (RFC 2328, 13.4): so no counter is kept on the disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};

use iroh::SecretKey;

use super::{announcement::Announcement, trust::Peers};
use crate::Peer;

/// What became of one that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Its peer is where it says: it is passed on.
    New,
    /// It is of this peer, from before it began anew: this peer's own is made newer.
    Own,
    /// It is known, older, or of a peer that is not trusted here: nothing is kept of it.
    Nothing,
    /// Its peer did not write it.
    Forged,
}

#[derive(Debug)]
pub(super) struct Rendezvous {
    me: Peer,
    key: SecretKey,
    group: [u8; 32],
    known: BTreeMap<Peer, Known>,
    /// Trusted since, and not heard of: neighbours are asked. By which change.
    wanted: BTreeMap<Peer, u64>,
    /// Counts all of both.
    changes: u64,
    neighbours: u64,
}

#[derive(Debug)]
struct Known {
    announcement: Arc<Announcement>,
    /// By which change.
    at: u64,
    /// The neighbour that it came from; 0 for this peer's own.
    from: u64,
}

/// One session's other side: up to which change it got what is known, and up to which it was asked.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    number: u64,
    given: u64,
    asked: u64,
    /// Whether this peer made its own word newer for it: once a session, so that two programs with one key do not outdo each other without end.
    outdone: bool,
}

/// For a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    Announcement(Arc<Announcement>),
    /// Asks for what the other knows of a peer.
    Want(Peer),
}

impl Rendezvous {
    pub(super) fn new(key: SecretKey, group: [u8; 32]) -> Self {
        let me = Peer(*key.public().as_bytes());
        Self { me, key, group, known: BTreeMap::new(), wanted: BTreeMap::new(), changes: 0, neighbours: 0 }
    }

    /// A session begins: all that is known goes to it, also what came by an earlier session with that peer.
    pub(super) fn neighbour(&mut self) -> Neighbour {
        self.neighbours += 1;
        // What is wanted so far its side sends anyway.
        Neighbour { number: self.neighbours, given: 0, asked: self.changes, outdone: false }
    }

    /// This peer is there now. Whether that is news.
    pub(super) fn announce(&mut self, addresses: &[SocketAddr]) -> bool {
        let before = self.known.get(&self.me).map(|known| &known.announcement);
        if before.is_some_and(|before| before.addresses == addresses) {
            return false;
        }
        let counter = before.map_or(Some(1), |before| before.counter.checked_add(1));
        self.announce_as(counter, addresses)
    }

    fn announce_as(&mut self, counter: Option<u64>, addresses: &[SocketAddr]) -> bool {
        // After the last one there is no other: 2^64 are not made.
        let Some(counter) = counter else { return false };
        self.keep(Announcement::sign(&self.key, &self.group, counter, addresses), 0);
        true
    }

    fn keep(&mut self, announcement: Announcement, from: u64) {
        self.changes += 1;
        self.wanted.remove(&announcement.peer);
        let known = Known { announcement: Arc::new(announcement), at: self.changes, from };
        self.known.insert(known.announcement.peer, known);
    }

    /// One arrived from this neighbour. Only what is news of a peer that is trusted costs a look at its signature, and is kept: so there are as many as trusted peers.
    pub(super) fn hear(
        &mut self,
        from: &mut Neighbour,
        trusted: &Peers,
        announcement: Announcement,
    ) -> Heard {
        let Announcement { peer, counter, .. } = announcement;
        let is_me = peer == self.me;
        let is_news = self.known.get(&peer).is_none_or(|Known { announcement: known, .. }| {
            // This peer's own of the same number is another where it began anew with it.
            known.counter < counter || is_me && known.counter == counter && **known != announcement
        });
        if !is_news || !(is_me || trusted.is_trusted(&peer)) {
            return Heard::Nothing;
        }
        if !announcement.is_genuine(&self.group) {
            return Heard::Forged;
        }
        if is_me {
            let own = self.known.get(&peer).map(|own| Arc::clone(&own.announcement));
            return match own.filter(|_| !std::mem::replace(&mut from.outdone, true)) {
                Some(own) if self.announce_as(counter.checked_add(1), &own.addresses) => Heard::Own,
                _ => Heard::Nothing,
            };
        }
        self.keep(announcement, from.number);
        Heard::New
    }

    /// Follows the trust store: what is known of others is forgotten, and those that are `new` are asked for.
    pub(super) fn follow(&mut self, trusted: &Peers, new: &BTreeSet<Peer>) {
        let me = self.me;
        self.known.retain(|peer, _| *peer == me || trusted.is_trusted(peer));
        self.wanted.retain(|peer, _| trusted.is_trusted(peer));
        for peer in new.iter().filter(|peer| trusted.is_trusted(peer)) {
            if !self.known.contains_key(peer) {
                self.changes += 1;
                self.wanted.insert(*peer, self.changes);
            }
        }
    }

    /// It is not trusted any more.
    pub(super) fn forget(&mut self, peer: &Peer) {
        self.known.remove(peer);
        self.wanted.remove(peer);
    }

    /// How much changed; another number than before if there is something for neighbours.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Where a peer says that it is.
    pub(super) fn addresses(&self, peer: &Peer) -> &[SocketAddr] {
        self.known.get(peer).map_or(&[], |known| &known.announcement.addresses)
    }

    /// What a neighbour is to get next, in the order in which it came; and what it asked for.
    pub(super) fn next(&self, neighbour: &mut Neighbour, asked_for: &[Peer]) -> Vec<Hint> {
        let mut hints: Vec<(u64, Hint)> = Vec::new();
        for (peer, known) in &self.known {
            let is_new = known.at > neighbour.given && known.from != neighbour.number;
            if is_new || asked_for.contains(peer) {
                hints.push((known.at, Hint::Announcement(Arc::clone(&known.announcement))));
            }
        }
        let wanted = self.wanted.iter().filter(|(_, at)| **at > neighbour.asked);
        hints.extend(wanted.map(|(peer, at)| (*at, Hint::Want(*peer))));
        hints.sort_unstable_by_key(|(at, _)| *at);
        (neighbour.given, neighbour.asked) = (self.changes, self.changes);
        hints.into_iter().map(|(_, hint)| hint).collect()
    }
}

#[cfg(test)]
mod tests;
