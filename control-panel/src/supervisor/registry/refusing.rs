//! Refused workers: they never run, and a handle that may be ignored must not be the only sign of it.

use std::sync::{Arc, atomic::Ordering};

use super::{Registry, effects::Effects};
use crate::{
    lifecycle::{EventKind, SpawnError, WorkerStatus},
    supervisor::{cell::WorkerCell, notable::Wakes},
    telemetry::Moved,
};

impl Registry {
    /// Refuses a worker before it was admitted. Records an event and an incident, unless all workers are being stopped.
    pub(crate) fn refuse(&self, cell: &Arc<WorkerCell>, refusal: SpawnError) {
        cell.close_inbox();
        let mut state = self.lock();
        if refusal == SpawnError::ShutDown || state.machine.is_stopping() {
            drop(state);
            return cell.refuse(refusal);
        }
        let mut effects = Effects::default();
        (effects.logged, effects.wake_loop) = (true, self.wakes != Wakes::Never);
        let mut log = self.log.write();
        effects.gone.incidents = state.history.note_refusal(cell, &refusal);
        let now = self.hosts.now();
        drop(cell.status.set(WorkerStatus::Refused(refusal.clone()), now));
        effects.announce.push(Arc::clone(cell));
        effects.unanswered = cell.unanswered.take();
        // It never counted as living.
        log.push(cell, EventKind::Refused(refusal), Moved::default(), now);
        (effects.seen, effects.gone.events) = log.close();
        self.version.fetch_add(1, Ordering::Release);
        drop(state);
        self.execute(effects);
    }
}
