//! What names a run: its encoding's hash with a codec, a hash of its header and payload without.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

#[cfg(feature = "codec")]
use std::sync::Arc;

#[cfg(feature = "codec")]
use super::codec::{Codec, Limits};
use super::{
    Grant, Peer, RunHash,
    run::{Header, Operation},
    signed::Signature,
};

/// What a run gets beside its header, its operations and their bytes when it is made.
pub(crate) struct Identity {
    pub(crate) hash: RunHash,
    /// Over `hash`; empty where nothing is signed.
    pub(crate) signature: Signature,
}

/// How this replica's own runs are named, encoded and signed. One for all replicas of a group.
pub(crate) trait Identify<Op>: Send + Sync {
    /// `bytes` is what [`encode`](Self::encode) appended for these operations, one after the other.
    fn identify(&self, header: &Header, operations: &[Operation<Op>], bytes: &[u8]) -> Identity;

    /// Appends an operation as it is in its run: once, before it is committed. Nothing without a codec.
    ///
    /// # Panics
    /// If it has no bytes that other replicas take. What was appended then is no operation.
    fn encode(&self, operation: &Operation<Op>, out: &mut Vec<u8>) {
        let _ = (operation, out);
    }

    /// What reads what was kept in a journal, and what peers send; `None` without a codec.
    #[cfg(feature = "codec")]
    fn codec(&self) -> Option<(&Arc<dyn Codec<Op>>, &Limits)> {
        None
    }
}

/// Writes what tells two operations apart.
pub(crate) type Payload<Op> = fn(&Op, &mut Vec<u8>);

/// Names runs where none leaves the process: std's `SipHash` with fixed keys. A hash that an attacker may choose; with a codec
/// it is blake3.
pub(crate) struct InProcess<Op> {
    /// Writes an operation's payload. Without it two runs that differ in nothing but payloads are one.
    pub(crate) payload: Option<Payload<Op>>,
}

impl<Op> Identify<Op> for InProcess<Op> {
    fn identify(&self, header: &Header, operations: &[Operation<Op>], _: &[u8]) -> Identity {
        let mut hasher = DefaultHasher::new();
        hash_header(header, &mut hasher);
        let mut bytes = Vec::new();
        for operation in operations {
            match operation {
                Operation::Apply(op) => {
                    hasher.write_u8(0);
                    if let Some(payload) = self.payload {
                        bytes.clear();
                        payload(op, &mut bytes);
                        bytes.hash(&mut hasher);
                    }
                }
                operation => hash_own(operation, &mut hasher),
            }
        }
        Identity { hash: widen(hasher.finish()), signature: Signature::default() }
    }
}

/// What the first run of every chain names as its previous one: groups that begin with other members do not mix.
pub(crate) fn genesis(members: &BTreeMap<Peer, Grant>) -> RunHash {
    let mut hash = [0; 32];
    for (part, bytes) in hash.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        "control-panel genesis".hash(&mut hasher);
        part.hash(&mut hasher);
        members.hash(&mut hasher);
        bytes.copy_from_slice(&hasher.finish().to_be_bytes());
    }
    RunHash(hash)
}

/// The previous run's hash and the heads' stand for all they name.
fn hash_header(header: &Header, hasher: &mut DefaultHasher) {
    let Header { author, seq, lamport, previous, heads, schema, fingerprint } = header;
    hasher.write(&previous.0);
    hasher.write(&author.peer.0);
    hasher.write_u64(u64::from(author.incarnation) << 32 | u64::from(*schema));
    hasher.write_u64(*seq);
    hasher.write_u64(*lamport);
    hasher.write_u64(*fingerprint);
    hasher.write_usize(heads.len());
    for head in heads {
        head.author.hash(hasher);
        hasher.write_u64(head.seq);
        hasher.write(&head.hash.0);
    }
}

/// The replicas' own operations, each with a number of its own.
fn hash_own<Op>(operation: &Operation<Op>, hasher: &mut DefaultHasher) {
    match operation {
        Operation::Apply(_) => unreachable!("the payload is the caller's"),
        Operation::Unknown(bytes) => (1_u8, bytes).hash(hasher),
        Operation::Ack { digest } => {
            (2_u8, digest.map(|digest| (digest.level, digest.digest))).hash(hasher);
        }
        Operation::Invite { peer, grant } => (3_u8, peer, grant).hash(hasher),
        Operation::Retire { peer } => (4_u8, peer).hash(hasher),
        Operation::Revoke { stamp } => (5_u8, stamp).hash(hasher),
        Operation::Cut { upto } => (6_u8, upto).hash(hasher),
    }
}

/// 64 bits as 256, so that in-process runs are named as all others.
fn widen(hash: u64) -> RunHash {
    let mut wide = [0; 32];
    let mut part = hash;
    for bytes in wide.chunks_exact_mut(8) {
        bytes.copy_from_slice(&part.to_be_bytes());
        // A bijection (an odd factor, then a rotation), so the first part alone tells two hashes apart.
        part = part.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
    RunHash(wide)
}
