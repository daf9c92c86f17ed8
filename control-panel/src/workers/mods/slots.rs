//! What each mod's place in the folder holds, and what runs from it. Pure: a running mod is any `R`.

mod decide;
mod home;
mod order;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use self::decide::Agenda;
pub(super) use self::decide::Step;
use super::{
    error::ModError,
    files::{Files, Known, Reading, Scan, Seen},
    manifest::ModManifest,
    text::plain,
};

/// The slot that represents the mods folder itself: no file name contains a slash.
const FOLDER: &str = "/(mods folder)";

/// The slot's name in events and in the status.
pub(super) fn shown(slot: &str) -> String {
    plain(slot.strip_prefix('/').unwrap_or(slot))
}

/// How many ids that are off are remembered when no mod in the folder has them.
const REMEMBERED: usize = 1_024;

/// One mod's place: a folder or a manifest in the mods folder.
#[derive(Debug)]
pub(super) struct Slot<R> {
    latest: Latest,
    pub(super) seen: Option<Box<Seen>>,
    pub(super) running: Option<Running<R>>,
    /// The content that failed, and how: it is not retried.
    failed: Option<(u64, ModError)>,
    /// What was reported last.
    reported: Option<ModError>,
}

#[derive(Debug)]
enum Latest {
    Files(Arc<Files>),
    /// With the manifest, if it could be read.
    Unreadable(ModError, Option<Arc<ModManifest>>),
    Gone,
}

#[derive(Debug)]
pub(super) struct Running<R> {
    pub(super) manifest: Arc<ModManifest>,
    pub(super) instance: R,
    print: u64,
    /// Increases with each start: what was started later stops earlier.
    since: u64,
}

/// All slots, and the ids that the host wants off.
#[derive(Debug)]
pub(super) struct Slots<R> {
    all: BTreeMap<String, Slot<R>>,
    /// Each with the number of the switch that turned it off: of those whose mods are gone, the oldest is forgotten first.
    off: BTreeMap<String, u64>,
    switched: u64,
    started: u64,
    /// Caches what to do while none of its inputs changes: any change of a slot, or of what is off, that the agenda does not
    /// expect clears it.
    agenda: Option<Agenda>,
}

impl<R> Default for Slots<R> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), off: BTreeMap::new(), switched: 0, started: 0, agenda: None }
    }
}

impl<R> Slots<R> {
    /// Records the result of a look.
    pub(super) fn found(&mut self, scan: Scan) {
        let folder_is_fine = scan.trouble.as_ref().is_none_or(|error| {
            matches!(
                error,
                ModError::TooMany { .. } | ModError::TooManyOthers { .. } | ModError::TooManyNames { .. }
            )
        });
        for (name, slot) in &mut self.all {
            if folder_is_fine && !scan.mods.contains_key(name) {
                self.agenda = None;
                slot.latest = Latest::Gone;
                slot.seen = None;
            }
        }
        let folder = scan.trouble.map(|error| (FOLDER.to_owned(), Reading::Failed(error, None)));
        for (name, reading) in scan.mods.into_iter().chain(folder) {
            let slot = self.all.entry(name).or_insert_with(Slot::gone);
            if !matches!(reading, Reading::Unchanged) {
                self.agenda = None;
            }
            match reading {
                Reading::Unchanged => {}
                Reading::Read(files, seen) => {
                    slot.seen = seen;
                    slot.latest = Latest::Files(Arc::new(files));
                }
                Reading::Failed(error, manifest) => {
                    slot.seen = None;
                    slot.latest = Latest::Unreadable(error, manifest);
                }
            }
        }
        self.bring_home();
    }

    /// What a look at the folder needs to know of each slot.
    pub(super) fn known(&self) -> BTreeMap<String, Known> {
        let known = |slot: &Slot<R>| Known { seen: slot.seen.clone(), runs: slot.running.is_some() };
        let is_there = |name: &str, slot: &Slot<R>| name != FOLDER && !matches!(slot.latest, Latest::Gone);
        let there = self.all.iter().filter(|(name, slot)| is_there(name, slot));
        there.map(|(name, slot)| (name.clone(), known(slot))).collect()
    }

    /// The host wants a mod on, or off. On also means to retry one that failed. Returns false for an unknown id.
    pub(super) fn switch(&mut self, id: &str, on: bool) -> bool {
        self.agenda = None;
        if on {
            self.off.remove(id);
        }
        let mut known = false;
        for slot in self.all.values_mut().filter(|slot| slot.has_id(id)) {
            known = true;
            slot.failed = None;
            slot.reported = None;
        }
        // An id that no mod ever had is not kept.
        if !on && (known || self.off.contains_key(id)) {
            self.switched += 1;
            self.off.insert(id.to_owned(), self.switched);
            self.forget();
        }
        known
    }

    /// A mod whose files are gone may come back, and is still off then; but only a limited number of those are remembered.
    fn forget(&mut self) {
        let is_gone = |id: &String| !self.all.values().any(|slot| slot.has_id(id));
        let mut gone: Vec<u64> =
            self.off.iter().filter(|(id, _)| is_gone(id)).map(|(_, when)| *when).collect();
        gone.sort_unstable();
        let Some(over) = gone.len().checked_sub(REMEMBERED) else { return };
        let forgotten: BTreeSet<u64> = gone.into_iter().take(over).collect();
        self.off.retain(|_, when| !forgotten.contains(when));
    }

    /// Loads a mod again though its files are unchanged. Returns false for an unknown id.
    pub(super) fn reload(&mut self, id: &str) -> bool {
        self.agenda = None;
        let mut known = false;
        for slot in self.all.values_mut().filter(|slot| slot.has_id(id)) {
            known = true;
            slot.failed = None;
            slot.reported = None;
            if let Some(running) = &mut slot.running {
                running.print = !running.print;
            }
        }
        known
    }

    fn is_off(&self, slot: &Slot<R>) -> bool {
        slot.newest_id().is_some_and(|id| self.off.contains_key(id))
    }

    /// A step succeeded: this runs now. Returns what ran before.
    pub(super) fn started(&mut self, name: &str, files: &Files, instance: R) -> Option<Running<R>> {
        self.started += 1;
        let slot = self.all.get_mut(name)?;
        slot.failed = None;
        slot.reported = None;
        let manifest = Arc::clone(&files.manifest);
        let running = Running { manifest, instance, print: files.print, since: self.started };
        let old = slot.running.replace(running);
        let only_newcomers = self.agenda.as_ref().is_some_and(|agenda| agenda.only_newcomers);
        let as_planned = old.as_ref().map_or(only_newcomers, |old| old.manifest.stands_for(&files.manifest));
        if !as_planned {
            self.agenda = None;
        }
        old
    }

    /// A step failed.
    pub(super) fn failed(&mut self, name: &str, files: &Files, error: ModError) {
        self.agenda = None;
        if let Some(slot) = self.all.get_mut(name) {
            slot.failed = Some((files.print, error));
        }
    }

    /// Takes out a running mod, to stop it.
    pub(super) fn take(&mut self, name: &str) -> Option<Running<R>> {
        self.agenda = None;
        self.memory_is_left();
        self.lend(name)
    }

    /// Other mods may have what this one held now.
    fn memory_is_left(&mut self) {
        for slot in self.all.values_mut() {
            slot.failed.take_if(|(_, error)| matches!(error, ModError::NoMemory { .. }));
        }
    }

    /// Takes out a running mod for a call: it is [put back](Self::put_back) or [fails](Self::faulted) before any other
    /// operation.
    pub(super) fn lend(&mut self, name: &str) -> Option<Running<R>> {
        self.all.get_mut(name)?.running.take()
    }

    /// Puts a lent mod back after a successful call.
    pub(super) fn put_back(&mut self, name: &str, running: Running<R>) {
        if let Some(slot) = self.all.get_mut(name) {
            slot.running = Some(running);
        }
    }

    /// A lent mod does not come back: a call of it failed. The failure is reported already, and the mod is not retried.
    pub(super) fn faulted(&mut self, name: &str, running: &Running<R>, error: ModError) {
        self.agenda = None;
        self.memory_is_left();
        if let Some(slot) = self.all.get_mut(name) {
            slot.reported = Some(error.clone());
            slot.failed = Some((running.print, error));
        }
    }

    /// What is wrong with the mods folder itself.
    pub(super) fn folder_trouble(&self) -> Option<&ModError> {
        match &self.all.get(FOLDER)?.latest {
            Latest::Unreadable(error, _) => Some(error),
            Latest::Files(_) | Latest::Gone => None,
        }
    }

    /// The slots with a running mod, in starting order.
    pub(super) fn running(&self) -> Vec<String> {
        let mut running: Vec<_> = self
            .all
            .iter()
            .filter_map(|(name, slot)| Some((slot.running.as_ref()?.since, name.clone())))
            .collect();
        running.sort_unstable();
        running.into_iter().map(|(_, name)| name).collect()
    }

    /// The running version of an id, if any, wherever its files are.
    fn version_of(&self, id: &str) -> Option<String> {
        let running = self.all.values().find(|slot| slot.running_id() == Some(id))?.running.as_ref()?;
        Some(running.manifest.version().to_owned())
    }

    /// All slots, with their failures.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Slot<R>, bool)> {
        self.all.iter().map(|(name, slot)| (name.as_str(), slot, self.is_off(slot)))
    }
}

impl<R> Slot<R> {
    fn gone() -> Self {
        Self { latest: Latest::Gone, seen: None, running: None, failed: None, reported: None }
    }

    /// The newest content, unless it failed.
    fn newest(&self) -> Option<&Arc<Files>> {
        let Latest::Files(files) = &self.latest else { return None };
        let failed = self.failed.as_ref().is_some_and(|(print, _)| *print == files.print);
        (!failed).then_some(files)
    }

    /// The mod's id, if known: that of the running mod, if any, whatever the newest files call it.
    pub(super) fn id(&self) -> Option<&str> {
        self.running_id().or_else(|| self.newest_id())
    }

    fn running_id(&self) -> Option<&str> {
        self.running.as_ref().map(|running| running.manifest.id())
    }

    /// The id in the newest files, if they can be read.
    fn newest_id(&self) -> Option<&str> {
        match &self.latest {
            Latest::Files(files) => Some(files.manifest.id()),
            Latest::Unreadable(_, manifest) => {
                self.running_id().or_else(|| manifest.as_ref().map(|manifest| manifest.id()))
            }
            Latest::Gone => self.running_id(),
        }
    }

    fn has_id(&self, id: &str) -> bool {
        self.newest_id() == Some(id) || self.running_id() == Some(id)
    }

    /// Why the newest content does not run, if it does not.
    pub(super) fn trouble(&self) -> Option<&ModError> {
        self.reported.as_ref()
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod by_id_tests;
