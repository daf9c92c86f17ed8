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

/// A content is filled up with zeros to a multiple of this: a block of BLAKE3.
pub(super) const BLOCK: usize = 64;

/// The most bytes of a header without its heads, and of a head.
const HEADER: usize = 1 + 8 * VARINT;
const HEAD: usize = 32 + 2 * VARINT;

/// Up to how many bytes are put together on the stack: most runs are short.
const SHORT: usize = 256;

/// Up to how many heads' hashes are put together on the stack.
const FEW: usize = 6;

/// Up to how many bytes of operations are copied behind their header.
const COPIED: usize = 64 << 10;

/// What a run says by itself, hashed: nothing in it depends on another run's hash, so those of many runs are hashed side by side.
pub(super) type Content = [u8; 32];

/// The hash of a run: keyed with the previous run's, of its [content](content_hash) and what else it names by hash.
pub(crate) fn run_hash(header: &Header, count: usize, operations: &[u8]) -> RunHash {
    linked(header, &content_hash(header, count, operations))
}

/// The name of the run of this content.
#[inline]
pub(super) fn linked(header: &Header, content: &Content) -> RunHash {
    let key = &header.previous.0;
    let mut message = [0; BLOCK];
    message[..32].copy_from_slice(content);
    message[32..].copy_from_slice(&header.author.peer.0);
    let heads = header.heads.len();
    if heads == 0 {
        return RunHash(*blake3::keyed_hash(key, &message).as_bytes());
    }
    if heads <= FEW {
        // A hasher that takes pieces costs as much as the block that is hashed.
        let mut whole = [0; BLOCK + 32 * FEW];
        whole[..BLOCK].copy_from_slice(&message);
        for (place, head) in whole[BLOCK..].chunks_exact_mut(32).zip(&header.heads) {
            place.copy_from_slice(&head.hash.0);
        }
        return RunHash(*blake3::keyed_hash(key, &whole[..BLOCK + 32 * heads]).as_bytes());
    }
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&message);
    for head in &header.heads {
        hasher.update(&head.hash.0);
    }
    RunHash(*hasher.finalize().as_bytes())
}

/// Of a header's values without hashes, and of the operations' bytes as the author wrote them.
///
/// The header is hashed as values, not as it travels, so that a delta may leave out what its receiver can derive. There is one way
/// to write a header's values; that there are several for an operation is the codec's affair, so operations are never encoded again.
pub(super) fn content_hash(header: &Header, count: usize, operations: &[u8]) -> Content {
    let most = header_room(header);
    if most > SHORT {
        return hash_behind(&mut vec![0; most], header, count, operations);
    }
    if (most + operations.len()).next_multiple_of(BLOCK) > SHORT {
        return hash_behind(&mut [0; SHORT], header, count, operations);
    }
    let mut message = [0; SHORT];
    let length = put_header(&mut message, header, count, operations.len());
    let end = length + operations.len();
    message[length..end].copy_from_slice(operations);
    *blake3::hash(&message[..end.next_multiple_of(BLOCK)]).as_bytes()
}

/// Of a header and operations that are not together. In one piece BLAKE3 hashes chunks side by side: that is worth a copy, unless a long one would be made of fresh pages.
#[inline(never)]
fn hash_behind(message: &mut [u8], header: &Header, count: usize, operations: &[u8]) -> Content {
    let length = put_header(message, header, count, operations.len());
    let (header_bytes, end) = (&message[..length], length + operations.len());
    let filled = end.next_multiple_of(BLOCK);
    let hash = if operations.len() <= COPIED {
        let mut whole = Vec::with_capacity(filled);
        whole.extend_from_slice(header_bytes);
        whole.extend_from_slice(operations);
        whole.resize(filled, 0);
        blake3::hash(&whole)
    } else {
        let zeros = &[0; BLOCK][..filled - end];
        blake3::Hasher::new().update(header_bytes).update(operations).update(zeros).finalize()
    };
    *hash.as_bytes()
}

/// Appends what [`content_hash`] hashes. Its length in blocks.
#[inline]
pub(super) fn put_content(out: &mut Vec<u8>, header: &Header, count: usize, operations: &[u8]) -> usize {
    let (start, most) = (out.len(), header_room(header));
    if most > SHORT {
        let mut message = vec![0; most];
        let length = put_header(&mut message, header, count, operations.len());
        out.extend_from_slice(&message[..length]);
    } else {
        let mut message = [0; SHORT];
        let length = put_header(&mut message, header, count, operations.len());
        out.extend_from_slice(&message[..length]);
    }
    out.extend_from_slice(operations);
    let blocks = (out.len() - start).div_ceil(BLOCK);
    out.resize(start + blocks * BLOCK, 0);
    blocks
}

fn header_room(header: &Header) -> usize {
    HEADER + HEAD * header.heads.len()
}

/// Puts the header's values in front. Its length.
#[inline(always)]
fn put_header(message: &mut [u8], header: &Header, count: usize, length: usize) -> usize {
    // Destructured: a new field is a compile error here. The previous run's hash is the key, and the peer is beside the content.
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
    // Their hashes are beside the content.
    for Head { author: Author { peer, incarnation }, seq, hash: _ } in heads {
        left.put(&peer.0);
        left.varint(u64::from(*incarnation));
        left.varint(*seq);
    }
    if count != 1 {
        left.varint(count as u64);
    }
    // So the zeros behind them are none of theirs.
    left.varint(length as u64);
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
        for heads in [0, 1, 2, 3, 6, 7, 40] {
            let previous = RunHash([9; 32]);
            let mut header =
                Header { author, seq: 5, lamport: 9, previous, schema: 1, fingerprint: 2, ..Header::blank() };
            for seq in 0..heads {
                header.heads.push(Head { author, seq, hash: RunHash([8; 32]) });
            }
            for length in [0, 1, 100, 200, 256, 1_000, 1_024, 5_000, COPIED, COPIED + 1, 300_000] {
                let operations: Vec<u8> = (0..length).map(|byte| byte.to_le_bytes()[0]).collect();
                let mut whole = vec![0; header_room(&header)];
                let end = put_header(&mut whole, &header, 4, operations.len());
                whole.truncate(end);
                whole.extend_from_slice(&operations);
                whole.resize(whole.len().next_multiple_of(64), 0);
                let mut put = vec![1];
                assert_eq!(put_content(&mut put, &header, 4, &operations) * 64, whole.len());
                assert_eq!(put[1..], whole);
                let mut message = blake3::hash(&whole).as_bytes().to_vec();
                message.extend([7; 32]);
                message.resize(64 + 32 * header.heads.len(), 8);
                let expected = blake3::keyed_hash(&header.previous.0, &message);
                assert_eq!(run_hash(&header, 4, &operations).0, *expected.as_bytes(), "{heads} {length}");
            }
        }
    }
}
