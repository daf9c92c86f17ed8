//! A delta as bytes. The layout is in `README.md`.

use std::sync::Arc;

use super::{
    EncodeError, FORMAT,
    cover::kept_signatures,
    lone::encode_lone,
    operations::put_author,
    table::{Place, Table},
    wire::put_varint,
};
use crate::replica::run::{Header, Run};

// What a run's first number says beside its author.
pub(super) const FLAG_BITS: u32 = 6;
/// It follows the author's run before it in this delta: previous hash and sequence number are left out.
pub(super) const CHAINED: u64 = 1;
/// Schema and fingerprint are those of the author's run before it, or 0.
pub(super) const SAME: u64 = 1 << 1;
/// There are heads.
pub(super) const HEADS: u64 = 1 << 2;
/// The Lamport time is not what this delta alone gives.
pub(super) const LATER: u64 = 1 << 3;
const LATER_BYTE: u8 = 1 << 3;
/// There is a signature.
pub(super) const SIGNED: u64 = 1 << 4;
/// There is one operation.
pub(super) const SINGLE: u64 = 1 << 5;

pub(super) fn encode_runs<Op>(runs: &[Arc<Run<Op>>]) -> Result<Vec<u8>, EncodeError> {
    if let [run] = runs
        && !run.bytes.is_empty()
        && let Some(out) = encode_lone(run)
    {
        debug_assert_eq!(encode_all(runs).as_ref(), Ok(&out));
        return Ok(out);
    }
    encode_all(runs)
}

/// Any number of them.
pub(super) fn encode_all<Op>(runs: &[Arc<Run<Op>>]) -> Result<Vec<u8>, EncodeError> {
    let body: usize = runs.iter().map(|run| run.bytes.len() + 8).sum();
    let mut out = Vec::with_capacity(body + 160);
    put_varint(&mut out, FORMAT);
    put_varint(&mut out, runs.len() as u64);
    let (mut table, kept) = (Table::new(), kept_signatures(runs));
    for (number, run) in runs.iter().enumerate() {
        if run.bytes.is_empty() {
            return Err(EncodeError::NoCodec);
        }
        let signature = if kept.get(number) == Some(&true) { &run.signature[..] } else { &[] };
        let count = run.operations.len();
        let index = put_run(&run.header, (count, &run.bytes), signature, &mut table, &mut out);
        if number + 1 < runs.len() {
            table.push(index, Place::new(&run.header, run.operations.len(), run.hash));
        }
    }
    Ok(out)
}

/// Returns its author's index.
pub(super) fn put_run(
    header: &Header,
    (count, operations): (usize, &[u8]),
    signature: &[u8],
    table: &mut Table,
    out: &mut Vec<u8>,
) -> usize {
    let known = table.find(&header.author);
    let before = known.and_then(|index| table.place(index, 0)).copied();
    let chained = before.filter(|before| before.hash == header.previous && before.next_seq == header.seq);
    let same = before.map_or((0, 0), |before| (before.schema, before.fingerprint))
        == (header.schema, header.fingerprint);

    // The author has its place in the table before its heads have theirs: the order in which the decoder reads.
    let index = known.unwrap_or_else(|| table.add(header.author));
    let flags = [
        (CHAINED, chained.is_some()),
        (SAME, same),
        (HEADS, !header.heads.is_empty()),
        (SIGNED, !signature.is_empty()),
        (SINGLE, count == 1),
    ];
    let flags = flags.iter().fold(0, |flags, (flag, set)| flags | if *set { *flag } else { 0 });
    let word = out.len();
    put_varint(out, (index as u64) << FLAG_BITS | flags);
    if known.is_none() {
        put_author(header.author, out);
    }
    if chained.is_none() {
        out.extend_from_slice(&header.previous.0);
        put_varint(out, header.seq);
    }
    if !same {
        put_varint(out, u64::from(header.schema));
        put_varint(out, header.fingerprint);
    }
    let mut clock = chained.map_or(0, |before| before.clock);
    if !header.heads.is_empty() {
        put_varint(out, header.heads.len() as u64);
    }
    for head in &header.heads {
        let known = table.find(&head.author);
        let index = known.unwrap_or_else(|| table.add(head.author));
        let back = table.back(index, head);
        put_varint(out, (index as u64) << 1 | u64::from(back.is_none()));
        if known.is_none() {
            put_author(head.author, out);
        }
        if let Some(back) = back {
            put_varint(out, back as u64);
            clock = clock.max(table.place(index, back).map_or(0, |place| place.clock));
        } else {
            put_varint(out, head.seq);
            out.extend_from_slice(&head.hash.0);
        }
    }
    // Of a run that was admitted it is never negative; of any other, the decoder refuses what this writes.
    let later = header.lamport.wrapping_sub(clock.wrapping_add(1));
    if later != 0 {
        // The flags are in the first byte of the first number, which is as long with this one.
        out[word] |= LATER_BYTE;
        put_varint(out, later);
    }
    if count != 1 {
        put_varint(out, count as u64);
    }
    out.extend_from_slice(operations);
    if !signature.is_empty() {
        put_varint(out, signature.len() as u64);
        out.extend_from_slice(signature);
    }
    index
}
