//! States kept along the log.

use std::sync::Arc;

use crate::replica::State;

/// How many operations are between two snapshots, at most and at least.
///
/// A rollback applies half of it beside what it has to. Measured with a map of 10,000 keys: a clone costs as much as 4,000 applications, and each
/// rollback makes one, so that 512 applications more are an eighth of it, while at 256 the clones of a log in order would cost
/// four times what its operations do. A state that is cloned in no time pays 20 µs a rollback for it.
const MOST: usize = 1024;
const LEAST: usize = 16;

/// The distance for a budget: a quarter of it, so that what lies between a snapshot and a late operation never exceeds it.
pub(super) fn interval(budget: usize) -> usize {
    let quarter = (budget / 4).clamp(LEAST, MOST);
    1 << quarter.ilog2()
}

/// The base, and snapshots at positions that are multiples of the interval times a power of two: of each power the last two.
///
/// Which ones survive depends on their positions alone. To keep the newest of each power instead starves: with a constant depth
/// of rollback the newest is always dropped, and no older one comes into the gap.
pub(super) struct Snapshots<S> {
    interval: usize,
    /// Everything before it is folded into it, and forgotten.
    base: (usize, Arc<S>),
    /// In the order of their positions. At most 2 log2(operations / interval) and two that stand elsewhere.
    kept: Vec<(usize, Arc<S>)>,
}

impl<S: State> Snapshots<S> {
    pub(super) fn new(interval: usize, position: usize, base: Arc<S>) -> Self {
        Self { interval, base: (position, base), kept: Vec::new() }
    }

    pub(super) fn base(&self) -> (usize, &Arc<S>) {
        (self.base.0, &self.base.1)
    }

    /// The last one at or before that position.
    pub(super) fn nearest(&self, position: usize) -> (usize, &Arc<S>) {
        debug_assert!(position >= self.base.0);
        let after = self.kept.partition_point(|(kept, _)| *kept <= position);
        let (kept, state) = after.checked_sub(1).map_or(&self.base, |last| &self.kept[last]);
        (*kept, state)
    }

    /// Whether there is one that an operation at this position changes.
    pub(super) fn reach_above(&self, position: usize) -> bool {
        self.kept.last().is_some_and(|(kept, _)| *kept > position)
    }

    /// Drops those that an operation at this position changes.
    pub(super) fn invalidate(&mut self, position: usize) {
        while self.kept.last().is_some_and(|(kept, _)| *kept > position) {
            self.kept.pop();
        }
    }

    /// Keeps one more.
    pub(super) fn keep(&mut self, position: usize, state: Arc<S>) {
        if self.nearest(position).0 != position {
            let place = self.kept.partition_point(|(kept, _)| *kept < position);
            self.kept.insert(place, (position, state));
            self.thin();
        }
    }

    fn thin(&mut self) {
        // `seen[k]`: of the kept ones so far, from the newest on, the multiples of 2^k intervals. The last: those that are no multiple.
        let mut seen = [0_u8; usize::BITS as usize + 1];
        for place in (0..self.kept.len()).rev() {
            let power = self.power(self.kept[place].0);
            if seen[power] >= 2 {
                self.kept.remove(place);
                continue;
            }
            if power == usize::BITS as usize {
                seen[power] += 1;
            } else {
                seen[..=power].iter_mut().for_each(|seen| *seen = seen.saturating_add(1));
            }
        }
    }

    /// Takes over those of a redo that began at `from`.
    pub(super) fn replace_from(&mut self, from: usize, other: &mut Self) {
        self.invalidate(from);
        for (position, state) in other.kept.drain(..) {
            self.keep(position, state);
        }
    }

    /// The base moves on.
    pub(super) fn rebase(&mut self, position: usize, state: Arc<S>) {
        debug_assert!(position >= self.base.0);
        self.kept.retain(|(kept, _)| *kept > position);
        self.base = (position, state);
    }

    #[cfg(test)]
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.kept.iter().map(|(position, _)| *position)
    }

    /// Where the one after `position` belongs.
    pub(super) fn next(&self, position: usize) -> usize {
        (position / self.interval + 1) * self.interval
    }

    pub(super) fn interval(&self) -> usize {
        self.interval
    }

    /// The greatest k for which the position is a multiple of 2^k intervals; `usize::BITS` if it is none of the interval.
    fn power(&self, position: usize) -> usize {
        if position % self.interval == 0 {
            (position / self.interval).trailing_zeros() as usize
        } else {
            usize::BITS as usize
        }
    }
}
