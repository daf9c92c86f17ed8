//! Operations above all others: most of what comes. Nothing moves, and nothing is searched.

use super::{
    change::Change,
    entry::{Entry, Out},
    line::Line,
};
use crate::replica::State;

impl<S: State> Line<S> {
    /// Puts runs into the log, from the first of `changes` on, as long as each is above everything in it and above `base`. Returns the others.
    pub(super) fn append_runs<'a>(
        &mut self,
        mut changes: &'a [Change<S::Op>],
        base: u64,
    ) -> &'a [Change<S::Op>] {
        let begin = self.log.len();
        while let [Change::In(run), others @ ..] = changes {
            let last = self.log.last().map_or(base, |last| last.lamport.max(base));
            if run.header.lamport <= last {
                break;
            }
            Entry::push_all(run, &mut self.log);
            changes = others;
        }
        let count = self.log.len() - begin;
        if count > 0 {
            self.way.append(count);
            self.touch(self.first + begin);
        }
        changes
    }

    /// Local operations that another line has, above everything in this one: they are to be applied here too.
    pub(super) fn append(&mut self, entries: &[Entry<S::Op>]) {
        if entries.is_empty() {
            return;
        }
        let begin = self.end();
        self.log.extend(entries.iter().map(|entry| {
            let mut entry = entry.clone();
            entry.set_applied(false);
            // What is below it here is something else.
            entry.set(Out::Poison, false);
            entry
        }));
        self.way.append(entries.len());
        self.touch(begin);
        self.check();
    }
}
