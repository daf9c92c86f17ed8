//! Salvage: the good frames of a damaged journal, in a new one.

use std::{collections::BTreeSet, path::Path};

use super::{
    Fault, JournalError, Recording,
    files::{create_copy, create_new, open_to_read, open_to_salvage},
    intents::read_frame,
    keeping::AnySnapshot,
    record::{FrameRecord, RunRecord, SnapshotNote},
    replay::Noted,
    store::{Begun, FIRST, FORMAT, FoundSnapshot, Item, Ledger, Meta, Proved, Scan, Store},
};
use crate::replica::codec::EncodeError;

/// How many items are written together.
const TOGETHER: usize = 256;

/// What was saved.
#[derive(Debug)]
pub(crate) struct Salvaged {
    pub(crate) frames: u64,
    pub(crate) runs: u64,
    /// What was not saved, and why.
    pub(crate) lost: Vec<String>,
}

/// Copies an intact file; the copy is a new life of its peer. From a damaged one it saves all frames up to the first that cannot be
/// verified, and all runs that can, into a new journal. The trees of a damaged file are not used, because each row of its pages
/// carries its own checksum. The pages hold more than the trees: also what a crash rolled back.
pub(crate) fn salvage(from: &Path, to: &Path) -> Result<Salvaged, JournalError> {
    let error = match copy_whole(from, to) {
        Ok(copied) => return copied,
        Err(error) => error,
    };
    let damaged = open_to_salvage(from)?;
    let mut scan = Scan::of(damaged.file).map_err(|fault| fault.at(from))?;
    let meta = scan.meta().map_err(|fault| fault.at(from))?;
    let lost_snapshot = scan.lost_snapshot();
    let first = scan.frames(scan.begin(), &FIRST).map_err(|fault| fault.at(from))?;
    if meta.is_none() && first.is_none() && scan.numbers().is_empty() {
        return Err(damaged.magic.err().unwrap_or_else(|| Fault::damaged("nothing in it is whole")).at(from));
    }
    let mut salvaged = Salvaged { frames: 0, runs: 0, lost: Vec::new() };
    if meta.is_none() {
        salvaged.lost.push("what it said of itself: peer, group, reducer".to_owned());
    }
    if let Some(level) = lost_snapshot {
        salvaged.lost.push(format!("the snapshot that has all operations up to Lamport time {level}"));
    }
    let begin = scan.begin();
    let founders = meta.and_then(|meta| scan.founders(meta.session));
    // Rows are written in today's format, whatever the source's was.
    let meta = Meta { format: FORMAT, ..meta.unwrap_or_default() };
    let mut store = create_new(to, meta)?;
    if let Some(founders) = founders {
        store.set_replica(*store.meta(), founders).map_err(|fault| fault.at(to))?;
    }
    let mut writer = Writer { store, scan, items: Vec::new(), salvaged };
    writer.all(&meta).map_err(|fault| fault.at(to))?;
    let mut salvaged = writer.salvaged;
    let (frames, why) = (begin - 1 + salvaged.frames, error.fault());
    let behind = format!("what came behind frame {frames}, and how much that is: the file is {why}");
    salvaged.lost.push(behind);
    Ok(salvaged)
}

/// The copy of a file that can be read completely, or why there is none; else what is wrong with the file.
fn copy_whole(from: &Path, to: &Path) -> Result<Result<Salvaged, JournalError>, JournalError> {
    // While it exists no process writes the file.
    let reader = open_to_read(from)?;
    let read = || {
        Recording::read(&reader)?;
        Ok((reader.last_frame()?, reader.runs()?.count() as u64))
    };
    let (frames, runs) = read().map_err(|fault: Fault| fault.at(from))?;
    Ok(create_copy(from, to).map(|()| Salvaged { frames, runs, lost: Vec::new() }))
}

struct Writer {
    store: Store,
    scan: Scan,
    items: Vec<Item>,
    salvaged: Salvaged,
}

impl Writer {
    fn all(&mut self, meta: &Meta) -> Result<(), Fault> {
        let (mut known, mut before, mut session, mut note) = (BTreeSet::<u64>::new(), FIRST, 0, None);
        let begin = self.scan.begin();
        if begin > 1 {
            self.begin(begin, &mut known)?;
        }
        while let Some(proved) = self.scan.frames(begin + self.salvaged.frames, &before)? {
            let frames = match self.frames(&proved)? {
                Ok(frames) => frames,
                Err(why) => {
                    self.salvaged.lost.push(why);
                    break;
                }
            };
            for (row, items) in proved.rows().iter().zip(frames) {
                known.extend(&row.runs);
                self.items.extend(items);
                session = row.session;
                self.salvaged.frames += 1;
            }
            (_, before) = proved.end();
            note = self.scan.note(&proved)?.or(note);
            self.flush(TOGETHER)?;
        }
        // Each names its session, so they can be written after the frames as well.
        while let Some(snapshot) = self.scan.take_snapshot()? {
            self.items.push(snapshot_item(snapshot));
        }
        let seen = self.scan.last_seen();
        let next = begin + self.salvaged.frames;
        if seen >= next {
            self.salvaged.lost.push(format!("frames {next} to {seen}: frame {next} is not whole"));
        }
        let (mut rest, mut is_behind) = (Vec::new(), false);
        for number in self.scan.numbers() {
            self.salvaged.runs += 1;
            if !known.contains(&number) {
                rest.extend(self.scan.run(number)?);
                is_behind = self.salvaged.frames > 0;
            }
            if rest.len() >= TOGETHER {
                self.items.push(Item::Runs(std::mem::take(&mut rest)));
                self.flush(1)?;
            }
        }
        self.items.push(Item::Runs(rest));
        if is_behind {
            // Runs of lost frames get a session of their own, so that a replay of earlier frames does not contain them.
            let session = session.max(meta.session) + 1;
            self.items.push(Item::Frame(FrameRecord { session, ..FrameRecord::default() }));
            self.store.set_meta(Meta { session, ..*self.store.meta() })?;
        }
        let returned = self.scan.returned()?;
        self.items.push(Item::Returned(returned));
        self.flush(1)?;
        if let Some((frame, row)) = note
            && let Some(noted) = Noted::read(&row)
            && let Some(hash) = self.store.reader()?.frame_hash(frame)?
        {
            self.items.push(Item::Restored(frame, noted.row_with(hash)));
            self.flush(1)?;
        }
        let effects = std::mem::take(&mut self.scan.effects);
        self.store.change(|transaction| {
            let mut ledger = Ledger::open(transaction)?;
            effects.iter().try_for_each(|(stamp, state)| ledger.put(stamp, *state))
        })
    }

    /// For a recording whose beginning is gone: the runs that the replica had before the first frame, and the restored state.
    fn begin(&mut self, begin: u64, known: &mut BTreeSet<u64>) -> Result<(), Fault> {
        let (found, note) = self.scan.begun(begin)?;
        if found.is_none() {
            self.salvaged.lost.push(format!("what the replica had before frame {begin}"));
        }
        let gone = found.unwrap_or_default();
        let mut here = Begun { frame: begin - 1, inside: gone.inside, ..Begun::default() };
        let mut runs = Vec::new();
        for number in self.scan.numbers().into_iter().take_while(|number| *number < gone.run) {
            let Some(run) = self.scan.run(number)? else { continue };
            if gone.received.contains(&number) {
                here.received.insert(here.run);
            }
            here.run += 1;
            known.insert(number);
            runs.push(run);
            if runs.len() >= TOGETHER {
                self.store.append(&[Item::Runs(std::mem::take(&mut runs))])?;
            }
        }
        self.store.append(&[Item::Runs(runs)])?;
        // Only frames that named them in the source name them here.
        self.store.forget_loose();
        self.store.begin_at(&here, note.as_deref())
    }

    fn flush(&mut self, from: usize) -> Result<(), Fault> {
        if self.items.len() < from {
            return Ok(());
        }
        self.store.append(&std::mem::take(&mut self.items))
    }

    /// Yields each frame, and before it the runs admitted in it; or why they cannot be read.
    fn frames(&mut self, proved: &Proved) -> Result<Result<Vec<[Item; 2]>, String>, Fault> {
        let (mut frames, mut all) = (Vec::new(), Vec::new());
        for row in proved.rows() {
            let number = row.number;
            let named = match read_frame(&row.intents) {
                Ok(read) => read.runs,
                Err(error) => return Ok(Err(format!("frame {number}: {error}"))),
            };
            let mut runs: Vec<RunRecord> = Vec::with_capacity(row.runs.len());
            for run in &row.runs {
                match self.scan.run(*run)? {
                    Some(run) => runs.push(run),
                    None => return Ok(Err(format!("frame {number}: its run of number {run} is not whole"))),
                }
            }
            all.extend(runs.iter().cloned());
            let admitted = runs.split_off(named.min(runs.len()));
            let (session, panel_frame, digest, intents) =
                (row.session, row.panel_frame, row.digest, row.intents.clone());
            let frame = FrameRecord { session, panel_frame, intents, runs, digest };
            frames.push([Item::Runs(admitted), Item::Frame(frame)]);
        }
        match proved.rows() {
            [first, ..] if !proved.binds(all.iter()) => {
                Ok(Err(format!("frame {}: its runs are not those that were written", first.number)))
            }
            _ => Ok(Ok(frames)),
        }
    }
}

/// A snapshot as it was.
#[derive(Debug)]
struct Encoded(Vec<u8>, Option<SnapshotNote>);

impl AnySnapshot for Encoded {
    fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        Ok(self.0.clone())
    }

    fn note(&self) -> Option<SnapshotNote> {
        self.1.clone()
    }
}

fn snapshot_item((session, bytes, note): FoundSnapshot) -> Item {
    Item::Snapshot(session, std::sync::Arc::new(Encoded(bytes, note)))
}
