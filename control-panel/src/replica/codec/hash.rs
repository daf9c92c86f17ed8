//! What a run is named by: the one place that knows what is hashed.

use crate::replica::{
    RunHash,
    run::{Head, Header},
};

/// Keeps these hashes apart from all others that use BLAKE3; the format's version is part of it.
const RUN: &[u8; 32] = b"control-panel replica run v1\0\0\0\0";

const GENESIS: &[u8; 32] = b"control-panel genesis v1\0\0\0\0\0\0\0\0";

/// The hash of a run: of its header's values, each of a fixed width, and of its operations' bytes as the author wrote them.
///
/// The header is hashed as values, not as it travels, so that a delta may leave out what its receiver can derive. There is one way
/// to write a header's values; that there are several for an operation is the codec's affair, so operations are never encoded again.
pub(crate) fn run_hash(header: &Header, count: usize, operations: &[u8]) -> RunHash {
    // Destructured: a new field is a compile error here.
    let Header { author, seq, lamport, previous, heads, schema, fingerprint } = header;
    let mut message = Vec::with_capacity(112 + 76 * heads.len() + operations.len());
    message.extend_from_slice(&previous.0);
    message.extend_from_slice(&author.peer.0);
    message.extend_from_slice(&author.incarnation.to_le_bytes());
    message.extend_from_slice(&seq.to_le_bytes());
    message.extend_from_slice(&lamport.to_le_bytes());
    message.extend_from_slice(&schema.to_le_bytes());
    message.extend_from_slice(&fingerprint.to_le_bytes());
    message.extend_from_slice(&(heads.len() as u64).to_le_bytes());
    for Head { author, seq, hash } in heads {
        message.extend_from_slice(&author.peer.0);
        message.extend_from_slice(&author.incarnation.to_le_bytes());
        message.extend_from_slice(&seq.to_le_bytes());
        message.extend_from_slice(&hash.0);
    }
    message.extend_from_slice(&(count as u64).to_le_bytes());
    message.extend_from_slice(operations);
    RunHash(*blake3::keyed_hash(RUN, &message).as_bytes())
}

/// The hash that stands for a group's first members.
pub(crate) fn genesis_hash(members: &[u8]) -> RunHash {
    RunHash(*blake3::keyed_hash(GENESIS, members).as_bytes())
}
