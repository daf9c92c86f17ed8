//! What a frame does within its budget.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    FoldReport, GoingBack, Task,
    beyond::Ahead,
    change::Change,
    digest::Digests,
    job::Outstanding,
    line::{Line, NOWHERE},
    pace::Pace,
    poison::caught,
    snapshots::{Snapshots, interval},
    visit::Unseen,
};
#[cfg(feature = "journal")]
use crate::replica::redo::Replayed;
use crate::replica::{Peer, Stamp, State, run::Run};

/// The log and the state that is its fold.
///
/// Changes are staged, and come into the log and the state with [`settle_one`](Self::settle_one) or [`settle_all`](Self::settle_all), once a frame. Local operations are in the state
/// immediately. **Before those and `finish` of a fold that [is busy](Self::is_busy), the local operations must be sealed**: their
/// author has them, the fold has only counted them.
///
/// Memory: 32 bytes for each operation since the last [`compact`](Self::compact), beside its run; an undo record for each that is not
/// stable; snapshots: see [`Snapshots`]. The base is a second copy of the state.
pub(crate) struct Fold<S: State> {
    pub(super) line: Line<S>,
    /// How many operations a frame applies and undoes, local ones not counted.
    pub(super) budget: usize,
    /// Whether a frame applies so many.
    pub(super) pace: Pace,
    /// Of this frame's.
    pub(super) spent: usize,
    /// Not in the log yet.
    pub(super) changes: Vec<Change<S::Op>>,
    /// How many operations may be new with those.
    pub(super) operations: usize,
    /// In the job or in what it made, not in the log.
    pub(super) beyond: Vec<Change<S::Op>>,
    pub(super) job: Option<Outstanding>,
    /// How many there were.
    pub(super) jobs: u64,
    /// The state at this position was made elsewhere, to be looked at: once, whatever became of it.
    pub(super) looked_at: usize,
    /// In a replay: the one that is awaited.
    #[cfg(feature = "journal")]
    pub(super) replayed: Option<Replayed<S>>,
    /// What a job made: to be shown as soon as what was committed since is on top.
    pub(super) ahead: Option<Ahead<S>>,
    /// What is left out, and the Lamport time of what revoked it.
    pub(super) revoked: BTreeMap<Stamp, u64>,
    pub(super) digests: Digests<S>,
    pub(super) watermark: u64,
    /// Operations up to this Lamport time are folded into the base.
    pub(super) base_level: u64,
    pub(super) compact_to: u64,
    /// Up to this Lamport time, operations that panic are void.
    pub(super) void_upto: u64,
    /// For late operations of each peer, so many were applied again.
    charged: BTreeMap<Peer, u64>,
    /// Whether `settle` has anything to do.
    pub(super) busy: bool,
}

impl<S: State> Fold<S> {
    pub(crate) fn new(init: S, going_back: Box<dyn GoingBack<S>>, budget: usize) -> Self {
        let snapshots = Snapshots::new(interval(budget), 0, Arc::new(init.clone()));
        Self {
            line: Line::new(init, snapshots, going_back),
            budget,
            pace: Pace::default(),
            spent: 0,
            changes: Vec::new(),
            operations: 0,
            beyond: Vec::new(),
            job: None,
            jobs: 0,
            looked_at: NOWHERE,
            #[cfg(feature = "journal")]
            replayed: None,
            ahead: None,
            revoked: BTreeMap::new(),
            digests: Digests::new(None),
            watermark: 0,
            base_level: 0,
            compact_to: 0,
            void_upto: 0,
            charged: BTreeMap::new(),
            busy: false,
        }
    }

    /// A fold that begins with the state of another replica, in which exactly the operations up to `level` are applied.
    pub(crate) fn from_base(base: S, level: u64, going_back: Box<dyn GoingBack<S>>, budget: usize) -> Self {
        let mut fold = Self::new(base, going_back, budget);
        (fold.base_level, fold.compact_to) = (level, level);
        fold
    }

    /// Where a frame's operations took longer than this to apply, what is merged is applied off the frame.
    pub(crate) fn set_pace(&mut self, limit: Option<Duration>) {
        self.pace = Pace::new(limit);
    }

    /// How many operations a frame applies and undoes as long as it is fast enough.
    pub(super) fn frame_budget(&self) -> usize {
        self.pace.budget(self.budget)
    }

    /// Once a frame, after it settled: whether what is merged is applied off the frame from now on, if that has changed.
    #[inline]
    pub(crate) fn take_pace(&mut self) -> Option<bool> {
        let took = std::mem::take(&mut self.line.took);
        self.pace.frame_took(took);
        self.pace.take_change()
    }

    /// Takes digests of the state with this function.
    pub(crate) fn set_digest(&mut self, of: fn(&S) -> u64) {
        self.digests = Digests::new(Some(of));
    }

    pub(crate) fn state(&self) -> &S {
        &self.line.state
    }

    pub(crate) fn charged(&self) -> &BTreeMap<Peer, u64> {
        &self.charged
    }

    /// Whether `settle` has anything to do, so that local operations are to be sealed before.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// A local operation, greater than everything in the log and staged: applied immediately.
    ///
    /// If it panics, the state is unusable until it is sealed and settled; `is_busy` says so.
    pub(crate) fn apply_tail(&mut self, op: &S::Op, stamp: &Stamp) {
        self.line.apply_tail(op, stamp);
        self.busy |= self.line.broken;
    }

    /// All local operations since the last time are in this run.
    pub(crate) fn seal(&mut self, run: &Arc<Run<S::Op>>) {
        self.line.seal(run);
    }

    /// A valid run is admitted.
    #[inline]
    pub(crate) fn stage(&mut self, run: Arc<Run<S::Op>>) {
        self.operations += run.operations.len();
        if self.revoked.is_empty() {
            self.push(Change::In(run));
        } else {
            self.stage_beside_revoked(run);
        }
    }

    #[inline(never)]
    fn stage_beside_revoked(&mut self, run: Arc<Run<S::Op>>) {
        let stamps = run.applied().map(|(stamp, _)| stamp);
        let revoked: Vec<_> = stamps.filter(|stamp| self.revoked.contains_key(stamp)).collect();
        self.push(Change::In(run));
        for stamp in revoked {
            self.push(Change::Revoke(stamp, true));
        }
    }

    /// A run is void now: its operations leave.
    pub(crate) fn stage_void(&mut self, run: Arc<Run<S::Op>>) {
        self.push(Change::Out(run));
    }

    /// A run is valid now, whether it was staged before or not.
    pub(crate) fn stage_valid(&mut self, run: Arc<Run<S::Op>>) {
        self.stage(run);
    }

    /// Leaves an operation out, or takes it back in; known or not. `by`: the Lamport time of the operation that says so.
    pub(crate) fn revoke(&mut self, stamp: Stamp, by: u64, on: bool) {
        if on {
            let first = self.revoked.entry(stamp).or_insert(by);
            *first = by.min(*first);
        } else {
            self.revoked.remove(&stamp);
        }
        self.push(Change::Revoke(stamp, on));
    }

    fn push(&mut self, change: Change<S::Op>) {
        self.changes.push(change);
        self.busy = true;
    }

    /// What is staged becomes part of the state, with one rollback, as far as the budget allows; once a frame, where
    /// [`settle_one`](Self::settle_one) did not.
    pub(crate) fn settle_all(&mut self) -> FoldReport<S> {
        if !self.busy {
            return FoldReport::default();
        }
        let whole = self.frame_budget();
        let mut budget = whole.saturating_sub(std::mem::take(&mut self.spent));
        if self.line.waits() {
            debug_assert!(false, "sealed before");
            return FoldReport::default();
        }
        if self.job.as_ref().is_some_and(Outstanding::is_lost) {
            self.lose_job();
        }
        let mut job = None;
        if self.job.is_none() {
            self.show(&mut budget);
            job = self.work(&mut budget);
        }
        if self.job.is_none() && self.ahead.is_none() {
            let is_whole = budget == whole;
            if let Some(position) = self.look_back(&mut budget)
                && is_whole
            {
                job = self.look_elsewhere(position);
            }
        } else {
            self.line.give_up();
        }
        self.busy = self.job.is_some()
            || self.ahead.is_some()
            || self.digests.is_due().is_some()
            || self.base_level < self.compact_to
            || !self.line.clean();
        if !self.line.charges.is_empty() {
            for (peer, redone) in self.line.charges.take() {
                let sum = self.charged.entry(peer).or_default();
                *sum = sum.saturating_add(redone);
            }
        }
        let (meter, poisoned) =
            (std::mem::take(&mut self.line.meter), std::mem::take(&mut self.line.poisoned));
        FoldReport::new(meter, poisoned, job.map(|task| self.hand_out(task)))
    }

    /// Whether nothing is to be done but what is staged.
    pub(super) fn is_calm(&self) -> bool {
        self.job.is_none()
            && self.ahead.is_none()
            && self.digests.is_due().is_none()
            && self.base_level >= self.compact_to
            && self.line.is_calm()
    }

    /// Changes come into the log and the state, or into a job.
    pub(super) fn work(&mut self, budget: &mut usize) -> Option<Task<S>> {
        if self.ahead.as_ref().is_some_and(|made| made.last && made.line.clean()) {
            // It goes on in the next frame.
            return None;
        }
        if let Some(Ahead { line, end, .. }) = self.ahead.take() {
            // Too much was committed since. What was staged since waits: it may be below where this line begins.
            return Some(self.sent(Task::ahead(line, end)));
        }
        if self.operations > *budget {
            let lowest = self.changes.iter().map(Change::stamp).min();
            let lowest = lowest.map_or(self.line.end(), |stamp| self.line.from(&stamp)).min(self.line.dirty);
            return Some(self.send(lowest));
        }
        self.operations = 0;
        self.line.merge(&self.changes, self.base_level);
        self.changes.clear();
        self.changes.shrink_to(1024);
        (!self.line.fold(budget, false)).then(|| self.send(self.line.dirty))
    }

    /// Digests and compaction: what looks at states of the past. Returns the position of the one that is beyond the budget.
    fn look_back(&mut self, budget: &mut usize) -> Option<usize> {
        if !self.changes.is_empty() || !self.line.clean() {
            return None;
        }
        while let Some((level, of)) = self.digests.is_due() {
            if level < self.base_level {
                // It cannot be looked at any more.
                self.digests.took(None);
                continue;
            }
            // Where a revocation from above reached below, replicas have different states at the level, and both are right.
            let reached = self
                .revoked
                .iter()
                .take_while(|(stamp, _)| stamp.lamport <= level)
                .any(|(_, by)| *by > level);
            if reached {
                self.digests.took(None);
                continue;
            }
            let position = self.line.above(level);
            match self.line.visit(position, budget, |state| caught(|| of(state))) {
                Ok(Ok(digest)) => self.digests.took(Some(digest)),
                Ok(Err(message)) => self.digests.panicked(message),
                Err(Unseen::BeyondBudget) => return Some(position),
                Err(Unseen::Unknown) => break,
            }
        }
        if self.base_level < self.compact_to {
            let position = self.line.above(self.compact_to);
            match self.line.visit(position, budget, S::clone) {
                Ok(base) => {
                    self.line.rebase(position, base);
                    self.base_level = self.compact_to;
                    self.revoked.retain(|stamp, _| stamp.lamport > self.compact_to);
                }
                Err(Unseen::BeyondBudget) => return Some(position),
                Err(Unseen::Unknown) => {}
            }
        }
        None
    }

    /// Operations up to the watermark are stable: nothing that arrives sorts before them.
    pub(crate) fn stable(&mut self, watermark: u64) {
        if watermark > self.watermark {
            self.watermark = watermark;
            self.line.set_floor(self.line.above(watermark));
            self.busy |= self.digests.stable(watermark);
        }
    }

    /// Operations up to this Lamport time, at most the watermark, are to be forgotten, as soon as the budget allows.
    pub(crate) fn compact(&mut self, upto: u64) {
        debug_assert!(upto <= self.watermark);
        self.compact_to = self.compact_to.max(upto);
        self.busy |= self.base_level < self.compact_to;
    }

    /// Operations that panic are void up to this Lamport time; one above it stops the fold. What was void when it became stable stays so.
    #[inline]
    pub(crate) fn void_poison_upto(&mut self, lamport: u64) {
        self.void_upto = lamport;
        if self.job.is_none() && self.ahead.is_none() {
            self.line.set_void_upto(lamport);
            self.busy |= !self.line.clean();
        }
    }

    /// A fold of this one's kind that begins with such a state.
    pub(crate) fn begin_again(&self, base: S, level: u64) -> Self {
        let mut fold = Self::from_base(base, level, self.line.way.empty(0, 0), self.budget);
        fold.pace = self.pace.begin_again();
        fold.digests = self.digests.begin_again();
        fold.charged.clone_from(&self.charged);
        fold
    }
}
