//! What a run is named by: the one place that knows what is hashed.

use super::wire::VARINT;
use crate::replica::{
    Author, RunHash,
    run::{Head, Header},
};

const GENESIS: &[u8; 32] = b"control-panel genesis v1\0\0\0\0\0\0\0\0";

// What of a header differs from what it mostly is, and is hashed too.
const INCARNATION: u8 = 1;
const PROGRAM: u8 = 1 << 1;
const HEADS: u8 = 1 << 2;
const MANY: u8 = 1 << 3;

/// The most bytes of a header without its heads, and of a head.
const HEADER: usize = 32 + 1 + 7 * VARINT;
const HEAD: usize = 32 + 32 + 2 * VARINT;

/// Up to how many bytes are put together on the stack: most runs are short.
const SHORT: usize = 256;

/// The hash of a run: of its header's values, and of its operations' bytes as the author wrote them. The key is the previous run's hash, so
/// that a short run is one block.
///
/// The header is hashed as values, not as it travels, so that a delta may leave out what its receiver can derive. There is one way
/// to write a header's values; that there are several for an operation is the codec's affair, so operations are never encoded again.
pub(crate) fn run_hash(header: &Header, count: usize, operations: &[u8]) -> RunHash {
    let most = HEADER + HEAD * header.heads.len() + operations.len();
    // Two calls: the array is not cleared for a long run.
    let hash = if most <= SHORT {
        hash_in(&mut [0; SHORT], header, count, operations)
    } else {
        hash_in(&mut vec![0; most], header, count, operations)
    };
    RunHash(*hash.as_bytes())
}

#[inline]
fn hash_in(message: &mut [u8], header: &Header, count: usize, operations: &[u8]) -> blake3::Hash {
    // Destructured: a new field is a compile error here.
    let Header { author, seq, lamport, previous, heads, schema, fingerprint } = header;
    let has = [
        (INCARNATION, author.incarnation != 0),
        (PROGRAM, (*schema, *fingerprint) != (0, 0)),
        (HEADS, !heads.is_empty()),
        (MANY, count != 1),
    ];
    let flags = has.iter().fold(0, |flags, (flag, set)| flags | if *set { *flag } else { 0 });
    let mut message = Message { bytes: message, length: 0 };
    message.put(&author.peer.0);
    message.put(&[flags]);
    if author.incarnation != 0 {
        message.varint(u64::from(author.incarnation));
    }
    message.varint(*seq);
    // Of an author that alone wrote, the two count alike.
    message.varint(lamport.wrapping_sub(*seq));
    if flags & PROGRAM != 0 {
        message.varint(u64::from(*schema));
        message.varint(*fingerprint);
    }
    if !heads.is_empty() {
        message.varint(heads.len() as u64);
    }
    for Head { author: Author { peer, incarnation }, seq, hash } in heads {
        message.put(&hash.0);
        message.put(&peer.0);
        message.varint(u64::from(*incarnation));
        message.varint(*seq);
    }
    if count != 1 {
        message.varint(count as u64);
    }
    message.put(operations);
    blake3::keyed_hash(&previous.0, &message.bytes[..message.length])
}

/// What is hashed, as far as it is put together.
struct Message<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl Message<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    #[inline]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put(&[value.to_le_bytes()[0] | 0x80]);
            value >>= 7;
        }
        self.put(&[value.to_le_bytes()[0]]);
    }
}

/// The hash that stands for a group's first members.
pub(crate) fn genesis_hash(members: &[u8]) -> RunHash {
    RunHash(*blake3::keyed_hash(GENESIS, members).as_bytes())
}
