//! What a replica reports beside its state.

use super::{Author, Grant, Peer, RunHash, Stamp};

/// What happened to a replica that its program should know. Returned by [`Replica::settle`](super::Replica::settle), each once. None of it stops the replica; the
/// [guide](super::guide) has what a program does about each.
///
/// ```
/// use control_panel::replica::{Misbehaviour, ReplicaNotice};
///
/// fn text(notice: &ReplicaNotice) -> Option<String> {
///     Some(match notice {
///         ReplicaNotice::PeerMisbehaved {
///             peer,
///             what: Misbehaviour::Fork { .. },
///         } => format!("{peer} wrote two histories"),
///         ReplicaNotice::PeerMisbehaved { peer, what } => {
///             format!("{peer} sent what no honest program sends: {what:?}")
///         }
///         ReplicaNotice::PeerHoldsBack { peer, ops } => {
///             format!("{ops} operations wait for {peer}")
///         }
///         ReplicaNotice::OwnVoid { ops } => format!(
///             "{ops} of your changes do not count: see what to do with them"
///         ),
///         ReplicaNotice::NeedsUpgrade { .. } => {
///             "some changes need a newer version of this program".to_owned()
///         }
///         _ => return None,
///     })
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplicaNotice {
    /// A peer sent what no honest replica sends. Once for each peer and kind.
    PeerMisbehaved {
        /// The author of what was sent. Which peer forwarded it, the transport knows.
        peer: Peer,
        /// What it did.
        what: Misbehaviour,
    },
    /// More operations than the bound wait for this member's acknowledgement: effects wait, memory grows, editing goes on. An owner may retire it.
    PeerHoldsBack {
        /// The member.
        peer: Peer,
        /// How many operations are not stable.
        ops: usize,
    },
    /// A member was invited, or its grant changed.
    Invited {
        /// The member.
        peer: Peer,
        /// What it may do.
        grant: Grant,
    },
    /// A member was retired: what it made outside its owner's knowledge is void.
    Retired {
        /// The member.
        peer: Peer,
    },
    /// An owner retired a peer, but was retired by another with precedence: its retirement is void.
    MembershipContested {
        /// The owner whose retirement is void.
        by: Peer,
        /// The peer that it had retired.
        peer: Peer,
    },
    /// Operations of this replica's own became void: [`take_void`](super::Replica::take_void) has them.
    OwnVoid {
        /// How many.
        ops: usize,
    },
    /// Another program writes as this replica's author: a copy of it, or the life of which this one lost the log. Of two the one goes on as its
    /// next life, and this is the one: what it commits from now on is that author's.
    ///
    /// If it is `cut_off`, what it made as the old one is behind what a cut covers, so no other takes it: it may change nothing and says nothing, and
    /// what it commits comes back by [`take_void`](super::Replica::take_void), until it [rejoins](super::Replica::rejoin) with another member's
    /// snapshot. Then what it made before comes back too. One that was retired while it was away is cut off too if it has such a branch of
    /// anyone's: the others could not place what it names.
    NextLife {
        /// As which it goes on.
        author: Author,
        /// Whether it must rejoin.
        cut_off: bool,
    },
    /// Operations of a newer schema are kept and forwarded, not applied: the state is [provisional](super::Replica::is_provisional), and nothing from the first of them on is stable
    /// here, until this program is updated. Once for each schema that is newer than the last one reported.
    NeedsUpgrade {
        /// Theirs.
        schema: u32,
    },
    /// `apply` panicked. If the operation is void everywhere, the replica goes on without it; else it stops there.
    Poisoned {
        /// The operation.
        stamp: Stamp,
        /// The panic's message.
        message: String,
        /// Whether the replica goes on, as all members [ran the same reducer](super::ReplicaBuilder::fingerprint).
        void: bool,
    },
    /// What is merged is applied off the frame from now on, as a frame took [longer](super::ReplicaBuilder::slow_after) for that than it may, or on the frame
    /// again. Which operation was slow, and how long it took, is in the frame's report ([`FrameReport::slowest`](crate::FrameReport::slowest)).
    OffFrame {
        /// Whether it is applied off the frame.
        is_off: bool,
    },
    /// The [digest function](super::ReplicaBuilder::digest) panicked: states are not compared at that level. It is called again for later levels, and reported once.
    DigestPanicked {
        /// The Lamport time of the level.
        at: u64,
        /// The panic's message.
        message: String,
    },
    /// A peer's state differs, though it has the same operations: another reducer, or an `apply` that is not deterministic. It came of one of the operations in a window,
    /// and two digests do not say of which. What either side makes of the window does (features `testing`, `journal`): `Replica::refolded` on both, and
    /// `DesyncReport::between` the two names the operation and the path in the state. Where `apply` differs from itself, `testing::sync_test` names both on one
    /// side alone.
    Desync {
        /// The peer whose state differs.
        peer: Peer,
        /// The Lamport time at which the states were compared.
        at: u64,
        /// The last time at which they agreed; 0 if never. The first operation that differs is after it.
        agreed: u64,
        /// The window's first operation and its last one. Of a window that begins where a cut has let operations go, the first that is here. None if none is.
        ops: Option<[Stamp; 2]>,
        /// The digest here.
        ours: u64,
        /// The digest there.
        theirs: u64,
    },
}

/// What a peer did that no honest replica does: in [`ReplicaNotice::PeerMisbehaved`], once for each peer and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// A Lamport time that does not follow from what the run declares: a jump, 0, or the past; or a digest of a state that is later than the run.
    Clock,
    /// A sequence that does not continue the author's chain, a head that goes back, or one that names what does not exist.
    Chain,
    /// A run that is no run: empty, too long, or out of the limits; or operations that the codec of their own schema cannot read, which are left out.
    Malformed,
    /// Two runs with one predecessor (equivocation). Both are kept; these two are the proof.
    Fork {
        /// Which of its lives.
        author: Author,
        /// The two runs, the lower hash first.
        runs: [RunHash; 2],
    },
    /// Operations below what its earlier runs had promised: void.
    Backdated,
    /// It is no member.
    Stranger,
    /// It may not do what it tried: void.
    NotGranted,
    /// A signature that does not verify, or none; or one for more of its chain than may be under one. `merge` does not know what sent it: whatever passed it on may have left
    /// signatures out.
    Signature,
    /// More out of order than the gap buffer holds, which is bounded by author and in all. What is furthest ahead was dropped, and comes again by version.
    Flood,
}
