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

/// Up to how many bytes of operations are copied behind their header.
const COPIED: usize = 64 << 10;

/// The hash of a run: of its header's values, and of its operations' bytes as the author wrote them. The key is the previous run's hash, so
/// that a short run is one block.
///
/// The header is hashed as values, not as it travels, so that a delta may leave out what its receiver can derive. There is one way
/// to write a header's values; that there are several for an operation is the codec's affair, so operations are never encoded again.
pub(crate) fn run_hash(header: &Header, count: usize, operations: &[u8]) -> RunHash {
    let most = HEADER + HEAD * header.heads.len();
    if most > SHORT {
        return hash_behind(&mut vec![0; most], header, count, operations);
    }
    if most + operations.len() > SHORT {
        return hash_behind(&mut [0; SHORT], header, count, operations);
    }
    let mut message = [0; SHORT];
    let length = put_header(&mut message, header, count);
    let end = length + operations.len();
    message[length..end].copy_from_slice(operations);
    RunHash(*blake3::keyed_hash(&header.previous.0, &message[..end]).as_bytes())
}

/// Of a header and operations that are not together. In one piece BLAKE3 hashes chunks side by side: that is worth a copy, unless a long one would be made of fresh pages.
#[inline(never)]
fn hash_behind(message: &mut [u8], header: &Header, count: usize, operations: &[u8]) -> RunHash {
    let length = put_header(message, header, count);
    let (header_bytes, key) = (&message[..length], &header.previous.0);
    let hash = if operations.len() <= COPIED {
        let mut whole = Vec::with_capacity(length + operations.len());
        whole.extend_from_slice(header_bytes);
        whole.extend_from_slice(operations);
        blake3::keyed_hash(key, &whole)
    } else {
        blake3::Hasher::new_keyed(key).update(header_bytes).update(operations).finalize()
    };
    RunHash(*hash.as_bytes())
}

/// Puts the header in front, beside the previous run's hash. Its length.
#[inline(always)]
fn put_header(message: &mut [u8], header: &Header, count: usize) -> usize {
    // Destructured: a new field is a compile error here. The previous run's hash is the key.
    let Header { author, seq, lamport, previous: _, heads, schema, fingerprint } = header;
    let heads = &**heads;
    let of_program = (*schema, *fingerprint) != (0, 0);
    let flag = |flag, set| if set { flag } else { 0 };
    let flags = flag(INCARNATION, author.incarnation != 0)
        | flag(PROGRAM, of_program)
        | flag(HEADS, !heads.is_empty())
        | flag(MANY, count != 1);
    let room = message.len();
    let mut left = Message(message);
    left.put(&author.peer.0);
    left.put(&[flags]);
    if author.incarnation != 0 {
        left.varint(u64::from(author.incarnation));
    }
    left.varint(*seq);
    // Of an author that alone wrote, the two count alike.
    left.varint(lamport.wrapping_sub(*seq));
    if of_program {
        left.varint(u64::from(*schema));
        left.varint(*fingerprint);
    }
    if !heads.is_empty() {
        left.varint(heads.len() as u64);
    }
    for Head { author: Author { peer, incarnation }, seq, hash } in heads {
        left.put(&hash.0);
        left.put(&peer.0);
        left.varint(u64::from(*incarnation));
        left.varint(*seq);
    }
    if count != 1 {
        left.varint(count as u64);
    }
    room - left.0.len()
}

/// The room for what is hashed, behind what is put together.
struct Message<'a>(&'a mut [u8]);

impl Message<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        let (place, left) = std::mem::take(&mut self.0).split_first_chunk_mut().expect("there is room");
        *place = *bytes;
        self.0 = left;
    }

    /// Most are below 2^21.
    #[inline(always)]
    fn varint(&mut self, value: u64) {
        let [one, two, three, ..] = [value, value >> 7, value >> 14].map(|part| part.to_le_bytes()[0]);
        match value {
            0..0x80 => self.put(&[one]),
            0x80..0x4000 => self.put(&[one | 0x80, two]),
            0x4000..0x20_0000 => self.put(&[one | 0x80, two | 0x80, three]),
            _ => self.long_varint(value),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self, mut value: u64) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Peer;

    /// However it is put together it is the hash of header and operations in one piece.
    #[test]
    fn runs_of_all_lengths_are_hashed_alike() {
        let author = Author { peer: Peer([7; 32]), incarnation: 3 };
        for heads in [0, 1, 2, 3, 40] {
            let previous = RunHash([9; 32]);
            let mut header =
                Header { author, seq: 5, lamport: 9, previous, schema: 1, fingerprint: 2, ..Header::blank() };
            for seq in 0..heads {
                header.heads.push(Head { author, seq, hash: RunHash([8; 32]) });
            }
            for length in [0, 1, 100, 200, 256, 1_000, 1_024, 5_000, COPIED, COPIED + 1, 300_000] {
                let operations: Vec<u8> = (0..length).map(|byte| byte.to_le_bytes()[0]).collect();
                let mut whole = vec![0; HEADER + HEAD * header.heads.len()];
                let end = put_header(&mut whole, &header, 4);
                whole.truncate(end);
                whole.extend_from_slice(&operations);
                let expected = blake3::keyed_hash(&header.previous.0, &whole);
                assert_eq!(run_hash(&header, 4, &operations).0, *expected.as_bytes(), "{heads} {length}");
            }
        }
    }
}
