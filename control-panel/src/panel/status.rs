//! What a panel tells of itself.

use crate::{queued::Origin, reducer::Warning, supervise::record::Record, worker::WorkerStatus};

/// A panel at one moment: what [`ControlPanel::status`](crate::ControlPanel::status) returns.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct PanelStatus {
    /// The panel's name.
    pub name: String,
    /// Intents accepted and in no frame yet; what a frame being read still holds is not among them.
    pub queued: usize,
    /// The queue's capacity.
    pub capacity: usize,
    /// Intents accepted since the panel was built.
    pub accepted: u64,
    /// Intents handed out since, local ones not counted.
    pub drained: u64,
    /// Intents handed back since because the queue was full or closed.
    pub refused: u64,
    /// Lossy intents dropped since because the queue was full.
    pub dropped: u64,
    /// Senders that wait for a slot.
    pub waiting: usize,
    /// Frames drained.
    pub frames: u64,
    /// The workers that live, in the order of their spawning.
    pub workers: Vec<WorkerInfo>,
    /// Something is wrong with the loop around the panel.
    pub warning: Option<Warning>,
}

/// A living worker at one moment.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct WorkerInfo {
    /// Its name.
    pub name: String,
    /// Its source, as the source's `Debug` shows it.
    pub source: String,
    /// Its origin.
    pub origin: Origin,
    /// Which run of it this is.
    pub generation: u64,
    /// How it is doing.
    pub status: WorkerStatus,
}

impl WorkerInfo {
    pub(super) fn of(record: &Record) -> Self {
        Self {
            name: record.name.clone().into_owned(),
            source: record.source.to_string(),
            origin: record.origin,
            generation: record.generation(),
            status: record.status(),
        }
    }
}
