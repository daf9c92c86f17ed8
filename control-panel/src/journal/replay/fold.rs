//! Makes a state of recorded intents: those of a file, or of a recording.

use std::{any::TypeId, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::{
    frames::RecordedFrame,
    noted::{Checkpoints, Noted, is_due},
    player::read,
    restore::Restored,
};
use crate::{
    frame::Ending,
    intent::{
        Intent,
        order::{CausalityOrder, Origin, QueuedIntent},
    },
    journal::{
        Fault, Journal,
        intents::{Body, Entry, ReadFrame, read_frame},
        notes::Notes,
        store::Reader,
    },
    replica::codec::{Replayed, write_postcard},
};

/// The caller's function, and of which source its intents are.
pub(super) struct Fold<I: Intent, T, F> {
    source: I::Source,
    each: F,
    now: Instant,
    of: PhantomData<fn(T)>,
}

/// A state of all frames of a file up to one.
struct FromFile<T> {
    restored: Restored<T>,
    upto: u64,
    reducer: Option<u64>,
    /// How many bytes of intents came since the note that it began with, and what that took.
    unnoted: usize,
    noted: usize,
}

impl<I, T, F> Fold<I, T, F>
where
    I: Intent + DeserializeOwned,
    T: Serialize + DeserializeOwned + 'static,
    F: Fn(&mut T, QueuedIntent<I>) + Send + 'static,
{
    pub(super) fn new(source: I::Source, each: F) -> Self {
        Self { source, each, now: Instant::now(), of: PhantomData }
    }

    /// The state that this session begins with. From now on the journal's note is kept up to date.
    pub(super) fn begin(self, journal: &Journal, first: T) -> Result<Restored<T>, Fault> {
        let mut begun_with = Vec::new();
        // A state that has no bytes is never noted.
        let has_bytes = write_postcard(&first, &mut begun_with).is_ok();
        let reader = journal.try_reader()?;
        let file = self.over_file(&reader, journal.session(), || Some(first))?;
        let Some(FromFile { restored, upto, reducer, mut unnoted, mut noted }) = file else {
            unreachable!("there is a state to begin with")
        };
        if has_bytes {
            if is_due(unnoted, noted)
                && let Some(row) = note(&reader, upto, reducer, &restored)?
            {
                (unnoted, noted) = (0, row.len());
                journal.handover().restored(upto, row);
            }
            let renew = move |reader: &Reader| {
                let file = self.over_file(reader, u64::MAX, || read(&begun_with).ok())?;
                let Some(FromFile { restored, upto, reducer, .. }) = file else { return Ok(None) };
                Ok(note(reader, upto, reducer, &restored)?.map(|row| (upto, row)))
            };
            journal.keep_notes(Notes::new(unnoted, noted, Box::new(renew)));
        }
        Ok(restored)
    }

    /// From the last note, or from the first frame, over the frames of the sessions before that one. `None` where there is nothing to begin with.
    fn over_file(
        &self,
        reader: &Reader,
        before: u64,
        first: impl FnOnce() -> Option<T>,
    ) -> Result<Option<FromFile<T>>, Fault> {
        let reducer = reader.meta()?.reducer;
        let begun = match noted(reader, reducer, before)? {
            Some(begun) => Some(begun),
            None => first()
                .map(|state| {
                    let (upto, gone) = (reader.begun().map_or(0, |begun| begun.frame), gone(reader)?);
                    Ok((Restored { state, given: 0, left_out: 0, gone }, upto, 0))
                })
                .transpose()?,
        };
        let Some((mut restored, mut upto, noted)) = begun else { return Ok(None) };
        let mut unnoted = 0;
        for row in reader.frames(upto + 1..)? {
            let row = row?;
            // What this session recorded is no past.
            if row.session >= before {
                break;
            }
            let ReadFrame { head, entries, .. } = read_frame(&row.intents)
                .map_err(|error| Fault::damaged(format_args!("frame {}: {error}", row.number)))?;
            self.frame(&mut restored, head.ending, entries.iter());
            (upto, unnoted) = (row.number, unnoted + row.intents.len());
        }
        Ok(Some(FromFile { restored, upto, reducer, unnoted, noted }))
    }

    /// The same over the frames of a recording, and from what an earlier start of its replay came to.
    pub(super) fn over_frames(
        &self,
        frames: &[RecordedFrame],
        known: &mut Checkpoints,
        first: Restored<T>,
    ) -> Restored<T> {
        let of = TypeId::of::<(T, F)>();
        let (mut restored, mut done, mut noted) = (first, 0, 0);
        if let Some((frames, row)) = known.before(of, frames.len())
            && let Some(checkpoint) = Noted::read(row)
            && let Some(state) = checkpoint.state()
        {
            let (given, left_out) = (checkpoint.given, checkpoint.left_out);
            restored = Restored { state, given, left_out, gone: restored.gone };
            (done, noted) = (frames, row.len());
        }
        let mut unnoted = 0;
        for RecordedFrame { head, intents, .. } in &frames[done..] {
            self.frame(&mut restored, head.ending, intents.iter().map(|intent| &intent.entry));
            unnoted += intents.iter().map(|intent| intent.entry.body.len()).sum::<usize>();
        }
        // It is in memory, so there is no least size.
        if unnoted > noted
            && let Some(row) =
                Noted::write(None, [0; 32], (restored.given, restored.left_out), &restored.state)
        {
            known.keep(of, frames.len(), row);
        }
        restored
    }

    fn frame<'e>(
        &self,
        restored: &mut Restored<T>,
        ending: Ending,
        entries: impl ExactSizeIterator<Item = &'e Entry>,
    ) {
        let panicked = if ending == Ending::Panicked { entries.len().checked_sub(1) } else { None };
        for (index, entry) in entries.enumerate() {
            match self.intent(entry).filter(|_| Some(index) != panicked) {
                Some(queued) => {
                    restored.given += 1;
                    (self.each)(&mut restored.state, queued);
                }
                None => restored.left_out += 1,
            }
        }
    }

    fn intent(&self, entry: &Entry) -> Option<QueuedIntent<I>> {
        let Body::Value(bytes) = &entry.body else { return None };
        // A scope that knows no runs: in a replay too, a delta is none that this gives.
        let intent = Replayed::default().within(|| read(bytes)).ok()?;
        let (clock, origin, seq) = (entry.clock, Origin(entry.origin), entry.seq);
        let order = CausalityOrder { clock, source: self.source, origin, seq };
        Some(QueuedIntent::keyed(order, self.now, intent))
    }
}

/// What a note has, up to which frame that is, and how many bytes it takes: the last that is of the past, or that of the frames that are gone.
fn noted<T: Serialize + DeserializeOwned>(
    reader: &Reader,
    reducer: Option<u64>,
    before: u64,
) -> Result<Option<(Restored<T>, u64, usize)>, Fault> {
    if let Some((frame, row)) = reader.restored()?
        && let Some(known) = Noted::read(&row)
        && known.reducer == reducer
        && reader.frame_hash(frame)? == Some(known.hash)
        // A note of this very session is of more than its past.
        && reader.frames(frame..=frame)?.all(|row| row.is_ok_and(|row| row.session < before))
        && let Some(restored) = known.restored()
    {
        return Ok(Some((restored, frame, row.len())));
    }
    // What is gone counts as the reducer of the time made it.
    let row = reader.restored_of_gone()?;
    let restored = row.as_ref().and_then(|(_, row)| Noted::read(row)?.restored());
    Ok(restored.zip(row).map(|(restored, (frame, row))| (restored, frame, row.len())))
}

/// How many intents are gone of which no state is left.
fn gone(reader: &Reader) -> Result<u64, Fault> {
    let row = reader.restored_of_gone()?;
    Ok(row.and_then(|(_, row)| Some(Noted::read(&row)?.given)).unwrap_or(0))
}

/// The row that notes it; `None` where it cannot be.
fn note<T: Serialize + DeserializeOwned>(
    reader: &Reader,
    upto: u64,
    reducer: Option<u64>,
    restored: &Restored<T>,
) -> Result<Option<Vec<u8>>, Fault> {
    let hash = reader.frame_hash(upto)?;
    let counts = (restored.given, restored.left_out);
    Ok(hash.and_then(|hash| Noted::write(reducer, hash, counts, &restored.state)))
}
