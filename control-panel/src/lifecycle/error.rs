//! Errors of sending, to the queue and to a worker. What was refused is returned in its error.

use std::{error::Error, fmt};

/// For an error that returns what was refused: a line a variant, with its text and the stop that it comes from.
macro_rules! refusals {
    ($error:ident { $($variant:ident: $text:expr, $stop:expr;)* }) => {
        impl<T> $error<T> {
            /// The reason, and what was refused.
            pub(crate) fn split(self) -> ($error<()>, T) {
                match self {
                    $(Self::$variant(value) => ($error::$variant(()), value),)*
                }
            }
        }

        impl<T> fmt::Display for $error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant(_) => $text,)* })
            }
        }

        // Without `T: Debug`, so that `unwrap` works for every value.
        impl<T> fmt::Debug for $error<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant(_) => concat!(stringify!($variant), "(..)"),)* })
            }
        }

        impl<T> Error for $error<T> {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                let stop: Option<&'static Stopped> = match self { $(Self::$variant(_) => $stop,)* };
                stop.map(|stop| stop as _)
            }
        }
    };
}

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
}

const CLOSED: &str = "the panel was shut down or dropped, and accepts no more intents: stop this sender with it, or shut the \
                      panel down later";
const STOPPING: &str = "there is no free slot, and no send waits, as the panel is shutting down or the worker was asked to \
                        stop: let the worker return";
const ENDED: &str = "the run of the worker that this context belongs to has ended: send from the next one's context, or \
                      by a sender of the panel, `panel.sender(…)`, which outlives every worker";
const ZERO_CLOCK: &str =
    "the intent's clock is 0, which means local: a replicated intent's clock starts at 1";

refusals!(SendError {
    Closed: CLOSED, Some(&Stopped::CLOSED);
    Stopping: STOPPING, Some(&Stopped::ASKED);
    Ended: ENDED, Some(&Stopped::ENDED);
    Timeout: "the queue stayed full for the whole timeout: drain more often, raise the capacity or the timeout, or use \
              `send`, which waits", None;
    ZeroClock: ZERO_CLOCK, None;
});

refusals!(TrySendError {
    Full: "the source's share of the queue is full: `send` waits for the next frame", None;
    Stopping: STOPPING, Some(&Stopped::ASKED);
    Closed: CLOSED, Some(&Stopped::CLOSED);
    Ended: ENDED, Some(&Stopped::ENDED);
    ZeroClock: ZERO_CLOCK, None;
});

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
        self.split().1
    }
}

refusals!(CommandError {
    Full: "the worker's inbox is full, as it takes its commands more slowly than they are sent, or never opened its \
           inbox: open it (`cx.inbox()`), or send more slowly", None;
    Ended: "the worker ended, or was never started, and takes no commands: see its `status()`, and spawn it again",
        Some(&Stopped::ENDED);
});
