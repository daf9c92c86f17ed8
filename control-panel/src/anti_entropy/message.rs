//! What two peers say to each other.

use std::{fmt, ops::RangeInclusive};

use super::{options::Capabilities, payload::Payload};
use crate::replica::Version;

/// One message of a session.
pub(crate) enum Message<P: Payload> {
    Hello(Hello),
    /// What the sender has: once, after the hellos.
    Have(Version),
    /// Some of what the other lacks. Numbered with the chunks, from 1, in the order in which they travel.
    Delta(P::Delta),
    /// All up to this number is taken: admitted, and durable. So the other may send as much again.
    Took(u64),
    /// What the sender has now: something does not fit, or it began with a snapshot. Answered from there.
    Want(Version),
    /// The other lacks what is gone here. A snapshot has it. Of no length: the one of that hash, which it asked for, does not hold any more.
    Offer(Offer),
    /// "Send what you offered", by its hash: an offer that was replaced meanwhile is not meant.
    Request([u8; 32]),
    /// The next stretch of it.
    Chunk(P::Chunk),
    /// The sender ends the session.
    Bye(Reason),
}

/// What each side says first. Its layout never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) versions: RangeInclusive<u16>,
    pub(crate) capabilities: Capabilities,
    pub(crate) group: [u8; 32],
    /// What the sender has of the receiver's own author, in all its lives: a copy finds out that it was alive elsewhere.
    pub(crate) yours: Version,
}

/// A snapshot, before any of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Its bytes.
    pub(crate) length: u64,
    /// BLAKE3 of its bytes.
    pub(crate) hash: [u8; 32],
    /// The Lamport time of its cut.
    pub(crate) level: u64,
}

impl Offer {
    /// In place of one that does not hold any more, and was asked for. A snapshot has at least a byte.
    pub(super) fn void(hash: [u8; 32]) -> Self {
        Self { length: 0, hash, level: 0 }
    }

    pub(super) fn is_void(&self) -> bool {
        self.length == 0
    }
}

/// Why a peer ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Its program stops, or drops the peer.
    Closed,
    /// There is another connection between the two: no loss.
    Duplicate,
    /// The other waited too long.
    Stalled,
    /// The other broke the protocol.
    Misbehaved,
    Version,
    OtherGroup,
    /// The other is not trusted any more.
    Refused,
    /// Its worker was restarted.
    WorkerStopped,
    JournalFailed,
    /// One that this program does not know.
    Other(u8),
}

impl Reason {
    /// In the order of their codes, from 0.
    const ALL: [Self; 9] = [
        Self::Closed,
        Self::Duplicate,
        Self::Stalled,
        Self::Misbehaved,
        Self::Version,
        Self::OtherGroup,
        Self::Refused,
        Self::WorkerStopped,
        Self::JournalFailed,
    ];

    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Other(code) => code,
            known => {
                (0..).zip(Self::ALL).find(|(_, reason)| *reason == known).map_or(u8::MAX, |(code, _)| code)
            }
        }
    }

    pub(crate) fn of_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or(Self::Other(code))
    }
}

#[cfg(feature = "testing")]
impl<P: Payload> Message<P> {
    /// In one word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Have(_) => "have",
            Self::Delta(_) => "delta",
            Self::Took(_) => "took",
            Self::Want(_) => "want",
            Self::Offer(_) => "offer",
            Self::Request(_) => "request",
            Self::Chunk(_) => "chunk",
            Self::Bye(_) => "bye",
        }
    }
}

/// Of deltas and chunks, how many bytes they have.
impl<P: Payload> fmt::Debug for Message<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello(hello) => f.debug_tuple("Hello").field(hello).finish(),
            Self::Have(version) => f.debug_tuple("Have").field(version).finish(),
            Self::Delta(delta) => f.debug_tuple("Delta").field(&P::delta_size(delta)).finish(),
            Self::Took(upto) => f.debug_tuple("Took").field(upto).finish(),
            Self::Want(version) => f.debug_tuple("Want").field(version).finish(),
            Self::Offer(offer) => f.debug_tuple("Offer").field(offer).finish(),
            Self::Request(hash) => f.debug_tuple("Request").field(hash).finish(),
            Self::Chunk(chunk) => f.debug_tuple("Chunk").field(&P::chunk_size(chunk)).finish(),
            Self::Bye(reason) => f.debug_tuple("Bye").field(reason).finish(),
        }
    }
}
