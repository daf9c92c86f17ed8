//! What a frame does within its budget.

use std::{collections::BTreeMap, sync::Arc};

#[cfg(feature = "journal")]
use super::Outcome;
use super::{
    FoldReport, GoingBack, Task,
    change::Change,
    digest::Digests,
    job::Outstanding,
    line::Line,
    snapshots::{Snapshots, interval},
};
#[cfg(feature = "journal")]
use crate::replica::redo::Replayed;
use crate::replica::{
    Redo, Redone, Stamp, State,
    redo::Made,
    run::{Digest, Run},
};

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
    /// Of this frame's.
    pub(super) spent: usize,
    /// Not in the log yet.
    pub(super) changes: Vec<Change<S::Op>>,
    /// How many operations may be new with those.
    pub(super) operations: usize,
    /// In the job or in what it made, not in the log.
    beyond: Vec<Change<S::Op>>,
    job: Option<Outstanding>,
    /// How many there were.
    jobs: u64,
    /// In a replay: the one that is awaited.
    #[cfg(feature = "journal")]
    replayed: Option<Replayed<S>>,
    /// What a job made: to be shown as soon as what was committed since is on top.
    ahead: Option<Ahead<S>>,
    /// What is left out, and the Lamport time of what revoked it.
    revoked: BTreeMap<Stamp, u64>,
    digests: Digests<S>,
    watermark: u64,
    /// Operations up to this Lamport time are folded into the base.
    pub(super) base_level: u64,
    compact_to: u64,
    skips: bool,
    /// Whether `settle` has anything to do.
    pub(super) busy: bool,
}

struct Ahead<S: State> {
    line: Box<Line<S>>,
    /// What of the visible log is in it.
    end: usize,
    /// For the second time: what was committed since is put on top frame by frame, without another job.
    last: bool,
    /// The end of the visible log when it was looked at last.
    seen: usize,
}

impl<S: State> Fold<S> {
    pub(crate) fn new(init: S, going_back: Box<dyn GoingBack<S>>, budget: usize) -> Self {
        let snapshots = Snapshots::new(interval(budget), 0, Arc::new(init.clone()));
        Self {
            line: Line::new(init, snapshots, going_back),
            budget,
            spent: 0,
            changes: Vec::new(),
            operations: 0,
            beyond: Vec::new(),
            job: None,
            jobs: 0,
            #[cfg(feature = "journal")]
            replayed: None,
            ahead: None,
            revoked: BTreeMap::new(),
            digests: Digests::new(None),
            watermark: 0,
            base_level: 0,
            compact_to: 0,
            skips: false,
            busy: false,
        }
    }

    /// A fold that begins with the state of another replica, in which exactly the operations up to `level` are applied.
    pub(crate) fn from_base(base: S, level: u64, going_back: Box<dyn GoingBack<S>>, budget: usize) -> Self {
        let mut fold = Self::new(base, going_back, budget);
        (fold.base_level, fold.compact_to) = (level, level);
        fold
    }

    /// Takes digests of the state with this function.
    pub(crate) fn set_digest(&mut self, of: fn(&S) -> u64) {
        self.digests = Digests::new(Some(of));
    }

    pub(crate) fn state(&self) -> &S {
        &self.line.state
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
    pub(crate) fn stage(&mut self, run: Arc<Run<S::Op>>) {
        self.operations += run.operations.len();
        let revoked = |fold: &Self| -> Vec<Stamp> {
            let stamps = run.applied().map(|(stamp, _)| stamp);
            stamps.filter(|stamp| fold.revoked.contains_key(stamp)).collect()
        };
        let revoked = if self.revoked.is_empty() { Vec::new() } else { revoked(self) };
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
        let mut budget = self.budget.saturating_sub(std::mem::take(&mut self.spent));
        if self.line.waits() {
            debug_assert!(false, "sealed before");
            return FoldReport::default();
        }
        if self.job.as_ref().is_some_and(Outstanding::lost) {
            self.lose_job();
        }
        let mut job = None;
        if self.job.is_none() {
            self.show(&mut budget);
            job = self.work(&mut budget);
        }
        if self.job.is_none() && self.ahead.is_none() {
            self.look_back(&mut budget);
        } else {
            self.line.give_up();
        }
        self.busy = self.job.is_some()
            || self.ahead.is_some()
            || self.digests.is_due().is_some()
            || self.base_level < self.compact_to
            || !self.line.clean();
        let (meter, poisoned) =
            (std::mem::take(&mut self.line.meter), std::mem::take(&mut self.line.poisoned));
        FoldReport::new(meter, poisoned, job.map(|task| self.hand_out(task)))
    }

    #[cfg(not(feature = "journal"))]
    #[expect(clippy::unused_self, reason = "in a replay it keeps the task too")]
    fn hand_out(&mut self, task: Task<S>) -> Redo<S> {
        Redo::new(task)
    }

    #[cfg(feature = "journal")]
    fn hand_out(&mut self, task: Task<S>) -> Redo<S> {
        if !crate::replica::codec::is_replay() {
            return Redo::new(task);
        }
        let task = std::sync::Arc::new(std::sync::Mutex::new(Some(task)));
        Redo::replayed(self.jobs, std::sync::Arc::clone(self.replayed.insert(task)))
    }

    /// In a replay the recorded result is a mark, and the job that it is of runs here.
    #[cfg(feature = "journal")]
    fn replay_job(&mut self, number: u64) -> Option<Box<Outcome<S>>> {
        while self.job.as_ref()?.number < number {
            // When it was recorded, the job was lost, and made again.
            self.lose_job();
            let task = self.work(&mut 0)?;
            let _ = self.hand_out(task);
        }
        if self.job.as_ref()?.number != number {
            return None;
        }
        let task = self.replayed.take()?.lock().ok()?.take()?;
        Some(Box::new(task.run()))
    }

    /// It is made again, with all that was in it and has come since.
    fn lose_job(&mut self) {
        self.job = None;
        self.beyond.append(&mut self.changes);
        std::mem::swap(&mut self.beyond, &mut self.changes);
        self.operations = self.changes.iter().map(Change::operations).sum();
        self.line.set_skip(self.skips);
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
    fn work(&mut self, budget: &mut usize) -> Option<Task<S>> {
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

    /// What is to be done from that position on, and all changes, become a job.
    fn send(&mut self, lowest: usize) -> Task<S> {
        self.line.give_up();
        let lowest = lowest.min(self.line.dirty);
        self.operations = 0;
        let changes = std::mem::take(&mut self.changes);
        self.sent(Task::from_snapshot(&self.line, lowest, changes, self.base_level))
    }

    fn sent(&mut self, (task, mut outstanding): (Task<S>, Outstanding)) -> Task<S> {
        self.beyond.extend_from_slice(task.changes());
        self.jobs += 1;
        outstanding.number = self.jobs;
        self.job = Some(outstanding);
        task.numbered(self.jobs)
    }

    /// Takes what a job has made. False, and nothing happens, if it is not the one that is awaited.
    pub(crate) fn finish(&mut self, redone: Redone<S>) -> bool {
        let outcome = match redone.made {
            Made::Outcome(outcome) => Some(outcome),
            #[cfg(feature = "journal")]
            Made::Recorded(number) => self.replay_job(number),
        };
        let Some(outcome) = outcome else { return false };
        let Some(job) = self.job.take_if(|job| job.made(&outcome)) else { return false };
        debug_assert!(!self.line.waits(), "sealed before");
        let seen = self.line.end();
        self.ahead = Some(Ahead { line: outcome.line, end: job.end, last: job.last, seen });
        self.busy = true;
        let mut budget = self.budget.saturating_sub(self.spent);
        let before = budget;
        self.show(&mut budget);
        self.spent += before.saturating_sub(budget);
        true
    }

    /// What a job has made becomes the state, as soon as what was committed since is on top of it.
    fn show(&mut self, budget: &mut usize) {
        let Some(mut made) = self.ahead.take() else { return };
        let mut since = &self.line.log[made.end - self.line.first..];
        if made.last {
            // A frame that commits pays for that twice, beside its budget; else this might never catch up.
            *budget += self.line.end() - made.seen;
            made.seen = self.line.end();
            since = &since[..since.len().min(*budget)];
        }
        made.line.append(since);
        made.end += since.len();
        let folded = made.line.fold(budget, false);
        if folded && made.end == self.line.end() {
            self.line.become_made(*made.line);
            self.line.set_skip(self.skips);
            self.beyond.clear();
            self.line.set_floor(self.line.above(self.watermark));
        } else {
            self.ahead = Some(made);
        }
    }

    /// Digests and compaction: what looks at states of the past.
    fn look_back(&mut self, budget: &mut usize) {
        if !self.changes.is_empty() || !self.line.clean() {
            return;
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
            match self.line.visit(position, budget, of) {
                Some(digest) => self.digests.took(Some(digest)),
                None => break,
            }
        }
        if self.base_level < self.compact_to {
            let position = self.line.above(self.compact_to);
            if let Some(base) = self.line.visit(position, budget, S::clone) {
                self.line.rebase(position, base);
                self.base_level = self.compact_to;
                self.revoked.retain(|stamp, _| stamp.lamport > self.compact_to);
            }
        }
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

    /// Whether operations that panic are void, or stop the fold.
    pub(crate) fn skip_poison(&mut self, skip: bool) {
        self.skips = skip;
        if self.job.is_none() && self.ahead.is_none() {
            self.line.set_skip(skip);
            self.busy |= !self.line.clean();
        }
    }

    /// The operation at which the fold stopped, as its `apply` panics.
    #[cfg(test)]
    pub(crate) fn stopped_at(&self) -> Option<Stamp> {
        let frozen = self.line.frozen?;
        Some(self.line.log[frozen - self.line.first].stamp())
    }

    /// The Lamport time up to which all that is staged is in the state, at most `watermark`.
    pub(crate) fn folded(&self, watermark: u64) -> u64 {
        let waiting = self.changes.iter().chain(&self.beyond).map(|change| change.stamp().lamport);
        let undone = [Some(self.line.dirty), self.line.frozen].into_iter().flatten();
        let undone = undone.filter_map(|position| self.line.log.get(position.checked_sub(self.line.first)?));
        let lowest = waiting.chain(undone.map(|entry| entry.lamport)).min();
        lowest.map_or(watermark, |lowest| watermark.min(lowest.saturating_sub(1)))
    }

    /// The state's operations above `after` and up to `upto`, in order, those left out not among them.
    pub(crate) fn entries(&self, after: u64, upto: u64) -> impl Iterator<Item = (Stamp, &S::Op)> {
        let range = self.line.above(after)..self.line.above(upto.max(after));
        let entries = self.line.log[range.start - self.line.first..range.end - self.line.first].iter();
        entries.filter(|entry| entry.wanted()).map(|entry| (entry.stamp(), entry.op()))
    }

    /// The operations in the log that the state has, in order; and how many of the local ones after them, which are in no run yet.
    #[cfg(feature = "testing")]
    pub(crate) fn applied(&self) -> (impl Iterator<Item = (Stamp, &S::Op)>, usize) {
        let entries = self.line.log.iter().filter(|entry| entry.applied());
        (entries.map(|entry| (entry.stamp(), entry.op())), self.line.tail.applied)
    }

    /// How many operations are above `after`, up to `upto`.
    pub(crate) fn count(&self, after: u64, upto: u64) -> usize {
        self.line.above(upto.max(after)) - self.line.above(after)
    }

    /// How many operations are above the watermark.
    pub(crate) fn unstable(&self, watermark: u64) -> usize {
        let staged = self.changes.iter().chain(&self.beyond);
        let staged = staged.filter(|change| change.stamp().lamport > watermark).map(Change::operations);
        self.line.end() - self.line.above(watermark) + self.line.tail.len() + staged.sum::<usize>()
    }

    /// At least as many as are above a watermark at or above the last, found without a search.
    pub(crate) fn unstable_at_most(&self) -> usize {
        let beyond: usize = self.beyond.iter().map(Change::operations).sum();
        self.line.end() - self.line.floor + self.line.tail.len() + self.operations + beyond
    }

    /// The state with the operations up to the level, which are all that the log begins with.
    pub(crate) fn base(&self) -> (&Arc<S>, u64) {
        (self.line.snapshots.base().1, self.base_level)
    }

    /// The state with exactly the operations up to that Lamport time: a clone, and at most what is between it and a snapshot, or the end, is applied.
    /// `None` below the base and above what is [folded](Self::folded). Local operations must be sealed before.
    #[cfg(test)]
    pub(crate) fn state_at(&mut self, level: u64) -> Option<S> {
        if level < self.base_level || level > self.folded(level) {
            return None;
        }
        let position = self.line.above(level);
        self.line.visit(position, &mut { usize::MAX }, S::clone)
    }

    /// The state with exactly the operations up to a level that is stable and not below the base, whatever else is to be done.
    pub(crate) fn state_below(&self, level: u64) -> Arc<S> {
        debug_assert!(level >= self.base_level);
        let (base, _) = self.base();
        if level == self.base_level {
            return Arc::clone(base);
        }
        let position = self.line.above(level);
        let (start, state) = self.line.snapshots.nearest(position);
        let mut state = S::clone(state);
        let between = &self.line.log[start - self.line.first..position - self.line.first];
        let wanted = between.iter().filter(|entry| entry.wanted());
        wanted.for_each(|entry| state.apply(entry.op(), &entry.stamp()));
        Arc::new(state)
    }

    /// A fold of this one's kind that begins with such a state.
    pub(crate) fn begin_again(&self, base: S, level: u64) -> Self {
        let mut fold = Self::from_base(base, level, self.line.way.empty(0, 0), self.budget);
        fold.digests = self.digests.begin_again();
        fold
    }

    /// The last digest taken.
    pub(crate) fn digest(&self) -> Option<Digest> {
        self.digests.last()
    }

    /// The digest at that level, if it was taken and is not too long ago.
    pub(crate) fn digest_at(&self, level: u64) -> Option<u64> {
        self.digests.at(level)
    }
}
