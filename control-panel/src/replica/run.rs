//! A run: consecutive operations of one author, the unit that is hashed, signed, sent and admitted.

use std::{fmt, sync::Arc};

use super::{
    Author, Peer, Stamp,
    operations::Operations,
    short::{Bytes, Heads},
    signed::Signature,
};

/// What a run is named by: the hash of its predecessor's hash, its header and its operations. With a codec it is BLAKE3; without, it is 64 bits of std's `SipHash`, which keep apart what
/// honest replicas of one process make.
///
/// ```
/// use control_panel::replica::RunHash;
///
/// assert_eq!(RunHash([0xab; 32]).to_string(), "abababababababab");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub struct RunHash(pub [u8; 32]);

/// The first eight bytes in hexadecimal.
impl fmt::Display for RunHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RunHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunHash({self})")
    }
}

/// The last operation of another chain that a run's author had admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    pub(crate) author: Author,
    /// The sequence number of that operation: always the last of its run.
    pub(crate) seq: u64,
    /// That run's.
    pub(crate) hash: RunHash,
}

/// What a run says of itself beside its operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) author: Author,
    /// Of the first operation.
    pub(crate) seq: u64,
    /// Of the first operation. Derived; see `README.md`.
    pub(crate) lamport: u64,
    /// The author's run before this one; the genesis for the first.
    pub(crate) previous: RunHash,
    /// What the author admitted since its previous run: sorted by author, each author once (a forked author's branches by hash).
    pub(crate) heads: Heads,
    /// The version of the operations' encoding.
    pub(crate) schema: u32,
    /// Which reducer the author runs: operations that panic are void only where all run the same.
    pub(crate) fingerprint: u64,
}

impl Header {
    /// To be filled in.
    #[cfg(feature = "codec")]
    #[inline]
    pub(crate) fn blank() -> Self {
        let author = Author { peer: Peer([0; 32]), incarnation: 0 };
        let heads = Heads::new();
        Self { author, seq: 0, lamport: 0, previous: RunHash([0; 32]), heads, schema: 0, fingerprint: 0 }
    }
}

/// What a member may do. Ordered: each may what those before it may.
///
/// ```
/// use control_panel::replica::Grant;
///
/// assert!(Grant::Read < Grant::Write && Grant::Write < Grant::Owner);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Grant {
    /// Receives and acknowledges; its operations are void.
    Read,
    /// Commits operations too.
    Write,
    /// Invites, retires and cuts too.
    Owner,
}

/// A state's digest when all operations up to `level`, and no other, were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) level: u64,
    pub(crate) digest: u64,
}

/// One numbered operation of a run.
#[derive(Clone, Debug)]
pub(crate) enum Operation<Op> {
    /// The state's.
    Apply(Op),
    /// The state's, of a schema newer than this replica's, or not readable in its own: its bytes as received.
    #[cfg_attr(not(feature = "codec"), expect(dead_code, reason = "without bytes nothing is unread"))]
    Unknown(Arc<[u8]>),
    /// Nothing but the heads of its run.
    Ack {
        digest: Option<Digest>,
    },
    Invite {
        peer: Peer,
        grant: Grant,
    },
    Retire {
        peer: Peer,
    },
    /// Leaves an operation out, as far as no cut covers it.
    Revoke {
        /// Boxed: the others are half as large, and there are a million of those.
        stamp: Box<Stamp>,
    },
    /// Ends the window of revocation up to this Lamport time.
    Cut {
        upto: u64,
    },
}

/// Consecutive operations of one author, as it made them. Shared, never changed.
///
/// Until it is admitted it may be anything: its arithmetic saturates.
pub(crate) struct Run<Op> {
    pub(crate) header: Header,
    pub(crate) operations: Operations<Op>,
    pub(crate) hash: RunHash,
    /// The operations as their author encoded them: stored and forwarded verbatim, never encoded again. Empty without a codec.
    pub(crate) bytes: Bytes,
    /// Over `hash`. Empty where nothing is signed, and where that of a later run of the chain covers it.
    pub(crate) signature: Signature,
}

impl<Op> Run<Op> {
    #[cfg(feature = "codec")]
    fn blank() -> Self {
        Self {
            header: Header::blank(),
            operations: Vec::new().into(),
            hash: RunHash([0; 32]),
            bytes: Bytes::default(),
            signature: Signature::default(),
        }
    }

    /// A run that `fill` fills in: it is large enough for each copy to count. On the stack all the same, as a look at whether no one else has an `Arc`
    /// costs more than one copy.
    #[cfg(feature = "codec")]
    #[inline]
    pub(crate) fn made<E>(fill: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<Arc<Self>, E> {
        let mut run = Self::blank();
        fill(&mut run)?;
        Ok(Arc::new(run))
    }

    /// Reads of each part of it a little, so that the processor fetches them all at once: what is made of that means nothing.
    #[cfg(feature = "codec")]
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let Self { header, operations, hash, bytes, signature } = self;
        let (first, last) = (bytes.first().copied(), bytes.last().copied());
        header.lamport
            ^ header.fingerprint
            ^ header.heads.len() as u64
            ^ operations.len() as u64
            ^ u64::from(header.previous.0[0] ^ hash.0[0] ^ first.unwrap_or(0) ^ last.unwrap_or(0))
            ^ u64::from(signature.is_empty())
    }

    /// The Lamport time of its last operation.
    pub(crate) fn clock(&self) -> u64 {
        self.header.lamport.saturating_add((self.operations.len() as u64).saturating_sub(1))
    }

    /// The sequence number after its last operation.
    pub(crate) fn next_seq(&self) -> u64 {
        self.header.seq.saturating_add(self.operations.len() as u64)
    }

    pub(crate) fn end(&self) -> super::version::End {
        super::version::End { next_seq: self.next_seq(), hash: self.hash }
    }

    pub(crate) fn stamp(&self, index: usize) -> Stamp {
        let Header { author, seq, lamport, .. } = self.header;
        let index = index as u64;
        Stamp { lamport: lamport.saturating_add(index), author, seq: seq.saturating_add(index) }
    }

    /// How many operations could not be read. Of a `schema` newer than this replica's: it needs an upgrade. Of any other: the author's
    /// program is broken, or hostile.
    #[inline]
    pub(crate) fn unread(&self) -> usize {
        if self.operations.are_plain() {
            return 0;
        }
        self.operations.iter().filter(|operation| matches!(operation, Operation::Unknown(_))).count()
    }

    /// The state's own operations with their places.
    pub(crate) fn applied(&self) -> impl Iterator<Item = (Stamp, &Op)> {
        self.operations.iter().enumerate().filter_map(|(index, operation)| match operation {
            Operation::Apply(op) => Some((self.stamp(index), op)),
            _ => None,
        })
    }
}

impl<Op> fmt::Debug for Run<Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("first", &self.stamp(0))
            .field("operations", &self.operations.len())
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}
