//! Which peers can be reached: what the network's worker reported last of each. An observation, which ends with the process: the graph keeps
//! a peer's edits whether it is there or not.

use std::{collections::BTreeMap, fmt, sync::Arc};

use control_panel::Peer;

use crate::summary::plain;

/// The peers that something was reported of; at most those that the worker trusts.
#[derive(Debug, Default)]
pub(crate) struct Contacts(BTreeMap<Peer, Contact>);

/// How it is with one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contact {
    Online,
    /// It cannot be reached, and why, in the words of what found it.
    Offline(Arc<str>),
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Online => f.write_str("online"),
            Self::Offline(why) => write!(f, "offline: {}", plain(why)),
        }
    }
}

impl Contacts {
    pub(crate) fn note(&mut self, peer: Peer, contact: Contact) {
        self.0.insert(peer, contact);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Peer, &Contact)> {
        self.0.iter().map(|(peer, contact)| (*peer, contact))
    }

    pub(crate) fn offline(&self) -> impl Iterator<Item = (Peer, &str)> {
        self.0.iter().filter_map(|(peer, contact)| match contact {
            Contact::Online => None,
            Contact::Offline(why) => Some((*peer, &**why)),
        })
    }

    /// For the command `status`, a line each.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.iter().map(|(peer, contact)| line(peer, contact))
    }
}

pub(crate) fn line(peer: Peer, contact: &Contact) -> String {
    format!("peer {peer}: {contact}")
}
