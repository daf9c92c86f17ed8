//! The author of an operation, and its place among all operations.

use std::fmt;

use super::{CoalesceKey, PeerId};

/// A member of a group of replicas, by its public key or any other 32 bytes that are its own.
///
/// Its order breaks ties between operations of one Lamport time, so it must be the same on all replicas.
///
/// ```
/// use control_panel::Peer;
///
/// let (alice, bob) = (Peer([1; 32]), Peer([2; 32]));
/// assert!(alice < bob);
/// assert_eq!(alice.to_string(), "0101010101010101");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct Peer(pub [u8; 32]);

/// The first eight bytes: enough to order a frame by, where a collision costs nothing but the tie-break.
impl PeerId for Peer {
    fn peer(&self) -> Option<u64> {
        self.0.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }
}

/// The first eight bytes: of two peers that share them, one's intent may replace the other's.
impl CoalesceKey for Peer {
    fn key(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }
}

/// The first eight bytes in hexadecimal.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({self})")
    }
}

/// One life of a peer: operations are numbered by author.
///
/// A peer that cannot continue its numbering (it lost its log, or was copied) goes on as the next incarnation.
///
/// ```
/// use control_panel::{Author, Peer};
///
/// let author = Author { peer: Peer([1; 32]), incarnation: 0 };
/// assert_eq!(author.to_string(), "0101010101010101.0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct Author {
    /// The peer.
    pub peer: Peer,
    /// Which of its lives, from 0.
    pub incarnation: u32,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.peer, self.incarnation)
    }
}

/// The place of an operation among all operations: its order is the order in which every replica applies.
///
/// It never changes, and is an operation's idempotency key: no two operations have the same, except those of an author that
/// gave one sequence number twice (such are ordered by a hash that the stamp does not show, and the author is reported).
///
/// ```
/// use control_panel::{Author, Peer, Stamp};
///
/// let author = Author { peer: Peer([1; 32]), incarnation: 0 };
/// let (first, second) = (
///     Stamp { lamport: 1, author, seq: 0 },
///     Stamp { lamport: 5, author, seq: 1 },
/// );
/// assert!(first < second);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct Stamp {
    /// The Lamport time, from 1: greater than that of every operation the author had admitted (Lamport, 1978).
    pub lamport: u64,
    /// Its author.
    pub author: Author,
    /// Its number among the author's operations, from 0.
    pub seq: u64,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}#{}", self.lamport, self.author, self.seq)
    }
}
