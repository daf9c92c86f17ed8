//! The log and the state that is its fold.

use std::{sync::Arc, time::Duration};

use super::{
    Poison,
    charges::Charges,
    entry::Entry,
    going_back::{GoingBack, Meter},
    snapshots::Snapshots,
    tail::Tail,
};
use crate::replica::{State, gallop::partition_point_from_begin};

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
    /// Up to this Lamport time, operations that panic are void.
    pub(super) void_upto: u64,
    /// Whether an operation panicked.
    pub(super) has_poison: bool,
    /// A position at which the next pass leaves a snapshot whatever the way back: another panic may follow.
    pub(super) checkpoint: usize,
    pub(super) meter: Meter,
    pub(super) poisoned: Vec<Poison>,
    pub(super) charges: Charges,
    /// How long what was merged took to apply, where a frame measures that.
    pub(super) took: Duration,
    /// From this position on: what is before it is applied again because a job begins there, and a frame would not.
    pub(super) timed_from: usize,
    /// Scratch, empty: what comes into the log.
    pub(super) fresh: Vec<Entry<S::Op>>,
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
            void_upto: 0,
            has_poison: false,
            checkpoint: NOWHERE,
            meter: Meter::default(),
            poisoned: Vec::new(),
            charges: Charges::default(),
            took: Duration::ZERO,
            timed_from: 0,
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
        made.took += self.took;
        made.charges.add(std::mem::take(&mut self.charges));
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
        if self.has_poison && floor > self.floor {
            // What was void when it became stable is so whatever reducers run later.
            let (from, to) = (self.floor.max(self.first) - self.first, floor - self.first);
            self.log[from..to].iter_mut().for_each(Entry::conclude);
        }
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
