//! Going back, and on.

use std::{sync::Arc, time::Duration};

use super::{
    entry::{Out, ends},
    line::{Line, NOWHERE},
    poison::caught,
};
use crate::frame::Stopwatch;
use crate::replica::State;

impl<S: State> Line<S> {
    /// The state becomes the fold of the log, if that takes no more than `budget` applications and undos, which are subtracted. Returns whether it has.
    /// `off_frame`: another thread does it, so that snapshots may be taken whatever the way back.
    pub(super) fn fold(&mut self, budget: &mut usize, off_frame: bool) -> bool {
        debug_assert!(!self.waits(), "sealed before");
        self.charges.begin();
        loop {
            let stop = self.frozen.map_or(self.end(), |frozen| frozen + 1);
            if !self.broken && self.dirty >= stop {
                (self.dirty, self.retry) = (NOWHERE, NOWHERE);
                self.charges.end(self.meter.redone);
                return true;
            }
            let Some(passed) = self.pass(stop, budget, off_frame) else { return false };
            match passed {
                Ok(()) => {
                    self.dirty = stop;
                    match self.frozen {
                        Some(frozen) if self.stops_at(frozen) => {
                            self.reach = frozen;
                        }
                        // It is void, was taken back, or its panic was due to what was below it: on.
                        _ => self.frozen = None,
                    }
                }
                Err((position, panic)) => {
                    self.poison(position, panic);
                    // All below it is as it should be: the way back begins here.
                    self.dirty = position;
                    if self.retry != NOWHERE {
                        self.retry = self.retry.max(position + 1);
                    }
                }
            }
            self.check();
        }
    }

    /// One way back and on, up to `stop`. `None` if it exceeds the budget; the position and the message if an operation panicked.
    fn pass(
        &mut self,
        stop: usize,
        budget: &mut usize,
        off_frame: bool,
    ) -> Option<Result<(), (usize, String)>> {
        if !self.broken && self.dirty >= self.reach {
            *budget = budget.checked_sub(stop - self.dirty)?;
            self.retry_from(self.dirty);
            return Some(self.advance(self.dirty, stop, true, off_frame));
        }
        if !self.broken {
            let (from, to) = (self.dirty - self.first, stop - self.first);
            // A walk is cheaper than an application, but not free.
            let walk = if to - from <= budget.saturating_mul(16) { *budget } else { 0 };
            if let Some(plan) = self.way.plan(&mut self.log[from..to], self.dirty, walk) {
                *budget -= plan.cost;
                let upto = self.dirty + plan.length;
                let Self { state, way, log, meter, dirty, first, .. } = self;
                let concerned = &mut log[from..upto - *first];
                if !plan.undoes || caught(|| way.undo(state, concerned, *dirty, meter)).is_ok() {
                    return Some(self.advance(self.dirty, upto, false, off_frame));
                }
                self.log[from..upto - self.first].iter_mut().for_each(|entry| entry.set_affected(false));
                self.broken = true;
            }
        }
        let target = self.dirty.min(stop);
        let (from, start) = self.snapshots.nearest(target);
        let start = Arc::clone(start);
        *budget = budget.checked_sub(stop - from)?;
        self.restart(from, &start);
        Some(self.advance(from, stop, true, off_frame))
    }

    /// The state is that at `from`, a snapshot.
    pub(super) fn restart(&mut self, from: usize, start: &S) {
        self.state.clone_from(start);
        self.broken = false;
        let (first, dirty) = (self.first, self.dirty);
        for (place, entry) in self.log.iter_mut().enumerate().skip(from - first) {
            self.meter.undone += usize::from(entry.applied() && first + place >= dirty);
            entry.set_applied(false);
        }
        self.retry_from(from);
        self.way.reset(from);
        self.reach = from;
    }

    /// What panicked after something that has changed since is tried again.
    fn retry_from(&mut self, position: usize) {
        if self.retry != NOWHERE {
            let place = (self.retry.max(position) - self.first).min(self.log.len());
            self.log[place..].iter_mut().for_each(|entry| _ = entry.set(Out::Poison, false));
            self.retry = NOWHERE;
        }
    }

    /// Applies what is wanted and not applied. `whole`: everything below `from` is applied and nothing above, so that the states on the way are
    /// those of their positions, and snapshots can be taken.
    pub(super) fn advance(
        &mut self,
        from: usize,
        stop: usize,
        whole: bool,
        off_frame: bool,
    ) -> Result<(), (usize, String)> {
        let mut at = from;
        let mut watch = Stopwatch::start();
        while at < stop {
            let due = if whole { self.next_snapshot(at, off_frame) } else { NOWHERE };
            let late = self.charges.pass(at, self.meter.redone);
            let timed = if self.timed_from > at { self.timed_from } else { NOWHERE };
            let next = due.min(stop).min(late).min(timed).min(at.saturating_add(watch.stretch()));
            let Self { state, way, log, meter, first, took, .. } = self;
            meter.passed = 0;
            let stretch = &mut log[at - *first..next - *first];
            let done = caught(|| way.apply(state, stretch, at, meter));
            let took = if timed == NOWHERE { took } else { &mut Duration::default() };
            watch.lap(meter.passed, took, || ends(stretch));
            self.reach = self.reach.max(next);
            if let Err(panic) = done {
                return Err((at + self.meter.passed, panic));
            }
            at = next;
            if at == due {
                self.snapshots.keep(at, Arc::new(self.state.clone()));
                if at == self.checkpoint {
                    self.checkpoint = NOWHERE;
                }
                watch.skip();
            }
        }
        Ok(())
    }

    /// The first position after `at` where a snapshot is due.
    fn next_snapshot(&self, at: usize, off_frame: bool) -> usize {
        let regular = if self.way.clones() { self.snapshots.next(at) } else { NOWHERE };
        // With undo records: where the records begin, so that the next redo does not begin at the base. Not on the frame thread:
        // a state that has undo records is one that is not to be cloned there.
        let floor = if off_frame && self.floor > at { self.floor } else { NOWHERE };
        let checkpoint = if self.checkpoint > at { self.checkpoint } else { NOWHERE };
        regular.min(floor).min(checkpoint)
    }
}
