//! How a worker's run ends.

use std::{convert::Infallible, error::Error, fmt, sync::Arc};

use crate::{lifecycle::SpawnError, util::PanicReport};

/// How a worker ended.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum Exit {
    /// It returned.
    Finished,
    /// It was asked to stop, and did. Includes a return with an error that says no more than that: see
    /// [`WorkerOutput`].
    Cancelled,
    /// It returned an error.
    Failed(WorkerError),
    /// It panicked.
    Panicked(PanicReport),
    /// It was dropped before it stopped by itself: at the end of its grace period or of the shutdown's time, or because
    /// its panel or its runtime was dropped.
    Aborted,
    /// It did not stop: a thread was still running it when the shutdown returned.
    Abandoned,
    /// It could not stop: no thread was free to end it before the shutdown returned, because others occupied them all.
    /// It is dropped when one is.
    Starved,
    /// The watchdog found it stuck, and it, or the whole panel, was stopped for that ([`OnStuck`](crate::supervision::OnStuck));
    /// then it ended.
    Stuck,
    /// It did not report in time that it is [ready](crate::Worker::ready_within), was asked to stop for that, and did.
    NotReady,
    /// It was refused and never ran. Only reports use this; the status of such a worker is
    /// [`Refused`](crate::WorkerStatus::Refused).
    Refused(SpawnError),
}

impl Exit {
    /// Whether nothing went wrong: it finished or was cancelled.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Finished | Self::Cancelled)
    }

    /// Whether it was the worker's own failure: an error or a panic.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Panicked(_))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("finished"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(panic) => write!(f, "panicked {panic}"),
            Self::Aborted => f.write_str("aborted: dropped before it had stopped"),
            Self::Abandoned => f.write_str("did not stop"),
            Self::Starved => f.write_str("could not stop: no thread was free to end it"),
            Self::Stuck => f.write_str("was stuck"),
            Self::NotReady => f.write_str("was not ready in time"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

/// The error a worker returned, shared.
pub type WorkerError = Arc<dyn Error + Send + Sync>;

/// What an async worker may return: nothing, or a `Result` whose error says why it failed.
///
/// The error is anything that converts into `Box<dyn Error + Send + Sync>`: your own error types, `anyhow`'s,
/// a `String`.
///
/// # Errors that are not failures
/// Once a worker is asked to stop, or its panel shuts down, its sends, requests and waits end with an error, and `?`
/// returns it. Such a worker was [cancelled](Exit::Cancelled) and did not fail. The decision depends on the type of the
/// error, or of one in its chain of [`Error::source`]s: a [`SendError`](crate::SendError) or
/// [`TrySendError`](crate::TrySendError) that is `Stopping`, `Closed` or `Ended`, a
/// [`RequestError`](crate::requests::RequestError) that is `Stopped`, a [`PolicyClosed`](crate::context::PolicyClosed), a
/// [`NoReply`](crate::requests::NoReply), a [`CommandError`](crate::requests::CommandError) or [`RestartError`](crate::supervision::RestartError) that
/// is `Ended`, or a [`SpawnError`](crate::supervision::SpawnError) because of the shutdown. Any other error is a failure even during a
/// stop. So is each of these without a stop, and so is an error whose source cannot be seen: a text made from it, or a
/// type of your own that does not return it from `source`.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Tick,
/// }
///
/// #[worker(source = IntentSource::Restore, kind = thread)]
/// fn tick(
///     cx: Context<Update>,
/// ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     loop {
///         // Ends the loop once the worker is asked to stop.
///         cx.send_blocking(Update::Tick)?;
///     }
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// panel.spawn_tick();
/// assert!(panel.shutdown_blocking().is_clean());
/// ```
#[diagnostic::on_unimplemented(
    message = "a worker cannot return `{Self}`",
    label = "a worker returns nothing, or `Result<(), E>` with an error `E`",
    note = "write `()`, or `Result<(), String>` with any error that is `Into<Box<dyn std::error::Error + Send + Sync>>`; results for the reducer are sent as intents"
)]
pub trait WorkerOutput: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}

impl WorkerOutput for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> WorkerOutput for Result<(), E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> WorkerOutput for Result<Infallible, E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map(|never| match never {}).map_err(Into::into)
    }
}

/// Names the type `!`, which cannot be written here on stable Rust: a worker that loops forever returns it.
mod never {
    pub trait Returned {
        type Type;
    }

    impl<T> Returned for fn() -> T {
        type Type = T;
    }
}

type Never = <fn() -> ! as never::Returned>::Type;

impl sealed::Sealed for Never {}

#[diagnostic::do_not_recommend]
impl WorkerOutput for Never {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> WorkerOutput for Result<Never, E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map(|never| never).map_err(Into::into)
    }
}

impl Exit {
    pub(crate) fn of(output: impl WorkerOutput) -> Self {
        match output.into_result() {
            Ok(()) => Self::Finished,
            Err(error) => Self::Failed(error.into()),
        }
    }
}
