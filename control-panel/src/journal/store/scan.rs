//! What a damaged file still proves: blocks found in its pages, each by its own hash.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::OccupiedEntry},
    fs::File,
};

use super::{
    Begun, FIRST,
    cut::Cut,
    frame_block::StoredFrames,
    ledger::{self, STAMP_BYTES},
    meta::{Meta, Rows},
    pages::{Leaf, Pages, Span, Widths},
    rows,
    run_block::StoredRuns,
};
use crate::{
    journal::{
        error::Fault,
        record::{FrameRow, RunKey, RunRecord, SnapshotNote},
        replay::Noted,
    },
    replica::codec::{Limits, SnapshotBytes},
};

/// A snapshot's session, its bytes, and what it stands for.
pub(crate) type FoundSnapshot = (u64, Vec<u8>, Option<SnapshotNote>);

/// What was found. Frames and runs stay in the file until they are asked for.
#[derive(Debug)]
pub(crate) struct Scan {
    pages: Pages,
    /// By the number of the first frame.
    frames: BTreeMap<u64, Vec<FoundFrames>>,
    /// By the number of the first run.
    runs: BTreeMap<u64, FoundRuns>,
    /// The last block that was read.
    read: Option<(u64, Vec<RunRecord>)>,
    /// Begun and done effects, as their rows are. What was noted anywhere may have happened.
    pub(crate) effects: BTreeMap<Vec<u8>, u8>,
    returned: BTreeSet<(u64, [u8; 8])>,
    /// By their session, each with its hash: of those that a later one took the place of, too.
    snapshots: BTreeMap<u64, Vec<(Span, [u8; 32])>>,
    /// What they stand for, by their session too.
    cuts: BTreeMap<u64, Vec<Cut>>,
    /// Where the recording began anew, by the last frame that was gone then.
    begun: BTreeMap<u64, Begun>,
    /// By the last frame in them; one note is written after the other.
    notes: BTreeMap<u64, Vec<Span>>,
    metas: Vec<Rows>,
}

/// A block of frames. The one at the end is written again and again, and what a crash took back is still there: there may be several with
/// one number.
#[derive(Clone, Debug)]
struct FoundFrames {
    row: Span,
    start: [u8; 32],
    chain: [u8; 32],
    next: u64,
    /// Session and number of the last frame that follows from this one.
    reach: (u64, u64),
}

/// A block of runs: the last, by its session and how much is in it.
#[derive(Clone, Copy, Debug)]
struct FoundRuns {
    row: Span,
    age: (u64, u64, u64),
}

/// Frames that prove themselves, and go on from those before.
#[derive(Debug)]
pub(crate) struct Proved {
    block: StoredFrames,
    row: Vec<u8>,
}

impl Proved {
    /// What follows goes on from that number and hash.
    pub(crate) fn end(&self) -> (u64, [u8; 32]) {
        (self.block.next(), self.block.chain)
    }

    pub(crate) fn rows(&self) -> &[FrameRow<u64>] {
        &self.block.rows
    }

    /// Whether its frames name these runs.
    pub(crate) fn binds<'r>(&self, runs: impl Iterator<Item = &'r RunRecord>) -> bool {
        self.block.binds(runs.map(|run| &run.key.hash))
    }
}

impl Scan {
    /// Reads all pages of a file. Some 200 bytes a block stay in memory.
    pub(crate) fn of(file: File) -> Result<Self, Fault> {
        let mut scan = Self {
            pages: Pages::new(file)?,
            frames: BTreeMap::new(),
            runs: BTreeMap::new(),
            read: None,
            effects: BTreeMap::new(),
            returned: BTreeSet::new(),
            snapshots: BTreeMap::new(),
            begun: BTreeMap::new(),
            notes: BTreeMap::new(),
            cuts: BTreeMap::new(),
            metas: Vec::new(),
        };
        for offset in scan.pages.offsets() {
            if let Some(leaf) = scan.pages.leaf(offset)? {
                scan.numbered(&leaf)?;
                scan.named(&leaf)?;
                scan.flagged(&leaf)?;
            }
        }
        scan.reach();
        scan.trim();
        Ok(scan)
    }

    /// `frames`, `ops`, `restored`, `snapshots`, `cuts` and `beginnings`.
    fn numbered(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        for (key, row) in leaf.rows(Widths { key: Some(8), value: None }, &self.pages) {
            let Ok(key) = <[u8; 8]>::try_from(self.pages.read(key)?) else { continue };
            let number = u64::from_le_bytes(key);
            let bytes = self.pages.read(row)?;
            if let Ok(block) = StoredFrames::read(number, &bytes) {
                let (start, chain, next) = (block.start, block.chain, block.next());
                let session = block.rows.last().map_or(0, |row| row.session);
                let found = FoundFrames { row, start, chain, next, reach: (session, next - 1) };
                self.frames.entry(number).or_default().push(found);
            } else if let Ok(block) = StoredRuns::read(number, &bytes) {
                let Ok(placed) = block.placed() else { continue };
                let admitted = placed.len() - block.received.len().min(placed.len());
                let age = (block.session, placed.len() as u64, admitted as u64);
                if self.runs.get(&number).is_none_or(|found| found.age < age) {
                    self.runs.insert(number, FoundRuns { row, age });
                }
            } else if Noted::read(&bytes).is_some() {
                self.notes.entry(number).or_default().push(row);
            } else if SnapshotBytes::open(&bytes, &unlimited()).is_ok() {
                let found = (row, *blake3::hash(&bytes).as_bytes());
                self.snapshots.entry(number).or_default().push(found);
            } else if let Ok(cut) = Cut::read(number, &bytes) {
                self.cuts.entry(number).or_default().push(cut);
            } else if let Ok(begun) = Begun::read(number, &bytes) {
                self.begun.insert(number, begun);
            }
        }
        Ok(())
    }

    /// `meta` and `ledger`.
    fn named(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        let mut meta = Rows::new();
        for (key, value) in leaf.rows(Widths { key: None, value: None }, &self.pages) {
            if key.len == STAMP_BYTES {
                let stamp = self.pages.read(key)?;
                if let Some(state) = ledger::read(&stamp, &self.pages.read(value)?) {
                    self.note_effect(stamp, state);
                }
                continue;
            }
            // Names and values of `meta` are short.
            if key.len < 32
                && value.len <= 64
                && let Ok(name) = String::from_utf8(self.pages.read(key)?)
            {
                meta.insert(name, self.pages.read(value)?);
            }
        }
        if meta.contains_key("format") {
            self.metas.push(meta);
        }
        Ok(())
    }

    /// `returned`; and that and effects as format 2 had them, without a check.
    fn flagged(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        for (key, value) in leaf.rows(Widths { key: None, value: Some(1) }, &self.pages) {
            if key.len == STAMP_BYTES
                && let [state @ (0 | 1)] = self.pages.read(value)?[..]
            {
                let stamp = self.pages.read(key)?;
                self.note_effect(stamp, state);
            }
        }
        for (key, _) in leaf.rows(Widths { key: None, value: Some(0) }, &self.pages) {
            let bytes = if key.len <= 24 { self.pages.read(key)? } else { continue };
            self.returned.extend(match bytes.len() {
                24 => rows::read_returned(&bytes),
                16 => rows::read_returned_v2(&bytes),
                _ => None,
            });
        }
        Ok(())
    }

    fn note_effect(&mut self, stamp: Vec<u8>, state: u8) {
        let found = self.effects.entry(stamp).or_default();
        *found = state.max(*found);
    }

    /// How far the frames go on behind each block, from the last on.
    fn reach(&mut self) {
        let mut behind = BTreeMap::<(u64, [u8; 32]), (u64, u64)>::new();
        for (first, found) in self.frames.iter_mut().rev() {
            for block in &mut *found {
                let on = behind.get(&(block.next, block.chain)).copied();
                block.reach = block.reach.max(on.unwrap_or_default());
            }
            for block in found {
                let reach = behind.entry((*first, block.start)).or_default();
                *reach = block.reach.max(*reach);
            }
        }
    }

    /// Where blocks of runs overlap, a crash took one of them back: what the later session wrote counts.
    fn trim(&mut self) {
        let mut last: Option<(u64, FoundRuns)> = None;
        for (first, found) in std::mem::take(&mut self.runs) {
            if let Some((before, kept)) = &mut last {
                let (session, count, _) = kept.age;
                if first < *before + count {
                    if found.age.0 < session {
                        continue;
                    }
                    kept.age.1 = first - *before;
                }
                self.runs.insert(*before, *kept);
            }
            last = Some((first, found));
        }
        self.runs.extend(last);
    }

    /// What the file says of itself, as of its last session. `None` where nothing of that is left.
    pub(crate) fn meta(&self) -> Result<Option<Meta>, Fault> {
        let (mut last, mut newer) = (None::<Meta>, None);
        for fields in &self.metas {
            match Meta::of(fields) {
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

    /// The frames that go on there from that hash. A crash may have left a block that was not durable, whose numbers the next session used again:
    /// that of the later session counts.
    pub(crate) fn frames(&mut self, first: u64, before: &[u8; 32]) -> Result<Option<Proved>, Fault> {
        let found = self.frames.get(&first).into_iter().flatten();
        let Some(found) = found.filter(|found| found.start == *before).max_by_key(|found| found.reach) else {
            return Ok(None);
        };
        let row = self.pages.read(found.row)?;
        let block = StoredFrames::read(first, &row).map_err(Fault::damaged)?;
        Ok(Some(Proved { block, row }))
    }

    /// The number of the first frame: where the recording began last.
    pub(crate) fn begin(&self) -> u64 {
        let begins =
            self.frames.iter().rev().find(|(_, found)| found.iter().any(|found| found.start == FIRST));
        let begun = self.begun.keys().next_back().map_or(1, |frame| frame + 1);
        begins.map_or(begun, |(first, _)| begun.max(*first))
    }

    /// What is known of where the recording begins, if frames before that are gone; and what was restored of these.
    pub(crate) fn begun(&mut self, begin: u64) -> Result<(Option<Begun>, Option<Vec<u8>>), Fault> {
        let Some(gone) = begin.checked_sub(1).filter(|gone| *gone > 0) else { return Ok((None, None)) };
        for span in self.notes.get(&gone).cloned().unwrap_or_default() {
            let note = self.pages.read(span)?;
            if Noted::read(&note).is_some_and(|noted| noted.hash == FIRST) {
                return Ok((self.begun.get(&gone).cloned(), Some(note)));
            }
        }
        Ok((self.begun.get(&gone).cloned(), None))
    }

    /// The last note of a state that ends with one of these frames, and with which.
    pub(crate) fn note(&mut self, frames: &Proved) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let Proved { block, row } = frames;
        for (frame, spans) in self.notes.range(block.first..block.next()).rev() {
            let hash = StoredFrames::hash_upto(block.first, row, *frame).map_err(Fault::damaged)?;
            for span in spans {
                let note = self.pages.read(*span)?;
                if Noted::read(&note).is_some_and(|noted| Some(noted.hash) == hash) {
                    return Ok(Some((*frame, note)));
                }
            }
        }
        Ok(None)
    }

    /// The number of the last frame that proves itself, whatever was before it.
    pub(crate) fn last_seen(&self) -> u64 {
        self.frames.values().flatten().map(|found| found.next - 1).max().unwrap_or(0)
    }

    /// The run of that number.
    pub(crate) fn run(&mut self, number: u64) -> Result<Option<RunRecord>, Fault> {
        let Some((first, found)) = self.runs.range(..=number).next_back() else { return Ok(None) };
        if self.read.as_ref().is_none_or(|(read, _)| read != first) {
            let row = self.pages.read(found.row)?;
            let stored = StoredRuns::read(*first, &row).map_err(Fault::damaged)?;
            self.read = Some((*first, stored.records().map_err(Fault::damaged)?));
        }
        let index = Some(number - first).filter(|index| *index < found.age.1);
        let index = index.and_then(|index| usize::try_from(index).ok());
        Ok(self.read.as_ref().zip(index).and_then(|((_, runs), index)| runs.get(index).cloned()))
    }

    /// The numbers of all runs.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.runs.iter().flat_map(|(first, found)| *first..first + found.age.1).collect()
    }

    /// Void runs that the program has back.
    pub(crate) fn returned(&mut self) -> Result<Vec<RunKey>, Fault> {
        let mut keys = Vec::new();
        for (number, prefix) in std::mem::take(&mut self.returned) {
            let run = self.run(number)?.filter(|run| run.key.hash.0.starts_with(&prefix));
            keys.extend(run.map(|run| run.key));
        }
        Ok(keys)
    }

    /// The first snapshot that was not taken before, its session, and what it stands for.
    pub(crate) fn take_snapshot(&mut self, upto: u64) -> Result<Option<FoundSnapshot>, Fault> {
        let first = self.snapshots.first_entry().filter(|first| *first.key() <= upto);
        let Some((session, found)) = first.map(OccupiedEntry::remove_entry) else { return Ok(None) };
        let cuts = self.cuts.get(&session).into_iter().flatten();
        let known = cuts.filter_map(|cut| {
            let of_cut = found.iter().find(|(_, hash)| *hash == cut.hash);
            of_cut.map(|(span, _)| (*span, Some(cut.note.clone())))
        });
        // The last that was written of those that are whole.
        let last = known.max_by_key(|(_, note)| note.as_ref().map(|note| (note.level, note.version.total())));
        let last = last.or_else(|| found.last().map(|(span, _)| (*span, None)));
        last.map(|(span, note)| Ok((session, self.pages.read(span)?, note))).transpose()
    }

    /// Up to which Lamport time a snapshot had all, if that is gone: what it had is nowhere else.
    pub(crate) fn lost_snapshot(&self) -> Option<u64> {
        let last = self.cuts.values().flatten().max_by_key(|cut| (cut.session, cut.note.level))?;
        let found = self.snapshots.values().flatten().any(|(_, hash)| *hash == last.hash);
        (!found).then_some(last.note.level)
    }
}

fn unlimited() -> Limits {
    Limits::default().with_bytes(usize::MAX)
}
