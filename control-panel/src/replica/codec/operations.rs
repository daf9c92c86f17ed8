//! A run's operations as bytes: what is hashed, stored and forwarded verbatim.

use super::{
    DecodeError, Limits,
    error::Refused,
    wire::{Reader, put_varint, within},
};
use crate::replica::{
    Author, Grant, Peer, Stamp,
    run::{Digest, Operation},
};

// An operation begins with a number. Even: an operation of the state, of half as many bytes. Odd: one of the replica's own.
const ACK: u64 = 1;
const ACK_WITH_DIGEST: u64 = 3;
const INVITE: u64 = 5;
const RETIRE: u64 = 7;
const REVOKE: u64 = 9;
const CUT: u64 = 11;

/// An operation whose bytes are within the limits, not yet decoded.
pub(super) enum Item<'a, Op> {
    /// The state's.
    State(&'a [u8]),
    /// The replica's own, whole.
    Own(Operation<Op>),
}

/// Appends any operation but one of the state that is known, which is its codec's.
pub(super) fn put_own<Op>(operation: &Operation<Op>, out: &mut Vec<u8>) {
    match operation {
        Operation::Apply(_) => unreachable!("`put_state` is for those"),
        Operation::Unknown(bytes) => {
            put_varint(out, (bytes.len() as u64) << 1);
            out.extend_from_slice(bytes);
        }
        Operation::Ack { digest: None } => put_varint(out, ACK),
        Operation::Ack { digest: Some(Digest { level, digest }) } => {
            put_varint(out, ACK_WITH_DIGEST);
            put_varint(out, *level);
            out.extend_from_slice(&digest.to_le_bytes());
        }
        Operation::Invite { peer, grant } => {
            put_varint(out, INVITE);
            out.extend_from_slice(&peer.0);
            out.push(grant_byte(*grant));
        }
        Operation::Retire { peer } => {
            put_varint(out, RETIRE);
            out.extend_from_slice(&peer.0);
        }
        Operation::Revoke { stamp } => {
            let Stamp { lamport, author, seq } = &**stamp;
            put_varint(out, REVOKE);
            put_varint(out, *lamport);
            put_author(*author, out);
            put_varint(out, *seq);
        }
        Operation::Cut { upto } => {
            put_varint(out, CUT);
            put_varint(out, *upto);
        }
    }
}

pub(super) fn grant_byte(grant: Grant) -> u8 {
    match grant {
        Grant::Read => 0,
        Grant::Write => 1,
        Grant::Owner => 2,
    }
}

/// Appends an operation of the state, whose bytes `write` appends.
pub(super) fn put_state<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    // Most are shorter than 64 bytes: their length takes one.
    out.push(0);
    write(out)?;
    let length = ((out.len() - start - 1) as u64) << 1;
    if length < 0x80 {
        out[start] = length.to_le_bytes()[0];
    } else {
        let mut number = Vec::with_capacity(10);
        put_varint(&mut number, length);
        out.splice(start..=start, number);
    }
    Ok(())
}

pub(super) fn put_author(author: Author, out: &mut Vec<u8>) {
    out.extend_from_slice(&author.peer.0);
    put_varint(out, u64::from(author.incarnation));
}

pub(super) fn read_author(reader: &mut Reader<'_>) -> Result<Author, DecodeError> {
    Ok(Author { peer: Peer(reader.array()?), incarnation: reader.varint32()? })
}

#[inline]
pub(super) fn read_operation<'a, Op>(
    reader: &mut Reader<'a>,
    limits: &Limits,
) -> Result<Item<'a, Op>, DecodeError> {
    let start = reader.offset();
    let word = reader.varint()?;
    if word & 1 == 0 {
        let length = within(start, "op_bytes in an operation", word >> 1, limits.op_bytes)?;
        return reader.bytes(length).map(Item::State);
    }
    read_own(reader, start, word).map(Item::Own)
}

/// What follows the number at `start`.
#[inline(never)]
fn read_own<Op>(reader: &mut Reader<'_>, start: usize, word: u64) -> Result<Operation<Op>, DecodeError> {
    Ok(match word {
        ACK => Operation::Ack { digest: None },
        ACK_WITH_DIGEST => {
            let level = reader.varint()?;
            Operation::Ack { digest: Some(Digest { level, digest: u64::from_le_bytes(reader.array()?) }) }
        }
        INVITE => {
            let peer = Peer(reader.array()?);
            let grant = match reader.array()? {
                [0] => Grant::Read,
                [1] => Grant::Write,
                [2] => Grant::Owner,
                _ => return reader.refuse(Refused::Malformed("a grant that there is none of")),
            };
            Operation::Invite { peer, grant }
        }
        RETIRE => Operation::Retire { peer: Peer(reader.array()?) },
        REVOKE => {
            let (lamport, author) = (reader.varint()?, read_author(reader)?);
            Operation::Revoke { stamp: Box::new(Stamp { lamport, author, seq: reader.varint()? }) }
        }
        CUT => Operation::Cut { upto: reader.varint()? },
        _ => {
            return Err(DecodeError::new(start, Refused::Malformed("an operation of no known kind")));
        }
    })
}
