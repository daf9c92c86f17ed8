//! What is to be done next: from what is on the disk, what runs, and what the host wants. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        error::ModError,
        event::Deactivation,
        files::Files,
        manifest::ModManifest,
        plan::{Candidate, Plan, plan},
        text::plain,
    },
    Latest, Slot, Slots,
};

/// What is to be done next.
#[derive(Debug)]
pub(in super::super) enum Step {
    /// Stop what runs from this slot.
    Stop(String, Deactivation),
    /// Load this, and if that succeeds stop what ran from the slot before.
    Start(String, Arc<Files>),
    /// Tell that it cannot be loaded.
    Tell { mod_id: String, reason: ModError, still_running: Option<String> },
}

/// What should become of each slot.
struct Verdict {
    /// What can run, each after what it requires.
    order: Vec<String>,
    /// Of everything else why not, new versions included whose old ones go on.
    failures: BTreeMap<String, ModError>,
    /// Of what runs and cannot go on, why. What only a new version leaves without what it requires is not among them
    /// before that version runs: it may fail, and the old one goes on.
    doomed: BTreeMap<String, ModError>,
}

impl<R> Slots<R> {
    /// What is to be done next; `None` when everything is as it should be. Depends on nothing but what is known now,
    /// so that it can be asked again after each step, whatever became of it.
    pub(in super::super) fn next_step(&mut self) -> Option<Step> {
        // What is gone and does not run any more is forgotten.
        self.all.retain(|_, slot| slot.running.is_some() || !matches!(slot.latest, Latest::Gone));
        let Verdict { order, failures, doomed } = self.judge();
        for (name, slot) in &mut self.all {
            if !failures.contains_key(name) {
                slot.told = None;
            }
        }
        if let Some(stop) = self.next_stop(&doomed) {
            return Some(stop);
        }
        if let Some((name, reason)) = failures.into_iter().find(|(name, reason)| self.is_news(name, reason)) {
            let slot = self.all.get_mut(&name)?;
            slot.told = Some(reason.clone());
            let still_running = slot.running.as_ref().map(|running| running.manifest.version().to_owned());
            return Some(Step::Tell {
                mod_id: slot.id().map_or_else(|| plain(&name), str::to_owned),
                reason,
                still_running,
            });
        }
        order.into_iter().find_map(|name| {
            let slot = self.all.get(&name)?;
            let files = slot.newest()?;
            let is_current = slot.running.as_ref().is_some_and(|running| running.print == files.print);
            (!is_current).then(|| Step::Start(name, Arc::clone(files)))
        })
    }

    fn judge(&self) -> Verdict {
        let mut failures: BTreeMap<String, ModError> = BTreeMap::new();
        for (name, slot) in self.all.iter().filter(|(_, slot)| !self.is_off(slot)) {
            match (&slot.latest, &slot.failed) {
                (Latest::Unreadable(error), _) => drop(failures.insert(name.clone(), error.clone())),
                (Latest::Files(files), Some((print, error))) if *print == files.print => {
                    failures.insert(name.clone(), error.clone());
                }
                _ => {}
            }
        }
        let runs = |name: &String| self.all.get(name).is_some_and(|slot| slot.running.is_some());
        let all_that_run: BTreeSet<String> = self.all.keys().filter(|name| runs(name)).cloned().collect();
        let now = self.planned(&all_that_run).failures;
        // A new version that cannot be planned makes place for the old one; each turn settles one slot at least.
        let mut old: BTreeSet<String> = BTreeSet::new();
        loop {
            let found = self.planned(&old);
            let falls_back = |name: &String| {
                self.all.get(name).is_some_and(|slot| {
                    let newest = slot.newest().map(|files| files.print);
                    let running = slot.running.as_ref().map(|running| running.print);
                    !old.contains(name) && newest.is_some() && running.is_some() && newest != running
                })
            };
            let back: Vec<String> = found.failures.keys().filter(|name| falls_back(name)).cloned().collect();
            if back.is_empty() {
                let order = found.order.into_iter().filter(|name| !old.contains(name)).collect();
                // In this last turn whatever runs was asked about as it runs.
                let (running, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    found.failures.into_iter().partition(|(name, _)| runs(name));
                let doomed: BTreeMap<_, _> =
                    running.into_iter().filter(|(name, _)| now.contains_key(name)).collect();
                failures.extend(others);
                failures.extend(doomed.clone());
                return Verdict { order, failures, doomed };
            }
            for name in back {
                failures.extend(
                    found.failures.get_key_value(&name).map(|(name, error)| (name.clone(), error.clone())),
                );
                old.insert(name);
            }
        }
    }

    /// Plans with the newest content of each slot, and with what runs of those in `old`.
    fn planned(&self, old: &BTreeSet<String>) -> Plan {
        let candidates = self.all.iter().filter_map(|(name, slot)| {
            let newest = slot.newest().filter(|_| !old.contains(name)).map(|files| &files.manifest);
            let running = slot.running.as_ref().map(|running| &running.manifest);
            let running = running.filter(|_| !matches!(slot.latest, Latest::Gone));
            // What failed is known too, though it provides nothing.
            let broken = match &slot.latest {
                Latest::Files(files) => Some(&files.manifest),
                Latest::Unreadable(_) | Latest::Gone => None,
            };
            let manifest = newest.or(running).or(broken)?;
            Some(Candidate {
                slot: name,
                manifest,
                running: running.is_some_and(|running| running.id() == manifest.id()),
                off: self.off.contains_key(manifest.id()) || (newest.is_none() && running.is_none()),
            })
        });
        plan(&candidates.collect::<Vec<_>>())
    }

    /// What is to be stopped now that `started` runs, before what ran from there is: it requires what only that provided.
    pub(in super::super) fn next_left_behind(&self, started: &str) -> Option<(String, Deactivation)> {
        match self.next_stop(&self.judge().doomed)? {
            Step::Stop(name, cause) if name != started => Some((name, cause)),
            _ => None,
        }
    }

    /// Of what runs and must not, that which was started last.
    fn next_stop(&self, doomed: &BTreeMap<String, ModError>) -> Option<Step> {
        let why = |name: &String, slot: &Slot<R>, manifest: &ModManifest| {
            if matches!(slot.latest, Latest::Gone) {
                return Some(Deactivation::Removed);
            }
            if self.off.contains_key(manifest.id()) {
                return Some(Deactivation::Asked);
            }
            doomed.get(name).cloned().map(Deactivation::Failed)
        };
        let stops: BTreeMap<&String, Deactivation> = self
            .all
            .iter()
            .filter_map(|(name, slot)| Some((name, why(name, slot, &slot.running.as_ref()?.manifest)?)))
            .collect();
        let first = self.first_to_stop(&stops.keys().copied().collect())?;
        Some(Step::Stop(first.clone(), stops.get(first)?.clone()))
    }

    /// Of these, one that no other of them requires; of several, the one that was started last. Not simply the one that
    /// was started last: a mod that was reloaded is younger than those that require it.
    fn first_to_stop<'a>(&self, names: &BTreeSet<&'a String>) -> Option<&'a String> {
        let running = |name: &String| self.all.get(name)?.running.as_ref();
        let is_required = |name: &String| {
            let provides = |wanted: &str| {
                running(name).is_some_and(|it| {
                    it.manifest.id() == wanted || it.manifest.provides().any(|provided| provided == wanted)
                })
            };
            let others = names.iter().filter(|other| **other != name).filter_map(|other| running(other));
            others.flat_map(|other| other.manifest.requires()).any(provides)
        };
        let all = names.iter().filter_map(|name| Some((is_required(name), running(name)?.since, *name)));
        all.max_by_key(|(required, since, _)| (!required, *since)).map(|(.., name)| name)
    }

    fn is_news(&self, name: &str, reason: &ModError) -> bool {
        self.all.get(name).is_some_and(|slot| slot.told.as_ref() != Some(reason) && !self.is_off(slot))
    }

    /// The slots from which something runs, in the order in which to stop them.
    pub(in super::super) fn stopping_order(&self) -> Vec<String> {
        let running = self.running();
        let mut left: BTreeSet<&String> = running.iter().collect();
        let mut order = Vec::new();
        while let Some(first) = self.first_to_stop(&left) {
            left.remove(first);
            order.push(first.clone());
        }
        order
    }
}
