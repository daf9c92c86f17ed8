//! States of the past.

use std::sync::Arc;

use super::{line::Line, poison::caught};
use crate::replica::State;

/// Why a state of the past is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    BeyondBudget,
    /// The log is not that of the state yet, or the user's code panicked.
    Unknown,
}

impl<S: State> Line<S> {
    /// Looks at the state with exactly the operations before that position, if that takes no more than `budget` applications and undos.
    pub(super) fn visit<R>(
        &mut self,
        position: usize,
        budget: &mut usize,
        look: impl FnOnce(&S) -> R,
    ) -> Result<R, Unseen> {
        if !self.clean() || self.waits() || self.frozen.is_some_and(|frozen| position > frozen) {
            return Err(Unseen::Unknown);
        }
        let (from, to) = (position - self.first, self.reach.max(position) - self.first);
        if self.log[from..to].iter().all(|entry| !entry.applied()) {
            return caught(|| look(&self.state)).map_err(|_| Unseen::Unknown);
        }
        let there_and_back = (to - from) * 2;
        if there_and_back <= *budget && self.way.plan_all(&mut self.log[from..to], position) {
            *budget -= there_and_back;
            return self.there_and_back(position, look).ok_or(Unseen::Unknown);
        }
        let (start, state) = self.snapshots.nearest(position);
        *budget = budget.checked_sub(position - start).ok_or(Unseen::BeyondBudget)?;
        let (state, log) = (Arc::clone(state), &self.log[start - self.first..from]);
        caught(|| {
            let mut state = S::clone(&state);
            log.iter()
                .filter(|entry| entry.applied())
                .for_each(|entry| state.apply(entry.op(), &entry.stamp()));
            look(&state)
        })
        .map_err(|_| Unseen::Unknown)
    }

    /// All of the log from there on is undone and applied again.
    fn there_and_back<R>(&mut self, position: usize, look: impl FnOnce(&S) -> R) -> Option<R> {
        let end = self.reach;
        // Not a rollback: nothing changed.
        let meter = self.meter;
        let Self { state, way, log, first, .. } = self;
        let slice = &mut log[position - *first..end - *first];
        let mut unseen = meter;
        let undone = caught(|| way.undo(state, slice, position, &mut unseen));
        let seen = undone.is_ok().then(|| caught(|| look(&self.state)).ok()).flatten();
        if undone.is_ok() {
            if let Err((position, panic)) = self.advance(position, end, false, false) {
                self.poison(position, panic);
            }
        } else {
            self.log[position - self.first..end - self.first]
                .iter_mut()
                .for_each(|entry| entry.set_affected(false));
            self.broken = true;
            self.resume(position);
        }
        self.meter = meter;
        self.check();
        seen
    }
}
