//! The note of what a start made of the journal, kept up to date by the writer: so a start reads little, however long a session was.

use std::fmt;

use super::{Fault, Journal, replay::is_due, store::Reader};
use crate::util::panics;

/// Makes the row of a note of all frames, and says up to which; `None` where there is none.
type Renew = Box<dyn Fn(&Reader) -> Result<Option<(u64, Vec<u8>)>, Fault> + Send>;

/// What is noted of a session's frames, for when these are gone.
#[derive(Debug, Default)]
pub(super) enum Noting {
    /// The program has not begun, or does not.
    #[default]
    Unbegun,
    /// It restored nothing.
    Nothing,
    Kept(Notes),
    /// It restored a state that cannot be noted: it is made of all frames, each time.
    Never,
}

/// When the note is made again, and what does it.
pub(super) struct Notes {
    /// Bytes of intents since the last note.
    unnoted: usize,
    /// What the last note took.
    noted: usize,
    renew: Renew,
}

impl Notes {
    pub(super) fn new(unnoted: usize, noted: usize, renew: Renew) -> Self {
        Self { unnoted, noted, renew }
    }
}

impl Notes {
    /// A note of all frames, and how far that is; `None` if there can be none.
    pub(super) fn renewed(&mut self, reader: &Reader) -> Option<(u64, Vec<u8>)> {
        // What is the caller's may panic, as it does at the next start.
        let renewed = panics::catch_silently(std::panic::AssertUnwindSafe(|| (self.renew)(reader)));
        let (frame, row) = renewed.ok()?.ok()??;
        (self.unnoted, self.noted) = (0, row.len());
        Some((frame, row))
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes")
            .field("unnoted", &self.unnoted)
            .field("noted", &self.noted)
            .finish_non_exhaustive()
    }
}

impl Journal {
    pub(super) fn keep_notes(&self, notes: Notes) {
        *self.noting() = Noting::Kept(notes);
    }

    /// Frames with so many bytes of intents are durable. Where a note is due it is handed over, behind what waits there.
    pub(super) fn frames_written(&self, bytes: usize) {
        let mut noting = self.noting();
        let Noting::Kept(notes) = &mut *noting else { return };
        notes.unnoted += bytes;
        if !is_due(notes.unnoted, notes.noted) {
            return;
        }
        let Ok(reader) = self.try_reader() else { return };
        match notes.renewed(&reader) {
            Some((frame, row)) => self.handover().restored(frame, row),
            // The next start reads what came since the last note.
            None => *noting = Noting::Never,
        }
    }
}
