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
    let length = 112 + 76 * heads.len() + operations.len();
    // Most runs are short: no allocation for those.
    let (mut short, mut long) = ([0; SHORT], Vec::new());
    let message = if length <= SHORT {
        &mut short[..length]
    } else {
        long.resize(length, 0);
        &mut long[..]
    };
    let mut written = 0;
    let mut put = |bytes: &[u8]| {
        message[written..written + bytes.len()].copy_from_slice(bytes);
        written += bytes.len();
    };
    put(&previous.0);
    put(&author.peer.0);
    put(&author.incarnation.to_le_bytes());
    put(&seq.to_le_bytes());
    put(&lamport.to_le_bytes());
    put(&schema.to_le_bytes());
    put(&fingerprint.to_le_bytes());
    put(&(heads.len() as u64).to_le_bytes());
    for Head { author, seq, hash } in heads {
        put(&author.peer.0);
        put(&author.incarnation.to_le_bytes());
        put(&seq.to_le_bytes());
        put(&hash.0);
    }
    put(&(count as u64).to_le_bytes());
    put(operations);
    debug_assert_eq!(written, length, "the length is that of the parts");
    RunHash(*blake3::keyed_hash(RUN, message).as_bytes())
}

/// Up to how many bytes are put together on the stack.
const SHORT: usize = 512;

/// The hash that stands for a group's first members.
pub(crate) fn genesis_hash(members: &[u8]) -> RunHash {
    RunHash(*blake3::keyed_hash(GENESIS, members).as_bytes())
}
