//! The panel's side: a builder that records.

use serde::Serialize;

use super::{Journal, Start, intents::IntentRecorder};
use crate::{PanelBuilder, intent::Intent};

impl Journal {
    /// What the program's state begins with, see [`Recorded::begin`](super::Recorded::begin).
    pub fn start(&self) -> Start<'_> {
        Start::live(self)
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
