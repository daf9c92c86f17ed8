//! What a session finds out, and what ends it.

use std::{fmt, ops::RangeInclusive};

use super::{
    message::{Offer, Reason},
    payload::Payload,
};
use crate::replica::Version;

/// What a session reports.
pub(crate) enum Event<P: Payload> {
    /// The hellos agree: the peer is here.
    Ready {
        /// The version of the protocol that is spoken.
        version: u16,
        /// The optional capabilities that both have.
        capabilities: u32,
        /// The other has what this replica's own author made, and this replica does not.
        ahead: Option<OwnAuthorAhead>,
    },
    /// A delta, not looked into. Decode it, and say what it was: [`read`](super::Session::read) or [`refuse`](super::Session::refuse); then
    /// [`took`](super::Session::took).
    Delta { number: u64, delta: P::Delta },
    /// The other has let go what this replica lacks. Take it with [`request`](super::Session::request), or from another peer.
    Offered(Offer),
    /// The snapshot that was requested does not come: the offer did not hold any more when the request arrived.
    Withdrawn,
    /// The next stretch of the requested snapshot.
    Chunk {
        number: u64,
        chunk: P::Chunk,
        /// It is whole, and its length and hash are those offered.
        last: bool,
    },
    /// The first breach of its kind, of those that do not end the session.
    Misbehaved(Breach),
}

/// A copied or restored identity: it was alive elsewhere. It must begin its next life before it commits anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnAuthorAhead {
    /// What is durable here of the own peer, in all its lives.
    pub(crate) ours: Version,
    /// What the other has of it.
    pub(crate) theirs: Version,
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There is no version of the protocol that both speak.
    Version {
        ours: RangeInclusive<u16>,
        theirs: RangeInclusive<u16>,
    },
    /// The other requires what this program does not know.
    Capability {
        unknown: u32,
    },
    OtherGroup,
    /// The other did not do in time what it has to.
    Stalled(Waited),
    /// The other broke the protocol.
    Misbehaved(Breach),
    /// The other ended it, and says why.
    Closed(Reason),
}

impl End {
    /// What the other is sent.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::Version { .. } | Self::Capability { .. } => Some(Reason::Version),
            Self::OtherGroup => Some(Reason::OtherGroup),
            Self::Stalled(_) => Some(Reason::Stalled),
            Self::Misbehaved(_) => Some(Reason::Misbehaved),
            Self::Closed(_) => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &RangeInclusive<u16>| format!("{} to {}", range.start(), range.end());
        match self {
            Self::Version { ours, theirs } => write!(
                f,
                "the peer speaks versions {} of the protocol, and this program {}: update the older of the two programs",
                range(theirs),
                range(ours)
            ),
            Self::Capability { unknown } => write!(
                f,
                "the peer requires capabilities {unknown:#x}, which this program does not know: update this program"
            ),
            Self::OtherGroup => {
                f.write_str("the peer's replica is of another group: pair with a member of this one")
            }
            Self::Stalled(waited) => write!(f, "the peer stalled: {waited}"),
            Self::Misbehaved(breach) => write!(f, "the peer broke the protocol: {breach}"),
            Self::Closed(reason) => write!(f, "the peer closed the session: {reason:?}"),
        }
    }
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Hello,
    /// The rest of a message.
    Message,
    /// That something of what was sent is taken.
    Took,
    /// More of a snapshot.
    Snapshot,
}

impl fmt::Display for Waited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "no hello",
            Self::Message => "a message did not arrive whole in time",
            Self::Took => "nothing of what it was sent was taken",
            Self::Snapshot => "a snapshot arrives too slowly",
        })
    }
}

/// How a peer breaks the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// Bytes that no encoder writes.
    Malformed,
    /// A length beyond the limit of its kind.
    TooLong,
    /// A message that has no place here.
    Order,
    /// More than the window on its way.
    Window,
    /// Taken what was not sent.
    Took,
    /// A version of more authors or branches than a group has.
    Authors,
    /// Requests in a loop, without progress.
    Requests,
    /// A snapshot of another length or hash than was offered.
    Snapshot,
    /// A delta that cannot be read.
    Delta,
    /// A delta that holds what its authors did not provably write.
    Signature,
    /// A delta in which signatures were left out that it takes to hand it on.
    SeldomSigned,
}

impl Breach {
    pub(crate) const ALL: [Self; 11] = [
        Self::Malformed,
        Self::TooLong,
        Self::Order,
        Self::Window,
        Self::Took,
        Self::Authors,
        Self::Requests,
        Self::Snapshot,
        Self::Delta,
        Self::Signature,
        Self::SeldomSigned,
    ];
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "bytes that no encoder writes",
            Self::TooLong => "a message beyond its limit",
            Self::Order => "a message that has no place there",
            Self::Window => "more than the window was sent",
            Self::Took => "it took what was not sent",
            Self::Authors => "a version of more authors than a group has",
            Self::Requests => "requests without progress",
            Self::Snapshot => "a snapshot that is not the one offered",
            Self::Delta => "a delta that cannot be read",
            Self::Signature => "a delta that its authors did not provably write",
            Self::SeldomSigned => "a delta with more under one signature than can be handed on",
        })
    }
}

/// How often a peer did what, each kind for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaches([u64; Breach::ALL.len()]);

impl Breaches {
    /// Counts one. Whether it is the first of its kind.
    pub(crate) fn count(&mut self, breach: Breach) -> bool {
        let count = &mut self.0[breach as usize];
        *count = count.saturating_add(1);
        *count == 1
    }

    #[cfg(test)]
    pub(crate) fn of(&self, breach: Breach) -> u64 {
        self.0[breach as usize]
    }

    #[cfg(test)]
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, count| total.saturating_add(*count))
    }
}

impl<P: Payload> fmt::Debug for Event<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready { version, capabilities, ahead } => f
                .debug_struct("Ready")
                .field("version", version)
                .field("capabilities", capabilities)
                .field("ahead", ahead)
                .finish(),
            Self::Delta { number, .. } => {
                f.debug_struct("Delta").field("number", number).finish_non_exhaustive()
            }
            Self::Offered(offer) => f.debug_tuple("Offered").field(offer).finish(),
            Self::Withdrawn => f.write_str("Withdrawn"),
            Self::Chunk { number, last, .. } => {
                f.debug_struct("Chunk").field("number", number).field("last", last).finish_non_exhaustive()
            }
            Self::Misbehaved(breach) => f.debug_tuple("Misbehaved").field(breach).finish(),
        }
    }
}
