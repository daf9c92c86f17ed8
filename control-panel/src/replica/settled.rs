//! What one `settle` did.

use super::{ReplicaNotice, State, redo::Redo};
use crate::frame::RedoFigures;

/// What [`Replica::settle`](super::Replica::settle) did. The figures are in the frame's report too ([`FrameReport::redo`](crate::FrameReport::redo)), without being
/// forwarded; the job and the notices are the caller's.
///
/// ```
/// use control_panel::{
///     State,
///     replica::{Redo, ReplicaNotice, Settled},
/// };
///
/// /// For `Reducer::settle`: `spawn` runs the job on a worker, which sends its
/// /// result back as an intent.
/// fn take<S: State>(
///     settled: Settled<S>,
///     spawn: impl FnOnce(Redo<S>),
///     shown: &mut Vec<ReplicaNotice>,
/// ) {
///     settled.job.map(spawn);
///     shown.extend(settled.notices);
/// }
/// ```
#[must_use = "a `job` that is dropped is made again by the next `settle`, and notices are reported once"]
pub struct Settled<S: State> {
    /// Operations that became part of the state, local ones not counted.
    pub merged: usize,
    /// Operations of the state that were taken back, to make room for those that sort before them.
    pub undone: usize,
    /// Operations applied again after that: those that were taken back and are neither void nor revoked.
    pub redone: usize,
    /// What is beyond [the budget](super::ReplicaBuilder::redo_budget): run it elsewhere, and give the result to [`Replica::finish`](super::Replica::finish).
    pub job: Option<Redo<S>>,
    /// What else happened, in the order in which it was found; each once.
    pub notices: Vec<ReplicaNotice>,
}

impl<S: State> Settled<S> {
    /// Counts it in the report of the frame that runs on this thread, where it did something.
    pub(crate) fn count(&self) {
        let &Self { merged, undone, redone, ref job, .. } = self;
        let figures = RedoFigures { merged, undone, redone, jobs: usize::from(job.is_some()) };
        if !figures.is_zero() {
            figures.add();
        }
    }
}

impl<S: State> Default for Settled<S> {
    fn default() -> Self {
        Self { merged: 0, undone: 0, redone: 0, job: None, notices: Vec::new() }
    }
}

impl<S: State> std::fmt::Debug for Settled<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settled")
            .field("merged", &self.merged)
            .field("undone", &self.undone)
            .field("redone", &self.redone)
            .field("job", &self.job.is_some())
            .field("notices", &self.notices)
            .finish()
    }
}
