//! Rows as bytes. The layout is in `../README.md`.

use crate::{
    journal::record::{FrameRecord, FrameRow, RunPlace},
    replica::{
        Author, Peer,
        codec::{DecodeError, Reader, Refused, put_varint},
    },
};

/// Keeps these hashes apart from all others that use BLAKE3.
const CHAIN: &[u8; 32] = b"control-panel journal frame v1\0\0";

/// What the first frame's chain goes on from.
pub(crate) const FIRST: [u8; 32] = [0; 32];

/// The number of an author in the file.
pub(super) type AuthorId = u32;

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

/// Sorted as (author, number, hash).
pub(super) fn put_place(author: AuthorId, place: &RunPlace) -> [u8; 20] {
    let mut out = [0; 20];
    out[..4].copy_from_slice(&author.to_be_bytes());
    out[4..12].copy_from_slice(&place.seq.to_be_bytes());
    out[12..].copy_from_slice(&place.prefix);
    out
}

pub(super) fn read_place(
    bytes: &[u8],
    author: impl Fn(AuthorId) -> Option<Author>,
) -> Result<RunPlace, DecodeError> {
    let mut reader = Reader::new(bytes);
    let id = u32::from_be_bytes(reader.array()?);
    let seq = u64::from_be_bytes(reader.array()?);
    let prefix = reader.array()?;
    reader.end()?;
    Ok(RunPlace { author: author(id).ok_or_else(unnamed)?, seq, prefix })
}

/// A frame's row without its chain, which [`chain`] makes of it.
pub(super) fn put_frame(record: &FrameRecord, runs: &[(AuthorId, RunPlace)], out: &mut Vec<u8>) {
    put_varint(out, record.session);
    put_varint(out, record.panel_frame);
    put_varint(out, (runs.len() as u64) << 1 | u64::from(record.digest.is_some()));
    for (author, place) in runs {
        put_varint(out, u64::from(*author));
        put_varint(out, place.seq);
        out.extend_from_slice(&place.prefix);
    }
    if let Some(digest) = record.digest {
        out.extend_from_slice(&digest.to_le_bytes());
    }
    put_varint(out, record.intents.len() as u64);
    out.extend_from_slice(&record.intents);
}

/// The hash of all frames up to this one, whose row is `body`. It finds what the disk changed, as do the runs' own hashes; it is no
/// signature.
pub(crate) fn chain(before: &[u8; 32], body: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(CHAIN);
    hasher.update(before);
    hasher.update(body);
    *hasher.finalize().as_bytes()
}

/// With what the row of a run begins.
pub(super) const ADMITTED: u8 = 1;
const RECEIVED: u8 = 0;

pub(super) fn put_run(bytes: &[u8], admitted: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 1);
    out.push(if admitted { ADMITTED } else { RECEIVED });
    out.extend_from_slice(bytes);
    out
}

/// The run's bytes, and whether it was admitted.
pub(super) fn read_run(row: &[u8]) -> Result<(&[u8], bool), DecodeError> {
    match row.split_first() {
        Some((&ADMITTED, bytes)) => Ok((bytes, true)),
        Some((&RECEIVED, bytes)) => Ok((bytes, false)),
        _ => Err(DecodeError::new(0, Refused::Malformed("a row that is no run's"))),
    }
}

/// The row without its chain, and the chain.
pub(crate) fn split_chain(bytes: &[u8]) -> Result<(&[u8], [u8; 32]), DecodeError> {
    bytes
        .split_last_chunk()
        .map(|(body, chain)| (body, *chain))
        .ok_or_else(|| DecodeError::new(0, Refused::Truncated { missing: 32 - bytes.len() as u64 }))
}

pub(super) fn read_frame(
    number: u64,
    bytes: &[u8],
    author: impl Fn(AuthorId) -> Option<Author>,
) -> Result<FrameRow, DecodeError> {
    let (body, chain) = split_chain(bytes)?;
    let mut reader = Reader::new(body);
    let (session, panel_frame) = (reader.varint()?, reader.varint()?);
    let word = reader.varint()?;
    let count = usize::try_from(word >> 1).unwrap_or(usize::MAX);
    let mut runs = Vec::with_capacity(count.min(reader.left() / 10));
    for _ in 0..count {
        let author = author(reader.varint32()?).ok_or_else(unnamed)?;
        runs.push(RunPlace { author, seq: reader.varint()?, prefix: reader.array()? });
    }
    let digest = if word & 1 == 0 { None } else { Some(u64::from_le_bytes(reader.array()?)) };
    let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let intents = reader.bytes(length)?.to_vec();
    reader.end()?;
    Ok(FrameRow { number, session, panel_frame, intents, runs, digest, chain })
}

fn unnamed() -> DecodeError {
    DecodeError::new(0, Refused::Malformed("an author that the file does not name"))
}
