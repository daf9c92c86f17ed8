//! What a worker's inbox takes.

use std::{fmt, marker::PhantomData, ops::Deref};

use crate::{lifecycle::CommandError, worker::WorkerHandle};

/// The command type of a [`WorkerHandle`] or a [`Worker`](crate::Worker) without an inbox, which takes no commands.
///
/// [`Worker::inbox`](crate::Worker::inbox) and `#[worker(inbox = Type)]` replace it with the type of the commands.
// Not `Send`: commands are, so no command is ever this type.
pub struct NoInbox(PhantomData<*const ()>);

impl fmt::Debug for NoInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoInbox")
    }
}

/// If a command is sent through a handle without a command type, method resolution finds this type, which refuses it with our
/// own message.
#[doc(hidden)]
#[derive(Debug)]
pub struct Deaf;

/// Not implemented by anything for [`NoInbox`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this `WorkerHandle` names no type of command, so it sends none",
    label = "a command, to a worker of which no inbox is known",
    note = "write `inbox = Type` in the worker's `#[worker(…)]`, or `.inbox::<Type>()` on one made by hand: then its handle is a `WorkerHandle<Type>`",
    note = "behind a handle that was looked up write `.typed::<Type>()`, which gives it its type back"
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

// Method resolution gets here only if the handle itself has no `send`.
#[doc(hidden)]
impl Deref for WorkerHandle {
    type Target = Deaf;

    fn deref(&self) -> &Deaf {
        &Deaf
    }
}
