//! What a session is bounded by.

use std::{ops::RangeInclusive, time::Duration};

use crate::replica::Peer;

/// The versions of the protocol that this program speaks. In 3 a piece had 64 KiB, and one that spoke it could not hand on a longer stretch under one signature; in those before, runs had other names.
pub(crate) const VERSIONS: RangeInclusive<u16> = 4..=4;

/// The bytes of one piece, unless one run alone is longer. No less than what one signature covers, as such a stretch is handed on whole.
pub(crate) const PIECE: usize = 256 << 10;

/// The bytes of a snapshot that travel as one message.
pub(crate) const CHUNK: usize = 64 << 10;

/// The most that is on its way without being taken, in one direction; a piece beyond it travels alone. The same on both sides.
pub(crate) const WINDOW: usize = 1 << 20;

/// What a piece counts beside its bytes, so that the number of pieces is bounded too.
pub(crate) const PIECE_COST: usize = 128;

/// Requests that a peer may make without progress, and the time after which it may make one more.
pub(crate) const REQUESTS: u32 = 8;
pub(crate) const REFILL: Duration = Duration::from_secs(1);

/// A peer asks again after [`REFILL`] at the earliest; where nothing comes of it, each time after twice as long, up to this.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a sender keeps up at least: of a long message, and of a snapshot.
pub(crate) const RATE: usize = 64 << 10;

/// Over how long a snapshot's rate is measured.
pub(crate) const RATE_SPAN: Duration = Duration::from_secs(10);

/// Lives of one peer, in a hello.
pub(crate) const LIVES: usize = 1 << 10;

/// Branches of one author, in a version.
pub(crate) const BRANCHES: usize = 17;

/// What a session accepts, and how long it waits. A version of the protocol fixes what both sides must agree on: those are constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Until the other's hello is here.
    pub(crate) hello: Duration,
    /// For a whole message once its first byte is here; one second more for each 64 KiB.
    pub(crate) message: Duration,
    /// Until something of what was sent is taken.
    pub(crate) took: Duration,
    /// Authors of a version: of members, with all their lives. Never beyond what a replica admits.
    pub(crate) authors: usize,
    /// Bytes of a delta: of the longest run.
    pub(crate) delta_bytes: usize,
    /// Bytes of a snapshot.
    pub(crate) snapshot_bytes: u64,
    /// Capability bits of this program: those of the upper half it requires of the other, those of the lower it offers.
    pub(crate) capabilities: Capabilities,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(5),
            message: Duration::from_secs(10),
            took: Duration::from_secs(60),
            authors: 1 << 14,
            delta_bytes: 16 << 20,
            snapshot_bytes: 1 << 30,
            capabilities: Capabilities::default(),
        }
    }
}

/// What a program can do beyond the protocol's version, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The other must know these, or there is no session.
    pub(crate) required: u32,
    /// Used if both have them.
    pub(crate) optional: u32,
}

/// This side of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// The peer whose replica this is.
    pub(crate) me: Peer,
    /// A hash that names the group, and says nothing of it.
    pub(crate) group: [u8; 32],
}
