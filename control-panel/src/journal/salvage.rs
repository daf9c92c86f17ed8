//! The good frames of a damaged journal, in a new one.

use std::{collections::BTreeSet, path::Path};

use super::{
    Fault, JournalError,
    intents::read_frame,
    journal::{create_new, open_damaged},
    record::{FrameRecord, FrameRow, RunPlace, RunRecord},
    store::{Item, Reader, Store},
};
use crate::supervise::panics;

/// Frames that are written together.
const TOGETHER: usize = 256;

/// What was saved.
#[derive(Debug)]
pub(crate) struct Salvaged {
    pub(crate) frames: u64,
    pub(crate) runs: u64,
    /// What is wrong with the first frame, or run, that was not saved.
    pub(crate) stopped: Option<String>,
}

/// Writes all frames up to the first that is not whole, and all runs that are, into a new journal.
pub(crate) fn salvage(from: &Path, to: &Path) -> Result<Salvaged, JournalError> {
    let reader = open_damaged(from)?;
    let meta = reader.meta().map_err(|fault| fault.at(from))?;
    let mut writer = Writer {
        store: create_new(to, meta)?,
        items: Vec::new(),
        salvaged: Salvaged { frames: 0, runs: 0, stopped: None },
    };
    writer.all(&reader).map_err(|fault| fault.at(to))?;
    Ok(writer.salvaged)
}

struct Writer {
    store: Store,
    items: Vec<Item>,
    salvaged: Salvaged,
}

impl Writer {
    fn all(&mut self, reader: &Reader) -> Result<(), Fault> {
        let mut known = BTreeSet::new();
        let mut number = 0;
        // One by one: redb may give up on a page, or panic.
        while let Some(row) = self.guarded(|| reader.frame_after(number)) {
            number = row.number;
            let Some(items) = self.guarded(|| frame(reader, &row, &mut known).map(Some)) else { break };
            self.items.extend(items);
            self.salvaged.frames += 1;
            if self.items.len() >= TOGETHER {
                self.flush()?;
            }
        }
        self.flush()?;
        for place in self.guarded(|| reader.places().map(Some)).unwrap_or_default() {
            if known.contains(&place) {
                continue;
            }
            if let Some(run) = self.guarded(|| reader.run(&place)) {
                self.salvaged.runs += 1;
                self.store.append(&[Item::Runs(vec![run])])?;
            }
        }
        self.salvaged.runs += known.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let items = std::mem::take(&mut self.items);
        if items.is_empty() { Ok(()) } else { self.store.append(&items) }
    }

    /// `None` where there is nothing more, or nothing that is whole.
    fn guarded<T>(&mut self, read: impl FnOnce() -> Result<Option<T>, Fault>) -> Option<T> {
        let fault = match panics::catch_silently(read) {
            Ok(Ok(found)) => return found,
            Ok(Err(fault)) => fault.to_string(),
            Err(panic) => panic.message().to_owned(),
        };
        self.salvaged.stopped.get_or_insert(fault);
        None
    }
}

/// The frame, and before it what was admitted in it.
fn frame(reader: &Reader, row: &FrameRow, known: &mut BTreeSet<RunPlace>) -> Result<[Item; 2], Fault> {
    let number = row.number;
    let named = read_frame(&row.intents)
        .map_err(|error| Fault::damaged(format_args!("frame {number}: {error}")))?
        .runs;
    let run = |place: &RunPlace| -> Result<RunRecord, Fault> {
        let missing = || Fault::damaged(format_args!("frame {number}: a run of {} is missing", place.author));
        reader.run(place)?.ok_or_else(missing)
    };
    let (named, admitted) = row.runs.split_at(named.min(row.runs.len()));
    let runs = named.iter().map(run).collect::<Result<_, _>>()?;
    let admitted = admitted.iter().map(run).collect::<Result<_, _>>()?;
    known.extend(row.runs.iter().copied());
    let (session, panel_frame, digest, intents) =
        (row.session, row.panel_frame, row.digest, row.intents.clone());
    Ok([Item::Runs(admitted), Item::Frame(FrameRecord { session, panel_frame, intents, runs, digest })])
}
