//! Errors of sending and building. A refused value is returned in its error.

use std::{error::Error, fmt, io};

/// Why [`send`](crate::IntentSender::send), `send_timeout` or `send_blocking` did not accept an intent.
///
/// The intent is returned: [`into_intent`](Self::into_intent).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<I> {
    /// The panel was shut down or dropped: nothing will be drained any more.
    Closed(I),
    /// There is no free slot, and no send waits for one: either the panel is shutting down and the queue is no longer
    /// drained, or the worker whose context sends was asked to stop.
    Stopping(I),
    /// The run whose context sends has ended. Another may have begun, after which no intent of this one may follow.
    Ended(I),
    /// With a timeout only: no slot became free in time.
    Timeout(I),
    /// The intent's clock is `Some(0)`. Clock 0 means local; a replicated intent starts at 1.
    ZeroClock(I),
}

/// Why [`try_send`](crate::IntentSender::try_send) did not accept an intent.
///
/// The intent is returned: [`into_intent`](Self::into_intent).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<I> {
    /// The source's share of the queue is used up until the next frame.
    Full(I),
    /// As `Full`, and the worker whose context sends was asked to stop: it should end rather than try again.
    Stopping(I),
    /// The panel was shut down or dropped.
    Closed(I),
    /// The run whose context sends has ended. Another may have begun, after which no intent of this one may follow.
    Ended(I),
    /// The intent's clock is `Some(0)`. Clock 0 means local; a replicated intent starts at 1.
    ZeroClock(I),
}

impl<I> SendError<I> {
    /// The refused intent.
    #[must_use]
    pub fn into_intent(self) -> I {
        self.split().1
    }

    /// The reason alone, for errors that must be `Sync` or outlive the intent.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::SendError;
    /// async fn rows(cx: Context<Update>) -> Result<(), SendError<()>> {
    ///     // The error of a worker needs no intent in it.
    ///     cx.send(Update::Row(1)).await.map_err(|error| error.without_intent())
    /// }
    /// # let _ = rows;
    /// ```
    #[must_use]
    pub fn without_intent(self) -> SendError<()> {
        self.split().0
    }

    pub(crate) fn split(self) -> (SendError<()>, I) {
        match self {
            Self::Closed(intent) => (SendError::Closed(()), intent),
            Self::Stopping(intent) => (SendError::Stopping(()), intent),
            Self::Ended(intent) => (SendError::Ended(()), intent),
            Self::Timeout(intent) => (SendError::Timeout(()), intent),
            Self::ZeroClock(intent) => (SendError::ZeroClock(()), intent),
        }
    }
}

impl<I> TrySendError<I> {
    /// The refused intent.
    #[must_use]
    pub fn into_intent(self) -> I {
        self.split().1
    }

    /// The reason alone, for errors that must be `Sync` or outlive the intent.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::TrySendError;
    /// let panel = ControlPanel::<Update>::builder().capacity(1).build();
    /// let rows = panel.sender(IntentSource::Restore);
    /// let full = loop {
    ///     if let Err(error) = rows.try_send(Update::Row(1)) {
    ///         break error.without_intent();
    ///     }
    /// };
    /// assert!(matches!(full, TrySendError::Full(())));
    /// ```
    #[must_use]
    pub fn without_intent(self) -> TrySendError<()> {
        self.split().0
    }

    pub(crate) fn split(self) -> (TrySendError<()>, I) {
        match self {
            Self::Full(intent) => (TrySendError::Full(()), intent),
            Self::Stopping(intent) => (TrySendError::Stopping(()), intent),
            Self::Closed(intent) => (TrySendError::Closed(()), intent),
            Self::Ended(intent) => (TrySendError::Ended(()), intent),
            Self::ZeroClock(intent) => (TrySendError::ZeroClock(()), intent),
        }
    }
}

const CLOSED: &str = "the panel was shut down or dropped, and accepts no more intents: stop this sender with it, or shut the \
                      panel down later";
const STOPPING: &str = "there is no free slot, and no send waits, as the panel is shutting down or the worker was asked to \
                        stop: let the worker return";
const ENDED: &str = "the run of the worker that this context belongs to has ended: send from the next one's context, or \
                      by a sender of the panel, `panel.sender(…)`, which outlives every worker";
const ZERO_CLOCK: &str =
    "the intent's clock is 0, which means local: a replicated intent's clock starts at 1";

impl<I> fmt::Display for SendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::Stopping(_) => STOPPING,
            Self::Ended(_) => ENDED,
            Self::Timeout(_) => {
                "the queue stayed full for the whole timeout: drain more often, raise the capacity or the timeout, or use \
                 `send`, which waits"
            }
            Self::ZeroClock(_) => ZERO_CLOCK,
        })
    }
}

impl<I> fmt::Display for TrySendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the source's share of the queue is full: `send` waits for the next frame",
            Self::Stopping(_) => STOPPING,
            Self::Closed(_) => CLOSED,
            Self::Ended(_) => ENDED,
            Self::ZeroClock(_) => ZERO_CLOCK,
        })
    }
}

// Without `I: Debug`, so that `unwrap` works for every intent.
impl<I> fmt::Debug for SendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Stopping(_) => "Stopping(..)",
            Self::Ended(_) => "Ended(..)",
            Self::Timeout(_) => "Timeout(..)",
            Self::ZeroClock(_) => "ZeroClock(..)",
        })
    }
}

impl<I> fmt::Debug for TrySendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Stopping(_) => "Stopping(..)",
            Self::Closed(_) => "Closed(..)",
            Self::Ended(_) => "Ended(..)",
            Self::ZeroClock(_) => "ZeroClock(..)",
        })
    }
}

impl<I> Error for SendError<I> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stopping(_) => Some(&Stopped::ASKED),
            Self::Closed(_) => Some(&Stopped::CLOSED),
            Self::Ended(_) => Some(&Stopped::ENDED),
            Self::Timeout(_) | Self::ZeroClock(_) => None,
        }
    }
}

impl<I> Error for TrySendError<I> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Stopping(_) => Some(&Stopped::ASKED),
            Self::Closed(_) => Some(&Stopped::CLOSED),
            Self::Ended(_) => Some(&Stopped::ENDED),
            Self::Full(_) | Self::ZeroClock(_) => None,
        }
    }
}

/// The source of every error that is due to a stop. By it, an [`Exit`](crate::Exit) distinguishes a worker that ended
/// by `?` from one that failed, whatever the types of its intents and errors.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped(&'static str);

impl Stopped {
    pub(crate) const ASKED: Self = Self("a stop was requested");
    const CLOSED: Self = Self("the panel is closed");
    const ENDED: Self = Self("the worker has ended");
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Stopped {}

/// Why [`WorkerHandle::send`](crate::WorkerHandle::send) did not accept a command.
///
/// The command is returned: [`into_command`](Self::into_command).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CommandError<C> {
    /// The inbox is full: it holds 32 commands, or as many as [`Worker::inbox_capacity`](crate::Worker::inbox_capacity)
    /// set.
    Full(C),
    /// The worker ended for good, or was never started.
    Ended(C),
}

impl<C> CommandError<C> {
    /// The refused command.
    ///
    /// ```
    /// # use control_panel::requests::CommandError;
    /// let error = CommandError::Full("refresh");
    /// assert_eq!(error.into_command(), "refresh"); // to send it again
    /// ```
    #[must_use]
    pub fn into_command(self) -> C {
        match self {
            Self::Full(command) | Self::Ended(command) => command,
        }
    }
}

impl<C> fmt::Display for CommandError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str(
                "the worker's inbox is full, as it takes its commands more slowly than they are sent, or never opened its \
                 inbox: open it (`cx.inbox()`), or send more slowly",
            ),
            Self::Ended(_) => f.write_str(
                "the worker ended, or was never started, and takes no commands: see its `status()`, and spawn it again",
            ),
        }
    }
}

// Without `C: Debug`, so that `unwrap` works for every command.
impl<C> fmt::Debug for CommandError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Ended(_) => f.write_str("Ended(..)"),
        }
    }
}

impl<C> Error for CommandError<C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ended(_) => Some(&Stopped::ENDED),
            Self::Full(_) => None,
        }
    }
}

/// Why a worker cannot be restarted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartError {
    /// It ended, or was stopped for good.
    Ended,
    /// Its group is not started yet.
    NotStarted,
    /// Its factory makes only one run: a worker annotated without `restart`, or made by
    /// [`Worker::once`](crate::Worker::once).
    RunsOnce,
    /// The panel's runtime is gone, and with it the task that would restart the worker.
    RuntimeGone,
}

impl fmt::Display for RestartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "the worker ended, or was stopped for good: spawn it again",
            Self::NotStarted => "the worker's group is not started yet: call its `start` first",
            Self::RunsOnce => {
                "the worker can run only once: annotate it with `restart = …`, or make it with `Worker::new`"
            }
            Self::RuntimeGone => {
                "the panel's runtime is gone, and nothing starts without it: keep it alive as long as the panel, or let the \
                 panel have its own"
            }
        })
    }
}

impl Error for RestartError {}

/// The [`Reply`](crate::requests::Reply) was dropped unanswered: its holder does not answer, panicked, or is gone.
///
/// If a worker dropped it as its run ended, the worker's status shows that end by now, also for a worker on a thread,
/// and if its task or its panel was dropped. If the run continues, this error arrives at the end of its poll; from a
/// worker on a thread, when it next waits for something of the panel's, or a quarter of a second later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoReply;

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the question was dropped unanswered, as its receiver ended or does not answer it: ask again, or send the reply in each case")
    }
}

impl Error for NoReply {}

/// Why [`try_build`](crate::PanelBuilder::try_build) built no panel.
#[non_exhaustive]
#[derive(Debug)]
pub enum BuildError {
    /// `capacity(0)`: a queue needs room for at least one intent.
    ZeroCapacity,
    /// `signal_capacity(0)`: a bus needs room for at least one signal.
    ZeroSignalCapacity,
    /// No runtime was given and none is ambient, and the operating system refused to let the panel start its own.
    Runtime(io::Error),
    /// `idle_after(0)`: a panel becomes idle after some time without a touch.
    ZeroIdle,
    /// The runtime has no timer, which restarts, grace periods and deadlines need.
    NoTimer,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("a panel's capacity must be at least 1, and 0 was given"),
            Self::ZeroSignalCapacity => {
                f.write_str("a panel's signal capacity must be at least 1, and 0 was given")
            }
            Self::ZeroIdle => f.write_str(
                "a panel is idle after some time without a touch, and `idle_after` was given 0: give it a time, or leave it out for \
                 a panel that is never idle",
            ),
            Self::NoTimer => f.write_str(
                "the panel's runtime has no timer: build it with `enable_time()` or `enable_all()`",
            ),
            Self::Runtime(_) => f.write_str(
                "the panel could not start a runtime of its own: give it one with `.runtime(handle)`",
            ),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::ZeroCapacity | Self::ZeroSignalCapacity | Self::ZeroIdle | Self::NoTimer => None,
            Self::Runtime(cause) => Some(cause),
        }
    }
}
