//! Turning the workers' gates, under the lock of all that happens to them: so events come in the order of the turns, and
//! a worker that is spawned while the panel falls asleep or wakes is treated as the others are.

use std::sync::Arc;

use super::{Registry, State};
use crate::{
    lifecycle::{event::EventKind, options::Suspend},
    supervisor::{
        cell::WorkerCell,
        gate_cell::{GateCell, Reason},
    },
    util::panics,
};

impl Registry {
    /// Suspends a worker. Says whether that changed anything: then those at its gate are to be woken.
    pub(crate) fn suspend(&self, cell: &WorkerCell) -> bool {
        self.turn(cell, EventKind::Suspended, |gate| gate.close(Reason::Manual))
    }

    /// Resumes a worker, whatever suspended it. Says whether that changed anything.
    pub(crate) fn resume(&self, cell: &WorkerCell) -> bool {
        self.turn(cell, EventKind::Resumed, GateCell::open_wide)
    }

    fn turn(&self, cell: &WorkerCell, kind: EventKind, turn: impl FnOnce(&GateCell) -> bool) -> bool {
        self.change(|state| {
            let turned = turn(&cell.gate);
            if turned {
                state.machine.note(cell.origin, kind);
            }
            turned
        })
    }

    /// The panel is idle, or no longer: suspends or resumes all who want that. Wakes those at their gates.
    pub(crate) fn set_idle(&self, idle: bool) {
        let turned = self.change(|state| {
            state.idle = idle;
            let turn = |cell: &Arc<WorkerCell>| match (cell.gate.policy(), idle) {
                (Suspend::Never, _) => false,
                (Suspend::OnIdle, true) => cell.gate.close(Reason::Idle),
                (Suspend::OnIdle, false) => cell.gate.open(Reason::Idle),
            };
            let turned: Vec<_> = state.cells.values().filter(|cell| turn(cell)).cloned().collect();
            let kind = if idle { EventKind::Suspended } else { EventKind::Resumed };
            for cell in &turned {
                state.machine.note(cell.origin, kind.clone());
            }
            turned
        });
        for cell in turned {
            // Each for itself: the wakers at the gates can be anybody's.
            panics::catch(|| cell.gate.wake()).ok();
        }
    }
}

impl State {
    /// A worker enters an idle panel, or was suspended before its group was started. Nobody is at its gate yet.
    pub(super) fn begin_as_suspended(&mut self, cell: &WorkerCell) {
        let told = cell.gate.is_closed();
        let idle = self.idle && cell.gate.policy() == Suspend::OnIdle && cell.gate.close(Reason::Idle);
        if told || idle {
            self.machine.note(cell.origin, EventKind::Suspended);
        }
    }
}
