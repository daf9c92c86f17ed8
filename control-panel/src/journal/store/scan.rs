//! Finds intact blocks in the pages of a damaged file: each is verified by its own hash.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
};

use super::{
    Begun,
    cut::Cut,
    founders,
    frame_block::StoredFrames,
    ledger::{self, STAMP_BYTES},
    meta::Rows,
    pages::{Leaf, Pages, Span, Widths},
    rows,
    run_block::StoredRuns,
};
use crate::{
    journal::{
        error::Fault,
        record::{RunRecord, SnapshotNote},
        replay::Noted,
    },
    replica::codec::{Limits, SnapshotBytes},
};

/// A snapshot's session, its bytes, and what it stands for.
pub(crate) type FoundSnapshot = (u64, Vec<u8>, Option<SnapshotNote>);

/// What was found. Frames and runs stay in the file until they are asked for.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(super) pages: Pages,
    /// By the number of the first frame.
    pub(super) frames: BTreeMap<u64, Vec<FoundFrames>>,
    /// By the number of the first run.
    pub(super) runs: BTreeMap<u64, FoundRuns>,
    /// The last block that was read.
    pub(super) read: Option<(u64, Vec<RunRecord>)>,
    /// Begun and done effects, as their rows are. What was noted anywhere may have happened.
    pub(crate) effects: BTreeMap<Vec<u8>, u8>,
    pub(super) returned: BTreeSet<(u64, [u8; 8])>,
    /// By their session, each with its hash: of those that a later one took the place of, too.
    pub(super) snapshots: BTreeMap<u64, Vec<(Span, [u8; 32])>>,
    /// What they stand for, by their session too.
    pub(super) cuts: BTreeMap<u64, Vec<Cut>>,
    /// Where the recording began anew, by the last frame that was gone then.
    pub(super) begun: BTreeMap<u64, Begun>,
    /// By the last frame in them; one note is written after the other.
    pub(super) notes: BTreeMap<u64, Vec<Span>>,
    pub(super) metas: Vec<Rows>,
}

/// A block of frames. The one at the end is written again and again, and what a crash took back is still there: there may be several with
/// one number.
#[derive(Clone, Debug)]
pub(super) struct FoundFrames {
    pub(super) row: Span,
    pub(super) start: [u8; 32],
    pub(super) chain: [u8; 32],
    pub(super) next: u64,
    /// Session and number of the last frame that follows from this one.
    pub(super) reach: (u64, u64),
}

/// A block of runs: the last, by its session and how much is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundRuns {
    pub(super) row: Span,
    pub(super) age: (u64, u64, u64),
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
            // Names and values of `meta` are short, but for one.
            if key.len < 32
                && (value.len <= 64 || founders::may_be(key.len, value.len))
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

    /// `returned`.
    fn flagged(&mut self, leaf: &Leaf) -> Result<(), Fault> {
        for (key, _) in leaf.rows(Widths { key: None, value: Some(0) }, &self.pages) {
            if key.len == 24 {
                self.returned.extend(rows::read_returned(&self.pages.read(key)?));
            }
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
}

fn unlimited() -> Limits {
    Limits::default().with_bytes(usize::MAX)
}
