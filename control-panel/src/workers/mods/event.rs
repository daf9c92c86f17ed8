//! What the loader reports to the reducer.

use std::fmt;

use super::error::ModError;

/// A change in the life of a mod; your intent is created from it.
///
/// For each id, events are in order: a mod's own intents follow its `Activated`, and none follow its `Deactivated`. Two mods of
/// one id never run together, and between two `Activated` of an id there is a `Deactivated`: a reducer that uses ids alone
/// knows what runs, whatever is renamed or exchanged in the folder meanwhile. A mod that is only renamed keeps running, without
/// an event. `LoadFailed` is sent once for each reason, not once for each attempt.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModEvent {
    /// It is running.
    Activated {
        /// Its id.
        mod_id: String,
        /// Its version.
        version: String,
    },
    /// It stopped running.
    Deactivated {
        /// Its id.
        mod_id: String,
        /// Why.
        cause: Deactivation,
    },
    /// It could not be loaded.
    LoadFailed {
        /// Its id; the name of its folder or manifest if the id is unknown.
        mod_id: String,
        /// Why, in plain words ([`Display`](fmt::Display)).
        reason: ModError,
        /// The version that keeps running under this id, if any: an older one, or another mod's with the same id.
        still_running: Option<String>,
    },
}

impl ModEvent {
    /// The mod's id.
    pub fn mod_id(&self) -> &str {
        match self {
            Self::Activated { mod_id, .. }
            | Self::Deactivated { mod_id, .. }
            | Self::LoadFailed { mod_id, .. } => mod_id,
        }
    }
}

impl fmt::Display for ModEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Activated { mod_id, version } => write!(f, "mod {mod_id} {version} is active"),
            Self::Deactivated { mod_id, cause } => write!(f, "mod {mod_id} is inactive: {cause}"),
            Self::LoadFailed { mod_id, reason, still_running: None } => {
                write!(f, "mod {mod_id} was not loaded: {reason}")
            }
            Self::LoadFailed { mod_id, reason, still_running: Some(version) } => {
                write!(f, "mod {mod_id} was not reloaded, {version} goes on: {reason}")
            }
        }
    }
}

/// Why a mod stopped running.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deactivation {
    /// The host requested it.
    Asked,
    /// Its files are gone.
    Removed,
    /// Another version replaces it.
    Replaced,
    /// The loader is stopping.
    Stopping,
    /// A call of it failed, or a mod that it requires stopped running.
    Failed(ModError),
}

impl fmt::Display for Deactivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("the host asked for it"),
            Self::Removed => f.write_str("its files are gone"),
            Self::Replaced => f.write_str("another version takes its place"),
            Self::Stopping => f.write_str("the mod loader stops"),
            Self::Failed(reason) => reason.fmt(f),
        }
    }
}
