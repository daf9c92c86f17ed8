//! Flat combining of exits: cancelled workers that have ended, on their way into the machine.
//!
//! During a shutdown all threads have exits to report at once. Each publishes its own here, and one of them applies
//! them all while the others continue with their next worker, so none sleeps on the registry's lock for it.

use std::{mem, panic::resume_unwind, thread};

use tokio::time::Instant;

use super::{Registry, State};
use crate::{
    lifecycle::Exit,
    supervisor::{
        cell::WorkerCell,
        combiner::{Combiner, Payload},
        report::WorkerReport,
    },
};

/// At most one entry for each worker.
pub(super) type Ends = Combiner<End>;

pub(super) struct End {
    /// Its entry in a shutdown's report, made by the thread that has its cell at hand.
    report: WorkerReport,
    /// The stamp of its last heartbeat.
    heartbeat: u64,
    last_words: Option<Exit>,
}

impl Registry {
    /// The run of a stopped worker has ended, and nothing of the worker is left.
    pub(in crate::supervisor) fn ended(&self, cell: &WorkerCell, exit: Exit) {
        self.unwoken.help();
        let last_words = super::last_words(cell);
        let (report, heartbeat) = WorkerReport::undated(cell, exit);
        self.ends.publish(End { report, heartbeat, last_words });
        // The effects wait until no end is left to apply: they run foreign code, which must not delay any end.
        let mut effects = None;
        let panic = self.ends.combine(|turn| {
            let (mut state, now) = (self.lock(), self.hosts.now());
            turn.each(|end| state.ended(end, now));
            self.resolve(&mut state, effects.get_or_insert_default(), Some(now));
        });
        // Usually another thread is combining.
        if let Some(effects) = effects {
            self.execute(effects);
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Stops the remaining workers in steps. A worker that ends meanwhile is applied in the next step: its thread only
    /// publishes the exit, and neither waits for the lock nor keeps it from the steps. Returns the first panic.
    pub(super) fn stop_the_rest(&self) -> Option<Payload> {
        let (mut panic, mut more) = (None, true);
        while more {
            let mut effects = None;
            let outcome = self.ends.combine(|turn| {
                let effects = effects.get_or_insert_default();
                let (mut state, now) = (self.lock(), self.hosts.now());
                turn.each(|end| state.ended(end, now));
                more = state.machine.stop_some();
                self.resolve(&mut state, effects, Some(now));
                drop(state);
                // These are the runtime's wakers, so no foreign code runs.
                effects.wake_tasks();
            });
            panic = panic.or(outcome);
            match effects {
                Some(effects) => self.execute(effects),
                // Another thread is combining, for a moment.
                None => thread::yield_now(),
            }
        }
        panic
    }

    /// Applies all ends published so far, whichever thread would have.
    pub(super) fn take_ends(&self, state: &mut State) {
        let now = self.hosts.now();
        if let Some(panic) = self.ends.combine_now(|end| state.ended(end, now)) {
            resume_unwind(panic);
        }
    }
}

impl State {
    fn ended(&mut self, End { mut report, heartbeat, last_words }: End, now: Instant) {
        let (origin, exit) = (report.origin, mem::replace(&mut report.exit, Exit::Cancelled));
        if let Some(reports) = &mut self.history.exit_reports {
            reports.prepare(report, heartbeat);
        }
        self.machine.ended(origin, exit, last_words, now);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::{super::effects::tests::*, *};
    use crate::{
        lifecycle::{Cause, EventKind, Notice},
        supervisor::{cell, options::RunOptions},
    };

    #[test]
    fn a_report_has_every_end_that_was_published() {
        let registry = Arc::new(registry(&runtime()));
        let cells: Vec<_> =
            (1..=600).map(|origin| Arc::new(cell::tests::cell(origin, RunOptions::unwatched()))).collect();
        for cell in &cells {
            registry.admit(cell, spec()).unwrap();
            registry.begin(cell).unwrap();
        }
        registry.stop_all();
        let leave = |cell: &Arc<WorkerCell>| {
            let exit = if cell.origin.0 % 2 == 0 { Exit::Cancelled } else { Exit::Finished };
            let (report, heartbeat) = WorkerReport::undated(cell, exit);
            registry.ends.publish(End { report, heartbeat, last_words: None });
        };
        let (first, others) = cells.split_at(100);
        first.iter().for_each(leave);
        assert_eq!(registry.count(), 600, "they are published, and no thread has applied them");
        registry.take_ends(&mut registry.lock());
        thread::scope(|scope| {
            scope.spawn(|| others.iter().for_each(leave));
        });
        let report = registry.finish_stop(Duration::ZERO);
        assert_eq!(report.workers().len(), 600);
        for (cell, reported) in cells.iter().zip(report.workers()) {
            assert_eq!((reported.origin, reported.cause), (cell.origin, Some(Cause::Shutdown)));
            assert_eq!(matches!(reported.exit, Exit::Finished), cell.origin.0 % 2 == 1, "as it did");
        }
        let mut events = registry.log.reader(Some(registry.log.last() - 999));
        for _ in others {
            let (Some(Notice::Event(exited)), Some(Notice::Event(ended))) =
                (events.try_next(), events.try_next())
            else {
                panic!("two of each")
            };
            assert_eq!((exited.origin, exited.number + 1), (ended.origin, ended.number));
            assert!(matches!(exited.kind, EventKind::Exited(_)), "first its generation");
            assert!(matches!(ended.kind, EventKind::Ended(_, Some(Cause::Shutdown))));
        }
    }
}
