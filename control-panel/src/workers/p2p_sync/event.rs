//! What the worker reports of peers; your intents are made from it.

use std::{fmt, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::{
    Peer,
    intent::{CoalesceKey, PeerId},
    replica::Grant,
};

/// A peer is in contact: hellos were exchanged, and deltas flow.
///
/// As an intent:
///
/// ```
/// use control_panel::{
///     Delta, GraphIntent,
///     workers::p2p_sync::{PeerOffline, PeerOnline},
/// };
///
/// #[derive(Debug, GraphIntent)]
/// enum Update {
///     #[intent(clock = delta, origin = delta, from)]
///     ApplyRemoteDelta { delta: Delta<String> },
///     #[intent(from)]
///     MarkPeerOffline(PeerOffline),
///     #[intent(from)]
///     MarkPeerOnline(PeerOnline),
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerOnline {
    /// Which.
    pub peer: Peer,
    /// It redeemed a ticket of this program's, and is no member yet: [invite](crate::Replica::invite) it with this grant.
    pub invited: Option<Grant>,
    /// How often contact with it came and went since the last report without one of its own.
    pub flapped: u32,
}

/// A peer that was in contact is not any more; or one that is trusted could not be reached since the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerOffline {
    /// Which.
    pub peer: Peer,
    /// Why.
    pub reason: OfflineReason,
    /// How often contact with it came and went since the last report without one of its own.
    pub flapped: u32,
}

/// A peer that broke the protocol: once a peer and kind, the rest is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PeerMisbehaved {
    /// Which.
    pub peer: Peer,
    /// What it did, in plain words.
    pub what: String,
}

/// Why there is no contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OfflineReason {
    /// No packet came for the idle setting: it was killed, stopped, powered off, is asleep, or the network is gone. Also where the peer dials anew
    /// before that was noticed here.
    TimedOut,
    /// Nothing answers at any of its addresses, or none is known.
    Unreachable,
    /// Its program closed the session.
    Closed,
    /// It does not trust this peer.
    Refused,
    /// There is no version of the protocol that both speak.
    Version {
        /// Those of this program.
        ours: RangeInclusive<u16>,
        /// Those of the other's.
        theirs: RangeInclusive<u16>,
    },
    /// It requires what this program does not know: bits, as the protocol numbers them.
    Capability {
        /// Those that are not known here.
        unknown: u32,
    },
    /// Its replica is of another group.
    OtherGroup,
    /// It did not do in time what it has to: say hello, finish a message, take what it was sent.
    Stalled,
    /// It broke the protocol.
    Misbehaved,
    /// It was revoked here.
    Revoked,
    /// This program's worker panicked, was restarted, or stopped.
    WorkerStopped,
    /// This program's journal failed, or the file that a snapshot is in on its way: it cannot keep what it receives.
    JournalFailed,
}

impl OfflineReason {
    /// The two could talk, and one of them may not or cannot: what mends it is something that a person does.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused | Self::Version { .. } | Self::Capability { .. } | Self::OtherGroup)
    }
}

impl fmt::Display for OfflineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |range: &RangeInclusive<u16>| format!("{} to {}", range.start(), range.end());
        f.write_str(match self {
            Self::TimedOut => "nothing was heard of it in time",
            Self::Unreachable => "it cannot be reached",
            Self::Closed => "it closed the session",
            Self::Refused => "it does not trust this peer",
            Self::Version { ours, theirs } => {
                let (theirs, ours) = (range(theirs), range(ours));
                return write!(
                    f,
                    "it speaks versions {theirs} of the protocol, and this program {ours}: update the older one"
                );
            }
            Self::Capability { unknown } => {
                return write!(f, "it requires capabilities {unknown:#x}: update this program");
            }
            Self::OtherGroup => "its replica is of another group",
            Self::Stalled => "it stalled",
            Self::Misbehaved => "it broke the protocol",
            Self::Revoked => "it was revoked here",
            Self::WorkerStopped => "this program's worker stopped",
            Self::JournalFailed => "this program's journal failed",
        })
    }
}

impl PeerId for PeerOnline {
    fn peer(&self) -> Option<u64> {
        self.peer.peer()
    }
}

impl PeerId for PeerOffline {
    fn peer(&self) -> Option<u64> {
        self.peer.peer()
    }
}

/// With `#[intent(latest = 0)]` the queue keeps the last one of each peer, for a frame loop that stands still.
impl CoalesceKey for PeerOnline {
    fn key(&self) -> u64 {
        self.peer.key()
    }
}

/// With `#[intent(latest = 0)]` the queue keeps the last one of each peer, for a frame loop that stands still.
impl CoalesceKey for PeerOffline {
    fn key(&self) -> u64 {
        self.peer.key()
    }
}
