//! What a worker's inbox takes.

use std::{fmt, marker::PhantomData, ops::Deref};

use crate::{lifecycle::error::CommandError, worker::WorkerHandle};

/// In the type of a [`WorkerHandle`] or a [`Worker`](crate::Worker): without an inbox, so it takes no commands.
///
/// [`Worker::inbox`](crate::Worker::inbox) and `#[worker(inbox = Type)]` put the type of the commands in its place.
// Not `Send`: so what can be sent, as commands can, is never this.
pub struct NoInbox(PhantomData<*const ()>);

impl fmt::Debug for NoInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoInbox")
    }
}

/// Where a command is sent by a handle whose type names none, this is found, and refused in words of ours.
#[doc(hidden)]
#[derive(Debug)]
pub struct Deaf;

/// Nothing implements it for [`NoInbox`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this `WorkerHandle` names no type of command, so it sends none",
    label = "a command, to a worker of which no inbox is known",
    note = "write `inbox = Type` in the worker's `#[worker(…)]`, or `.inbox::<Type>()` on one made by hand: then its handle is a `WorkerHandle<Type>`",
    note = "a handle that was looked up gets its type back by `.typed::<Type>()`"
)]
pub trait TakesCommand<C> {}

impl Deaf {
    #[expect(clippy::unused_self, reason = "a method is what is looked for")]
    pub fn send<C>(&self, command: C) -> Result<(), CommandError<C>>
    where
        NoInbox: TakesCommand<C>,
    {
        Err(CommandError::Ended(command))
    }
}

// Method resolution comes here only where the handle itself has no `send`.
#[doc(hidden)]
impl Deref for WorkerHandle {
    type Target = Deaf;

    fn deref(&self) -> &Deaf {
        &Deaf
    }
}
