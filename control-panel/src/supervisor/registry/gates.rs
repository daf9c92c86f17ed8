//! Turning the workers' gates, under the lock of all that happens to them: so events come in the order of the turns, and
//! a worker that is spawned while the panel falls asleep or wakes is treated as the others are.

use std::sync::Arc;

use super::{Registry, State};
use crate::{
    lifecycle::{event::EventKind, options::Suspend},
    supervisor::{
        gate_cell::{GateCell, Reason},
        record::Record,
    },
    util::panics,
};

impl Registry {
    /// Suspends a worker. Says whether that changed anything: then those at its gate are to be woken.
    pub(crate) fn suspend(&self, record: &Record) -> bool {
        self.turn(record, EventKind::Suspended, |gate| gate.close(Reason::Told))
    }

    /// Resumes a worker, whatever suspended it. Says whether that changed anything.
    pub(crate) fn resume(&self, record: &Record) -> bool {
        self.turn(record, EventKind::Resumed, GateCell::open_wide)
    }

    fn turn(&self, record: &Record, kind: EventKind, turn: impl FnOnce(&GateCell) -> bool) -> bool {
        self.change(|state| {
            let turned = turn(&record.gate);
            if turned {
                state.machine.note(record.origin, kind);
            }
            turned
        })
    }

    /// The panel is idle, or no longer: suspends or resumes all who want that. Wakes those at their gates.
    pub(crate) fn set_idle(&self, idle: bool) {
        let turned = self.change(|state| {
            state.idle = idle;
            let turn = |record: &Arc<Record>| match (record.gate.policy(), idle) {
                (Suspend::Never, _) => false,
                (Suspend::OnIdle, true) => record.gate.close(Reason::Idle),
                (Suspend::OnIdle, false) => record.gate.open(Reason::Idle),
            };
            let turned: Vec<_> = state.records.values().filter(|record| turn(record)).cloned().collect();
            let kind = if idle { EventKind::Suspended } else { EventKind::Resumed };
            for record in &turned {
                state.machine.note(record.origin, kind.clone());
            }
            turned
        });
        for record in turned {
            // Each for itself: the wakers at the gates can be anybody's.
            panics::catch(|| record.gate.wake()).ok();
        }
    }
}

impl State {
    /// A worker enters an idle panel, or was suspended before its group was started. Nobody is at its gate yet.
    pub(super) fn begin_as_suspended(&mut self, record: &Record) {
        let told = record.gate.is_closed();
        let idle = self.idle && record.gate.policy() == Suspend::OnIdle && record.gate.close(Reason::Idle);
        if told || idle {
            self.machine.note(record.origin, EventKind::Suspended);
        }
    }
}
