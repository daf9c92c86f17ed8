//! The note of the state that a start restored, which the writer keeps up to date, so that a start reads little however long a
//! session was.

use std::fmt;

use super::{Fault, Journal, replay::is_due, store::Reader};
use crate::util::panics;

/// Encodes a note of all frames, and returns up to which; `None` if there is none.
type Renew = Box<dyn Fn(&Reader) -> Result<Option<(u64, Vec<u8>)>, Fault> + Send>;

/// What is noted of a session's frames, for when these are dropped.
#[derive(Debug, Default)]
pub(super) enum Noting {
    /// The program has not begun, or never does.
    #[default]
    Unbegun,
    /// The program restored nothing.
    Nothing,
    Kept(Notes),
    /// The program restored a state that cannot be noted: it is made of all frames, each time.
    Never,
}

/// When the next note is due, and the function that makes it.
pub(super) struct Notes {
    /// Bytes of intents since the last note.
    unnoted: usize,
    /// The length of the last note.
    noted: usize,
    renew: Renew,
}

impl Notes {
    pub(super) fn new(unnoted: usize, noted: usize, renew: Renew) -> Self {
        Self { unnoted, noted, renew }
    }
}

impl Notes {
    /// Makes a note of all frames; returns how far it reaches, or `None` if there can be no note.
    pub(super) fn renewed(&mut self, reader: &Reader) -> Option<(u64, Vec<u8>)> {
        // The program's code may panic here, as it would at the next start.
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

    /// Frames with this many bytes of intents became durable. If a note is due, it is handed over, behind the items that wait.
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
            // The next start reads the frames since the last note.
            None => *noting = Noting::Never,
        }
    }
}
