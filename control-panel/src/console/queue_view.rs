//! The queue.

use std::time::Duration;

/// The queue at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct QueueView {
    /// Intents accepted and in no frame yet.
    pub depth: usize,
    /// Its capacity.
    pub capacity: usize,
    /// How long the oldest of them has waited for a frame.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub oldest: Option<Duration>,
    /// Sends that wait for a slot.
    pub waiting: usize,
    /// Intents accepted since the panel was built.
    pub accepted: u64,
    /// Intents handed out by frames since then.
    pub drained: u64,
    /// Intents handed back since then, for want of room.
    pub refused: u64,
    /// Lossy intents dropped since then, for want of room.
    pub dropped: u64,
    /// Intents accepted a second, since the look before.
    pub rate: f64,
    /// What each source has of it, in the order of the sources: at most 64.
    pub sources: Vec<SourceRow>,
    /// How many sources are not in the list.
    pub sources_left_out: usize,
}

/// What one source has of the queue. A source that has neither a sender nor a slot any more is forgotten, and so are its figures.
#[derive(Debug, Clone, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SourceRow {
    /// The source, as its `Debug` shows it.
    pub source: String,
    /// Slots that it occupies now: queued, in a frame that has not ended, or reserved.
    pub slots: usize,
    /// Sends of it that wait for a slot.
    pub waiting: usize,
    /// Intents accepted, as of the last frame.
    pub accepted: u64,
    /// Intents accepted a second, since the look before.
    pub rate: f64,
    /// Intents handed back for want of room, or because the panel or the sender's run had ended.
    pub refused: u64,
    /// Lossy intents dropped for want of room.
    pub dropped: u64,
    /// For how long sends of it waited for a slot since the panel is observed, added up.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub blocked: Duration,
}
