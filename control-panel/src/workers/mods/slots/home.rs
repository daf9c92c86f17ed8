//! Moves running mods to the slot with the files of their id: a mod whose folder was renamed is the same mod, and no id ever
//! runs twice. Pure.

use std::collections::BTreeMap;

use super::{Latest, Running, Slot, Slots};

impl<R> Slots<R> {
    /// Moves each running mod to the slot that has the files of its id now, if there is exactly one. Otherwise, two folders
    /// whose names were exchanged would each be a new version of the other, and each would run twice for a while. A mod whose
    /// slot belongs to another now, and that has no files any more, is left to be stopped.
    pub(super) fn bring_home(&mut self) {
        let moves: Vec<(String, String)> = {
            let homes = self.homes();
            let displaced = self.all.iter().filter_map(|(from, slot)| {
                let id = slot.running_id()?;
                let is_displaced = match &slot.latest {
                    Latest::Gone => true,
                    // Its own files, which cannot be read, as far as is known.
                    Latest::Unreadable(_, None) => false,
                    Latest::Files(_) | Latest::Unreadable(_, Some(_)) => slot.files_id() != Some(id),
                };
                let to = (*homes.get(id).filter(|_| is_displaced)?)?;
                Some((from.clone(), to.to_owned()))
            });
            displaced.collect()
        };
        if moves.is_empty() {
            return;
        }
        self.agenda = None;
        let lifted: Vec<(String, Running<R>)> = moves
            .into_iter()
            .filter_map(|(from, to)| Some((to, self.all.get_mut(&from)?.running.take()?)))
            .collect();
        for (to, running) in lifted {
            let Some(slot) = self.all.get_mut(&to) else { continue };
            if matches!(&slot.latest, Latest::Files(files) if files.print == running.print) {
                // It runs, so its earlier failure from here no longer counts.
                slot.failed = None;
            }
            let Some(left) = slot.running.replace(running) else { continue };
            // No file name contains a slash.
            let nowhere = format!("{to}/{}", left.manifest.id());
            debug_assert!(!self.all.contains_key(&nowhere), "an id runs once");
            self.all.insert(nowhere, Slot { running: Some(left), ..Slot::gone() });
        }
        debug_assert!(self.no_id_runs_twice());
    }

    /// The slot that has the files of each id; `None` if several have them.
    fn homes(&self) -> BTreeMap<&str, Option<&str>> {
        let mut homes: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (name, slot) in &self.all {
            let Some(id) = slot.files_id() else { continue };
            homes.entry(id).and_modify(|home| *home = None).or_insert(Some(name));
        }
        homes
    }

    pub(super) fn no_id_runs_twice(&self) -> bool {
        let mut ids: Vec<&str> = self.all.values().filter_map(Slot::running_id).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        ids.len() == all
    }
}

impl<R> Slot<R> {
    /// The id in the files, whatever runs.
    fn files_id(&self) -> Option<&str> {
        match &self.latest {
            Latest::Files(files) => Some(files.manifest.id()),
            Latest::Unreadable(_, manifest) => manifest.as_ref().map(|manifest| manifest.id()),
            Latest::Gone => None,
        }
    }
}
