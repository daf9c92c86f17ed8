//! One operation in the log.

use std::{cmp::Ordering, sync::Arc};

use crate::replica::{
    Author, Stamp,
    run::{Operation, Run},
};

/// One operation in the log: a place in a run, never a copy of the operation.
///
/// Memory: 32 bytes on a 64-bit target, beside the run (shared with the graph) and the undo record.
pub(crate) struct Entry<Op> {
    /// Derived from the run; here because it decides nearly every comparison without touching the run.
    pub(super) lamport: u64,
    pub(super) run: Arc<Run<Op>>,
    /// The key of a footprint with one key: see [`Mark`].
    pub(super) key: u64,
    pub(super) index: u32,
    pub(super) mark: Mark,
    flags: u8,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Entry<String>>() <= 32);

/// What is known of an entry's footprint. Filled in when a late operation first asks, so that operations in order do not pay for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Unknown,
    /// One key: `Entry::key`.
    One,
    /// Several keys: asked for again.
    Several,
    All,
    Commutes,
}

/// In the state.
const APPLIED: u8 = 1;
/// Its run is void.
const VOID: u8 = 1 << 1;
/// Left out by a revocation.
const REVOKED: u8 = 1 << 2;
/// Its `apply` panicked, after what is below it now.
const POISON: u8 = 1 << 3;
/// Was never in the state.
const FRESH: u8 = 1 << 4;
/// Has to be taken back, in the rollback that is being made.
const AFFECTED: u8 = 1 << 5;
/// Its panic was reported.
const REPORTED: u8 = 1 << 6;

/// It panicked, is void for that, and is stable: that stays so.
const FINAL: u8 = 1 << 7;

/// Why an operation that is in the log is left out of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Out {
    Void = VOID as isize,
    Revoked = REVOKED as isize,
    Poison = POISON as isize,
}

impl<Op> Entry<Op> {
    /// A new one for the operation at `index`, which must be one of the state's.
    fn new(run: Arc<Run<Op>>, index: usize) -> Self {
        debug_assert!(matches!(run.operations[index], Operation::Apply(_)));
        Self {
            lamport: run.header.lamport + index as u64,
            run,
            key: 0,
            index: u32::try_from(index).expect("a run's length is bounded far below 2^32"),
            mark: Mark::Unknown,
            flags: FRESH,
        }
    }

    /// The entry of a run that has one operation, and that is the state's. Any other run comes back.
    pub(super) fn only(run: Arc<Run<Op>>) -> Result<Self, Arc<Run<Op>>> {
        if run.operations.is_one_plain() { Ok(Self::new(run, 0)) } else { Err(run) }
    }

    pub(super) fn into_run(self) -> Arc<Run<Op>> {
        self.run
    }

    /// The entries of a run: its operations that are the state's.
    pub(super) fn of(run: &Arc<Run<Op>>) -> impl Iterator<Item = Self> + '_ {
        let applies = |(index, operation)| matches!(operation, &Operation::Apply(_)).then_some(index);
        run.operations.iter().enumerate().filter_map(applies).map(|index| Self::new(Arc::clone(run), index))
    }

    /// The entries of a run, at the end of a log.
    pub(super) fn push_all(run: &Arc<Run<Op>>, log: &mut Vec<Self>) {
        log.reserve(run.operations.len());
        for (index, operation) in run.operations.iter().enumerate() {
            if matches!(operation, Operation::Apply(_)) {
                log.push(Self::new(Arc::clone(run), index));
            }
        }
    }

    pub(crate) fn run(&self) -> &Run<Op> {
        &self.run
    }

    pub(crate) fn op(&self) -> &Op {
        match &self.run.operations[self.index as usize] {
            Operation::Apply(op) => op,
            _ => unreachable!("only operations of the state have entries"),
        }
    }

    pub(super) fn author(&self) -> &Author {
        &self.run.header.author
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.run.stamp(self.index as usize)
    }

    /// The order of the fold. Ties of Lamport times are broken by the authors themselves: the rank of an author changes when
    /// others appear.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.lamport.cmp(&other.lamport).then_with(|| self.tie(other))
    }

    fn tie(&self, other: &Self) -> Ordering {
        let (one, two) = (&self.run.header, &other.run.header);
        let seq = |run: &Run<Op>, index| run.header.seq + u64::from(index);
        one.author
            .cmp(&two.author)
            .then_with(|| seq(&self.run, self.index).cmp(&seq(&other.run, other.index)))
            .then_with(|| self.run.hash.cmp(&other.run.hash))
    }

    /// Whether it belongs in the state.
    pub(super) fn wanted(&self) -> bool {
        self.flags & (VOID | REVOKED | POISON) == 0
    }

    /// Whether it is out of the state for a revocation or a panic, either of which may be taken back.
    pub(super) fn left_out(&self) -> bool {
        !self.wanted() && self.flags & VOID == 0
    }

    /// Whether its `apply` panicked.
    pub(crate) fn panicked(&self) -> bool {
        self.flags & POISON != 0
    }

    /// Whether it is in the state.
    pub(super) fn applied(&self) -> bool {
        self.flags & APPLIED != 0
    }

    pub(super) fn set_applied(&mut self, applied: bool) {
        self.flags = if applied { (self.flags | APPLIED) & !FRESH } else { self.flags & !APPLIED };
    }

    /// Whether it is in the state, and belongs there.
    pub(super) fn is_plain(&self) -> bool {
        self.flags & !(REPORTED | FINAL) == APPLIED
    }

    /// Whether it was never in the state.
    pub(super) fn fresh(&self) -> bool {
        self.flags & FRESH != 0
    }

    /// Whether it would stop the fold, where operations that panic are not void.
    pub(super) fn blocks(&self) -> bool {
        self.flags & (VOID | REVOKED | POISON) == POISON
    }

    /// It is stable: if it panicked, it is void for good.
    pub(super) fn conclude(&mut self) {
        if self.blocks() {
            self.flags |= FINAL;
        }
    }

    /// Whether it is void for good where it panics.
    pub(super) fn concluded(&self) -> bool {
        self.flags & FINAL != 0
    }

    /// Returns whether that changed anything.
    pub(super) fn set(&mut self, out: Out, on: bool) -> bool {
        let before = self.flags;
        self.flags = if on { self.flags | out as u8 } else { self.flags & !(out as u8) };
        self.flags != before
    }

    pub(super) fn affected(&self) -> bool {
        self.flags & AFFECTED != 0
    }

    pub(super) fn set_affected(&mut self, affected: bool) {
        self.flags = if affected { self.flags | AFFECTED } else { self.flags & !AFFECTED };
    }

    /// Whether its panic is to be reported: once.
    pub(super) fn report_once(&mut self) -> bool {
        let first = self.flags & REPORTED == 0;
        self.flags |= REPORTED;
        first
    }
}

/// The first and the last of some operations.
pub(super) fn ends<Op>(stretch: &[Entry<Op>]) -> Option<[Stamp; 2]> {
    Some([stretch.first()?.stamp(), stretch.last()?.stamp()])
}

impl<Op> Clone for Entry<Op> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run), ..*self }
    }
}
