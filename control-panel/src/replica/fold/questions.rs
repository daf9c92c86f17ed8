//! What can be asked of a fold.

use std::sync::Arc;

use super::{change::Change, entry::Entry, fold::Fold};
use crate::replica::{Stamp, State, run::Digest};

impl<S: State> Fold<S> {
    /// The operation at which the fold stopped, as its `apply` panics.
    #[cfg(test)]
    pub(crate) fn stopped_at(&self) -> Option<Stamp> {
        let frozen = self.line.frozen?;
        Some(self.line.log[frozen - self.line.first].stamp())
    }

    /// Whether it stopped before an operation whose `apply` panics.
    #[inline]
    pub(crate) fn is_stopped(&self) -> bool {
        self.line.frozen.is_some()
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
    pub(crate) fn entries(&self, after: u64, upto: u64) -> impl DoubleEndedIterator<Item = &Entry<S::Op>> {
        self.between(after, upto).iter().filter(|entry| entry.wanted())
    }

    /// The first and the last of those.
    pub(crate) fn ends(&self, after: u64, upto: u64) -> Option<[Stamp; 2]> {
        let mut entries = self.entries(after, upto).map(Entry::stamp);
        let first = entries.next()?;
        Some([first, entries.next_back().unwrap_or(first)])
    }

    /// Those that are left out and not void.
    pub(crate) fn left_out(&self, after: u64, upto: u64) -> impl Iterator<Item = &Entry<S::Op>> {
        self.between(after, upto).iter().filter(|entry| entry.left_out())
    }

    /// What of the state's operations has that place, and is not left out: several of an author that forked.
    pub(crate) fn entries_at(&self, stamp: Stamp) -> impl Iterator<Item = &Entry<S::Op>> {
        let from = self.line.from(&stamp) - self.line.first;
        let there = self.line.log[from..].iter().take_while(move |entry| entry.stamp() == stamp);
        there.filter(|entry| entry.wanted())
    }

    fn between(&self, after: u64, upto: u64) -> &[Entry<S::Op>] {
        let range = self.line.above(after)..self.line.above(upto.max(after));
        &self.line.log[range.start - self.line.first..range.end - self.line.first]
    }

    /// The operations in the log that the state has, in order; and how many of the local ones after them, which are in no run yet.
    #[cfg(feature = "testing")]
    pub(crate) fn applied(&self) -> (impl Iterator<Item = (Stamp, &S::Op)>, usize) {
        let entries = self.line.log.iter().filter(|entry| entry.applied());
        (entries.map(|entry| (entry.stamp(), entry.op())), self.line.tail.applied)
    }

    /// Those that are left out as they panicked, each with how many of the applied are before it.
    #[cfg(feature = "testing")]
    pub(crate) fn poisoned(&self) -> impl Iterator<Item = (usize, Stamp, &S::Op)> {
        let counted = self.line.log.iter().scan(0, |before, entry| {
            *before += usize::from(entry.applied());
            Some((*before, entry))
        });
        let poisoned = counted.filter(|(_, entry)| entry.blocks());
        poisoned.map(|(before, entry)| (before, entry.stamp(), entry.op()))
    }

    /// How many operations are in the log.
    pub(crate) fn len(&self) -> usize {
        self.line.log.len()
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
        self.line.visit(position, &mut { usize::MAX }, S::clone).ok()
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

    /// The level at which the digest function panicked first, and its message: once.
    pub(crate) fn take_digest_panic(&mut self) -> Option<(u64, String)> {
        self.digests.take_panic()
    }

    /// What makes digests.
    pub(crate) fn digest_function(&self) -> Option<fn(&S) -> u64> {
        self.digests.function()
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
