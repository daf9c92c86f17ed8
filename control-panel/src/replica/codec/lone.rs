//! A delta of one run, which nearly every one is: nothing in it was named before, so that it needs no table.
//!
//! It does what `encode.rs`, `raw.rs` and `decode.rs` do for several, and leaves to them whatever is not as simple as that, and whatever is wrong.

use std::sync::Arc;

use super::{
    Codec, FORMAT, Limits,
    decode::decode_state,
    encode::{FLAG_BITS, HEADS, LATER, SAME, SIGNED, SINGLE},
    hash::run_hash,
    message::Message,
    operations::{Item, put_author, read_operation},
    wire::{Reader, put_varint},
};
use crate::replica::{
    Author, Peer, RunHash,
    run::{Head, Header, Run},
    short::{Few, Heads},
    signature::{Link, Verifier, unverified},
};

/// `None` if it names an author twice: then a table says so.
pub(super) fn encode_lone<Op>(run: &Run<Op>) -> Option<Vec<u8>> {
    let Header { author, seq, lamport, previous, heads, schema, fingerprint } = &run.header;
    let mut last = None;
    for head in heads {
        if head.author == *author || last.is_some_and(|last| last >= &head.author) {
            return None;
        }
        last = Some(&head.author);
    }
    let (count, later) = (run.operations.len(), lamport.wrapping_sub(1));
    let same = (*schema, *fingerprint) == (0, 0);
    let flags = [
        (SAME, same),
        (HEADS, !heads.is_empty()),
        (LATER, later != 0),
        (SIGNED, !run.signature.is_empty()),
        (SINGLE, count == 1),
    ];
    let flags = flags.iter().fold(0, |flags, (flag, set)| flags | if *set { *flag } else { 0 });
    let mut out = Vec::with_capacity(128 + 88 * heads.len() + run.bytes.len() + run.signature.most(128));
    out.extend_from_slice(&[FORMAT.to_le_bytes()[0], 1, flags.to_le_bytes()[0]]);
    put_author(*author, &mut out);
    out.extend_from_slice(&previous.0);
    put_varint(&mut out, *seq);
    if !same {
        put_varint(&mut out, u64::from(*schema));
        put_varint(&mut out, *fingerprint);
    }
    if !heads.is_empty() {
        put_varint(&mut out, heads.len() as u64);
    }
    for (index, head) in (1..).zip(heads) {
        put_varint(&mut out, index << 1 | 1);
        put_author(head.author, &mut out);
        put_varint(&mut out, head.seq);
        out.extend_from_slice(&head.hash.0);
    }
    if later != 0 {
        put_varint(&mut out, later);
    }
    if count != 1 {
        put_varint(&mut out, count as u64);
    }
    out.extend_from_slice(&run.bytes);
    if !run.signature.is_empty() {
        put_varint(&mut out, run.signature.len() as u64);
        out.extend_from_slice(&run.signature);
    }
    Some(out)
}

/// The run, if it is one of one operation, and all of it is right.
pub(super) fn decode_lone<'a, Op, C: Codec<Op> + ?Sized>(
    message: impl Into<Message<'a>>,
    codec: &C,
    limits: &Limits,
    verifier: Option<&dyn Verifier>,
) -> Option<Arc<Run<Op>>> {
    const _: () = assert!(FORMAT < 0x80);
    let message = message.into();
    let (bytes, mut left) = (message.bytes, message.bytes);
    let [format, 1, flags] = array(&mut left)? else { return None };
    let flags = u64::from(flags);
    let alone = flags & SINGLE != 0
        && flags >> FLAG_BITS == 0
        && flags & !(SAME | HEADS | LATER | SIGNED | SINGLE) == 0;
    if u64::from(format) != FORMAT || !alone || bytes.len() > limits.bytes || limits.runs.min(limits.ops) == 0
    {
        return None;
    }
    let author = author(&mut left)?;
    let (previous, seq) = (RunHash(array(&mut left)?), number(&mut left)?);
    let (schema, fingerprint) = if flags & SAME != 0 {
        (0, 0)
    } else {
        let program = (u32::try_from(number(&mut left)?).ok()?, number(&mut left)?);
        (program != (0, 0)).then_some(program)?
    };
    let heads = if flags & HEADS != 0 { heads(&mut left, &author, limits)? } else { Heads::new() };
    let later = if flags & LATER != 0 { number(&mut left).filter(|later| *later > 0)? } else { 0 };
    if heads.len() >= limits.authors {
        return None;
    }
    let mut reader = Reader::new(left);
    let item = read_operation(&mut reader, limits).ok()?;
    let (operations, mut left) = (reader.since(0), reader.rest());
    let mut signature = &[][..];
    if flags & SIGNED != 0 {
        let length = usize::try_from(number(&mut left)?).ok()?;
        if length == 0 || length > limits.signature_bytes {
            return None;
        }
        (signature, left) = left.split_at_checked(length)?;
    }
    if !left.is_empty() {
        return None;
    }
    let header = Header { author, seq, lamport: later + 1, previous, heads, schema, fingerprint };
    let hash = run_hash(&header, 1, operations);
    if let Some(verifier) = verifier
        && unverified([Link { author, previous, hash, signature, weight: 0 }].into_iter(), verifier).is_some()
    {
        return None;
    }
    let operation = match item {
        Item::Own(operation) => operation,
        Item::State(bytes) => decode_state(codec, schema, bytes),
    };
    Some(Arc::new(Run {
        header,
        operations: Few::One(operation).into(),
        hash,
        bytes: message.keep(operations),
        signature: signature.into(),
    }))
}

/// One, or more in order, each of an author that was not named.
#[inline]
fn heads(left: &mut &[u8], author: &Author, limits: &Limits) -> Option<Heads> {
    let count = number(left)?;
    if count == 0 || count > limits.heads as u64 {
        return None;
    }
    let first = head(left, 1)?;
    if first.author == *author {
        return None;
    }
    let mut heads = Heads::one(first);
    for index in 2..=count {
        let head = head(left, index)?;
        if head.author == *author || heads.last().is_some_and(|last| last.author >= head.author) {
            return None;
        }
        heads.push(head);
    }
    Some(heads)
}

#[inline]
fn array<const N: usize>(left: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = left.split_first_chunk()?;
    *left = rest;
    Some(*bytes)
}

/// Of 63 bits at most, in its shortest form. Most have one byte or two.
#[inline(always)]
fn number(left: &mut &[u8]) -> Option<u64> {
    match **left {
        [one @ 0..0x80, ref rest @ ..] => {
            *left = rest;
            Some(u64::from(one))
        }
        [one, two @ 1..0x80, ref rest @ ..] => {
            *left = rest;
            Some(u64::from(one & 0x7f) | u64::from(two) << 7)
        }
        _ => long_number(left),
    }
}

#[inline(never)]
fn long_number(left: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (place, &byte) in left.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *left = &left[place + 1..];
            return (byte > 0 || place == 0).then_some(value);
        }
    }
    None
}

#[inline(always)]
fn author(left: &mut &[u8]) -> Option<Author> {
    Some(Author { peer: Peer(array(left)?), incarnation: u32::try_from(number(left)?).ok()? })
}

/// One of an author that was not named.
#[inline(always)]
fn head(left: &mut &[u8], index: u64) -> Option<Head> {
    if number(left)? != index << 1 | 1 {
        return None;
    }
    let (author, seq) = (author(left)?, number(left)?);
    Some(Head { author, seq, hash: RunHash(array(left)?) })
}
