//! Local operations: applied as they are committed, and in a run later.

use std::{sync::Arc, time::Duration};

use super::{
    entry::Entry,
    line::{Line, NOWHERE},
    poison::caught,
};
use crate::frame::Stopwatch;
use crate::replica::{Stamp, State, run::Run};

/// Local operations that are in no run yet: only counted, as their author has them.
#[derive(Default)]
pub(super) struct Tail {
    pub(super) applied: usize,
    /// After those.
    pub(super) waiting: usize,
    /// Why the first of those that wait does.
    panic: Option<String>,
}

impl Tail {
    pub(super) fn len(&self) -> usize {
        self.applied + self.waiting
    }
}

impl<S: State> Line<S> {
    /// A local operation, above everything in the log.
    pub(super) fn apply_tail(&mut self, op: &S::Op, stamp: &Stamp) {
        if self.frozen.is_some() || self.broken {
            self.way.skip_last();
            self.tail.waiting += 1;
            return;
        }
        let Self { state, way, .. } = self;
        let mut watch = Stopwatch::start();
        let done = caught(|| way.apply_last(state, op, stamp));
        // Nothing moves that off the frame: it is not asked how long it took.
        watch.lap(1, &mut Duration::default(), || Some([*stamp; 2]));
        match done {
            Ok(()) => {
                self.tail.applied += 1;
                let position = self.end() + self.tail.applied;
                if self.snapshots.next(position - 1) == position && self.way.clones() && self.clean() {
                    self.snapshots.keep(position, Arc::new(self.state.clone()));
                }
            }
            Err(panic) => {
                self.broken = true;
                self.tail.waiting += 1;
                self.tail.panic = Some(panic);
            }
        }
    }

    /// The operations of the tail are in this run now.
    pub(super) fn seal(&mut self, run: &Arc<Run<S::Op>>) {
        let Tail { applied, waiting, panic } = std::mem::take(&mut self.tail);
        let begin = self.log.len();
        Entry::push_all(run, &mut self.log);
        debug_assert_eq!(
            self.log.len() - begin,
            applied + waiting,
            "the run holds what was applied, and nothing else"
        );
        self.log[begin..].iter_mut().take(applied).for_each(|entry| entry.set_applied(true));
        if applied > 0 {
            self.reach = self.first + begin + applied;
        }
        if let Some(panic) = panic {
            let position = self.first + begin + applied;
            if self.dirty != NOWHERE {
                // It panicked in a state that is behind: that says nothing yet.
                self.retry = self.retry.min(position);
            }
            self.poison(position, panic);
        }
        self.check();
    }
}
