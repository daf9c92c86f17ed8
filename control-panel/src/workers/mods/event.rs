//! What the loader tells the reducer.

use std::fmt;

use super::error::ModError;

/// What became of a mod; your intent is made from it.
///
/// For each id they come in order: after `Activated` its own intents, after `Deactivated` none. Of no id two ever run, and
/// between two `Activated` of an id there is a `Deactivated`: a reducer that goes by ids alone knows what runs, whatever is
/// renamed or exchanged in the folder meanwhile. A mod that is only renamed goes on, and nothing is said of that.
/// `LoadFailed` is sent once for each reason, not once for each attempt.
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
    /// It is not running any more.
    Deactivated {
        /// Its id.
        mod_id: String,
        /// Why.
        cause: Deactivation,
    },
    /// It could not be loaded.
    LoadFailed {
        /// Its id; the name of its folder or manifest where the id cannot be known.
        mod_id: String,
        /// Why, in plain words ([`Display`](fmt::Display)).
        reason: ModError,
        /// The version that goes on running under this id, if one does: an older one, or another mod's of the same id.
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

/// Why a mod is not running any more.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deactivation {
    /// The host asked for it.
    Asked,
    /// Its files are gone.
    Removed,
    /// Another version of it takes its place.
    Replaced,
    /// The loader stops.
    Stopping,
    /// A call of it failed, or what it requires is not running any more.
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
