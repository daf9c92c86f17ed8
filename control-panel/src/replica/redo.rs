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
    /// Boxed: each `settle` returns room for one, and hardly any has one.
    task: Box<Held<S>>,
}

enum Held<S: State> {
    Own(Task<S>),
    /// In a replay: its replica has it too, as the result that comes is only a mark.
    #[cfg(feature = "journal")]
    Replayed(u64, Replayed<S>),
}

/// A task that both its fold and its [`Redo`] have, until one of them runs it.
#[cfg(feature = "journal")]
pub(crate) type Replayed<S> = std::sync::Arc<std::sync::Mutex<Option<Task<S>>>>;

impl<S: State> Redo<S> {
    pub(crate) fn new(task: Task<S>) -> Self {
        Self { task: Box::new(Held::Own(task)) }
    }

    #[cfg(feature = "journal")]
    pub(crate) fn replayed(number: u64, task: Replayed<S>) -> Self {
        Self { task: Box::new(Held::Replayed(number, task)) }
    }

    /// Does the work: applies all operations concerned to a state of its own.
    ///
    /// # Panics
    /// Where `Clone` of the state panics. Operations that panic are caught and reported by the `settle` after
    /// [`Replica::finish`](super::Replica::finish).
    pub fn run(self) -> Redone<S> {
        match *self.task {
            Held::Own(task) => Redone { made: Made::Outcome(Box::new(task.run())) },
            #[cfg(feature = "journal")]
            Held::Replayed(number, task) => {
                let task = task.lock().ok().and_then(|mut task| task.take());
                let made = task.map_or(Made::Recorded(number), |task| Made::Outcome(Box::new(task.run())));
                Redone { made }
            }
        }
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
    pub(crate) made: Made<S>,
}

pub(crate) enum Made<S: State> {
    Outcome(Box<Outcome<S>>),
    /// In a replay: the number of the job, among those of its replica.
    #[cfg(feature = "journal")]
    Recorded(u64),
}

/// For journals: which job it was. The replica of a replay runs that in place, when [`Replica::finish`](super::Replica::finish) takes it.
#[cfg(feature = "journal")]
impl<S: State> serde::Serialize for Redone<S> {
    fn serialize<T: serde::Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        serializer.serialize_u64(match &self.made {
            Made::Outcome(outcome) => outcome.number,
            Made::Recorded(number) => *number,
        })
    }
}

/// For replays of journals.
#[cfg(feature = "journal")]
impl<'de, S: State> serde::Deserialize<'de> for Redone<S> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { made: Made::Recorded(u64::deserialize(deserializer)?) })
    }
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
