//! Operations whose `apply` panics.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::replica::Stamp;

/// An operation whose `apply` panicked. Reported once; tried again only if what is below it changes, as the verdict must depend on that alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poison {
    pub(crate) stamp: Stamp,
    pub(crate) message: String,
    /// Whether the fold goes on without it, or stopped before it.
    pub(crate) void: bool,
}

/// Runs the user's code on a state that is given up or restored if it panics. What it borrows beside that is whole after each operation.
pub(super) fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(message)
}

/// The payload is dropped apart: its destructor is the user's too.
fn message(payload: Box<dyn Any + Send>) -> String {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic with no text".to_owned());
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // It panics when dropped: leaked, or it would end the program.
        std::mem::forget(second);
    }
    message
}
