//! Rows as bytes. The layout is in `../README.md`.

use crate::{
    journal::error::Fault,
    replica::{
        Author, Peer, RunHash,
        codec::{DecodeError, Reader, Refused, put_varint},
    },
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

/// Where its first run begins.
pub(super) fn read_place(place: &[u8; 12]) -> u64 {
    let mut seq = [0; 8];
    seq.copy_from_slice(&place[4..]);
    u64::from_be_bytes(seq)
}

/// A row of `places`: the number of a run, and its check.
pub(super) fn put_number(place: &[u8; 12], number: u64) -> [u8; 16] {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&number.to_le_bytes());
    let check = check("places", place, &out[..8]);
    out[8..].copy_from_slice(&check);
    out
}

/// Checks it.
pub(super) fn read_number(place: &[u8; 12], row: &[u8; 16]) -> Result<u64, Fault> {
    let mut number = [0; 8];
    number.copy_from_slice(&row[..8]);
    if row[8..] != check("places", place, &row[..8]) {
        return Err(Fault::damaged("a row of `places` is another than was written"));
    }
    Ok(u64::from_le_bytes(number))
}

/// A row of `strands`: an author, and its check.
pub(super) fn put_strand(strand: StrandId, author: Author) -> Vec<u8> {
    let mut row = put_author(author);
    let check = check("strands", &strand.to_be_bytes(), &row);
    row.extend_from_slice(&check);
    row
}

/// Checks it.
pub(super) fn read_strand(strand: StrandId, row: &[u8]) -> Result<Author, Fault> {
    let wrong = || Fault::damaged("a row of `strands` is another than was written");
    let (author, found) = row.split_last_chunk().ok_or_else(wrong)?;
    if *found != check("strands", &strand.to_be_bytes(), author) {
        return Err(wrong());
    }
    read_author(author).map_err(Fault::damaged)
}

/// Keeps these hashes apart from all others that use BLAKE3.
const CHECK: &[u8; 32] = b"control-panel journal check v3\0\0";

/// What finds a changed byte in a row of a small table.
pub(super) fn check(table: &str, key: &[u8], value: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new_keyed(CHECK);
    for part in [table.as_bytes(), key, value] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut check = [0; 8];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    check
}

/// A run by its number in the file, and the first bytes of its hash; and their check.
pub(super) fn put_returned(number: u64, hash: &RunHash) -> [u8; 24] {
    let mut prefix = [0; 8];
    prefix.copy_from_slice(&hash.0[..8]);
    put_returned_prefix(number, prefix)
}

pub(super) fn put_returned_prefix(number: u64, prefix: [u8; 8]) -> [u8; 24] {
    let mut out = [0; 24];
    out[..8].copy_from_slice(&number.to_be_bytes());
    out[8..16].copy_from_slice(&prefix);
    let check = check("returned", &out[..16], &[]);
    out[16..].copy_from_slice(&check);
    out
}

/// The rows of runs from that number on are not before it.
pub(super) fn returned_from(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// `None` for a row that is another than what was written.
pub(super) fn read_returned(bytes: &[u8]) -> Option<(u64, [u8; 8])> {
    let (key, found) = bytes.split_last_chunk()?;
    if *found != check("returned", key, &[]) {
        return None;
    }
    let (number, prefix) = key.split_first_chunk()?;
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
