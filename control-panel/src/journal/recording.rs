//! The panel's side: a builder that records.

use std::sync::{Arc, atomic::Ordering};

use serde::Serialize;

use super::{
    Fault, Journal, JournalError, Recorded, Start,
    intents::IntentRecorder,
    journal::Open,
    notes::Noting,
    replay::Noted,
    store::{Begun, FIRST, Meta},
};
use crate::{PanelBuilder, intent::Intent};

impl Journal {
    /// The state that this session begins with: [`Recorded::begin`], and a note of which reducer it is. Once after it is opened, before the first frame.
    ///
    /// Blocks: what `begin` reads of the journal, and a transaction the first time. Where earlier sessions recorded more than is [kept](Self::keep_recorded) it is let go of here, which
    /// takes about as long as an open.
    ///
    /// # Errors
    /// [`Fault::OtherReducer`] if the journal notes another [fingerprint](Recorded::fingerprint): look with `refold` at what that changes, then call
    /// [`adopt_reducer`](Self::adopt_reducer). And those of `begin`.
    pub fn begin<S: Recorded>(&self) -> Result<S, JournalError> {
        self.begin_with(S::begin)
    }

    /// As [`begin`](Self::begin), with a state that is made here: for a program that knows what no recording has, as the key that signs. It must be the state that [`Recorded::begin`] makes, which a
    /// replay calls, with the same calls of [`Start`]; [`Start::founded`] has the example.
    ///
    /// # Errors
    /// As `begin`, and those of the function.
    pub fn begin_with<S: Recorded>(
        &self,
        begin: impl FnOnce(&Start<'_>) -> Result<S, JournalError>,
    ) -> Result<S, JournalError> {
        self.note_reducer(S::fingerprint()).map_err(|fault| fault.at(self.path()))?;
        let here = self.begins_anew().map_err(|fault| fault.at(self.path()))?;
        let before = std::mem::take(&mut *self.noting());
        let start = Start::live(self);
        let state = begin(&start);
        let mut noting = self.noting();
        match &state {
            Err(_) => *noting = before,
            Ok(_) if start.has_restored() && matches!(*noting, Noting::Unbegun) => *noting = Noting::Never,
            Ok(_) if !start.has_restored() => *noting = Noting::Nothing,
            Ok(_) => {}
        }
        drop(noting);
        let state = state?;
        if let Some(here) = here {
            self.let_go(&here);
        }
        Ok(state)
    }

    /// How much is kept of what earlier sessions recorded, in bytes. Default: 64 MiB. [`begin`](Self::begin) looks: where it is more, the frames of all earlier sessions are let go of, with the
    /// operations that a stable [cut](crate::Replica::cut) covers. What is recorded from there on replays as before: it begins with the state that `begin` made.
    /// `u64::MAX` keeps all.
    ///
    /// A session that does not end is bounded too: [`begin_again`](Self::begin_again).
    ///
    /// To keep what is let go of, copy the file, or export it, before it is opened.
    ///
    /// ```
    /// use control_panel::journal::Journal;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.journal");
    /// let journal = Journal::open(&path)?;
    /// journal.keep_recorded(8 << 20);
    /// // let mut app: App = journal.begin()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn keep_recorded(&self, bytes: u64) {
        self.lengths().kept.store(bytes, Ordering::Relaxed);
    }

    /// Where the recording is to begin, if there is more than is kept.
    fn begins_anew(&self) -> Result<Option<Begun>, Fault> {
        let reader = self.try_reader()?;
        if reader.recorded_bytes()? <= self.lengths().kept.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let here = reader.here()?;
        let last = reader.frames(here.frame..)?.next().transpose()?;
        // Called late: this session's own are no past.
        Ok(last.is_some_and(|last| last.session < self.session()).then_some(here))
    }

    /// Lets go of all frames. Where it fails they are kept, and the next start tries again. Whether they are gone.
    pub(super) fn let_go(&self, here: &Begun) -> bool {
        let mut noting = self.noting();
        let note = match &mut *noting {
            Noting::Nothing => None,
            Noting::Unbegun | Noting::Never => return false,
            Noting::Kept(notes) => {
                let Ok(reader) = self.try_reader() else { return false };
                let Some((frame, row)) = notes.renewed(&reader) else { return false };
                match Noted::read(&row) {
                    Some(known) if frame == here.frame => Some(known.row_with(FIRST)),
                    _ => return false,
                }
            }
        };
        drop(noting);
        let mut open = self.open_state();
        open.as_mut().is_some_and(|Open { store, .. }| store.begin_anew(here, note.as_deref()).is_ok())
    }

    fn note_reducer(&self, program: u64) -> Result<(), Fault> {
        let mut open = self.open_state();
        let store = &mut open.as_mut().ok_or(Fault::Closed)?.store;
        let meta = *store.meta();
        match meta.reducer {
            Some(journal) if journal != program => Err(Fault::OtherReducer { journal, program }),
            Some(_) => Ok(()),
            None => store.set_meta(Meta { reducer: Some(program), ..meta }),
        }
    }
}

/// Feature `journal`.
impl<I: Intent<Source: Serialize> + Serialize, P, G> PanelBuilder<I, P, G> {
    /// Records each frame of [`run_frame`](crate::ControlPanel::run_frame) in this journal: which intents it applied, in order, and how it ended. A
    /// replay of them comes to the same states ([`Recorded`](crate::journal::Recorded)). Default: nothing is recorded.
    ///
    /// The frame's thread writes the intents into a buffer and never waits; where the journal cannot take more, as the disk is full, frames
    /// are missing, and the record says so.
    pub fn record(mut self, journal: &Journal) -> Self {
        let recorder = IntentRecorder::new(journal.handover().clone(), Arc::clone(journal.current_session()));
        self.recorder = Some(Box::new(recorder));
        self
    }
}
