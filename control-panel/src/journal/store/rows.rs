//! Rows as bytes. The layout is in `../README.md`.

use crate::replica::{
    Author, Peer, RunHash,
    codec::{DecodeError, Reader, Refused, put_varint},
};

/// What the first frame's chain goes on from.
pub(crate) const FIRST: [u8; 32] = [0; 32];

/// The number of a strand in the file.
pub(super) type StrandId = u32;

pub(super) fn put_author(author: Author) -> Vec<u8> {
    let mut out = Vec::with_capacity(36);
    out.extend_from_slice(&author.peer.0);
    out.extend_from_slice(&author.incarnation.to_be_bytes());
    out
}

pub(super) fn read_author(bytes: &[u8]) -> Result<Author, DecodeError> {
    let mut reader = Reader::new(bytes);
    let peer = Peer(reader.array()?);
    let incarnation = u32::from_be_bytes(reader.array()?);
    reader.end()?;
    Ok(Author { peer, incarnation })
}

/// Sorted as (strand, number).
pub(super) fn put_place(strand: StrandId, seq: u64) -> [u8; 12] {
    let mut out = [0; 12];
    out[..4].copy_from_slice(&strand.to_be_bytes());
    out[4..].copy_from_slice(&seq.to_be_bytes());
    out
}

/// A run by its number in the file, and the first bytes of its hash.
pub(super) fn put_returned(number: u64, hash: &RunHash) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&number.to_be_bytes());
    out[8..].copy_from_slice(&hash.0[..8]);
    out
}

pub(super) fn read_returned(bytes: &[u8]) -> Option<(u64, [u8; 8])> {
    let (number, prefix) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*number), prefix.try_into().ok()?))
}

/// The hash of a block: of its number, what it goes on from, and its content. It finds what the disk changed; it is no signature.
pub(super) fn seal(key: &[u8; 32], first: u64, content: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&first.to_le_bytes());
    hasher.update(content);
    *hasher.finalize().as_bytes()
}

/// What redb's leaf has beside the value of its only row, whose key is a number.
const LEAF: usize = 4 + 8 + 4;
/// A value has whole pages, a power of two.
const PAGE: usize = 8 << 10;
/// Beyond it no block grows: it is written again with each transaction until it is full.
const MOST: usize = 64 << 10;

/// Whether a block takes so many bytes more. It ends where its pages do; if a quarter of them would be left empty, it goes on in twice as many.
pub(super) fn takes(len: usize, more: usize) -> bool {
    let pages = (len + LEAF).next_power_of_two().max(PAGE);
    let with = len + more + LEAF;
    with <= pages || (len < pages / 4 * 3 && with <= MOST)
}

/// A difference of either sign as a short number.
pub(super) fn put_difference(out: &mut Vec<u8>, from: u64, to: u64) {
    let difference = to.wrapping_sub(from);
    put_varint(out, (difference << 1) ^ (difference >> 63).wrapping_neg());
}

pub(super) fn read_difference(reader: &mut Reader<'_>, from: u64) -> Result<u64, DecodeError> {
    let folded = reader.varint()?;
    Ok(from.wrapping_add((folded >> 1) ^ (folded & 1).wrapping_neg()))
}

/// The content of a block, and its hash.
pub(super) fn split_hash(bytes: &[u8]) -> Result<(&[u8], [u8; 32]), DecodeError> {
    bytes
        .split_last_chunk()
        .map(|(content, hash)| (content, *hash))
        .ok_or_else(|| DecodeError::new(0, Refused::Truncated { missing: 32 - bytes.len() as u64 }))
}
