//! A recording from a file: a journal that no process has open, or an export.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path, sync::Arc};

use super::{
    bytes::MAGIC,
    founded::Founded,
    frames::{RecordedFrame, RecordedIntent, Recording},
    pasts::{Pasts, run_bytes},
};
use crate::{
    journal::{
        Fault, Journal, JournalError,
        intents::{ReadFrame, read_frame},
        progress::{self, Progress},
        record::{FrameRow, NumberedRuns, RunPlace},
        store::{Begun, KeptSnapshot, Reader},
    },
    replica::Peer,
};

impl Recording {
    /// Reads a journal that no process has open, or a file of [`to_bytes`](Self::to_bytes), which `export` makes. Nothing is written.
    ///
    /// Reads the whole file, and keeps it in memory: some 200 bytes an intent.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, JournalError> {
        let path = path.as_ref();
        if is_export(path) {
            let bytes = std::fs::read(path).map_err(|error| Fault::of_io(error).at(path))?;
            return Self::from_bytes(&bytes).map_err(|error| Fault::damaged(error).at(path));
        }
        let reader = crate::journal::files::open_to_read(path)?;
        Self::read(&reader).map_err(|fault| fault.at(path))
    }

    /// What a journal holds now, beside its writer.
    pub(crate) fn read(reader: &Reader) -> Result<Self, Fault> {
        let meta = reader.meta()?;
        let (rows, runs) = reader.recorded()?;
        let mut recording = Self::of_rows(
            meta.reducer,
            meta.replica.map(|replica| replica.peer),
            (&rows, reader.begun()),
            &runs,
            &reader.snapshots()?,
        )?;
        recording.founded = Founded::of(reader)?;
        recording.gone = reader.begun().map_or(0, |begun| begun.frame);
        recording.restored = reader.restored_of_gone()?.map(|(_, row)| row.into());
        Ok(recording)
    }

    /// Rows of frames in their order, all runs with their numbers, and snapshots by the sessions that went on from them.
    pub(crate) fn of_rows(
        fingerprint: Option<u64>,
        me: Option<Peer>,
        (rows, begun): (&[FrameRow], Option<&Begun>),
        runs: &NumberedRuns,
        snapshots: &BTreeMap<u64, KeptSnapshot>,
    ) -> Result<Self, Fault> {
        let (mut frames, mut admitted) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut numbers: Vec<u64> = Vec::new();
        progress::say(Progress::Phase("reading", rows.len()));
        for row in rows {
            progress::say(Progress::Step);
            if numbers.last() != Some(&row.session) {
                numbers.push(row.session);
            }
            let (frame, rest) = frame(row, numbers.len() - 1, runs)?;
            frames.push(frame);
            admitted.push(rest);
        }
        let mut sessions = Pasts::new(numbers.len(), me, runs, begun).of(&frames, &admitted, rows)?;
        let inside = begun.and_then(|begun| begun.inside);
        for (past, number) in sessions.iter_mut().zip(numbers) {
            past.is_gone = inside == Some(number);
            past.snapshot = snapshots.range(..number).next_back().map(|(_, snapshot)| snapshot.clone());
        }
        Ok(Self { fingerprint, founded: None, sessions, frames, gone: 0, restored: None })
    }
}

/// # Looking back while it runs
impl Journal {
    /// What is recorded and on disk so far, this session included, while the panel runs and its frames are written: for a
    /// [`Timeline`](super::super::Timeline) that [follows](super::super::Timeline::follow).
    ///
    /// It blocks: reads the frames that the file has, some 200 bytes of memory an intent. The frame thread does not wait for it.
    ///
    /// # Errors
    /// The file cannot be read, or the journal is closed.
    pub fn recording(&self) -> Result<Recording, JournalError> {
        self.try_reader().and_then(|reader| Recording::read(&reader)).map_err(|fault| fault.at(self.path()))
    }
}

/// The frame, and the runs that the replica admitted in it.
fn frame<'r>(
    row: &'r FrameRow,
    session: usize,
    runs: &NumberedRuns,
) -> Result<(RecordedFrame, &'r [RunPlace]), Fault> {
    let number = row.number;
    let wrong = |why: &dyn std::fmt::Display| Fault::damaged(format_args!("frame {number}: {why}"));
    let ReadFrame { head, entries, answers, runs: named } =
        read_frame(&row.intents).map_err(|error| wrong(&error))?;
    let (named, admitted) = row
        .runs
        .split_at_checked(named)
        .ok_or_else(|| wrong(&"it has not the runs that its intents name"))?;
    let runs = named.iter().map(|place| run_bytes(place, runs)).collect::<Result<Arc<[_]>, _>>()?;
    let intents =
        entries.into_iter().map(|entry| RecordedIntent { entry, runs: Arc::clone(&runs) }).collect();
    let (panel_frame, digest) = (row.panel_frame, row.digest);
    Ok((
        RecordedFrame { number, session, panel_frame, head, intents, digest, outlined: Vec::new(), answers },
        admitted,
    ))
}

pub(crate) fn is_export(path: &Path) -> bool {
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut begin));
    read.is_ok() && begin == MAGIC
}
