//! The host's control of a running loader: commands in, status out. Never waits.

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{Notify, watch};

use super::status::{ModFolderStatus, ModStatus};

use crate::workers::lock::lock;

/// The maximum number of waiting commands.
const WAITING: usize = 64;

/// Switches mods on and off, and shows their status. Created by [`ModLoader::control`](super::ModLoader::control). Clones
/// control the same loader. Made for the frame thread: nothing here waits for the loader.
#[derive(Debug, Clone)]
pub struct ModControl {
    pub(super) shared: Arc<Shared>,
}

impl ModControl {
    /// Runs a deactivated mod, and retries one that failed.
    ///
    /// # Errors
    /// [`ControlError`] if 64 commands are waiting already, or the loader has stopped or was dropped before it ever ran.
    pub fn activate(&self, mod_id: impl Into<String>) -> Result<(), ControlError> {
        self.shared.command(Command::Switch { mod_id: mod_id.into(), on: true })
    }

    /// Calls a mod's `mod_deactivate`, unloads it together with those that require it, and keeps it off until it is activated,
    /// even while its files are gone or cannot be read. Of more than 1,024 mods that are off and gone, the one switched off
    /// longest ago is forgotten. The mod's memory is lost: it starts afresh. For an id that no mod has, nothing happens.
    ///
    /// # Errors
    /// As [`activate`](Self::activate).
    pub fn deactivate(&self, mod_id: impl Into<String>) -> Result<(), ControlError> {
        self.shared.command(Command::Switch { mod_id: mod_id.into(), on: false })
    }

    /// Loads a mod again though its files did not change. The old one is stopped only once the new one is loaded.
    ///
    /// # Errors
    /// As [`activate`](Self::activate).
    ///
    /// ```
    /// use control_panel::{IntentSource, workers::mods::ModLoader};
    ///
    /// let loader = ModLoader::new("mods", IntentSource::ModLoader);
    /// let control = loader.control(); // for the frame thread: nothing waits
    /// control.activate("tags")?;
    /// control.reload("tags")?;
    /// control.rescan();
    /// # Ok::<(), control_panel::workers::mods::ControlError>(())
    /// ```
    pub fn reload(&self, mod_id: impl Into<String>) -> Result<(), ControlError> {
        self.shared.command(Command::Reload { mod_id: mod_id.into() })
    }

    /// Examines the folder now.
    pub fn rescan(&self) {
        self.shared.changed();
    }

    /// Returns the status of every mod, ordered by file name, as of the loader's last round. Empty before the first. Once the
    /// loader has stopped, none is running; those that ran are [`Stopped`](super::ModHealth::Stopped).
    pub fn status(&self) -> Arc<[ModStatus]> {
        Arc::clone(&self.shared.status.borrow())
    }
}

impl ModControl {
    /// Returns the status of the mods folder itself: how changes are noticed, how often it was examined, and what is wrong with
    /// it.
    ///
    /// ```
    /// # use control_panel::{IntentSource, workers::mods::*};
    /// let loader = ModLoader::new("mods", IntentSource::ModLoader);
    /// let folder = loader.control().folder();
    /// assert_eq!((folder.watch, folder.looks), (ModFolderWatch::NotYet, 0));
    /// ```
    pub fn folder(&self) -> ModFolderStatus {
        self.shared.folder.borrow().clone()
    }
}

/// A command was refused: 64 are waiting already, or the loader is gone.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlError {
    /// 64 commands are waiting already: try again in a later frame.
    Busy,
    /// The loader has stopped, or was dropped before it ever ran.
    Stopped,
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => write!(f, "{WAITING} commands wait for the mod loader already: try again later"),
            Self::Stopped => f.write_str("the mod loader has stopped"),
        }
    }
}

impl Error for ControlError {}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Switch { mod_id: String, on: bool },
    Reload { mod_id: String },
}

/// State shared by the control handle and the loader.
#[derive(Debug)]
pub(super) struct Shared {
    commands: Mutex<VecDeque<Command>>,
    changed: AtomicBool,
    stopped: AtomicBool,
    pub(super) wake: Notify,
    status: watch::Sender<Arc<[ModStatus]>>,
    folder: watch::Sender<ModFolderStatus>,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        let status: Arc<[ModStatus]> = Arc::new([]);
        Arc::new(Self {
            commands: Mutex::default(),
            changed: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            wake: Notify::new(),
            status: watch::Sender::new(status),
            folder: watch::Sender::default(),
        })
    }

    fn command(&self, command: Command) -> Result<(), ControlError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ControlError::Stopped);
        }
        let mut commands = self.lock();
        if commands.len() == WAITING {
            return Err(ControlError::Busy);
        }
        commands.push_back(command);
        drop(commands);
        self.wake.notify_one();
        Ok(())
    }

    pub(super) fn next_command(&self) -> Option<Command> {
        self.lock().pop_front()
    }

    /// Something in the folder may have changed.
    pub(super) fn changed(&self) {
        if !self.changed.swap(true, Ordering::Relaxed) {
            self.wake.notify_one();
        }
    }

    pub(super) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    /// A look begins: changes from now on wake the loader again.
    pub(super) fn take_changed(&self) {
        self.changed.store(false, Ordering::Relaxed);
    }

    /// The loader is gone, and its mods do not run any more.
    pub(super) fn stopped(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.status.send_if_modified(|all| {
            let any = all.iter().any(|status| status.version.is_some());
            if any {
                *all = all.iter().map(ModStatus::stopped).collect();
            }
            any
        });
    }

    pub(super) fn publish(&self, status: Vec<ModStatus>, folder: &ModFolderStatus) {
        self.status.send_replace(status.into());
        self.folder.send_if_modified(|before| {
            let differs = before != folder;
            if differs {
                before.clone_from(folder);
            }
            differs
        });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Command>> {
        lock(&self.commands)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_bounded_and_come_in_order() {
        let control = ModControl { shared: Shared::new() };
        for number in 0..WAITING {
            control.activate(number.to_string()).expect("room");
        }
        let refused = control.deactivate("x").expect_err("full");
        assert_eq!(refused.to_string(), "64 commands wait for the mod loader already: try again later");
        assert_eq!(control.shared.next_command(), Some(Command::Switch { mod_id: "0".into(), on: true }));
        control.reload("x").expect("room");
        control.shared.stopped();
        assert_eq!(control.reload("x"), Err(ControlError::Stopped));
    }
}
