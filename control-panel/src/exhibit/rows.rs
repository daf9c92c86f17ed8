//! The rows that exhibits show.

use std::time::Duration;

/// A name and its value, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A mod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ModRow {
    /// Its id, or its file if it has none.
    pub name: String,
    /// The version that runs, if any.
    pub version: Option<String>,
    /// Its health, in a word.
    pub health: String,
    /// What is wrong with it, if something is.
    pub trouble: Option<String>,
    /// How often it was called.
    pub calls: u64,
    /// Intents of it that the host refused.
    pub refused: u64,
}

/// A peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerRow {
    /// Its key, shortened, or its name.
    pub name: String,
    /// Whether it is connected.
    pub online: bool,
    /// Its state, in words.
    pub state: String,
    /// How many operations it lacks of those that this program has, if that is known.
    pub lag: Option<u64>,
    /// How many operations its last arrival had undone and applied again, if that is known.
    pub redo_depth: Option<u64>,
    /// Bytes sent to it and received from it, if that is known.
    pub bytes: Option<(u64, u64)>,
}

/// A journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JournalRow {
    /// Its path.
    pub path: String,
    /// The size of its file in bytes, if that is known.
    pub bytes: Option<u64>,
    /// How many records were handed over and are not on disk yet.
    pub pending: u64,
    /// How long ago something was last made durable, if anything was.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub last_fsync: Option<Duration>,
    /// Why it failed, if it did.
    pub trouble: Option<String>,
}
