//! Why bytes were refused.

use std::{error, fmt};

use crate::replica::Author;

/// Why bytes from a peer, or from a file, were refused: what, where, and what mends it.
///
/// ```
/// use control_panel::{
///     Delta,
///     replica::codec::{Limits, Postcard, Refused},
/// };
///
/// let error =
///     Delta::<String>::decode(&[7, 0], &Postcard::new(), &Limits::default())
///         .unwrap_err();
/// assert!(matches!(error.refused(), Refused::Version { found: 7, known: 3 }));
/// assert_eq!(
///     error.to_string(),
///     "byte 0: format version 7, and this program reads version 3: \
///      update the older of the two programs"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    offset: usize,
    refused: Refused,
}

/// What was refused: in a [`DecodeError`], whose text says what mends it. What more than one attempt cannot mend (a forged signature, a limit) is a reason to stop
/// asking this peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// A format that this program does not read.
    Version {
        /// That of the bytes.
        found: u64,
        /// That of this program.
        known: u64,
    },
    /// A snapshot whose state is of a newer schema, or of an older one that the codec does not [migrate](super::Codec::migrate_state).
    Schema {
        /// That of the snapshot.
        found: u32,
        /// That of this program.
        known: u32,
    },
    /// More than [`Limits`](super::Limits) allow.
    Limit {
        /// Of what: a field of [`Limits`](super::Limits).
        what: &'static str,
        /// How much was declared.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// The bytes end before what they declare.
    Truncated {
        /// How many bytes are missing at least.
        missing: u64,
    },
    /// Bytes are left after the end.
    Trailing {
        /// How many.
        left: usize,
    },
    /// Bytes that no encoder writes.
    Malformed(&'static str),
    /// A second way to write what has one.
    NotCanonical(&'static str),
    /// No signature that verifies covers a run.
    Signature {
        /// The run's author; what sent the bytes on is to blame.
        author: Author,
        /// The sequence number of the run's first operation.
        seq: u64,
    },
    /// More of a chain under one signature than an author leaves unsigned, and more than its receiver could hand on to others.
    SeldomSigned {
        /// The chain's author. The sender of the bytes is to blame, as it can leave out signatures of others.
        author: Author,
        /// The sequence number of the first operation that is too far from the last signature.
        seq: u64,
    },
    /// A hash that is not that of the bytes.
    Hash,
    /// The bytes of an operation or a state are not what its type reads.
    Value(String),
}

impl DecodeError {
    pub(crate) fn new(offset: usize, refused: Refused) -> Self {
        Self { offset, refused }
    }

    /// For a [`Codec`](super::Codec) of the user's own: why an operation cannot be read.
    pub fn value(reason: impl fmt::Display) -> Self {
        Self::new(0, Refused::Value(reason.to_string()))
    }

    /// Where: the byte, from 0, at which what is refused begins.
    ///
    /// ```
    /// use control_panel::{Delta, replica::codec::{Limits, Postcard}};
    ///
    /// let (codec, limits) = (Postcard::new(), Limits::default());
    /// let error = Delta::<String>::decode(&[7, 0], &codec, &limits).unwrap_err();
    /// assert_eq!(error.offset(), 0); // the first byte: an unknown format
    /// ```
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What.
    pub fn refused(&self) -> &Refused {
        &self.refused
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: ", self.offset)?;
        match &self.refused {
            Refused::Version { found, known } => write!(
                f,
                "format version {found}, and this program reads version {known}: update the older of the two programs"
            ),
            Refused::Schema { found, known } => write!(
                f,
                "a state of schema {found}, and this program's is {known}: update the older of the two programs; an older state `Codec::migrate_state` can bring here"
            ),
            Refused::Limit { what, found, limit } => write!(
                f,
                "{found} {what}, and the limit is {limit}: send less in one piece (`Delta::parts`), or raise `Limits` on all replicas"
            ),
            Refused::Truncated { missing } => {
                write!(f, "the bytes end here, at least {missing} too early: pass whole what was encoded")
            }
            Refused::Trailing { left } => {
                write!(f, "{left} bytes after the end: pass exactly what was encoded")
            }
            Refused::Malformed(what) => write!(f, "{what}: the sender's program is broken, or hostile"),
            Refused::NotCanonical(what) => {
                write!(f, "not canonical: {what}: the sender's program is broken, or hostile")
            }
            Refused::Signature { author, seq } => write!(
                f,
                "no signature that verifies covers the run of {author} from {seq}: the sender forged it, or passed it on unverified"
            ),
            Refused::SeldomSigned { author, seq } => write!(
                f,
                "one signature covers too much of the chain of {author}, up to its run from {seq}: the sender left signatures out"
            ),
            Refused::Hash => {
                f.write_str("the hash is not that of the bytes: fetch them again, from another member")
            }
            Refused::Value(reason) => {
                write!(f, "{reason}: the types differ, or `schema` was not raised when they changed")
            }
        }
    }
}

impl error::Error for DecodeError {}

/// Why something has no bytes.
///
/// ```
/// use control_panel::{
///     Delta, Peer, Replica, Stamp, State, replica::codec::EncodeError,
/// };
/// # #[derive(Clone)] struct Words;
/// # impl State for Words { type Op = String; fn apply(&mut self, _: &String, _: &Stamp) {} }
///
/// let mut replica = Replica::new(Peer([1; 32]), [Peer([1; 32])], Words);
/// replica.commit("without a codec".into());
/// assert_eq!(replica.outbox().unwrap().encode(), Err(EncodeError::NoCodec));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// A delta holds runs that were made by a replica without a codec.
    NoCodec,
    /// An operation of more bytes than [`Limits::op_bytes`](super::Limits::op_bytes): no replica would take it.
    TooLong {
        /// How many bytes it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A snapshot's giver has a run that no signature covers, as the one that it came with waited for others and was dropped. Ask a member with
    /// [`Replica::version`](crate::Replica::version) for what is missing, merge that, and give a new snapshot.
    Unproved {
        /// The run's author.
        author: Author,
        /// The sequence number of its first operation.
        seq: u64,
    },
    /// A value that serializes to nothing, by its own error.
    Value(String),
    /// An operation that the codec does not read back: no replica would apply it.
    NotReadBack(DecodeError),
    /// A state that its `Serialize` writes and its `Deserialize` does not read back.
    StateNotReadBack(DecodeError),
    /// A state that is another when it is read back, by what its `Serialize` writes then, or by the replica's [digest](crate::replica::ReplicaBuilder::digest) of it.
    StateDiffers,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCodec => f.write_str(
                "the delta was made by a replica without a codec: give the replica that commits one (`ReplicaBuilder::codec`)",
            ),
            Self::TooLong { found, limit } => write!(
                f,
                "an operation of {found} bytes, and the limit is {limit}: split it, or raise `Limits::op_bytes` on all replicas"
            ),
            Self::Unproved { author, seq } => write!(
                f,
                "no signature covers the run of {author} from {seq}, as the one for it is not here yet: merge what another member has, and give a new snapshot"
            ),
            Self::Value(reason) => write!(f, "a value that cannot be encoded: {reason}"),
            Self::NotReadBack(reason) => {
                write!(f, "an operation that its codec writes but does not read: {reason}")
            }
            Self::StateNotReadBack(reason) => {
                write!(f, "a state that its `Serialize` writes but its `Deserialize` does not read: {reason}")
            }
            Self::StateDiffers => f.write_str("a state that is another when it is read back"),
        }
    }
}

impl error::Error for EncodeError {}
