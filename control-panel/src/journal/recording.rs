//! The panel's side: a builder that records.

use serde::Serialize;

use super::{Fault, Journal, JournalError, Recorded, Start, intents::IntentRecorder, store::Meta};
use crate::{PanelBuilder, intent::Intent};

impl Journal {
    /// The state that this session begins with: [`Recorded::begin`], and a note of which reducer it is. Once after it is opened, before the first frame.
    ///
    /// Blocks: what `begin` reads of the journal, and a transaction the first time.
    ///
    /// # Errors
    /// [`Fault::OtherReducer`] if the journal notes another [fingerprint](Recorded::fingerprint): look with `refold` at what that changes, then call
    /// [`adopt_reducer`](Self::adopt_reducer). And those of `begin`.
    pub fn begin<S: Recorded>(&self) -> Result<S, JournalError> {
        self.note_reducer(S::fingerprint()).map_err(|fault| fault.at(self.path()))?;
        S::begin(&Start::live(self))
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
        let recorder = IntentRecorder::new(journal.handover().clone(), journal.session());
        self.recorder = Some(Box::new(recorder));
        self
    }
}
