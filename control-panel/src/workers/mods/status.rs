//! The status of mods.

use std::fmt;

use super::{
    error::ModError,
    log::{ModLog, ModLogLine},
    slots::{Slots, shown},
    wasm::{CallCosts, Instance},
};

/// One mod at one moment.
///
/// ```
/// use control_panel::{
///     IntentSource,
///     workers::mods::{
///         CallCosts, ControlError, Deactivation, ModControl, ModError,
///         ModFolderStatus, ModHealth, ModLoader, ModLogLevel, ModLogLine,
///         ModStatus,
///     },
/// };
///
/// /// A line of a table of mods.
/// fn line(status: &ModStatus) -> String {
///     let CallCosts { calls, longest, .. } = status.costs;
///     let mut line = format!("{}: {}, {calls} calls", status.file, status.health);
///     if let Some(trouble) = &status.trouble {
///         let trouble: &ModError = trouble;
///         line += &format!(", {trouble}");
///     }
///     let is_bad = |line: &&ModLogLine| line.level == ModLogLevel::Error;
///     let errors = status.log.iter().filter(is_bad).count();
///     line + &format!(", longest {longest:?}, {errors} errors logged")
/// }
///
/// let loader = ModLoader::new("mods", IntentSource::ModLoader);
/// let mods: ModControl = loader.control();
/// let active = |status: &&ModStatus| status.health == ModHealth::Active;
/// assert_eq!(mods.status().iter().filter(active).map(line).count(), 0);
/// let folder: ModFolderStatus = mods.folder();
/// assert!(folder.trouble.is_none());
///
/// drop(loader); // it never ran, so it takes no command any more
/// assert_eq!(mods.deactivate("tags"), Err(ControlError::Stopped));
/// assert_eq!(Deactivation::Asked.to_string(), "the host asked for it");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModStatus {
    /// The name of its folder or manifest, control characters escaped.
    pub file: String,
    /// Its id, if its manifest could be read.
    pub mod_id: Option<String>,
    /// Its health.
    pub health: ModHealth,
    /// The version that runs, if any.
    pub version: Option<String>,
    /// What is wrong with the newest files, even while an older version runs.
    pub trouble: Option<ModError>,
    /// The cost of all calls of the running version so far.
    pub costs: CallCosts,
    /// Intents of the running version that the host refused.
    pub refused: u64,
    /// The total number of lines that the running version logged.
    pub logged: u64,
    /// The last 16 of them.
    pub log: Vec<ModLogLine>,
}

/// The health of a mod.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModHealth {
    /// It runs.
    Active,
    /// An older version runs; the newest files do not.
    Outdated,
    /// It should run, but does not.
    Failed,
    /// The host deactivated it.
    Off,
    /// It ran until the loader stopped; its costs and its log are those of the loader's last round.
    Stopped,
}

impl fmt::Display for ModHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Outdated => "outdated",
            Self::Failed => "failed",
            Self::Off => "off",
            Self::Stopped => "stopped",
        })
    }
}

/// The mods folder at one moment: [`ModControl::folder`](super::ModControl::folder).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModFolderStatus {
    /// How changes in it are noticed.
    pub watch: ModFolderWatch,
    /// How often it was examined so far, for any reason.
    pub looks: u64,
    /// What is wrong with the folder itself, for instance that it does not respond. Mods loaded from it keep running.
    pub trouble: Option<ModError>,
}

/// How the loader notices changes in its folder. On a network mount, the system may silently fail to report changes that
/// another machine makes; these are found at the next regular look ([`ModLoader::look_every`](super::ModLoader::look_every)).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ModFolderWatch {
    /// The folder was not examined yet.
    #[default]
    NotYet,
    /// The system reports changes, and the folder is also examined regularly.
    Notified,
    /// The folder, or parts of it, is only examined regularly.
    Polled {
        /// Why the system reports no changes.
        why: String,
    },
}

impl fmt::Display for ModFolderWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet => f.write_str("not looked at yet"),
            Self::Notified => f.write_str("watched"),
            Self::Polled { why } => write!(f, "only looked at regularly: {why}"),
        }
    }
}

impl ModStatus {
    /// The same status after the loader has stopped.
    pub(super) fn stopped(&self) -> Self {
        let health = if self.version.is_some() { ModHealth::Stopped } else { self.health };
        Self { health, version: None, ..self.clone() }
    }
}

pub(super) fn of(slots: &Slots<Box<Instance>>) -> Vec<ModStatus> {
    let status = slots.iter().map(|(file, slot, off)| {
        let running = slot.running.as_ref();
        let instance = running.map(|running| &running.instance);
        let trouble = slot.trouble().cloned();
        let health = match (running.is_some(), &trouble) {
            (true, None) => ModHealth::Active,
            (true, Some(_)) => ModHealth::Outdated,
            (false, _) if off => ModHealth::Off,
            (false, _) => ModHealth::Failed,
        };
        let log = instance.map(|instance| &instance.host().log);
        ModStatus {
            file: shown(file),
            mod_id: slot.id().map(str::to_owned),
            health,
            version: running.map(|running| running.manifest.version().to_owned()),
            trouble,
            costs: instance.map_or_else(CallCosts::default, |instance| instance.costs()),
            refused: instance.map_or(0, |instance| instance.host().refused),
            logged: log.map_or(0, ModLog::count),
            log: log.map_or_else(Vec::new, |log| log.lines().cloned().collect()),
        }
    });
    status.collect()
}
