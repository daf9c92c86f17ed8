//! What one settling did.

use super::{Meter, Poison};
use crate::replica::{Redo, State};

/// What [`Fold::settle`](super::Fold::settle) did.
pub(crate) struct FoldReport<S: State> {
    /// Operations that became part of the state, for the first time.
    pub(crate) merged: usize,
    pub(crate) undone: usize,
    pub(crate) redone: usize,
    /// What exceeds the budget.
    pub(crate) job: Option<Redo<S>>,
    pub(crate) poisoned: Vec<Poison>,
}

impl<S: State> FoldReport<S> {
    pub(super) fn new(meter: Meter, poisoned: Vec<Poison>, job: Option<Redo<S>>) -> Self {
        let Meter { merged, undone, redone, .. } = meter;
        Self { merged, undone, redone, job, poisoned }
    }
}

impl<S: State> Default for FoldReport<S> {
    fn default() -> Self {
        Self { merged: 0, undone: 0, redone: 0, job: None, poisoned: Vec::new() }
    }
}
