//! What a console shows.

use std::time::Duration;

use super::{EndRow, Fact, FramesView, JournalRow, ModRow, PeerRow, QueueView, WorkerRow};

/// A panel at one moment, ready to be drawn: what [`Console::view`](super::Console::view) returns.
///
/// With the feature `serde` it can be written as JSON and read back, durations as seconds.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct View {
    /// The panel's name.
    pub panel: String,
    /// How the panel is.
    pub state: PanelState,
    /// For how long it has been observed.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub observed_for: Duration,
    /// How old the figures are.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub age: Duration,
    /// What is wrong with the loop that drives the panel, or with its workers, if something is.
    pub warning: Option<String>,
    /// How many workers live.
    pub worker_count: usize,
    /// They, in spawning order. Beyond the [limit](super::Limits) those in trouble come first.
    pub workers: Vec<WorkerRow>,
    /// How many of them are not in the list.
    pub workers_left_out: usize,
    /// How many runs did not end cleanly since the panel was built.
    pub incidents: u64,
    /// The last ends, newest first.
    pub ends: Vec<EndRow>,
    /// How many ends were seen that are not in the list any more.
    pub ends_left_out: u64,
    /// Events that came and went unseen.
    pub events_missed: u64,
    /// The queue.
    pub queue: QueueView,
    /// The frames.
    pub frames: FramesView,
    /// The policy, a line each, if the program shows it.
    pub policy: Vec<Fact>,
    /// The mods.
    pub mods: Vec<ModRow>,
    /// The peers.
    pub peers: Vec<PeerRow>,
    /// The journals.
    pub journals: Vec<JournalRow>,
    /// Rows of these four that are not in the lists.
    pub exhibits_left_out: usize,
}

/// How a panel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PanelState {
    /// The figures are less than 5 s old.
    Live,
    /// They are older: it is not known how the panel is now.
    Silent,
    /// It is shutting down.
    Stopping,
    /// It was dropped.
    Gone,
}
