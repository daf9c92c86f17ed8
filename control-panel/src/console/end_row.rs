//! The last ends of runs.

use std::time::Duration;

use super::text::PanicText;

/// The end of a run or of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EndRow {
    /// The number of the event.
    pub number: u64,
    /// How long ago it was.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub ago: Duration,
    /// The worker's name.
    pub name: String,
    /// The number of its origin, which distinguishes workers of one name.
    pub instance: u64,
    /// Which run of it.
    pub generation: u64,
    /// What kind of end.
    pub kind: EndKind,
    /// How it ended, in one line.
    pub text: String,
    /// The panic, if that is how it ended.
    pub panic: Option<PanicText>,
}

/// What kind of end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndKind {
    /// It finished, or was asked to stop and did.
    Clean,
    /// It returned an error.
    Failed,
    /// It panicked.
    Panicked,
    /// It was aborted, abandoned, starved, stuck or not ready in time.
    Stopped,
    /// It was refused, and never ran.
    Refused,
    /// It failed too often, and stays down.
    GaveUp,
}
