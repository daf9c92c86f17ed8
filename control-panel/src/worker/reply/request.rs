//! Questions from a worker to the frame loop, in one call.

use std::{error::Error, fmt};

use super::{Reply, reply};
use crate::{
    intent::Intent,
    lifecycle::{NoReply, SendError, Stopped},
    util::{Raced, park, race},
    worker::context::Context,
};

/// # Questions to the loop
impl<I: Intent, P> Context<I, P> {
    /// Asks the frame loop: sends the intent that `ask` builds around a [`Reply`], and waits for the answer.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, worker,
    ///     requests::Reply,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Title { of: u32, reply: Reply<String> },
    ///     Longest(usize),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn titles(cx: Context<Update>) {
    ///     if let Ok(title) = cx.request(|reply| Update::Title { of: 7, reply }).await
    ///     {
    ///         cx.send(Update::Longest(title.len())).await.ok();
    ///     }
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// panel.spawn_titles();
    /// let mut longest = 0;
    /// while longest == 0 {
    ///     for queued in panel.drain() {
    ///         match queued.intent {
    ///             Update::Title { of, reply } => reply.send(format!("number {of}")),
    ///             Update::Longest(length) => longest = length,
    ///         }
    ///     }
    /// #   std::thread::yield_now();
    /// }
    /// assert_eq!(longest, 8);
    /// ```
    ///
    /// # Errors
    /// [`RequestError::Refused`], which returns the intent, if [`send`](Self::send) would refuse it; [`RequestError::NoReply`]
    /// if the reply was dropped unanswered; [`RequestError::Stopped`] if this worker was asked to stop before the answer
    /// arrived: while a panel shuts down, nothing drains the queue, so nothing answers. A worker that wants to wait all the
    /// same sends its own [`reply`](reply()).
    ///
    /// # Cancel safety
    /// A cancelled request has either delivered the intent or dropped it undelivered. If it was delivered, its reply is no
    /// longer wanted.
    pub async fn request<T>(&self, ask: impl FnOnce(Reply<T>) -> I) -> Result<T, RequestError<I>> {
        let (reply, answer) = reply();
        self.send(ask(reply)).await.map_err(RequestError::Refused)?;
        match race(answer, self.cancelled()).await {
            Raced::First(Ok(answer)) => Ok(answer),
            // A loop that ends drops the questions it received; if the worker is asked to stop too, that is the reason.
            Raced::First(Err(NoReply)) if !self.is_cancelled() => Err(RequestError::NoReply),
            Raced::First(Err(NoReply)) | Raced::Second(()) => Err(RequestError::Stopped),
        }
    }

    /// Like [`request`](Self::request), for a worker on a thread: waits until the answer arrives or can no longer come, or
    /// until the worker is asked to stop.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, worker,
    ///     requests::Reply,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Title { of: u32, reply: Reply<String> },
    ///     Longest(usize),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, kind = thread)]
    /// fn titles(cx: Context<Update>) {
    ///     if let Ok(title) =
    ///         cx.request_blocking(|reply| Update::Title { of: 7, reply })
    ///     {
    ///         cx.send_blocking(Update::Longest(title.len())).ok();
    ///     }
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// panel.spawn_titles();
    /// let mut longest = 0;
    /// while longest == 0 {
    ///     for queued in panel.drain() {
    ///         match queued.intent {
    ///             Update::Title { of, reply } => reply.send(format!("number {of}")),
    ///             Update::Longest(length) => longest = length,
    ///         }
    ///     }
    /// #   std::thread::yield_now();
    /// }
    /// assert_eq!(longest, 8);
    /// ```
    ///
    /// # Errors
    /// As `request`.
    ///
    /// # Panics
    /// In async code, before anything is sent: use `request(…).await` there.
    #[track_caller]
    pub fn request_blocking<T>(&self, ask: impl FnOnce(Reply<T>) -> I) -> Result<T, RequestError<I>> {
        park::assert_may_block("request_blocking", "`request(…).await`");
        park::wait(self.request(ask))
    }
}

/// Why [`Context::request`] got no answer.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RequestError<I> {
    /// The intent was refused; the error says why.
    Refused(SendError<I>),
    /// The intent was accepted, and its reply dropped unanswered.
    NoReply,
    /// The intent was accepted, and the asking worker was asked to stop before an answer arrived, even if the reply was then
    /// dropped unanswered.
    Stopped,
}

impl<I> RequestError<I> {
    /// Returns the intent, if it was refused.
    #[must_use]
    pub fn into_intent(self) -> Option<I> {
        match self {
            Self::Refused(error) => Some(error.into_intent()),
            Self::NoReply | Self::Stopped => None,
        }
    }

    /// Drops the intent and keeps the reason, for errors that must be `Sync` or outlive the intent.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::requests::RequestError;
    /// // To return it as an error where the intent is not `Send` or `Debug`.
    /// let error: RequestError<Update> = RequestError::NoReply;
    /// let error: RequestError<()> = error.without_intent();
    /// assert!(!error.to_string().is_empty());
    /// ```
    #[must_use]
    pub fn without_intent(self) -> RequestError<()> {
        match self {
            Self::Refused(error) => RequestError::Refused(error.without_intent()),
            Self::NoReply => RequestError::NoReply,
            Self::Stopped => RequestError::Stopped,
        }
    }
}

impl<I> fmt::Display for RequestError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_) => f.write_str("the question was not sent"),
            Self::NoReply => NoReply.fmt(f),
            Self::Stopped => {
                f.write_str("the worker was asked to stop before its question was answered: let it return")
            }
        }
    }
}

// Without `I: Debug`, so that `unwrap` works for every intent.
impl<I> fmt::Debug for RequestError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::NoReply => f.write_str("NoReply"),
            Self::Stopped => f.write_str("Stopped"),
        }
    }
}

impl<I: 'static> Error for RequestError<I> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => Some(error),
            Self::NoReply => None,
            Self::Stopped => Some(&Stopped::ASKED),
        }
    }
}
