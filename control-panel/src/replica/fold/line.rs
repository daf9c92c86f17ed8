//! The log and the state that is its fold: where it goes back, and on.

use std::sync::Arc;

use super::{
    Poison,
    entry::{Entry, Out},
    going_back::{GoingBack, Meter},
    poison::caught,
    snapshots::Snapshots,
};
use crate::replica::{Stamp, State, gallop::partition_point_from_begin, run::Run};

/// A position that nothing is at.
pub(super) const NOWHERE: usize = usize::MAX;

/// The log and the state that is its fold. Knows no budget of its own, and no thread.
///
/// Positions count all operations since the group began, also those that are folded into the base. The state is the fold of the
/// entries that are marked applied, in order. Those wanted and those applied differ only at `dirty` and above, or above `frozen`.
pub(super) struct Line<S: State> {
    pub(super) state: S,
    /// The position of the first entry.
    pub(super) first: usize,
    /// Sorted.
    pub(super) log: Vec<Entry<S::Op>>,
    /// Local operations after the log that are in no run yet.
    pub(super) tail: Tail,
    pub(super) way: Box<dyn GoingBack<S>>,
    pub(super) snapshots: Snapshots<S>,
    /// Below this position, operations are stable.
    pub(super) floor: usize,
    /// No operation at this position or above is applied.
    pub(super) reach: usize,
    /// The lowest position where there is something to do.
    pub(super) dirty: usize,
    /// From here on, what panicked is tried again: something below it changed.
    pub(super) retry: usize,
    /// The position of the operation that panicked and stopped the fold.
    pub(super) frozen: Option<usize>,
    /// An `apply` or `undo` panicked: the state is no fold of anything.
    pub(super) broken: bool,
    /// Whether operations that panic are void.
    pub(super) skip: bool,
    /// A position at which the next pass leaves a snapshot whatever the way back: another panic may follow.
    pub(super) checkpoint: usize,
    pub(super) meter: Meter,
    pub(super) poisoned: Vec<Poison>,
    /// Scratch, empty: what comes into the log.
    pub(super) fresh: Vec<Entry<S::Op>>,
}

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
    pub(super) fn new(state: S, snapshots: Snapshots<S>, way: Box<dyn GoingBack<S>>) -> Self {
        let first = snapshots.base().0;
        Self {
            state,
            first,
            log: Vec::new(),
            tail: Tail::default(),
            way,
            snapshots,
            floor: first,
            reach: first,
            dirty: NOWHERE,
            retry: NOWHERE,
            frozen: None,
            broken: false,
            skip: false,
            checkpoint: NOWHERE,
            meter: Meter::default(),
            poisoned: Vec::new(),
            fresh: Vec::new(),
        }
    }

    /// The position after the last entry.
    pub(super) fn end(&self) -> usize {
        self.first + self.log.len()
    }

    pub(super) fn waits(&self) -> bool {
        self.tail.len() > 0
    }

    /// Whether state and log agree, as far as they can.
    pub(super) fn clean(&self) -> bool {
        self.dirty == NOWHERE && !self.broken
    }

    pub(super) fn at(&mut self, position: usize) -> &mut Entry<S::Op> {
        &mut self.log[position - self.first]
    }

    /// The position of the first entry above that Lamport time.
    pub(super) fn above(&self, lamport: u64) -> usize {
        // What is asked for in each frame is the floor itself, or a little above it.
        let floor = (self.floor.saturating_sub(self.first)).min(self.log.len());
        if self.log.first().is_none_or(|entry| entry.lamport > lamport) {
            return self.first;
        }
        let (below, rest) = self.log.split_at(floor);
        if below.last().is_some_and(|entry| entry.lamport > lamport) {
            return self.first + below.partition_point(|entry| entry.lamport <= lamport);
        }
        self.first + floor + partition_point_from_begin(rest, |entry| entry.lamport <= lamport)
    }

    /// There is something to do at this position.
    pub(super) fn touch(&mut self, position: usize) {
        self.dirty = self.dirty.min(position);
        self.retry = self.retry.min(position);
        self.snapshots.invalidate(position);
        self.checkpoint = NOWHERE;
    }

    /// There is something to do from this position on, but nothing below it changed.
    pub(super) fn resume(&mut self, position: usize) {
        self.dirty = self.dirty.min(position);
    }

    /// A local operation, above everything in the log.
    pub(super) fn apply_tail(&mut self, op: &S::Op, stamp: &Stamp) {
        if self.frozen.is_some() || self.broken {
            self.way.skip_last();
            self.tail.waiting += 1;
            return;
        }
        let Self { state, way, .. } = self;
        match caught(|| way.apply_last(state, op, stamp)) {
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

    /// The state becomes the fold of the log, if that takes no more than `budget` applications and undos, which are subtracted. Returns whether it has.
    /// `off_frame`: another thread does it, so that snapshots may be taken whatever the way back.
    pub(super) fn fold(&mut self, budget: &mut usize, off_frame: bool) -> bool {
        debug_assert!(!self.waits(), "sealed before");
        loop {
            let stop = self.frozen.map_or(self.end(), |frozen| frozen + 1);
            if !self.broken && self.dirty >= stop {
                (self.dirty, self.retry) = (NOWHERE, NOWHERE);
                return true;
            }
            let Some(passed) = self.pass(stop, budget, off_frame) else { return false };
            match passed {
                Ok(()) => {
                    self.dirty = stop;
                    match self.frozen {
                        Some(frozen) if self.log[frozen - self.first].blocks() && !self.skip => {
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
        while at < stop {
            let due = if whole { self.next_snapshot(at, off_frame) } else { NOWHERE };
            let next = due.min(stop);
            let Self { state, way, log, meter, first, .. } = self;
            meter.passed = 0;
            let done = caught(|| way.apply(state, &mut log[at - *first..next - *first], at, meter));
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

    /// Everything from where `made` begins is what `made` says.
    pub(super) fn become_made(&mut self, mut made: Self) {
        debug_assert!(!self.waits(), "sealed before");
        let (from, kept) = (made.first, made.first - self.first);
        if kept > 0 {
            let mut log = std::mem::take(&mut self.log);
            log.truncate(kept);
            log.append(&mut made.log);
            made.log = log;
        }
        made.first = self.first;
        std::mem::swap(&mut self.snapshots, &mut made.snapshots);
        made.snapshots.replace_from(from, &mut self.snapshots);
        made.meter.add(self.meter);
        made.poisoned.splice(0..0, self.poisoned.drain(..));
        *self = made;
        self.check();
    }

    /// Everything before that position is in `base`, and forgotten.
    pub(super) fn rebase(&mut self, position: usize, base: S) {
        self.snapshots.rebase(position, Arc::new(base));
        self.way.forget(position);
        self.log.drain(..position - self.first);
        self.first = position;
        self.check();
    }

    /// The operations below that position are stable.
    pub(super) fn set_floor(&mut self, floor: usize) {
        self.floor = self.floor.max(floor);
        self.way.forget(self.floor);
    }

    pub(super) fn check(&self) {
        if cfg!(debug_assertions) {
            // The newest: what is older was the newest once.
            let begin = self.log.len().saturating_sub(600);
            let newest = &self.log[begin..];
            assert!(newest.is_sorted_by(|one, other| one.order(other).is_lt()), "sorted, each once");
            let records = self.end() + self.tail.len();
            assert!(self.way.fits(records), "a record for each operation");
            let beyond = self.reach.saturating_sub(self.first + begin);
            assert!(
                newest.iter().skip(beyond).all(|entry| !entry.applied()),
                "nothing is applied beyond the reach"
            );
            let agree = newest.iter().all(|entry| entry.applied() == entry.wanted());
            assert!(
                !self.clean() || self.frozen.is_some() || agree,
                "the state is the fold of what is wanted"
            );
        }
    }
}
