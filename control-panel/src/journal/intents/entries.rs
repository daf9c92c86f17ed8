//! The intents of one frame as bytes: what a frame's row keeps. The layout is in `../README.md`.

use super::entry::{Body, Entry, Head};
use crate::{
    frame::Ending,
    replica::{answers::Answer, codec::put_varint},
};

/// With an ending: frames before this one are missing.
pub(super) const LOST: u8 = 0x80;

pub(super) const KIND: u8 = 0b11;
pub(super) const VALUE: u8 = 0;
pub(super) const SKIPPED: u8 = 1;
const NOT_SERIALIZED: u8 = 2;
/// No intent, but how many runs the intents before it name. The last of a frame, and only where there are some.
pub(super) const RUNS: u8 = 3;
/// No intent, but what the journal answered the frame's replica: before the number of runs.
pub(super) const ANSWERS: u8 = 7;
/// The next intent of the producer that the entry before it came from.
pub(super) const GOES_ON: u8 = 0b100;
pub(super) const CLOCKED: u8 = 0b1000;

/// Which producer sent an intent, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// As postcard writes it.
    pub(super) source: &'a [u8],
    pub(super) origin: u64,
    pub(super) seq: u64,
}

/// The intent could not be serialized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoBytes;

/// Appends an entry whose value `write` appends. Where that fails, nothing is. Without a place it is the next intent of the producer of the one before.
#[inline]
pub(super) fn put_value(
    out: &mut Vec<u8>,
    place: Option<Place<'_>>,
    clock: u64,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), NoBytes>,
) -> Result<(), NoBytes> {
    let start = out.len();
    if place.is_none() && clock == 0 {
        // Most are this, and take one store.
        out.extend_from_slice(&[VALUE | GOES_ON, 0]);
    } else {
        put_place(out, place, clock, VALUE);
        out.push(0);
    }
    let body = out.len();
    if write(out).is_err() {
        out.truncate(start);
        return Err(NoBytes);
    }
    let length = out.len() - body;
    if length < 0x80 {
        out[body - 1] = length.to_le_bytes()[0];
    } else {
        widen(out, body, length);
    }
    Ok(())
}

/// Rare: the length takes more than the byte that was kept for it.
#[cold]
fn widen(out: &mut Vec<u8>, body: usize, length: usize) {
    let mut prefix = Vec::with_capacity(10);
    put_varint(&mut prefix, length as u64);
    out.splice(body - 1..body, prefix);
}

/// An entry of which only the variant is kept.
pub(super) fn put_opaque(
    out: &mut Vec<u8>,
    place: Option<Place<'_>>,
    clock: u64,
    variant: &str,
    skipped: bool,
) {
    put_place(out, place, clock, if skipped { SKIPPED } else { NOT_SERIALIZED });
    put_text(out, variant.as_bytes());
}

fn put_place(out: &mut Vec<u8>, place: Option<Place<'_>>, clock: u64, kind: u8) {
    out.push(kind | if place.is_none() { GOES_ON } else { 0 } | if clock > 0 { CLOCKED } else { 0 });
    if let Some(Place { source, origin, seq }) = place {
        put_text(out, source);
        put_varint(out, origin);
        put_varint(out, seq);
    }
    if clock > 0 {
        put_varint(out, clock);
    }
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text);
}

/// The whole of a frame's bytes. Empty where nothing but a settled frame without intents is to be said.
pub(crate) fn frame_bytes(head: Head, entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    put_head(&mut out, head);
    let mut last: Option<&Entry> = None;
    for entry in entries {
        let Entry { source, origin, seq, clock, body } = entry;
        let goes_on = last.replace(entry).is_some_and(|last| {
            (&last.source, last.origin, last.seq) == (source, *origin, seq.wrapping_sub(1))
        });
        let place = (!goes_on).then_some(Place { source, origin: *origin, seq: *seq });
        match body {
            Body::Value(bytes) => {
                let written = put_value(&mut out, place, *clock, |out| {
                    out.extend_from_slice(bytes);
                    Ok(())
                });
                debug_assert_eq!(written, Ok(()));
            }
            Body::Opaque { variant, skipped } => put_opaque(&mut out, place, *clock, variant, *skipped),
        }
    }
    out
}

pub(super) fn put_head(out: &mut Vec<u8>, head: Head) {
    let lost = if head.lost_before > 0 { LOST } else { 0 };
    out.push(ending_byte(head.ending) | lost);
    put_varint(out, head.empty_before);
    if lost > 0 {
        put_varint(out, head.lost_before);
    }
}

/// Sets what [`put_head`] began the bytes with to another ending.
pub(super) fn set_ending(bytes: &mut [u8], ending: Ending) {
    if let Some(first) = bytes.first_mut() {
        *first = (*first & LOST) | ending_byte(ending);
    }
}

fn ending_byte(ending: Ending) -> u8 {
    match ending {
        Ending::Settled => 0,
        Ending::Panicked => 1,
        Ending::Unsettled => 2,
        Ending::SettlePanicked => 3,
    }
}

/// Appends what is not an intent: what the journal answered, and how many runs the intents name.
pub(crate) fn put_end(out: &mut Vec<u8>, answers: &[Answer], runs: usize) {
    if !answers.is_empty() {
        out.push(ANSWERS);
        put_varint(out, answers.len() as u64);
        for Answer { question, nth, value } in answers {
            out.push(*question);
            put_varint(out, *nth);
            put_varint(out, *value);
        }
    }
    if runs > 0 {
        out.push(RUNS);
        put_varint(out, runs as u64);
    }
}
