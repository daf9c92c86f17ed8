//! One run, on a fold with nothing else to do: what nearly every frame brings.
//!
//! It does what `merge` and `fold` do, and leaves to them whatever is not as simple as that.

use std::sync::Arc;

#[cfg(test)]
use super::FoldReport;
use super::{
    change::Change,
    entry::{Entry, ends},
    fold::Fold,
    going_back::Meter,
    line::{Line, NOWHERE},
    poison::caught,
};
use crate::frame::Stopwatch;
use crate::replica::{State, run::Run};

/// How far from the end a late operation is searched.
const NEAR: usize = 64;

impl<S: State> Fold<S> {
    /// Both ways, for tests that have the fold alone.
    #[cfg(test)]
    pub(crate) fn settle(&mut self) -> FoldReport<S> {
        match self.settle_one() {
            Some(merged) => FoldReport { merged, ..FoldReport::default() },
            None => self.settle_all(),
        }
    }

    /// Settles, if one run is all there is, and it is above everything in the log, or of one operation that touches nothing of what is above it. Returns
    /// how many operations became part of the state. `None` if there is anything else to do, also after that.
    pub(crate) fn settle_one(&mut self) -> Option<usize> {
        let [Change::In(run)] = &self.changes[..] else { return None };
        if run.operations.len() + self.spent > self.frame_budget() || !self.is_calm() {
            return None;
        }
        let Some(Change::In(run)) = self.changes.pop() else { unreachable!("it is the only one") };
        let merged = match self.line.take_one(run, self.base_level) {
            Ok(merged) => merged,
            Err(run) => {
                self.changes.push(Change::In(run));
                return None;
            }
        };
        self.operations = 0;
        self.busy = !self.line.clean();
        if self.busy {
            return None;
        }
        self.spent = 0;
        Some(merged)
    }
}

impl<S: State> Line<S> {
    /// Whether nothing is left to do or to report, and nothing stopped.
    pub(super) fn is_calm(&self) -> bool {
        let Meter { undone, redone, .. } = self.meter;
        self.clean()
            && !self.waits()
            && self.frozen.is_none()
            && self.poisoned.is_empty()
            && undone + redone == 0
    }

    /// Puts a run into the log and the state. Returns it, and nothing happened, if that is not simple. After a panic the line is not clean.
    fn take_one(&mut self, run: Arc<Run<S::Op>>, base: u64) -> Result<usize, Arc<Run<S::Op>>> {
        let last = self.log.last().map_or(base, |last| last.lamport.max(base));
        if run.header.lamport > last { self.take_newest(run) } else { self.take_apart(run, base) }
    }

    fn take_newest(&mut self, run: Arc<Run<S::Op>>) -> Result<usize, Arc<Run<S::Op>>> {
        let at = self.end();
        if self.way.clones() && self.snapshots.next(at) <= at + run.operations.len() {
            return Err(run);
        }
        let begin = self.log.len();
        match Entry::only(run) {
            Ok(entry) => self.log.push(entry),
            Err(run) => Entry::push_all(&run, &mut self.log),
        }
        let mut watch = Stopwatch::start();
        self.meter.passed = 0;
        let mut done = Ok(());
        let mut next = begin;
        while next < self.log.len() && done.is_ok() {
            let upto = self.log.len().min(next.saturating_add(watch.stretch()));
            let Self { state, way, log, meter, took, .. } = self;
            let (position, passed) = (at + (next - begin), meter.passed);
            let stretch = &mut log[next..upto];
            done = caught(|| way.apply_newest(state, stretch, position, meter));
            watch.lap(meter.passed - passed, took, || ends(stretch));
            next = upto;
        }
        // After a panic there is room for all, too.
        self.way.append(self.log.len() - next);
        Ok(self.taken(at, done))
    }

    fn take_apart(&mut self, run: Arc<Run<S::Op>>, base: u64) -> Result<usize, Arc<Run<S::Op>>> {
        let mut entry = Entry::only(run)?;
        let near = &self.log[self.log.len().saturating_sub(NEAR)..];
        // Most by their time alone, without a look at the run.
        let above = near.iter().rev().take_while(|other| {
            other.lamport > entry.lamport || (other.lamport == entry.lamport && other.order(&entry).is_gt())
        });
        let above = above.count();
        let place = self.log.len() - above;
        let known = near.len().checked_sub(above + 1).is_none_or(|below| near[below].order(&entry).is_eq());
        let at = self.first + place;
        if known || entry.lamport <= base || self.snapshots.reach_above(at) {
            return Err(entry.into_run());
        }
        if above == 0 {
            return self.take_newest(entry.into_run());
        }
        if !self.way.is_apart(&mut entry, &mut self.log[place..], at) {
            return Err(entry.into_run());
        }
        self.log.insert(place, entry);
        debug_assert!(at >= self.floor, "below it there are no records");
        let Self { state, way, log, meter, took, .. } = self;
        meter.passed = 0;
        let mut watch = Stopwatch::start();
        let done = caught(|| way.apply_apart(state, &mut log[place], at, meter));
        watch.lap(1, took, || ends(&log[place..=place]));
        Ok(self.taken(at, done))
    }

    /// Operations from that position on are in the state, up to the one that panicked, if one did.
    fn taken(&mut self, at: usize, done: Result<(), String>) -> usize {
        self.reach = self.end();
        self.checkpoint = NOWHERE;
        if let Err(panic) = done {
            self.poison(at + self.meter.passed, panic);
            return 0;
        }
        self.check();
        std::mem::take(&mut self.meter.merged)
    }
}
