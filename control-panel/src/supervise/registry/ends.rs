//! Workers that ended as they were told to, on their way to being told of.
//!
//! When everybody stops, all threads have ends to tell at once. Each leaves its own here, and one of them tells of all that
//! are there, while the others go on to the next worker: nobody sleeps on the lock of the registry for it.

use std::{mem, panic::resume_unwind};

use super::{Registry, State};
use crate::supervise::{exit::Exit, handover::HandOver, record::Record, report::WorkerReport};

/// No more than there are workers.
pub(super) type Ends = HandOver<End>;

pub(super) struct End {
    /// What is to be reported of it, should everybody be stopped: made by the thread that has its record at hand.
    report: WorkerReport,
    /// Its last heartbeat's stamp.
    heartbeat: u64,
    last_words: Option<Exit>,
}

impl Registry {
    /// The worker's generation is over because the worker was told to end, and nothing of it is left.
    pub(in crate::supervise) fn ended(&self, record: &Record, exit: Exit) {
        let last_words = super::last_words(record);
        let (report, heartbeat) = WorkerReport::undated(record, exit);
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
        self.machine.ended(origin, exit, last_words);
    }
}
