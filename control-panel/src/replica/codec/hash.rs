//! What a run is named by: the one place that knows what is hashed.

use super::{
    lanes::{hash_blocks, keyed_hash_short},
    wire::VARINT,
};
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

/// The most bytes of a content that is hashed as it is, beside the names. With the peer before it is one byte less than a block.
const WHOLE: usize = BLOCK - 33;

/// Room to find out whether a content is one.
const WHOLE_ROOM: usize = HEADER + HEAD + WHOLE;

/// What a run says by itself: nothing in it depends on another run's hash, so those of many runs are hashed side by side.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Hashed([u8; 32]),
    /// A short one as it is, filled up with zeros.
    Whole([u8; WHOLE]),
}

/// The hash of a run: keyed with the previous run's, of its content and what else it names by hash.
pub(crate) fn run_hash(header: &Header, count: usize, operations: &[u8]) -> RunHash {
    let whole = whole_content(header, count, operations);
    let content = whole.unwrap_or_else(|| Content::Hashed(content_hash(header, count, operations)));
    linked(header, &content)
}

/// The content of a short run with one head or none, as live editing makes them: hashed with the names, it costs a block less.
#[inline]
pub(super) fn whole_content(header: &Header, count: usize, operations: &[u8]) -> Option<Content> {
    if operations.len() >= WHOLE || header.heads.len() > 1 {
        return None;
    }
    let mut message = [0; WHOLE_ROOM];
    let length = put_values(&mut message, header, count, operations.len(), false);
    message.get_mut(length..WHOLE)?.get_mut(..operations.len())?.copy_from_slice(operations);
    Some(Content::Whole(*message.first_chunk().expect("it is longer")))
}

/// The name of the run of this content.
///
/// Whole contents are in messages of 63 or 127 bytes, hashed ones in those of a multiple of 32: so no run has another's message.
#[inline]
pub(super) fn linked(header: &Header, content: &Content) -> RunHash {
    let (key, peer, heads) = (&header.previous.0, &header.author.peer.0, &*header.heads);
    let content = match (content, heads) {
        (Content::Hashed(content), _) => content,
        (Content::Whole(content), []) => {
            let mut message = [0; 32 + WHOLE];
            message[..32].copy_from_slice(peer);
            message[32..].copy_from_slice(content);
            return RunHash(keyed_hash_short(key, &message));
        }
        (Content::Whole(content), [head, ..]) => {
            let mut message = [0; 96 + WHOLE];
            message[..32].copy_from_slice(peer);
            message[32..64].copy_from_slice(&head.author.peer.0);
            message[64..96].copy_from_slice(&head.hash.0);
            message[96..].copy_from_slice(content);
            return RunHash(keyed_hash_short(key, &message));
        }
    };
    if heads.len() > FEW {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(content).update(peer);
        for head in heads {
            hasher.update(&head.hash.0);
        }
        return RunHash(*hasher.finalize().as_bytes());
    }
    let mut message = [0; BLOCK + 32 * FEW];
    message[..32].copy_from_slice(content);
    message[32..64].copy_from_slice(peer);
    for (place, head) in message[BLOCK..].chunks_exact_mut(32).zip(heads) {
        place.copy_from_slice(&head.hash.0);
    }
    RunHash(keyed_hash_short(key, &message[..BLOCK + 32 * heads.len()]))
}

/// Of a header's values without hashes, and of the operations' bytes as the author wrote them.
///
/// The header is hashed as values, not as it travels, so that a delta may leave out what its receiver can derive. There is one way
/// to write a header's values; that there are several for an operation is the codec's affair, so operations are never encoded again.
pub(super) fn content_hash(header: &Header, count: usize, operations: &[u8]) -> [u8; 32] {
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
    hash_blocks(&message[..end.next_multiple_of(BLOCK)])
}

/// Of a header and operations that are not together. In one piece BLAKE3 hashes chunks side by side: that is worth a copy, unless a long one would be made of fresh pages.
#[inline(never)]
fn hash_behind(message: &mut [u8], header: &Header, count: usize, operations: &[u8]) -> [u8; 32] {
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
    put_values(message, header, count, length, true)
}

/// The same, with the heads' peers or without.
#[inline(always)]
fn put_values(message: &mut [u8], header: &Header, count: usize, length: usize, with_peers: bool) -> usize {
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
    // Their hashes are beside the content, and beside a whole one their peers.
    for Head { author: Author { peer, incarnation }, seq, hash: _ } in heads {
        if with_peers {
            left.put(&peer.0);
        }
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

    fn header(heads: u64) -> Header {
        let author = Author { peer: Peer([7; 32]), incarnation: 3 };
        let previous = RunHash([9; 32]);
        let mut header =
            Header { author, seq: 5, lamport: 9, previous, schema: 1, fingerprint: 2, ..Header::blank() };
        for seq in 0..heads {
            header.heads.push(Head {
                author: Author { peer: Peer([6; 32]), ..author },
                seq,
                hash: RunHash([8; 32]),
            });
        }
        header
    }

    fn content(header: &Header, operations: &[u8], with_peers: bool) -> Vec<u8> {
        let mut content = vec![0; header_room(header)];
        let end = put_values(&mut content, header, 4, operations.len(), with_peers);
        content.truncate(end);
        content.extend_from_slice(operations);
        content
    }

    /// However it is put together it is the hash of header and operations in one piece.
    #[test]
    fn runs_of_all_lengths_are_hashed_alike() {
        for heads in [0, 1, 2, 3, 6, 7, 40] {
            let header = header(heads);
            for length in (0..70).chain([100, 200, 256, 1_000, 1_024, 5_000, COPIED, COPIED + 1, 300_000]) {
                let operations: Vec<u8> = (0..length).map(|byte| byte.to_le_bytes()[0]).collect();
                let mut whole = content(&header, &operations, true);
                whole.resize(whole.len().next_multiple_of(64), 0);
                let mut put = vec![1];
                assert_eq!(put_content(&mut put, &header, 4, &operations) * 64, whole.len());
                assert_eq!(put[1..], whole);
                let mut short = content(&header, &operations, false);
                let mut message;
                if heads < 2 && short.len() <= 31 {
                    short.resize(31, 0);
                    message = vec![7; 32];
                    message.resize(32 + 32 * usize::from(heads > 0), 6);
                    message.resize(message.len() + 32 * usize::from(heads > 0), 8);
                    message.extend(short);
                } else {
                    message = blake3::hash(&whole).as_bytes().to_vec();
                    message.extend([7; 32]);
                    message.resize(64 + 32 * header.heads.len(), 8);
                }
                let expected = blake3::keyed_hash(&header.previous.0, &message);
                assert_eq!(run_hash(&header, 4, &operations).0, *expected.as_bytes(), "{heads} {length}");
            }
        }
    }

    /// What hands a run on can change none of it, however short the run is.
    #[test]
    fn each_value_of_a_short_run_is_in_its_name() {
        let [first, second] = [header(0), header(1)];
        let other = Author { peer: Peer([5; 32]), incarnation: 3 };
        let head = |change: &dyn Fn(&mut Head)| {
            let mut header = second.clone();
            change(&mut header.heads[0]);
            header
        };
        let names = [
            run_hash(&first, 1, &[1, 2]),
            run_hash(&first, 2, &[1, 2]),
            run_hash(&first, 1, &[1, 2, 0]),
            run_hash(&first, 1, &[1]),
            run_hash(&Header { author: other, ..first.clone() }, 1, &[1, 2]),
            run_hash(&Header { seq: 6, ..first.clone() }, 1, &[1, 2]),
            run_hash(&Header { lamport: 10, ..first.clone() }, 1, &[1, 2]),
            run_hash(&Header { schema: 2, ..first.clone() }, 1, &[1, 2]),
            run_hash(&Header { fingerprint: 3, ..first.clone() }, 1, &[1, 2]),
            run_hash(&Header { previous: RunHash([1; 32]), ..first.clone() }, 1, &[1, 2]),
            run_hash(&second, 1, &[1, 2]),
            run_hash(&head(&|head| head.author = other), 1, &[1, 2]),
            run_hash(&head(&|head| head.author.incarnation = 4), 1, &[1, 2]),
            run_hash(&head(&|head| head.seq = 6), 1, &[1, 2]),
            run_hash(&head(&|head| head.hash = RunHash([1; 32])), 1, &[1, 2]),
        ];
        assert!(whole_content(&second, 1, &[1, 2]).is_some());
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }
}
