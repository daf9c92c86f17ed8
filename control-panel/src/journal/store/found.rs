//! What was found in a damaged file, by the questions that salvage asks.

use super::{
    Begun, FIRST, Founders, Meta, Scan, founders, frame_block::StoredFrames, meta::Rows,
    run_block::StoredRuns, scan::FoundSnapshot,
};
use crate::journal::{
    error::Fault,
    record::{FrameRow, RunKey, RunRecord},
    replay::Noted,
};

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

    /// The members that the replica's group began with, as the meta of that session has them.
    pub(crate) fn founders(&self, session: u64) -> Option<Founders> {
        let of = |fields: &&Rows| Meta::of(fields).is_ok_and(|meta| meta.session == session);
        self.metas.iter().rfind(of).and_then(|fields| founders::read(fields).ok().flatten())
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
    pub(crate) fn take_snapshot(&mut self) -> Result<Option<FoundSnapshot>, Fault> {
        let Some((session, found)) = self.snapshots.pop_first() else { return Ok(None) };
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
