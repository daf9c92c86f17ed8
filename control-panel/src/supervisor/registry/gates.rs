//! Turns workers' gates under the registry's lock. So events are logged in the order of the turns, and a worker spawned
//! while the panel becomes idle or active is treated like the others.

use std::sync::Arc;

use super::{Registry, State};
use crate::{
    lifecycle::{EventKind, Suspend},
    supervisor::{
        cell::WorkerCell,
        gate_cell::{GateCell, Reason},
    },
    util::callbacks,
};

impl Registry {
    /// Suspends a worker. Returns whether that closed its gate; if so, the tasks waiting at the gate must be woken.
    pub(crate) fn suspend(&self, cell: &WorkerCell) -> bool {
        self.turn(cell, EventKind::Suspended, |gate| gate.close(Reason::Manual))
    }

    /// Resumes a worker, whatever suspended it. Returns whether that changed anything.
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

    /// The panel becomes idle, or active again: suspends or resumes all workers that opted in. Wakes the tasks at their
    /// gates.
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
        // These are foreign wakers.
        callbacks::each(turned, |cell| cell.gate.wake());
    }
}

impl State {
    /// A worker enters an idle panel, or was suspended before its group started. No task is at its gate yet.
    pub(super) fn begin_as_suspended(&mut self, cell: &WorkerCell) {
        let suspended = cell.gate.is_closed();
        let idle = self.idle && cell.gate.policy() == Suspend::OnIdle && cell.gate.close(Reason::Idle);
        if suspended || idle {
            self.machine.note(cell.origin, EventKind::Suspended);
        }
    }
}
