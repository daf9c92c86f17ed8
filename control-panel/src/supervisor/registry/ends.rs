//! Workers that ended as they were told to, on their way to being told of.
//!
//! When everybody stops, all threads have ends to tell at once. Each leaves its own here, and one of them tells of all that
//! are there, while the others go on to the next worker: nobody sleeps on the lock of the registry for it.

use std::{
    mem,
    panic::resume_unwind,
    thread,
    time::{Duration, Instant},
};

use super::{Registry, State};
use crate::{
    lifecycle::exit::Exit,
    supervisor::{
        cell::WorkerCell,
        combiner::{Combiner, Payload},
        report::WorkerReport,
    },
};

/// So long a thread that waits for the last end stays awake for the next one: about as long as it takes to be woken.
const PATIENCE: Duration = Duration::from_micros(50);

/// No more than there are workers.
pub(super) type Ends = Combiner<End>;

pub(super) struct End {
    /// What is to be reported of it, should everybody be stopped: made by the thread that has its cell at hand.
    report: WorkerReport,
    /// Its last heartbeat's stamp.
    heartbeat: u64,
    last_words: Option<Exit>,
}

impl Registry {
    /// The worker's generation is over because the worker was told to end, and nothing of it is left.
    pub(in crate::supervisor) fn ended(&self, cell: &WorkerCell, exit: Exit) {
        self.help_to_wake();
        let last_words = super::last_words(cell);
        let (report, heartbeat) = WorkerReport::undated(cell, exit);
        self.ends.leave(End { report, heartbeat, last_words });
        // What follows waits until no end is left to tell of: it runs code of others, for which nobody's end may wait.
        let mut effects = None;
        let panic = self.ends.tell(|turn| {
            let mut state = self.lock();
            turn.each(|end| state.ended(end));
            self.resolve(&mut state, effects.get_or_insert_default());
        });
        // Most often somebody else has the turn.
        if let Some(effects) = effects {
            self.execute(effects);
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Stops those that are still to be stopped, in steps. Who ends meanwhile is told of in the next step: so it only leaves
    /// that here, and neither waits for the lock nor keeps it from the steps. Hands out the first panic.
    pub(super) fn stop_the_rest(&self) -> Option<Payload> {
        let (mut panic, mut more) = (None, true);
        while more {
            let mut effects = None;
            let outcome = self.ends.tell(|turn| {
                let effects = effects.get_or_insert_default();
                let mut state = self.lock();
                turn.each(|end| state.ended(end));
                more = state.machine.stop_some();
                self.resolve(&mut state, effects);
                drop(state);
                // These are the runtime's wakers, and no code of others.
                effects.wake_tasks();
            });
            panic = panic.or(outcome);
            match effects {
                Some(effects) => self.execute(effects),
                // Somebody else has the turn, for a moment.
                None => thread::yield_now(),
            }
        }
        panic
    }

    /// For a thread that has nothing to do but to wait for the last end: tells of the ends as they come, until all did, none
    /// does for a while, or it is time. So the threads that end workers need not, and this one need not be woken.
    pub(in crate::supervisor) fn help_to_tell(&self, until: Instant) {
        let mut since = Instant::now();
        let waits = |since: Instant| {
            let now = Instant::now();
            self.count() > 0 && now < until && now.duration_since(since) < PATIENCE
        };
        while waits(since) {
            let mut effects = None;
            let panic = self.ends.tell(|turn| {
                while !turn.is_due() && waits(since) {
                    thread::yield_now();
                }
                if turn.is_due() {
                    let mut state = self.lock();
                    turn.each(|end| state.ended(end));
                    self.resolve(&mut state, effects.get_or_insert_default());
                    since = Instant::now();
                }
            });
            match effects {
                Some(effects) => self.execute(effects),
                None => thread::yield_now(),
            }
            if let Some(panic) = panic {
                resume_unwind(panic);
            }
        }
    }

    /// What ended so far has ended, whoever was to tell of it.
    pub(super) fn take_ends(&self, state: &mut State) {
        if let Some(panic) = self.ends.tell_now(|end| state.ended(end)) {
            resume_unwind(panic);
        }
    }
}

impl State {
    fn ended(&mut self, End { mut report, heartbeat, last_words }: End) {
        let (origin, exit) = (report.origin, mem::replace(&mut report.exit, Exit::Cancelled));
        if let Some(toll) = &mut self.books.toll {
            toll.prepare(report, heartbeat);
        }
        self.machine.ended(origin, exit, last_words, tokio::time::Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{super::effects::tests::*, *};
    use crate::{
        lifecycle::{
            cause::Cause,
            event::{EventKind, Notice},
            options::Limits,
        },
        supervisor::cell,
    };

    #[test]
    fn who_helps_tells_of_all_that_come_and_of_none_when_it_is_time() {
        let registry = registry(&runtime());
        let cells: Vec<_> =
            (1..=600).map(|origin| Arc::new(cell::tests::cell(origin, Limits::default()))).collect();
        for cell in &cells {
            registry.admit(cell, spec()).unwrap();
            registry.begin(cell).unwrap();
        }
        registry.stop_all();
        let leave = |cell: &Arc<WorkerCell>| {
            let exit = if cell.origin.0 % 2 == 0 { Exit::Cancelled } else { Exit::Finished };
            let (report, heartbeat) = WorkerReport::undated(cell, exit);
            registry.ends.leave(End { report, heartbeat, last_words: None });
        };
        let (first, others) = cells.split_at(100);
        first.iter().for_each(leave);
        registry.help_to_tell(Instant::now());
        assert_eq!(registry.count(), 600, "it is time already");
        let far = Instant::now() + Duration::from_secs(3600);
        registry.help_to_tell(far);
        assert_eq!(registry.count(), 500, "and then there is nothing to wait for for a while");
        thread::scope(|scope| {
            scope.spawn(|| others.iter().for_each(leave));
            while registry.count() > 0 {
                registry.help_to_tell(far);
            }
        });
        let report = registry.finish_stop(Duration::ZERO);
        assert_eq!(report.workers().len(), 600);
        for (cell, told) in cells.iter().zip(report.workers()) {
            assert_eq!((told.origin, told.cause), (cell.origin, Some(Cause::Shutdown)));
            assert_eq!(matches!(told.exit, Exit::Finished), cell.origin.0 % 2 == 1, "as it did");
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
