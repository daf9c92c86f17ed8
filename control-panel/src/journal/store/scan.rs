//! What a damaged file still proves: rows found in its pages, each by its own hash.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::OccupiedEntry},
    fs::File,
};

use redb::{Builder, ReadableDatabase, backends::InMemoryBackend};

use super::{
    META, fault_of,
    meta::Meta,
    pages::{Leaf, Pages, Span, Widths},
    rows::{self, AuthorId},
};
use crate::{
    journal::{
        error::Fault,
        record::{FrameRow, RunKey, RunPlace, RunRecord},
    },
    replica::{
        Author, Peer,
        codec::{Limits, SnapshotBytes, name_run},
    },
};

/// What names a run without its author's number, which a damaged file may not tell.
type RunId = (u64, [u8; 8]);

/// A run's key in `ops`, and a stamp's in `effects`.
const PLACE_BYTES: usize = 20;
const STAMP_BYTES: usize = 52;

/// What was found. Frames and runs stay in the file until they are asked for.
#[derive(Debug)]
pub(crate) struct Scan {
    pages: Pages,
    /// What may be a frame, by its number.
    frames: BTreeMap<u64, Vec<Span>>,
    runs: BTreeMap<RunId, FoundRun>,
    /// Begun and done effects, as their rows are. What was noted anywhere may have happened.
    pub(crate) effects: BTreeMap<Vec<u8>, u8>,
    returned: BTreeSet<RunId>,
    /// By their session.
    snapshots: BTreeMap<u64, Span>,
    metas: Vec<BTreeMap<String, Vec<u8>>>,
}

#[derive(Clone, Copy, Debug)]
struct FoundRun {
    key: RunKey,
    row: Span,
    admitted: bool,
}

impl Scan {
    /// Reads all pages of a file. Some 100 bytes a row stay in memory.
    pub(crate) fn of(file: File) -> Result<Self, Fault> {
        let mut scan = Self {
            pages: Pages::new(file)?,
            frames: BTreeMap::new(),
            runs: BTreeMap::new(),
            effects: BTreeMap::new(),
            returned: BTreeSet::new(),
            snapshots: BTreeMap::new(),
            metas: Vec::new(),
        };
        for offset in scan.pages.offsets() {
            if let Some(leaf) = scan.pages.leaf(offset)? {
                scan.numbered(&leaf)?;
                scan.named(&leaf)?;
                scan.flagged(&leaf)?;
            }
        }
        Ok(scan)
    }

    /// `frames` and `snapshots`.
    fn numbered(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        for (key, value) in leaf.rows(Widths { key: Some(8), value: None }, &self.pages) {
            let Ok(key) = <[u8; 8]>::try_from(self.pages.read(key)?) else { continue };
            let number = u64::from_le_bytes(key);
            let row = self.pages.read(value)?;
            if rows::read_frame(number, &row, placed).is_ok() {
                self.frames.entry(number).or_default().push(value);
            } else if SnapshotBytes::open(&row, &unlimited()).is_ok() {
                self.snapshots.insert(number, value);
            }
        }
        Ok(())
    }

    /// `ops` and `meta`.
    fn named(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        let mut meta = BTreeMap::new();
        for (key, value) in leaf.rows(Widths { key: None, value: None }, &self.pages) {
            if key.len == PLACE_BYTES {
                self.run(key, value)?;
            } else if key.len < 32 && value.len <= 64 {
                // Names and values of `meta` are short.
                if let Ok(name) = String::from_utf8(self.pages.read(key)?) {
                    meta.insert(name, self.pages.read(value)?);
                }
            }
        }
        if meta.contains_key("format") {
            self.metas.push(meta);
        }
        Ok(())
    }

    fn run(&mut self, key: Span, row: Span) -> Result<(), Fault> {
        let (key, bytes) = (self.pages.read(key)?, self.pages.read(row)?);
        let Ok((bytes, admitted)) = rows::read_run(&bytes) else { return Ok(()) };
        let (Ok(place), Ok(name)) = (rows::read_place(&key, placed), name_run(bytes)) else { return Ok(()) };
        let key = RunKey { author: name.author, seq: name.seq, hash: name.hash };
        if id(&key.place()) == id(&place) {
            let found = self.runs.entry(id(&place)).or_insert(FoundRun { key, row, admitted });
            found.admitted |= admitted;
        }
        Ok(())
    }

    /// `effects` and `returned`.
    fn flagged(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        for (key, value) in leaf.rows(Widths { key: None, value: Some(1) }, &self.pages) {
            if key.len == STAMP_BYTES
                && let [state @ (0 | 1)] = self.pages.read(value)?[..]
            {
                let found = self.effects.entry(self.pages.read(key)?).or_default();
                *found = state.max(*found);
            }
        }
        for (key, _) in leaf.rows(Widths { key: None, value: Some(0) }, &self.pages) {
            if key.len == PLACE_BYTES
                && let Ok(place) = rows::read_place(&self.pages.read(key)?, placed)
            {
                self.returned.insert(id(&place));
            }
        }
        Ok(())
    }

    /// What the file says of itself, as of its last session. It has no hash of its own. `None` where nothing of that is left.
    pub(crate) fn meta(&self) -> Result<Option<Meta>, Fault> {
        let (mut last, mut newer) = (None::<Meta>, None);
        for fields in &self.metas {
            match read_meta(fields) {
                Ok(meta) if last.is_none_or(|last| last.session <= meta.session) => last = Some(meta),
                Err(fault @ Fault::NewerFormat { .. }) => newer = Some(fault),
                Ok(_) | Err(_) => {}
            }
        }
        match (last, newer) {
            (None, Some(newer)) => Err(newer),
            (last, _) => Ok(last),
        }
    }

    /// The frame that follows from that chain hash. A crash may have left a row that was not durable, whose number the next session used again:
    /// the later session's is the frame.
    pub(crate) fn frame(&mut self, number: u64, before: &[u8; 32]) -> Result<Option<FrameRow>, Fault> {
        let mut found = None::<FrameRow>;
        for span in self.frames.get(&number).cloned().unwrap_or_default() {
            let bytes = self.pages.read(span)?;
            let Ok((body, chain)) = rows::split_chain(&bytes) else { continue };
            if rows::chain(before, body) != chain {
                continue;
            }
            if let Ok(row) = rows::read_frame(number, &bytes, placed)
                && found.as_ref().is_none_or(|found| found.session < row.session)
            {
                found = Some(row);
            }
        }
        Ok(found)
    }

    /// The number of the last row that looks like a frame.
    pub(crate) fn last_seen(&self) -> u64 {
        self.frames.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// The run that a frame names, by number and hash.
    pub(crate) fn run_at(&mut self, place: &RunPlace) -> Result<Option<RunRecord>, Fault> {
        let Some(found) = self.runs.get(&id(place)).copied() else { return Ok(None) };
        let row = self.pages.read(found.row)?;
        let (bytes, _) = rows::read_run(&row).map_err(Fault::damaged)?;
        Ok(Some(RunRecord::from_bytes(found.key, bytes, found.admitted)))
    }

    /// All runs.
    pub(crate) fn places(&self) -> Vec<RunPlace> {
        self.runs.values().map(|found| found.key.place()).collect()
    }

    /// Void runs that the program has back.
    pub(crate) fn returned(&self) -> Vec<RunKey> {
        self.returned.iter().filter_map(|id| self.runs.get(id)).map(|found| found.key).collect()
    }

    /// The first snapshot that was not taken before, and its session.
    pub(crate) fn take_snapshot(&mut self, upto: u64) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let first = self.snapshots.first_entry().filter(|first| *first.key() <= upto);
        first
            .map(OccupiedEntry::remove_entry)
            .map(|(session, span)| Ok((session, self.pages.read(span)?)))
            .transpose()
    }
}

fn id(place: &RunPlace) -> RunId {
    (place.seq, place.prefix)
}

/// The author by the file's number, which nothing here asks for.
#[expect(clippy::unnecessary_wraps, reason = "rows are read with what may not know an author")]
fn placed(id: AuthorId) -> Option<Author> {
    Some(Author { peer: Peer([0; 32]), incarnation: id })
}

fn unlimited() -> Limits {
    Limits::default().with_bytes(usize::MAX)
}

/// In a table of its own, so that it is read as any journal's.
fn read_meta(fields: &BTreeMap<String, Vec<u8>>) -> Result<Meta, Fault> {
    let db = Builder::new().create_with_backend(InMemoryBackend::new()).map_err(fault_of)?;
    let transaction = db.begin_write().map_err(fault_of)?;
    {
        let mut table = transaction.open_table(META).map_err(fault_of)?;
        for (name, value) in fields {
            table.insert(&name[..], &value[..]).map_err(fault_of)?;
        }
    }
    transaction.commit().map_err(fault_of)?;
    let reading = db.begin_read().map_err(fault_of)?;
    Meta::read(&reading.open_table(META).map_err(fault_of)?)
}
