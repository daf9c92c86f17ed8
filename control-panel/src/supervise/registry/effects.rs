//! What follows from a decision: what has to happen together with it, under the lock, and what must not happen there.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    task::Waker,
};

use super::{Registry, State};
use crate::{
    observe,
    queued::Origin,
    supervise::{
        cause::Term,
        events::{Event, EventKind, Writing},
        machine::Action,
        record::Record,
        report::WorkerReport,
    },
    worker::WorkerStatus,
};

/// With more actions than so many, it pays to make room beforehand.
const ROOM: usize = 64;

/// What is done without the lock, because it runs code of others: wakers, destructors.
#[derive(Default)]
pub(super) struct Effects {
    cancel: Vec<Arc<Term>>,
    wake: Vec<Waker>,
    announce: Vec<Arc<Record>>,
    told: bool,
    /// Those who wait for the last end are to look.
    look: bool,
    escalate: bool,
    /// To be told outside.
    seen: Vec<Event>,
    /// To be dropped: these hold errors and panics of the user's.
    gone: (Vec<WorkerStatus>, Vec<Event>, Vec<WorkerReport>),
}

impl Registry {
    /// Executes what has to happen together with the decision, so that nobody sees the one without the other: not a
    /// worker that ended and still counts, nor one that no longer counts and has no end.
    pub(super) fn resolve(&self, state: &mut State, effects: &mut Effects) {
        let mut actions = state.machine.take_actions();
        let tells = actions.iter().filter(|action| matches!(action, Action::Tell(..))).count();
        if actions.len() > ROOM {
            effects.wake.reserve(actions.len() - tells);
        }
        let mut log = self.log.write();
        for action in actions.drain(..) {
            match action {
                Action::Tell(origin, kind) => state.tell(origin, kind, &mut log, effects),
                Action::Wake(origin) => {
                    effects.wake.extend(state.records.get(origin).and_then(|record| record.signal.raise()));
                }
                Action::Cancel(origin, cause) => {
                    if let Some(record) = state.records.get(origin) {
                        effects.cancel.extend(record.tell(cause));
                        effects.wake.extend(record.signal.raise());
                    }
                }
                Action::End(origin) => {
                    if let Some(record) = state.records.get(origin) {
                        state.attention.leave(record);
                    }
                    state.records.remove(origin);
                    self.live.store(state.records.len(), Ordering::Release);
                    let first = state.toll.as_mut().is_some_and(|toll| !mem::replace(&mut toll.begun, true));
                    effects.look |= first || state.records.is_empty();
                }
                Action::Escalate => {
                    state.expect_ends();
                    self.escalated.store(true, Ordering::Release);
                    effects.escalate = true;
                }
            }
        }
        let (seen, gone) = log.close();
        effects.seen.extend(seen);
        effects.gone.1.extend(gone);
        state.machine.give_back(actions);
        if tells > 0 {
            effects.told = true;
            self.version.fetch_add(1, Ordering::Release);
        }
    }

    pub(super) fn execute(&self, effects: Effects) {
        let Effects { cancel, wake, announce, told, look, escalate, seen, gone } = effects;
        for term in cancel {
            term.announce();
        }
        for waker in wake {
            waker.wake();
        }
        for record in announce {
            record.announce();
        }
        if told {
            self.log.announce();
        }
        if look {
            self.none_left.notify_waiters();
        }
        seen.iter().for_each(observe::lifecycle);
        if escalate {
            (self.on_escalate)();
        }
        drop(gone);
    }
}

impl State {
    fn tell(&mut self, origin: Origin, kind: EventKind, log: &mut Writing<'_>, effects: &mut Effects) {
        let Some(record) = self.records.get(origin) else { return };
        match &kind {
            EventKind::Exited(exit) => {
                record.set_stuck(false);
                if !exit.is_clean() {
                    effects.gone.2.extend(self.incidents.add(WorkerReport::new(record, exit.clone())));
                }
            }
            EventKind::Stuck(_) => record.set_stuck(true),
            EventKind::Recovered => record.set_stuck(false),
            EventKind::Ended(exit, cause) => {
                record.ended_for(*cause);
                if let Some(toll) = &mut self.toll {
                    toll.ended(record, exit);
                }
            }
            _ => {}
        }
        if let Some(status) = status_after(&kind) {
            effects.gone.0.extend(Some(record.set_status(status)).filter(WorkerStatus::is_final));
            if record.is_awaited() {
                effects.announce.push(Arc::clone(record));
            }
        }
        log.push(&record.name, origin, record.generation(), kind);
    }
}

/// The status that an event leaves a worker in, if it changes it.
fn status_after(kind: &EventKind) -> Option<WorkerStatus> {
    match kind {
        EventKind::Started => Some(WorkerStatus::Running),
        EventKind::BackingOff(_) => Some(WorkerStatus::Backoff),
        EventKind::Waiting => Some(WorkerStatus::Waiting),
        EventKind::Stopping(cause) => Some(WorkerStatus::Stopping(*cause)),
        EventKind::Ended(exit, _) => Some(WorkerStatus::Ended(exit.clone())),
        EventKind::Refused(refusal) => Some(WorkerStatus::Refused(refusal.clone())),
        _ => None,
    }
}
