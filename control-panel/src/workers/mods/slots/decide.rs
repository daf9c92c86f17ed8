//! Decides the next step, from what is on the disk, what runs, and what the host wants: a reconciliation loop. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    super::{
        error::ModError,
        event::Deactivation,
        files::Files,
        manifest::ModManifest,
        plan::{Candidate, Plan, plan},
    },
    Latest, Slot, Slots,
    order::{Leaving, stopping_order},
    shown,
};

/// The next step.
#[derive(Debug)]
pub(in super::super) enum Step {
    /// Stop what runs from this slot.
    Stop(String, Deactivation),
    /// Load this, and if that succeeds stop what ran from the slot before.
    Start(String, Arc<Files>),
    /// Report that it cannot be loaded.
    Tell { mod_id: String, reason: ModError, still_running: Option<String> },
}

/// The desired state of each slot.
struct Verdict {
    /// The slots that can run, each after what it requires.
    order: Vec<String>,
    /// Why the others cannot, including new versions whose old ones keep running.
    failures: BTreeMap<String, ModError>,
    /// Why running mods cannot continue. Mods that lose a requirement only to a new version are not included until that version
    /// runs: it may fail, and the old one keeps running then.
    stop_pending: BTreeMap<String, ModError>,
}

/// The steps that follow from a verdict; cached as long as nothing changes that the verdict depends on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Agenda {
    /// What to stop before anything else. The outcome changes the verdict.
    stop: Option<(String, Deactivation)>,
    /// Failures that are not reported yet.
    tell: VecDeque<(String, ModError)>,
    /// What to start, each after what it requires; may include mods that run as they should.
    start: VecDeque<String>,
    /// Whether reports that no longer apply must still be cleared.
    is_new: bool,
    failing: BTreeSet<String>,
    /// No running mod waits for its new version: a newcomer that starts then takes nothing from any other.
    pub(super) only_newcomers: bool,
}

impl<R> Slots<R> {
    /// Returns the next step; `None` when everything is as it should be. Depends only on what is known now, so it can be called
    /// again after each step, whatever the outcome. Costs n log n after a change, and next to nothing while everything goes as
    /// planned.
    pub(in super::super) fn next_step(&mut self) -> Option<Step> {
        let mut agenda = self.agenda();
        #[cfg(test)]
        self.is_as_if_judged_now(&agenda);
        if std::mem::take(&mut agenda.is_new) {
            // Slots whose files are gone and whose mod does not run are forgotten.
            self.all.retain(|_, slot| slot.running.is_some() || !matches!(slot.latest, Latest::Gone));
            for (name, slot) in &mut self.all {
                if !agenda.failing.contains(name) {
                    slot.reported = None;
                }
            }
        }
        let step = self.next_of(&mut agenda);
        self.agenda = Some(agenda);
        step
    }

    fn next_of(&mut self, agenda: &mut Agenda) -> Option<Step> {
        if let Some((name, cause)) = &agenda.stop {
            return Some(Step::Stop(name.clone(), cause.clone()));
        }
        if let Some((name, reason)) = agenda.tell.pop_front() {
            let slot = self.all.get_mut(&name)?;
            slot.reported = Some(reason.clone());
            let mod_id = slot.id().map_or_else(|| shown(&name), str::to_owned);
            // A mod of its id may still run from another slot.
            let still_running = self.version_of(&mod_id);
            return Some(Step::Tell { mod_id, reason, still_running });
        }
        while let Some(name) = agenda.start.front() {
            if let Some(files) = self.to_start(name) {
                return Some(Step::Start(name.clone(), files));
            }
            agenda.start.pop_front();
        }
        None
    }

    /// The newest content of a slot, unless it runs already.
    fn to_start(&self, name: &str) -> Option<Arc<Files>> {
        let slot = self.all.get(name)?;
        let files = slot.newest()?;
        let is_current = slot.running.as_ref().is_some_and(|running| running.print == files.print);
        (!is_current).then(|| Arc::clone(files))
    }

    /// Takes the agenda out, or builds it.
    fn agenda(&mut self) -> Agenda {
        self.agenda.take().unwrap_or_else(|| self.judged_now())
    }

    fn judged_now(&self) -> Agenda {
        let Verdict { order, failures, stop_pending } = self.judge();
        let stop = self.next_stop(&order, &stop_pending);
        let failing = failures.keys().cloned().collect();
        let tell = failures.into_iter().filter(|(name, reason)| self.is_news(name, reason)).collect();
        let is_outdated = |slot: &Slot<R>| {
            slot.running.as_ref().is_some_and(|it| slot.newest().is_some_and(|new| new.print != it.print))
        };
        let only_newcomers = !self.all.values().any(is_outdated);
        Agenda { stop, tell, start: order.into(), is_new: true, failing, only_newcomers }
    }

    /// Every change that affects a verdict must clear the agenda.
    #[cfg(test)]
    fn is_as_if_judged_now(&self, agenda: &Agenda) {
        let plain = |agenda: &Agenda| {
            let start = agenda.start.iter().filter(|name| self.to_start(name).is_some()).cloned().collect();
            Agenda { start, is_new: false, only_newcomers: true, ..agenda.clone() }
        };
        assert_eq!(plain(agenda), plain(&self.judged_now()));
    }

    fn judge(&self) -> Verdict {
        let mut failures: BTreeMap<String, ModError> = BTreeMap::new();
        for (name, slot) in self.all.iter().filter(|(_, slot)| !self.is_off(slot)) {
            match (&slot.latest, &slot.failed) {
                (Latest::Unreadable(error, _), _) => drop(failures.insert(name.clone(), error.clone())),
                (Latest::Files(files), Some((print, error))) if *print == files.print => {
                    failures.insert(name.clone(), error.clone());
                }
                _ => {}
            }
        }
        let runs = |name: &String| self.all.get(name).is_some_and(|slot| slot.running.is_some());
        let all_that_run: BTreeSet<String> = self.all.keys().filter(|name| runs(name)).cloned().collect();
        let now = self.planned(&all_that_run).failures;
        // A new version that cannot be planned is replaced by the old one; each iteration settles at least one slot.
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
                // This last iteration considered every running mod as it runs.
                let (running, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    found.failures.into_iter().partition(|(name, _)| runs(name));
                let stop_pending: BTreeMap<_, _> =
                    running.into_iter().filter(|(name, _)| now.contains_key(name)).collect();
                failures.extend(others);
                failures.extend(stop_pending.clone());
                return Verdict { order, failures, stop_pending };
            }
            for name in back {
                failures.extend(
                    found.failures.get_key_value(&name).map(|(name, error)| (name.clone(), error.clone())),
                );
                old.insert(name);
            }
        }
    }

    /// Plans with the newest content of each slot, except those in `old`, which use what runs.
    fn planned(&self, old: &BTreeSet<String>) -> Plan {
        let candidates = self.all.iter().filter_map(|(name, slot)| {
            let newest = slot.newest().filter(|_| !old.contains(name)).map(|files| &files.manifest);
            let running = slot.running.as_ref().map(|running| &running.manifest);
            let running = running.filter(|_| !matches!(slot.latest, Latest::Gone));
            // A failed mod is known too, though it provides nothing.
            let broken = match &slot.latest {
                Latest::Files(files) => Some(&files.manifest),
                Latest::Unreadable(_, manifest) => manifest.as_ref(),
                Latest::Gone => None,
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

    /// What to stop now that `started` runs, before the previous version from there is stopped: mods that require what only
    /// that version provided.
    pub(in super::super) fn next_left_behind(&mut self, started: &str) -> Option<(String, Deactivation)> {
        let agenda = self.agenda();
        let left_behind = agenda.stop.clone().filter(|(name, _)| name != started);
        self.agenda = Some(agenda);
        left_behind
    }

    /// Of the running mods that must stop, the one started last.
    fn next_stop(
        &self,
        order: &[String],
        stop_pending: &BTreeMap<String, ModError>,
    ) -> Option<(String, Deactivation)> {
        let starts = order.iter().filter_map(|name| Some((self.to_start(name)?, name)));
        let starts: BTreeMap<String, &String> =
            starts.map(|(files, name)| (files.manifest.id().to_owned(), name)).collect();
        let why = |name: &String, slot: &Slot<R>, manifest: &ModManifest| {
            let newest = slot.newest_id().filter(|newest| *newest != manifest.id());
            // The slot's files now belong to another mod, which is off: nothing will replace this one.
            let is_anothers = newest.is_some_and(|newest| self.off.contains_key(newest));
            if matches!(slot.latest, Latest::Gone) || is_anothers {
                return Some(Deactivation::Removed);
            }
            if self.off.contains_key(manifest.id()) {
                return Some(Deactivation::Asked);
            }
            // Its id starts from another slot, and its own slot's files belong to another mod: an id never runs twice.
            if starts.get(manifest.id()).is_some_and(|start| *start != name) {
                return Some(Deactivation::Replaced);
            }
            stop_pending.get(name).cloned().map(Deactivation::Failed)
        };
        let stops: BTreeMap<&str, (Leaving<'_>, Deactivation)> = self
            .leaving()
            .filter_map(|it| {
                let (name, slot) = self.all.get_key_value(it.slot)?;
                Some((it.slot, (it, why(name, slot, it.manifest)?)))
            })
            .collect();
        let first = *stopping_order(stops.values().map(|(it, _)| *it)).first()?;
        Some((first.to_owned(), stops.get(first)?.1.clone()))
    }

    fn leaving(&self) -> impl Iterator<Item = Leaving<'_>> {
        self.all.iter().filter_map(|(slot, it)| {
            let running = it.running.as_ref()?;
            Some(Leaving { slot, manifest: &running.manifest, since: running.since })
        })
    }

    fn is_news(&self, name: &str, reason: &ModError) -> bool {
        self.all.get(name).is_some_and(|slot| slot.reported.as_ref() != Some(reason) && !self.is_off(slot))
    }

    /// The slots with a running mod, in the order in which to stop them.
    pub(in super::super) fn stopping_order(&self) -> Vec<String> {
        stopping_order(self.leaving()).into_iter().map(str::to_owned).collect()
    }
}
