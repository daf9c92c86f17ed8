//! Why a replica refuses.

use std::{error, fmt};

use super::Stamp;

/// Why [`Replica::revoke`](super::Replica::revoke) refuses.
///
/// ```
/// # use control_panel::{Peer, Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
/// # impl State for Words {
/// #     type Op = &'static str;
/// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(word); }
/// # }
/// use control_panel::replica::RevokeError;
///
/// let [here, there] = [1, 2].map(|byte| Peer([byte; 32]));
/// let mut replica = Replica::new(here, [here, there], Words::default());
/// let mut other = Replica::new(there, [here, there], Words::default());
/// let stamp = other.commit("theirs");
/// // It is not merged yet.
/// assert_eq!(replica.revoke(stamp), Err(RevokeError::Unknown { stamp }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokeError {
    /// A cut covers the operation: it is part of what cannot change any more.
    Cut {
        /// The operation.
        stamp: Stamp,
        /// Up to where nothing can be revoked.
        upto: u64,
    },
    /// This replica has no such operation, or it is none that can be revoked (an invitation, a retirement, a cut).
    Unknown {
        /// What was to be revoked.
        stamp: Stamp,
    },
    /// Another peer's operation, and this one is no owner.
    NotGranted {
        /// The operation.
        stamp: Stamp,
    },
}

impl fmt::Display for RevokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { stamp, upto } => {
                write!(
                    f,
                    "operation {stamp} is covered by a cut up to {upto} and cannot be revoked: commit one that reverses it"
                )
            }
            Self::Unknown { stamp } => {
                write!(f, "there is no operation {stamp} here: revoke it when it was merged")
            }
            Self::NotGranted { stamp } => {
                write!(f, "operation {stamp} is another peer's: its author or an owner can revoke it")
            }
        }
    }
}

impl error::Error for RevokeError {}

/// Why [`Replica::invite`](super::Replica::invite), [`retire`](super::Replica::retire) or [`cut`](super::Replica::cut) refuses: this replica's peer
/// is no owner of the group. Let an owner's replica do it.
///
/// ```
/// # use control_panel::{Peer, Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
/// # impl State for Words {
/// #     type Op = &'static str;
/// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(word); }
/// # }
/// use control_panel::replica::{Grant, NotOwner};
///
/// let [owner, reader] = [1, 2].map(|byte| Peer([byte; 32]));
/// let builder = Replica::builder(reader, Words::default())
///     .members([owner])
///     .member(reader, Grant::Read);
/// assert_eq!(builder.build().invite(Peer([3; 32]), Grant::Write), Err(NotOwner));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOwner;

impl fmt::Display for NotOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this replica's peer is no owner of the group: let an owner's replica do it")
    }
}

impl error::Error for NotOwner {}

/// Why [`Replica::cut`](super::Replica::cut) refuses.
///
/// ```
/// # use control_panel::{Peer, Replica, Stamp, State};
/// # #[derive(Clone, Default)] struct Words(Vec<&'static str>);
/// # impl State for Words {
/// #     type Op = &'static str;
/// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(word); }
/// # }
/// use control_panel::replica::{CutError, Grant};
///
/// let [owner, writer] = [1, 2].map(|byte| Peer([byte; 32]));
/// let builder = Replica::builder(writer, Words::default())
///     .members([owner])
///     .member(writer, Grant::Write);
/// assert!(matches!(builder.build().cut(), Err(CutError::NotOwner(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CutError {
    /// This replica's peer is no owner.
    NotOwner(NotOwner),
    /// All up to this operation is covered by a cut, and this program cannot read it: it must not say that its state has all below. Update the program, or let
    /// an owner cut whose program is updated.
    NeedsUpgrade {
        /// The first operation that it cannot read.
        first: Stamp,
        /// That operation's schema.
        schema: u32,
    },
}

impl From<NotOwner> for CutError {
    fn from(reason: NotOwner) -> Self {
        Self::NotOwner(reason)
    }
}

impl fmt::Display for CutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOwner(reason) => reason.fmt(f),
            Self::NeedsUpgrade { first, schema } => write!(
                f,
                "operation {first} is of schema {schema}, which this program cannot read: update it, or let an updated owner cut"
            ),
        }
    }
}

impl error::Error for CutError {}

/// Why [`ReplicaBuilder::join`](super::ReplicaBuilder::join) or [`Replica::rejoin`](super::Replica::rejoin) refuses a snapshot.
///
/// ```
/// # use control_panel::{Peer, Replica, Stamp, State};
/// # #[derive(Clone, Debug, Default)] struct Words(Vec<&'static str>);
/// # impl State for Words {
/// #     type Op = &'static str;
/// #     fn apply(&mut self, word: &&'static str, _: &Stamp) { self.0.push(word); }
/// # }
/// use control_panel::replica::SnapshotError;
///
/// let [alice, bob] = [1, 2].map(|byte| Peer([byte; 32]));
/// let mut replica = Replica::new(alice, [alice], Words::default());
/// // It was not invited.
/// let refused = Replica::builder(bob, Words::default())
///     .members([alice])
///     .join(replica.snapshot().expect("no journal"));
/// assert_eq!(refused.unwrap_err(), SnapshotError::NotInvited);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is of a group that began with other members.
    OtherGroup,
    /// This replica has, and has forgotten, what the snapshot lacks: it cannot go back.
    Older {
        /// The snapshot's level.
        level: u64,
        /// Up to where this replica's history is forgotten.
        ours: u64,
    },
    /// Its giver does not know that this peer was invited: all others would refuse what it makes.
    NotInvited,
    /// It contradicts itself: no replica is in such a state.
    Contradictory,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherGroup => f.write_str(
                "the snapshot is of a group that began with other members: give the builder the members that this group began with",
            ),
            Self::Older { level, ours } => write!(
                f,
                "the snapshot is of level {level}, and this replica's own history begins at {ours}: ask a replica for a newer one"
            ),
            Self::NotInvited => f.write_str(
                "the snapshot's giver does not know that this peer was invited: ask the member that invited it for one",
            ),
            Self::Contradictory => f.write_str(
                "the snapshot contradicts itself, so its giver lies or runs another version: ask another member for one",
            ),
        }
    }
}

impl error::Error for SnapshotError {}
