//! The intents of one frame, from their bytes. The layout is in `../README.md`.

use std::sync::Arc;

use super::{
    entries::{ANSWERS, CLOCKED, GOES_ON, KIND, LOST, RUNS, SKIPPED, VALUE},
    entry::{Body, Entry, Head},
};
use crate::{
    frame::Ending,
    replica::{
        answers::Answer,
        codec::{DecodeError, Reader, Refused},
    },
};

pub(super) const ENDINGS: [Ending; 4] =
    [Ending::Settled, Ending::Panicked, Ending::Unsettled, Ending::SettlePanicked];

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
