//! Stopping all workers, and reporting how they ended.

use std::{collections::BTreeSet, mem, pin::pin, sync::Arc, time::Duration};

use super::{Registry, effects::Effects};
use crate::{
    intent::Origin,
    lifecycle::{Cancel, Cause, Exit},
    supervisor::{
        activity,
        cell::WorkerCell,
        report::{ShutdownReport, WorkerReport},
    },
};

impl Registry {
    /// Refuses further spawns and stops all workers.
    pub(in crate::supervisor) fn stop_all(&self) {
        self.change(|state| {
            state.history.expect_ends(&state.cells);
            state.machine.stop_all(Cause::Shutdown);
        });
    }

    /// Near the deadline, ends no longer wait for each other. Returns the workers to drop. Workers with
    /// `Cancel::Drop` that are cancelled only now are left out: the cancellation drops them.
    pub(in crate::supervisor) fn skip_order(&self) -> Vec<Arc<WorkerCell>> {
        self.change(|state| {
            self.take_ends(state);
            let late =
                |cell: &&Arc<WorkerCell>| cell.run.cancel != Cancel::Drop || cell.run_token().is_over();
            let late = state.cells.values().filter(late).cloned().collect();
            state.machine.skip_order();
            late
        })
    }

    /// Resolves when no worker lives.
    pub(in crate::supervisor) async fn all_ended(&self) {
        loop {
            let mut none_left = pin!(self.none_left.notified());
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }

    /// The report of the shutdown, once it is over.
    pub(in crate::supervisor) fn report(&self) -> Option<ShutdownReport> {
        self.lock().report.clone()
    }

    /// The shutdown is over: workers that still live are abandoned. The first call decides the report.
    pub(in crate::supervisor) fn finish_stop(&self, elapsed: Duration) -> ShutdownReport {
        let polled: BTreeSet<Origin> = activity::polled()
            .into_iter()
            .filter(|poll| poll.panel == self.number)
            .map(|poll| poll.origin)
            .collect();
        // A worker that no thread is polling has not refused to stop: others keep it from stopping.
        let overdue = |cell: &WorkerCell| {
            if polled.contains(&cell.origin) { Exit::Abandoned } else { Exit::Starved }
        };
        let mut state = self.lock();
        if let Some(report) = &state.report {
            return report.clone();
        }
        self.take_ends(&mut state);
        let mut effects = Effects::default();
        self.resolve(&mut state, &mut effects, None);
        let overdue: Vec<_> =
            state.cells.values().map(|cell| WorkerReport::new(cell, overdue(cell))).collect();
        let evicted: Vec<_> = overdue.iter().map(|report| state.history.note(report.clone())).collect();
        let workers =
            state.history.exit_reports.take().map(|reports| reports.close(overdue)).unwrap_or_default();
        let failed = state.history.failed + evicted.len() as u64;
        let report = ShutdownReport::new(elapsed, workers, mem::take(&mut state.history.incidents), failed);
        state.report = Some(report.clone());
        drop(state);
        self.execute(effects);
        drop(evicted);
        report
    }
}
