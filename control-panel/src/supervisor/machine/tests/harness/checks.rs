//! What must hold for the actions after an event, and at rest.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{
    super::super::{Action, Directive, Group, Machine, group::Phase},
    Seen, World,
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind},
};

impl World {
    /// Performs a step and checks all its actions. `own` is the worker whose task performs it: that task asks for its
    /// next step without being woken.
    pub(in super::super) fn act<T>(
        &mut self,
        own: Option<Origin>,
        event: impl FnOnce(&mut Machine, Instant) -> T,
        meanwhile: impl FnOnce(&mut Self),
    ) -> T {
        let directives = |world: &Self| -> BTreeMap<_, _> {
            world.alive().into_iter().map(|id| (id, world.machine.next(id))).collect()
        };
        let before = directives(self);
        let now = self.now();
        let stopping = self.machine.is_stopping();
        let outcome = event(&mut self.machine, now);
        while !self.in_steps && self.machine.stop_some() {}
        let actions = self.machine.take_actions();
        if own.is_some() || !actions.is_empty() {
            meanwhile(self);
        }
        if self.machine.is_stopping() && !stopping {
            self.note_order();
            self.workers.values_mut().for_each(|seen| seen.stop_pending = true);
        }
        let (mut woken, mut logged) = (BTreeSet::new(), BTreeSet::new());
        for action in actions {
            match action {
                Action::Wake(id) => drop(woken.insert(id)),
                Action::Cancel(id, cause) => {
                    logged.insert(id);
                    self.logged(id, &EventKind::Stopping(cause));
                    self.cancelled(id, cause);
                }
                Action::BackOff(id, at) => {
                    assert_eq!(self.machine.next(id), Directive::Begin(Some(at)), "{id} is said to wait");
                    logged.insert(id);
                    if at > now {
                        self.logged(id, &EventKind::BackingOff(at - now));
                    }
                }
                Action::Log(id, kind) => {
                    logged.insert(id);
                    self.logged(id, &kind);
                }
                Action::End(id, exited, last) => {
                    logged.insert(id);
                    if let Some(exit) = exited {
                        self.logged(id, &EventKind::Exited(exit));
                    }
                    self.logged(id, &last);
                    assert!(self.workers[&id].ended.is_some(), "{id} is gone, and its end is not logged");
                }
                Action::Drop(_) => {}
                Action::Escalate => self.escalated = true,
            }
        }
        for (id, after) in directives(self) {
            let seen = &self.workers[&id];
            let changed = before.get(&id).is_some_and(|&before| before != after);
            // A task that is not to begin after all finds that out by itself.
            if changed && after != Directive::Wait && own != Some(id) && !seen.running {
                assert!(woken.contains(&id), "{id} has to {after:?} and was not woken");
            }
            if woken.contains(&id) && own != Some(id) && before.contains_key(&id) {
                // Or it was held and released immediately.
                assert!(changed || logged.contains(&id), "{id} was woken for nothing: {after:?}");
            }
            if seen.stop_pending && !seen.running {
                assert_eq!(after, Directive::Leave, "{id} was stopped for good");
            }
        }
        outcome
    }

    fn cancelled(&mut self, id: Origin, cause: Cause) {
        let seen = &self.workers[&id];
        assert!(seen.running, "{id} does not run and is cancelled");
        assert_ne!(seen.cancelled, Some(cause), "{id} is cancelled twice");
        if self.machine.is_stopping() && !seen.by_hand && seen.cancelled.is_none() {
            for other in self.order.get(&id).into_iter().flatten() {
                assert!(self.workers[other].ended.is_some(), "{id} is stopped before {other} ended");
            }
        }
        let group = seen.group.and_then(|group| self.groups.get(&group));
        if let Some((_, members)) = group.filter(|_| cause == Cause::Dependency && seen.cancelled.is_none()) {
            for other in members.iter().filter(|&&other| other > id) {
                assert!(
                    !self.workers[other].running,
                    "{id} is stopped while {other}, which came later, runs"
                );
            }
        }
        self.workers.get_mut(&id).expect("it runs").cancelled = Some(cause);
    }

    fn logged(&mut self, id: Origin, kind: &EventKind) {
        self.log.push(format!("{} {kind}", self.workers[&id].spec.name));
        assert!(self.workers[&id].ended.is_none(), "{id} ended, and now {kind}");
        match kind {
            EventKind::Started => self.started(id),
            EventKind::Exited(exit) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert!(!seen.running);
                assert!(
                    seen.cancelled != Some(Cause::Stuck) || !exit.is_clean(),
                    "{id} was stuck, and {exit}"
                );
                seen.stop_pending |= seen.cancelled.is_none() && !seen.spec.options.restart.wants(exit);
            }
            EventKind::Waiting => {
                // Otherwise it only waits for a thread.
                let held = self.machine.next(id) == Directive::Wait;
                let seen = self.workers.get_mut(&id).expect("it lives");
                seen.held = held && seen.group.is_some();
            }
            EventKind::Ready => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert!(seen.running && seen.cancelled.is_none() && !seen.ready, "{id}: {seen:?}");
                (seen.ready, seen.was_ready) = (true, true);
            }
            EventKind::GaveUp => self.workers.get_mut(&id).expect("it lives").stop_pending = true,
            EventKind::Ended(exit, cause) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert!(!seen.running, "{id} ended and runs");
                let gone = *cause == Some(Cause::RuntimeGone);
                assert!(!gone || !exit.is_clean(), "{id} passes for one that ended well: {exit}");
                seen.ended = Some((exit.to_string(), *cause));
            }
            EventKind::Refused(_) => {
                let seen = self.workers.get_mut(&id).expect("it lives");
                assert_eq!(seen.generation, 0, "{id} ran");
                seen.ended = Some(("refused".into(), None));
            }
            _ => {}
        }
    }

    fn started(&mut self, id: Origin) {
        let others = || self.workers.iter().filter(|&(&other, seen)| other != id && seen.ended.is_none());
        let seen = &self.workers[&id];
        assert!(!seen.running, "{id} has two generations at once");
        assert!(!seen.stop_pending, "{id} was stopped for good");
        if let Some(key) = seen.key {
            assert!(others().all(|(_, other)| other.key != Some(key) || !other.running), "two of {key}");
            assert_eq!(self.newest[&key], id, "not the newest of {key}");
        }
        if let Some(place) = seen.spec.place {
            let running = others().filter(|(_, other)| other.running && other.spec.place.is_some()).count();
            assert!(running < place.limit, "{id} is one too many");
        }
        if seen.held {
            for (other, _) in others().filter(|(_, other)| other.group == seen.group) {
                let (at, other_id) = (&self.workers[other], *other);
                let comes_before = other_id < id && !at.stop_pending;
                assert!(!comes_before || at.generation > 0, "{id} starts before {other_id}");
                assert_ne!(
                    at.cancelled.filter(|_| at.running),
                    Some(Cause::Dependency),
                    "{id} starts while {other_id} still stops"
                );
                assert!(!comes_before || !at.held, "{id} starts before {other_id} did again");
            }
        }
        if seen.group.is_some() && seen.generation == 0 {
            for (other, at) in self.workers.iter().filter(|(_, other)| other.group == seen.group) {
                let comes_before = *other < id && at.spec.options.run.ready_within.is_some();
                let finished = at.ended.as_ref().is_some_and(|(exit, _)| exit == "finished");
                assert!(
                    !comes_before || at.was_ready || finished,
                    "{id} starts, and {other} was never ready"
                );
            }
        }
        let seen = self.workers.get_mut(&id).expect("it lives");
        (seen.running, seen.cancelled, seen.held, seen.anew) = (true, None, false, false);
        seen.ready = false;
        seen.generation += 1;
    }

    /// No task has anything to do: then none waits forever.
    pub(super) fn check_quiet(&self) {
        let running = |seen: &&Seen| seen.running;
        let in_pool = self.workers.values().filter(|seen| seen.spec.place.is_some());
        let full = in_pool.filter(running).count() >= 2;
        for id in self.alive() {
            let seen = &self.workers[&id];
            assert!(seen.running || (seen.spec.place.is_some() && full), "{id} waits forever: {seen:?}");
            assert!(seen.cancelled.is_none(), "{id} was cancelled");
        }
        let is_steady = |group: &Group| group.phase == Phase::Steady && group.at.is_none();
        assert!(self.machine.groups.values().all(is_steady), "a group is not steady");
    }
}
