//! The intents of one frame as bytes: what a frame's row keeps, and what a replay reads. The layout is in `../README.md`.

use std::sync::Arc;

use crate::{
    frame::Ending,
    replica::{
        answers::Answer,
        codec::{DecodeError, Reader, Refused, put_varint},
    },
};

const ENDINGS: [Ending; 4] = [Ending::Settled, Ending::Panicked, Ending::Unsettled, Ending::SettlePanicked];
/// With an ending: frames before this one are missing.
const LOST: u8 = 0x80;

/// One intent of a recorded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its source, as postcard writes it.
    pub(crate) source: Arc<[u8]>,
    pub(crate) origin: u64,
    pub(crate) seq: u64,
    /// 0 for a local intent.
    pub(crate) clock: u64,
    pub(crate) body: Body,
}

/// What is known of the intent itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// As postcard writes it.
    Value(Arc<[u8]>),
    /// Only which variant it was.
    Opaque {
        variant: Arc<str>,
        /// As `#[intent(skip)]` says; else it could not be serialized.
        skipped: bool,
    },
}

/// What comes before the entries: how the frame ended, and how many frames without intents came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) ending: Ending,
    pub(crate) empty_before: u64,
    /// How many frames before this one are missing, as the journal had no room for them.
    pub(crate) lost_before: u64,
}

const KIND: u8 = 0b11;
const VALUE: u8 = 0;
const SKIPPED: u8 = 1;
const NOT_SERIALIZED: u8 = 2;
/// No intent, but how many runs the intents before it name. The last of a frame, and only where there are some.
const RUNS: u8 = 3;
/// No intent, but what the journal answered the frame's replica: before the number of runs.
const ANSWERS: u8 = 7;
/// The next intent of the producer that the entry before it came from.
const GOES_ON: u8 = 0b100;
const CLOCKED: u8 = 0b1000;

/// Who sent an intent, and the how manieth it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) source: &'a [u8],
    pub(crate) origin: u64,
    pub(crate) seq: u64,
    pub(crate) clock: u64,
}

/// The entries of a frame, appended one by one.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) bytes: Vec<u8>,
    /// The source of the last one, and its producer.
    source: Vec<u8>,
    last: Option<(u64, u64)>,
}

impl Entries {
    pub(crate) fn with(bytes: Vec<u8>) -> Self {
        debug_assert!(bytes.is_empty());
        Self { bytes, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes the bytes out, for the next frame to begin with `empty`.
    pub(crate) fn take(&mut self, empty: Vec<u8>) -> Vec<u8> {
        self.last = None;
        std::mem::replace(&mut self.bytes, empty)
    }

    /// An entry whose value `write` appends. Where that fails, it is opaque.
    #[inline]
    pub(crate) fn put<E>(
        &mut self,
        place: Place<'_>,
        variant: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) {
        let start = self.bytes.len();
        self.put_place(place, VALUE);
        let body = self.bytes.len();
        self.bytes.push(0);
        if write(&mut self.bytes).is_err() {
            self.bytes.truncate(body);
            self.bytes[start] |= NOT_SERIALIZED;
            return self.put_text(variant.as_bytes());
        }
        let length = self.bytes.len() - body - 1;
        if length < 0x80 {
            self.bytes[body] = length.to_le_bytes()[0];
        } else {
            // Rare: the length takes more than the byte that was kept for it.
            let mut prefix = Vec::with_capacity(10);
            put_varint(&mut prefix, length as u64);
            self.bytes.splice(body..=body, prefix);
        }
    }

    /// An entry of which only the variant is kept.
    pub(crate) fn put_opaque(&mut self, place: Place<'_>, variant: &str, skipped: bool) {
        self.put_place(place, if skipped { SKIPPED } else { NOT_SERIALIZED });
        self.put_text(variant.as_bytes());
    }

    pub(crate) fn put_entry(&mut self, entry: &Entry) {
        let Entry { source, origin, seq, clock, body } = entry;
        let place = Place { source, origin: *origin, seq: *seq, clock: *clock };
        match body {
            Body::Value(bytes) => self.put(place, "", |out| {
                out.extend_from_slice(bytes);
                Ok::<_, std::convert::Infallible>(())
            }),
            Body::Opaque { variant, skipped } => self.put_opaque(place, variant, *skipped),
        }
    }

    #[inline]
    fn put_place(&mut self, place: Place<'_>, kind: u8) {
        let Place { source, origin, seq, clock } = place;
        let goes_on = self.last == Some((origin, seq.wrapping_sub(1))) && self.source == source;
        self.last = Some((origin, seq));
        self.bytes.push(kind | if goes_on { GOES_ON } else { 0 } | if clock > 0 { CLOCKED } else { 0 });
        if !goes_on {
            self.source.clear();
            self.source.extend_from_slice(source);
            self.put_text(source);
            put_varint(&mut self.bytes, origin);
            put_varint(&mut self.bytes, seq);
        }
        if clock > 0 {
            put_varint(&mut self.bytes, clock);
        }
    }

    fn put_text(&mut self, text: &[u8]) {
        put_varint(&mut self.bytes, text.len() as u64);
        self.bytes.extend_from_slice(text);
    }
}

/// The whole of a frame's bytes. Empty where nothing but a settled frame without intents is to be said.
pub(crate) fn frame_bytes(head: Head, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_head(&mut bytes, head);
    let mut put = Entries::default();
    for entry in entries {
        put.put_entry(entry);
    }
    bytes.append(&mut put.bytes);
    bytes
}

pub(crate) fn put_head(out: &mut Vec<u8>, head: Head) {
    let lost = if head.lost_before > 0 { LOST } else { 0 };
    out.push(ending_byte(head.ending) | lost);
    put_varint(out, head.empty_before);
    if lost > 0 {
        put_varint(out, head.lost_before);
    }
}

/// Sets what [`put_head`] began the bytes with to another ending.
pub(crate) fn set_ending(bytes: &mut [u8], ending: Ending) {
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

/// A frame, as its bytes say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadFrame {
    pub(crate) head: Head,
    pub(crate) entries: Vec<Entry>,
    pub(crate) answers: Vec<Answer>,
    /// How many of the frame's runs its intents name: the first ones.
    pub(crate) runs: usize,
}

/// Reads what a recorder, or [`frame_bytes`], wrote.
pub(crate) fn read_frame(bytes: &[u8]) -> Result<ReadFrame, DecodeError> {
    if bytes.is_empty() {
        return Ok(ReadFrame::default());
    }
    let mut reader = Reader::new(bytes);
    let [first] = reader.array()?;
    let ending = ENDINGS.get(usize::from(first & !LOST)).copied();
    let Some(ending) = ending else {
        return reader.refuse(Refused::Malformed("an ending that no frame has"));
    };
    let empty_before = reader.varint()?;
    let lost_before = if first & LOST == 0 { 0 } else { reader.varint()? };
    let head = Head { ending, empty_before, lost_before };
    let (mut entries, mut answers) = (Vec::new(), Vec::new());
    let mut last: Option<(Arc<[u8]>, u64, u64)> = None;
    while reader.left() > 0 {
        let [flags] = reader.array()?;
        if flags == ANSWERS && answers.is_empty() {
            for _ in 0..reader.varint()? {
                let [question] = reader.array()?;
                answers.push(Answer { question, nth: reader.varint()?, value: reader.varint()? });
            }
            continue;
        }
        if flags == RUNS {
            let runs = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
            reader.end()?;
            return Ok(ReadFrame { head, entries, answers, runs });
        }
        if flags & !(KIND | GOES_ON | CLOCKED) != 0 || flags & KIND == RUNS {
            return reader.refuse(Refused::Malformed("an intent of an unknown kind"));
        }
        let (source, origin, seq) = match (flags & GOES_ON != 0, &last) {
            (true, Some((source, origin, seq))) => (Arc::clone(source), *origin, seq.wrapping_add(1)),
            (true, None) => return reader.refuse(Refused::Malformed("the first intent goes on from none")),
            (false, _) => (Arc::from(text(&mut reader)?), reader.varint()?, reader.varint()?),
        };
        last = Some((Arc::clone(&source), origin, seq));
        let clock = if flags & CLOCKED == 0 { 0 } else { reader.varint()? };
        let body = text(&mut reader)?;
        let body = match flags & KIND {
            VALUE => Body::Value(Arc::from(body)),
            kind => Body::Opaque {
                variant: std::str::from_utf8(body).map_err(DecodeError::value)?.into(),
                skipped: kind == SKIPPED,
            },
        };
        entries.push(Entry { source, origin, seq, clock, body });
    }
    Ok(ReadFrame { head, entries, answers, runs: 0 })
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    reader.bytes(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = Entry> {
        let value = prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| Body::Value(bytes.into()));
        let opaque = ("[a-zA-Z]{0,9}", any::<bool>())
            .prop_map(|(variant, skipped)| Body::Opaque { variant: variant.into(), skipped });
        let clock = prop_oneof![Just(0), 1_u64..3, any::<u64>()];
        (
            prop::collection::vec(any::<u8>(), 0..3),
            0_u64..3,
            0_u64..4,
            clock,
            prop_oneof![3 => value, 1 => opaque],
        )
            .prop_map(|(source, origin, seq, clock, body)| Entry {
                source: source.into(),
                origin,
                seq,
                clock,
                body,
            })
    }

    proptest! {
        #[test]
        fn a_frame_comes_back_from_its_bytes(
            entries in prop::collection::vec(entry(), 0..20),
            ending in 0_usize..4,
            empty_before in prop_oneof![Just(0), any::<u64>()],
            runs in 0_usize..300,
            answers in prop::collection::vec((0_u8..3, any::<u64>(), any::<u64>()), 0..3),
            lost_before in prop_oneof![3 => Just(0), 1 => 1..u64::MAX],
        ) {
            let head = Head { ending: ENDINGS[ending], empty_before, lost_before };
            let answers: Vec<_> = answers.into_iter().map(|(question, nth, value)| Answer { question, nth, value }).collect();
            let mut bytes = frame_bytes(head, &entries);
            put_end(&mut bytes, &answers, runs);
            prop_assert_eq!(read_frame(&bytes).unwrap(), ReadFrame { head, entries, answers, runs });
        }

        /// Whatever the bytes are, they are read or refused.
        #[test]
        fn no_bytes_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_frame(&bytes);
        }
    }

    #[test]
    fn what_a_producer_sends_in_a_row_takes_two_bytes_beside_its_value() {
        let entry = |seq| Entry {
            source: Arc::from([1]),
            origin: 7,
            seq,
            clock: 0,
            body: Body::Value(Arc::from([9, 9, 9])),
        };
        let length =
            |count: u64| frame_bytes(Head::default(), &(0..count).map(entry).collect::<Vec<_>>()).len();
        assert_eq!(length(11) - length(1), 10 * (3 + 2));
    }
}
