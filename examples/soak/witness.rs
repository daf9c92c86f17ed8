//! Reads the panel's events as they come, and holds them against what may follow what.
//!
//! Each worker is spawned once, has one run after the other, each of which begins and ends, and ends once. A shutdown asks a
//! worker that others come after to stop only once they have ended; unless it was being restarted, and is not started again.
//! Their names say which workers they come after.

use std::collections::BTreeMap;

use control_panel::{
    events::{Event, EventKind, Events, Notice},
    intent::Origin,
    supervision::Cause,
};

use crate::tally::Grouped;

/// What a name says between its own and that of the worker that it comes after.
pub(crate) const AFTER: &str = " after ";

/// How many contradictions are kept in full: the first ones.
const KEPT_IN_FULL: usize = 10;

#[derive(Debug)]
pub(crate) struct Witness {
    events: Events,
    lives: BTreeMap<Origin, Life>,
    seen: u64,
    missed: u64,
    ended: u64,
    stuck: u64,
    wrong: u64,
    in_full: Vec<String>,
}

/// What is known of a worker that has not ended.
#[derive(Debug)]
struct Life {
    name: String,
    /// Its newest generation; whether that runs. `None` where events were missed.
    generation: Option<(u64, bool)>,
    /// Whether that was asked to stop.
    stopping: bool,
}

impl Witness {
    pub(crate) fn new(events: Events) -> Self {
        Self {
            events,
            lives: BTreeMap::new(),
            seen: 0,
            missed: 0,
            ended: 0,
            stuck: 0,
            wrong: 0,
            in_full: Vec::new(),
        }
    }

    /// Reads what has happened since.
    pub(crate) fn look(&mut self) {
        while let Some(notice) = self.events.try_next() {
            match notice {
                Notice::Event(event) => self.see(&event),
                Notice::Lagged(missed) => {
                    self.missed += missed;
                    // The missed events are unknown: so is each worker's run, and which workers ended meanwhile.
                    self.lives.clear();
                }
            }
        }
    }

    /// Whether all events were as they must be, and the figures.
    pub(crate) fn verdict(&self) -> (bool, String, Vec<String>) {
        let Self { seen, missed, ended, stuck, wrong, .. } = *self;
        let [seen, missed, ended, stuck, wrong] = [seen, missed, ended, stuck, wrong].map(Grouped);
        let figures = format!(
            "{seen} seen, {missed} missed, {ended} ends, {stuck} times stuck, {wrong} that cannot be"
        );
        (self.wrong == 0 && self.ended > 0, figures, self.in_full.clone())
    }

    /// The workers whose end was not seen.
    pub(crate) fn living(&self) -> usize {
        self.lives.len()
    }

    fn see(&mut self, event: &Event) {
        let expected = self.seen + self.missed + 1;
        self.seen += 1;
        if event.number != expected {
            self.wrong(event, &format!("its number should be {expected}"));
        }
        let known = self.lives.contains_key(&event.origin);
        if matches!(event.kind, EventKind::Spawned) {
            if known {
                self.wrong(event, "it was spawned before");
            }
            let life = Life { name: event.name.to_string(), generation: Some((0, false)), stopping: false };
            self.lives.insert(event.origin, life);
            return;
        }
        if !known {
            if matches!(event.kind, EventKind::Refused(_)) && event.generation == 0 {
                // It never lived: a task too many, or one that comes after what has ended.
                return;
            }
            if self.missed == 0 {
                self.wrong(event, "it was never spawned, or it has ended");
            }
            if !is_last(&event.kind) {
                let life = Life { name: event.name.to_string(), generation: None, stopping: false };
                self.lives.insert(event.origin, life);
            }
            return;
        }
        self.stuck += u64::from(matches!(event.kind, EventKind::Stuck(_)));
        if let EventKind::Stopping(cause) = event.kind {
            self.stops(event, cause);
        }
        self.follow(event);
        if is_last(&event.kind) {
            self.ended += 1;
            self.lives.remove(&event.origin);
        }
    }

    /// It is asked to stop, which a shutdown does in order.
    fn stops(&mut self, event: &Event, cause: Cause) {
        let Some(life) = self.lives.get_mut(&event.origin) else { return };
        if std::mem::replace(&mut life.stopping, true) || cause != Cause::Shutdown {
            return;
        }
        let waits = format!("{AFTER}{}", event.name);
        if let Some(other) = self.lives.values().find(|life| life.name.ends_with(&waits)) {
            let what = format!("{} lives and comes after it", other.name);
            self.wrong(event, &what);
        }
    }

    /// Whether it can follow on what was seen before.
    fn follow(&mut self, event: &Event) {
        let Some(life) = self.lives.get_mut(&event.origin) else { return };
        let (newest, runs) = life.generation.unwrap_or((event.generation, false));
        let known = life.generation.is_some();
        let wrong = match &event.kind {
            EventKind::Started => {
                life.generation = Some((event.generation, true));
                life.stopping = false;
                known && (runs || event.generation != newest + 1)
            }
            EventKind::Exited(_) => {
                life.generation = Some((event.generation, false));
                // Its code may panic on its way out, when nothing runs any more.
                known && event.generation != newest
            }
            EventKind::Ended(..) | EventKind::Refused(_) => known && (runs || event.generation != newest),
            EventKind::Stuck(_) => known && !runs,
            _ => known && event.generation != newest,
        };
        if wrong {
            let state = if runs { "runs" } else { "does not run" };
            self.wrong(event, &format!("generation {newest} {state}"));
        }
    }

    fn wrong(&mut self, event: &Event, what: &str) {
        self.wrong += 1;
        if self.in_full.len() < KEPT_IN_FULL {
            self.in_full.push(format!("{event}: {what}"));
        }
    }
}

fn is_last(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Ended(..) | EventKind::Refused(_))
}
