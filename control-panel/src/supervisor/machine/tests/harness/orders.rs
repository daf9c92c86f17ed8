//! Orders from outside: stops and restarts, and the sequence of stops.

use std::collections::{BTreeMap, BTreeSet};

use super::{super::super::GroupId, World};
use crate::{intent::Origin, lifecycle::Cause};

impl World {
    pub(in super::super) fn stop(&mut self, id: Origin, cause: Cause) {
        let stopping = self.machine.is_stopping();
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        seen.stop_pending = true;
        seen.by_hand |= stopping;
        self.act(None, |machine, _| machine.stop(id, cause), |_| ());
        let seen = &self.workers[&id];
        assert!(!seen.running || seen.cancelled.is_some(), "{id} runs on");
    }

    pub(in super::super) fn restart(&mut self, id: Origin) {
        let stop_pending = self.workers[&id].stop_pending || self.workers[&id].ended.is_some();
        let before = self.workers[&id].generation;
        let restarted = self.act(None, |machine, _| machine.restart(id), |_| ());
        assert!(!stop_pending || restarted.is_err(), "{id} was stopped for good, and then restarted");
        let seen = self.workers.get_mut(&id).expect("it was spawned");
        assert_eq!(seen.generation, before);
        seen.anew |= restarted.is_ok();
    }

    pub(in super::super) fn ready(&mut self, id: Origin) {
        let seen = &self.workers[&id];
        let (generation, running) = (seen.generation, seen.running && seen.cancelled.is_none());
        let before = self.log.len();
        self.act(None, |machine, _| machine.ready(id, generation), |_| ());
        let seen = &self.workers[&id];
        let logged = self.log[before..].iter().filter(|line| line.ends_with(" ready")).count();
        assert!(logged <= 1, "{id} is ready more than once");
        assert!(running || logged == 0, "{id} does not run");
        assert!(
            !running || seen.spec.options.run.ready_within.is_none() || seen.ready,
            "{id} is ready, and that is not logged"
        );
    }

    pub(in super::super) fn not_ready(&mut self, id: Origin) {
        let generation = self.workers[&id].generation;
        self.act(None, |machine, _| machine.not_ready(id, generation), |_| ());
    }

    /// An awaited worker reports that it is ready, or its time is over. Returns whether there was one.
    pub(in super::super) fn ready_some(&mut self) -> bool {
        let awaited = self.workers.iter().find(|(_, seen)| {
            let awaited = seen.spec.options.run.ready_within.is_some() && !seen.ready;
            awaited && seen.ended.is_none() && seen.running && seen.cancelled.is_none()
        });
        let Some((&id, seen)) = awaited else { return false };
        // Each fails at this a few times at most.
        if id.0 % 3 == 0 && seen.generation < 4 {
            self.not_ready(id);
        } else {
            self.ready(id);
        }
        true
    }

    pub(in super::super) fn stuck(&mut self, id: Origin) {
        self.act(None, |machine, _| machine.restart_stuck(id), |_| ());
    }

    pub(in super::super) fn end_group(&mut self, group: GroupId) {
        let stopping = self.machine.is_stopping();
        for id in self.groups[&group].1.clone() {
            let seen = self.workers.get_mut(&id).expect("it was spawned");
            seen.by_hand |= stopping;
            seen.stop_pending = true;
        }
        self.act(None, |machine, _| machine.end_group(group, Cause::Stopped), |_| ());
    }

    pub(in super::super) fn stop_all(&mut self, cause: Cause) {
        self.act(None, |machine, _| machine.stop_all(cause), |_| ());
    }

    /// Continues the shutdown. Returns whether any worker was left to cancel.
    pub(in super::super) fn stop_some(&mut self) -> bool {
        let more = self.machine.stops_more();
        self.act(None, |machine, _| machine.stop_some(), |_| ());
        more
    }

    pub(in super::super) fn skip_order(&mut self) {
        self.order.clear();
        self.act(None, |machine, _| machine.skip_order(), |_| ());
    }

    /// Remembers which worker stops before which, whatever happens in between.
    pub(super) fn note_order(&mut self) {
        let alive = self.alive();
        let mut order: BTreeMap<Origin, BTreeSet<Origin>> = BTreeMap::new();
        for &later in &alive {
            let seen = &self.workers[&later];
            for &other in alive.iter().filter(|&&other| other != later) {
                let by_name = seen.spec.options.after.contains(&self.workers[&other].spec.name);
                let by_group =
                    seen.group.is_some() && seen.group == self.workers[&other].group && other < later;
                if by_name || by_group {
                    order.entry(other).or_default().insert(later);
                }
            }
        }
        loop {
            let known = order.clone();
            for before in order.values_mut() {
                let more: Vec<_> = before.iter().filter_map(|id| known.get(id)).flatten().copied().collect();
                before.extend(more);
            }
            if order == known {
                break;
            }
        }
        self.order = order;
    }
}
