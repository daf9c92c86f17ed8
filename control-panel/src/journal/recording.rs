//! The panel's side: the builder's setting that records frames.

use std::sync::{Arc, atomic::Ordering};

use serde::Serialize;

use super::{
    Fault, Journal, JournalError, Recorded, Start,
    exhibit::Shown,
    intents::IntentRecorder,
    journal::Open,
    notes::Noting,
    replay::Noted,
    store::{Begun, FIRST, Meta},
};
use crate::{PanelBuilder, intent::Intent};

/// # Beginning, and recording
impl Journal {
    /// The state with which this session begins: calls [`Recorded::begin`], and notes which reducer it is. Call it once after the journal
    /// is opened, before the first frame.
    ///
    /// Blocks for what `begin` reads of the journal, and for one transaction the first time. If earlier sessions recorded more than is
    /// [kept](Self::keep_recorded), it is dropped here, which takes about as long as an open.
    ///
    /// # Errors
    /// [`Fault::OtherReducer`] if the journal notes another [fingerprint](Recorded::fingerprint): see with `refold` what that changes,
    /// then call [`adopt_reducer`](Self::adopt_reducer). Also those of `begin`.
    pub fn begin<S: Recorded>(&self) -> Result<S, JournalError> {
        self.begin_with(S::begin)
    }

    /// As [`begin`](Self::begin), with a state that the caller makes: for a program that needs what no recording contains, such as its
    /// signing key. It must be the state that [`Recorded::begin`] makes, which a replay calls, with the same calls of [`Start`];
    /// [`Start::founded`] has an example.
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

    /// Sets how much of earlier sessions' recordings is kept, in bytes. Default: 64 MiB. [`begin`](Self::begin) checks it: if there is
    /// more, the frames of all earlier sessions are dropped, with the operations that a stable [cut](crate::Replica::cut) covers. What is
    /// recorded from then on replays as before, from the state that `begin` made. `u64::MAX` keeps everything.
    ///
    /// A session that does not end is bounded too: [`begin_again`](Self::begin_again).
    ///
    /// To keep recordings that would be dropped, copy the file, or export it, before it is opened.
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

    /// The frame with which the recording is to begin, if there is more than is kept.
    fn begins_anew(&self) -> Result<Option<Begun>, Fault> {
        let reader = self.try_reader()?;
        if reader.recorded_bytes()? <= self.lengths().kept.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let here = reader.here()?;
        let last = reader.frames(here.frame..)?.next().transpose()?;
        // If this is called late, frames of this session do not count as past ones.
        Ok(last.is_some_and(|last| last.session < self.session()).then_some(here))
    }

    /// Drops all frames; returns whether they are gone. After a failure they are kept, and the next start tries again.
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
impl<I: Intent<Source: Serialize> + Serialize, P> PanelBuilder<I, P> {
    /// Records each frame of [`run_frame`](crate::ControlPanel::run_frame) in this journal: which intents it applied, in order, and how
    /// it ended. A replay of them reaches the same states ([`Recorded`](crate::journal::Recorded)). Default: nothing is recorded.
    ///
    /// The frame's thread writes the intents into a buffer and never waits. While the journal cannot take more, for example because the
    /// disk is full, frames are missing, and the record says so.
    pub fn record(mut self, journal: &Journal) -> Self {
        let recorder = IntentRecorder::new(journal.handover().clone(), Arc::clone(journal.current_session()));
        self.recorder = Some(Box::new(recorder));
        self.recorded_to = Some(Arc::new(Shown(journal.downgrade())));
        self
    }
}
