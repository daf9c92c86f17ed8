//! A recording as bytes: canonical, so that equal recordings are equal files. The layout is in `../README.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    founded::Founded,
    frames::{RecordedFrame, RecordedIntent, Recording},
    start::Past,
};
use crate::{
    journal::{
        intents::{Entry, ReadFrame, frame_bytes, put_end, read_frame},
        store::KeptSnapshot,
    },
    replica::{
        Peer, RunHash,
        codec::{DecodeError, Reader, Refused, RunBytes, name_run, put_varint},
        keeper::Resume,
    },
};

/// What an export begins with.
pub(crate) const MAGIC: &[u8; 24] = b"control-panel recording\n";

/// Raised with each change of the layout.
const FORMAT: u64 = 6;

/// Why a recording of another format is refused. In those before, runs have other names.
const NEWER: &str = "a recording of a later format: update this program";
const OLDER: &str = "a recording of an earlier format: open it with an earlier version of this program";

/// Of a session's snapshot.
const NONE: u8 = 0;
const SAME: u8 = 1;
const ANOTHER: u8 = 2;
/// Of a session whose beginning is gone: before its snapshot.
const GONE: u8 = 3;

impl Recording {
    /// The recording as bytes. Two recordings are equal if, and only if, their bytes are: nothing in them comes from a clock, a random
    /// number or an address of the program that made them.
    ///
    /// ```
    /// use control_panel::journal::Recording;
    ///
    /// let nothing = Recording::default();
    /// assert_eq!(Recording::from_bytes(&nothing.to_bytes())?, nothing);
    /// # Ok::<(), control_panel::replica::codec::DecodeError>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put_varint(&mut out, FORMAT);
        put_option(&mut out, self.fingerprint);
        Founded::put(self.founded.as_ref(), &mut out);
        put_varint(&mut out, self.gone);
        let restored = self.restored.as_deref().unwrap_or_default();
        put_varint(&mut out, restored.len() as u64);
        out.extend_from_slice(restored);
        let mut runs = Runs::default();
        let mut body = Vec::new();
        put_varint(&mut body, self.sessions.len() as u64);
        let mut before: Option<&KeptSnapshot> = None;
        for Past { incarnation, snapshot, runs: past, is_gone } in &self.sessions {
            put_option(&mut body, incarnation.map(u64::from));
            if *is_gone {
                body.push(GONE);
            }
            // Most begin with the one that the session before did.
            let snapshot = snapshot.as_ref();
            match snapshot {
                None => body.push(NONE),
                same if same == before => body.push(SAME),
                Some(KeptSnapshot { bytes, resume }) => {
                    body.push(ANOTHER);
                    put_varint(&mut body, bytes.len() as u64);
                    body.extend_from_slice(bytes);
                    put_resume(&mut body, resume);
                }
            }
            before = snapshot;
            runs.put(past, &mut body);
        }
        put_varint(&mut body, self.frames.len() as u64);
        for frame in &self.frames {
            put_varint(&mut body, frame.number);
            put_varint(&mut body, frame.session as u64);
            put_varint(&mut body, frame.panel_frame);
            put_option(&mut body, frame.digest);
            put_varint(&mut body, frame.outlined.len() as u64);
            frame.outlined.iter().for_each(|number| body.extend_from_slice(&number.to_le_bytes()));
            let entries: Vec<Entry> = frame.intents.iter().map(|intent| intent.entry.clone()).collect();
            let mut bytes = frame_bytes(frame.head, &entries);
            put_end(&mut bytes, &frame.answers, 0);
            put_varint(&mut body, bytes.len() as u64);
            body.extend_from_slice(&bytes);
            // Nearly always all intents have the runs of one frame.
            let mut groups = frame.intents.chunk_by(|one, other| one.runs == other.runs).peekable();
            while let Some(group) = groups.next() {
                if groups.peek().is_some() {
                    put_varint(&mut body, group.len() as u64);
                } else {
                    put_varint(&mut body, 0);
                }
                runs.put(&group[0].runs, &mut body);
            }
        }
        put_varint(&mut out, runs.all.len() as u64);
        for run in &runs.all {
            put_varint(&mut out, run.len() as u64);
            out.extend_from_slice(run);
        }
        out.append(&mut body);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote. The bytes are not trusted.
    ///
    /// # Errors
    /// What is refused, and where.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return Err(DecodeError::new(0, Refused::Malformed("not an exported recording")));
        }
        let format = reader.varint()?;
        if format != FORMAT {
            let why = if format > FORMAT { NEWER } else { OLDER };
            return reader.refuse(Refused::Malformed(why));
        }
        let fingerprint = option(&mut reader)?;
        let (founded, gone) = (Founded::take(&mut reader)?, reader.varint()?);
        let length_of_note = length(&mut reader)?;
        let restored = Some(reader.bytes(length_of_note)?).filter(|note| !note.is_empty()).map(Arc::from);
        let mut runs = Vec::new();
        for _ in 0..reader.varint()? {
            let length = length(&mut reader)?;
            let bytes = reader.bytes(length)?;
            let name = name_run(bytes)?;
            runs.push(RunBytes { author: name.author, seq: name.seq, hash: name.hash, bytes: bytes.into() });
        }
        let mut sessions = Vec::<Past>::new();
        for _ in 0..reader.varint()? {
            let incarnation =
                option(&mut reader)?.map(u32::try_from).transpose().map_err(DecodeError::value)?;
            let before = sessions.last().and_then(|past| past.snapshot.as_ref());
            let mut kind = reader.array()?;
            let is_gone = kind == [GONE];
            if is_gone {
                kind = reader.array()?;
            }
            let snapshot = match (kind, before) {
                ([NONE], _) => None,
                ([SAME], Some(before)) => Some(before.clone()),
                ([ANOTHER], _) => {
                    let length = length(&mut reader)?;
                    let bytes = reader.bytes(length)?.into();
                    let resume = resume(&mut reader)?;
                    Some(KeptSnapshot { bytes, resume })
                }
                _ => return reader.refuse(Refused::Malformed("neither a snapshot nor none")),
            };
            let runs = some(&runs, &mut reader)?;
            sessions.push(Past { incarnation, snapshot, runs, is_gone });
        }
        let mut frames = Vec::new();
        for _ in 0..reader.varint()? {
            let (number, session) = (reader.varint()?, length(&mut reader)?);
            let (panel_frame, digest) = (reader.varint()?, option(&mut reader)?);
            let outlined = (0..reader.varint()?).map(|_| reader.array().map(u64::from_le_bytes));
            let outlined = outlined.collect::<Result<_, _>>()?;
            let length = length(&mut reader)?;
            let ReadFrame { head, entries, answers, .. } = read_frame(reader.bytes(length)?)?;
            let mut intents = Vec::with_capacity(entries.len());
            let mut entries = entries.into_iter();
            while !entries.as_slice().is_empty() {
                let count = match self::length(&mut reader)? {
                    0 => entries.len(),
                    count => count,
                };
                let runs: Arc<[RunBytes]> = some(&runs, &mut reader)?.into();
                let group = entries.by_ref().take(count);
                intents.extend(group.map(|entry| RecordedIntent { entry, runs: Arc::clone(&runs) }));
            }
            frames.push(RecordedFrame {
                number,
                session,
                panel_frame,
                head,
                intents,
                digest,
                outlined,
                answers,
            });
        }
        reader.end()?;
        Ok(Self { fingerprint, founded, sessions, frames, gone, restored })
    }
}

/// What a replica was beside its snapshot.
fn put_resume(out: &mut Vec<u8>, Resume { is_own, provisional, void }: &Resume) {
    out.push(u8::from(*is_own) | u8::from(provisional.is_some()) << 1);
    if let Some((peer, level)) = provisional {
        out.extend_from_slice(&peer.0);
        put_varint(out, *level);
    }
    put_varint(out, void.len() as u64);
    for hash in void {
        out.extend_from_slice(&hash.0);
    }
}

fn resume(reader: &mut Reader<'_>) -> Result<Resume, DecodeError> {
    let [flags] = reader.array()?;
    let provisional = if flags & 2 == 0 { None } else { Some((Peer(reader.array()?), reader.varint()?)) };
    let mut void = BTreeSet::new();
    for _ in 0..reader.count("runs", usize::MAX, 32)? {
        void.insert(RunHash(reader.array()?));
    }
    Ok(Resume { is_own: flags & 1 != 0, provisional, void })
}

/// All runs, each once, in the order in which they are named first.
#[derive(Default)]
struct Runs {
    all: Vec<Arc<[u8]>>,
    places: BTreeMap<RunHash, u64>,
}

impl Runs {
    fn put(&mut self, runs: &[RunBytes], out: &mut Vec<u8>) {
        put_varint(out, runs.len() as u64);
        for run in runs {
            let place = *self.places.entry(run.hash).or_insert_with(|| {
                self.all.push(Arc::clone(&run.bytes));
                self.all.len() as u64 - 1
            });
            put_varint(out, place);
        }
    }
}

fn some(all: &[RunBytes], reader: &mut Reader<'_>) -> Result<Vec<RunBytes>, DecodeError> {
    let mut some = Vec::new();
    for _ in 0..reader.varint()? {
        let place = length(reader)?;
        let Some(run) = all.get(place) else {
            return reader.refuse(Refused::Malformed("a run that is not there"));
        };
        some.push(run.clone());
    }
    Ok(some)
}

fn put_option(out: &mut Vec<u8>, value: Option<u64>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_varint(out, value);
    }
}

fn option(reader: &mut Reader<'_>) -> Result<Option<u64>, DecodeError> {
    match reader.array()? {
        [0] => Ok(None),
        [1] => reader.varint().map(Some),
        _ => reader.refuse(Refused::Malformed("neither something nor nothing")),
    }
}

fn length(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
    Ok(usize::try_from(reader.varint()?).unwrap_or(usize::MAX))
}
