//! How a state goes back: by snapshots alone, or by undo records too.

use super::entry::Entry;
use crate::replica::{Stamp, State, Undoable};

/// How a state goes back. Called for many operations together, so that what is dynamic costs nothing an operation.
///
/// Positions count the operations in the log since the group began, forgotten ones included. Slices of the log come with the position of
/// their first entry.
pub(crate) trait GoingBack<S: State>: Send + Sync {
    /// Another of this kind, with room for records from `start` to `end`, for a redo.
    fn empty(&self, start: usize, end: usize) -> Box<dyn GoingBack<S>>;

    /// Whether snapshots are the only way back, so that the frame thread takes them.
    fn clones(&self) -> bool;

    /// Applies the newest of all operations.
    fn apply_last(&mut self, state: &mut S, op: &S::Op, stamp: &Stamp);

    /// Applies the operations of the slice, the newest of all, for which there is no room yet. `meter` is right also after a panic, and then there is
    /// room for all.
    fn apply_newest(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter);

    /// Whether a late operation touches nothing that those above its position do, and all of them are in the state: then it can be applied where it
    /// arrives.
    fn is_apart(&self, late: &mut Entry<S::Op>, above: &mut [Entry<S::Op>], at: usize) -> bool;

    /// Makes room for an operation that is apart, and applies it. As `apply_newest` after a panic.
    fn apply_apart(&mut self, state: &mut S, late: &mut Entry<S::Op>, at: usize, meter: &mut Meter);

    /// Makes room for the newest of all operations, which is not applied.
    fn skip_last(&mut self);

    /// Applies those of the slice that are wanted and not applied, in their order. `meter` is right also after a panic.
    fn apply(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter);

    /// Marks the operations that have to be taken back so that those which are to come or to go can, up to the end of the
    /// slice. `None`, with none marked, if that makes more than `most` applications and undos, or cannot be done.
    fn plan(&mut self, log: &mut [Entry<S::Op>], at: usize, most: usize) -> Option<Plan>;

    /// Takes back those that are marked, the last first.
    fn undo(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter);

    /// Marks all applied ones from `at` on, if they can be taken back. The slice goes up to the end.
    fn plan_all(&mut self, log: &mut [Entry<S::Op>], at: usize) -> bool;

    /// So many operations were put in at the end.
    fn append(&mut self, count: usize);

    /// Operations were put in at these positions (as they are now, ascending).
    fn insert(&mut self, positions: &[usize]);

    /// The operations from that position on are not in the state, however they came there.
    fn reset(&mut self, position: usize);

    /// The operations before that position are stable: nothing that arrives can sort before them.
    fn forget(&mut self, position: usize);

    /// Whether there is room for exactly the operations before `end`.
    fn fits(&self, end: usize) -> bool;
}

/// What is to be taken back and applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// How many applications and undos that makes.
    pub(super) cost: usize,
    /// How many entries of the slice it concerns: those behind stay as they are.
    pub(super) length: usize,
    /// Whether any is taken back.
    pub(super) undoes: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meter {
    /// Entries passed, applied or not: where a panic was.
    pub(super) passed: usize,
    /// Applied for the first time.
    pub(super) merged: usize,
    pub(super) undone: usize,
    /// Applied again.
    pub(super) redone: usize,
}

impl Meter {
    pub(super) fn add(&mut self, other: Self) {
        self.merged += other.merged;
        self.undone += other.undone;
        self.redone += other.redone;
    }
}

/// Snapshots alone: any [`State`].
pub(crate) fn by_snapshots<S: State>() -> Box<dyn GoingBack<S>> {
    Box::new(BySnapshots)
}

/// Undo records; snapshots only where records are gone.
pub(crate) fn by_undo<S: Undoable>() -> Box<dyn GoingBack<S>> {
    Box::new(super::undo::ByUndo::<S>::new(0, 0))
}

/// Applies one entry with what applies an operation.
pub(super) fn apply_with<Op>(entry: &mut Entry<Op>, meter: &mut Meter, apply: impl FnOnce(&Op, &Stamp)) {
    if entry.wanted() && !entry.applied() {
        apply(entry.op(), &entry.stamp());
        if entry.fresh() {
            meter.merged += 1;
        } else {
            meter.redone += 1;
        }
        entry.set_applied(true);
    }
    meter.passed += 1;
}

struct BySnapshots;

impl<S: State> GoingBack<S> for BySnapshots {
    fn empty(&self, _: usize, _: usize) -> Box<dyn GoingBack<S>> {
        Box::new(Self)
    }

    fn clones(&self) -> bool {
        true
    }

    fn apply_last(&mut self, state: &mut S, op: &S::Op, stamp: &Stamp) {
        state.apply(op, stamp);
    }

    fn skip_last(&mut self) {}

    fn apply(&mut self, state: &mut S, log: &mut [Entry<S::Op>], _: usize, meter: &mut Meter) {
        for entry in log {
            apply_with(entry, meter, |op, stamp| state.apply(op, stamp));
        }
    }

    fn apply_newest(&mut self, state: &mut S, log: &mut [Entry<S::Op>], at: usize, meter: &mut Meter) {
        self.apply(state, log, at, meter);
    }

    fn is_apart(&self, _: &mut Entry<S::Op>, _: &mut [Entry<S::Op>], _: usize) -> bool {
        false
    }

    fn apply_apart(&mut self, _: &mut S, _: &mut Entry<S::Op>, _: usize, _: &mut Meter) {
        unreachable!("none is apart")
    }

    fn plan(&mut self, _: &mut [Entry<S::Op>], _: usize, _: usize) -> Option<Plan> {
        None
    }

    fn undo(&mut self, _: &mut S, _: &mut [Entry<S::Op>], _: usize, _: &mut Meter) {
        unreachable!("nothing is marked")
    }

    fn plan_all(&mut self, _: &mut [Entry<S::Op>], _: usize) -> bool {
        false
    }

    fn append(&mut self, _: usize) {}

    fn insert(&mut self, _: &[usize]) {}

    fn reset(&mut self, _: usize) {}

    fn forget(&mut self, _: usize) {}

    fn fits(&self, _: usize) -> bool {
        true
    }
}
