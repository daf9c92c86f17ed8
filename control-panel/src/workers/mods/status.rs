//! How mods are doing.

use std::fmt;

use super::{
    error::ModError,
    log::{ModLog, ModLogLine},
    slots::{Slots, shown},
    wasm::{CallCosts, Instance},
};

/// One mod at one moment.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModStatus {
    /// The name of its folder or manifest, control characters escaped.
    pub file: String,
    /// Its id, where its manifest could be read.
    pub mod_id: Option<String>,
    /// How it is.
    pub health: ModHealth,
    /// The version that runs, if one does.
    pub version: Option<String>,
    /// What is wrong with the newest files, also while an older version runs.
    pub trouble: Option<ModError>,
    /// What the calls of the running version cost so far.
    pub costs: CallCosts,
    /// Intents of the running version that the host refused.
    pub refused: u64,
    /// Lines the running version logged in all.
    pub logged: u64,
    /// The last 16 of them.
    pub log: Vec<ModLogLine>,
}

/// How a mod is.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModHealth {
    /// It runs.
    Active,
    /// An older version runs; the newest files do not.
    Outdated,
    /// It does not run, and should.
    Failed,
    /// The host deactivated it.
    Off,
    /// It ran until the loader stopped: its costs and its log are those of the loader's last round.
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
    /// How often it was looked at so far, by whatever cause.
    pub looks: u64,
    /// What is wrong with the folder itself: that it does not answer, for instance. What was loaded from it goes on.
    pub trouble: Option<ModError>,
}

/// How the loader notices that something in its folder changes. On a network mount the system may report no change that
/// another machine makes, and say nothing of that: what is not reported is found at the next regular look
/// ([`ModLoader::look_every`](super::ModLoader::look_every)).
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ModFolderWatch {
    /// It was not looked at yet.
    #[default]
    NotYet,
    /// The system reports changes, and the folder is looked at regularly besides.
    Notified,
    /// It is only looked at regularly, or parts of it are.
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
    /// The same once the loader has stopped.
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
