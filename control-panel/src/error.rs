//! What can go wrong when sending and building, always with the intent handed back.

use std::{error::Error, fmt, io};

/// Why [`send`](crate::IntentSender::send), `send_timeout` or `send_blocking` did not take an intent.
///
/// The intent comes back: [`into_intent`](Self::into_intent).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<I> {
    /// The panel was shut down or dropped: nothing will be drained any more.
    Closed(I),
    /// The queue is full and the panel is shutting down, so nobody drains it: waiting would be for ever.
    Stopping(I),
    /// `send_timeout` only: no slot became free in time.
    Timeout(I),
    /// The intent's clock is `Some(0)`. Clock 0 means local; a replicated intent starts at 1.
    ZeroClock(I),
}

/// Why [`try_send`](crate::IntentSender::try_send) did not take an intent.
///
/// The intent comes back: [`into_intent`](Self::into_intent).
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<I> {
    /// The source's share of the queue is used up until the next frame.
    Full(I),
    /// The panel was shut down or dropped.
    Closed(I),
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
    #[must_use]
    pub fn without_intent(self) -> SendError<()> {
        self.split().0
    }

    pub(crate) fn split(self) -> (SendError<()>, I) {
        match self {
            Self::Closed(intent) => (SendError::Closed(()), intent),
            Self::Stopping(intent) => (SendError::Stopping(()), intent),
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
    #[must_use]
    pub fn without_intent(self) -> TrySendError<()> {
        self.split().0
    }

    pub(crate) fn split(self) -> (TrySendError<()>, I) {
        match self {
            Self::Full(intent) => (TrySendError::Full(()), intent),
            Self::Closed(intent) => (TrySendError::Closed(()), intent),
            Self::ZeroClock(intent) => (TrySendError::ZeroClock(()), intent),
        }
    }
}

const CLOSED: &str = "the panel was shut down: no intent is accepted any more";
const ZERO_CLOCK: &str =
    "the intent's clock is 0, which means local: a replicated intent's clock starts at 1";

impl<I> fmt::Display for SendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => CLOSED,
            Self::Stopping(_) => "the queue is full and the panel is shutting down, so nobody drains it",
            Self::Timeout(_) => "the queue stayed full for the whole timeout",
            Self::ZeroClock(_) => ZERO_CLOCK,
        })
    }
}

impl<I> fmt::Display for TrySendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the source's share of the queue is full: `send` waits for the next frame",
            Self::Closed(_) => CLOSED,
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
            Self::Timeout(_) => "Timeout(..)",
            Self::ZeroClock(_) => "ZeroClock(..)",
        })
    }
}

impl<I> fmt::Debug for TrySendError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
            Self::ZeroClock(_) => "ZeroClock(..)",
        })
    }
}

impl<I> Error for SendError<I> {}
impl<I> Error for TrySendError<I> {}

/// Why [`try_build`](crate::PanelBuilder::try_build) made no panel.
#[non_exhaustive]
#[derive(Debug)]
pub enum BuildError {
    /// `capacity(0)`: a queue needs room for at least one intent.
    ZeroCapacity,
    /// No runtime was given and none is ambient, and the operating system refused the panel one of its own.
    Runtime(io::Error),
    /// The runtime has no timer, and restarts, graces and deadlines need one.
    NoTimer,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("a panel's capacity must be at least 1, and 0 was given"),
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
            Self::ZeroCapacity | Self::NoTimer => None,
            Self::Runtime(cause) => Some(cause),
        }
    }
}
