//! Work that a frame does not pay for.

use super::{
    State,
    fold::{Outcome, Task},
};

/// The part of a rollback that exceeds the frame's budget: runs on any thread.
///
/// [`Replica::settle`](super::Replica::settle) returns it; the frame goes on with the state as it was, and commits are applied to that. Give the
/// result back as an intent, so that the frame which swaps it in is part of the record. A redo that is dropped, or whose
/// result is, is made again by a later `settle`.
///
/// It begins with a snapshot, so making it clones no state: that happens where it runs.
///
/// ```
/// use control_panel::{Stamp, State, replica::{Redo, Redone}};
///
/// fn elsewhere<S: State>(job: Redo<S>, send: impl FnOnce(Redone<S>)) {
///     send(job.run()); // on a thread of its own; `Replica::finish` takes it
/// }
/// ```
#[must_use = "run it elsewhere and give the result to `Replica::finish`"]
pub struct Redo<S: State> {
    pub(crate) task: Task<S>,
}

impl<S: State> Redo<S> {
    /// Does the work: applies all operations concerned to a state of its own.
    ///
    /// # Panics
    /// Where `Clone` of the state panics. Operations that panic are caught and reported by the `settle` after
    /// [`Replica::finish`](super::Replica::finish).
    pub fn run(self) -> Redone<S> {
        Redone { outcome: self.task.run() }
    }
}

/// The result of a [`Redo`], for [`Replica::finish`](super::Replica::finish): a field of the intent by which it comes back. One that is dropped is made again; one that comes twice, or too
/// late, is refused by `finish`.
///
/// ```
/// use control_panel::{Replica, State, replica::Redone};
///
/// /// For `Reducer::apply`, of the intent that brings it.
/// fn swap_in<S: State>(replica: &mut Replica<S>, result: Redone<S>) {
///     let _awaited = replica.finish(result);
/// }
/// ```
#[must_use = "give it to `Replica::finish`"]
pub struct Redone<S: State> {
    pub(crate) outcome: Outcome<S>,
}

impl<S: State> std::fmt::Debug for Redo<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redo")
    }
}

impl<S: State> std::fmt::Debug for Redone<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redone")
    }
}
