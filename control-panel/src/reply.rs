//! Request and reply: who asks keeps an [`Answer`], and the [`Reply`] travels inside the intent or the command.

mod request;

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{self, Poll, Waker},
};

use tokio::sync::oneshot;

pub use self::request::RequestError;
use crate::blocking;

/// A reply and the answer that it becomes, for one question.
///
/// The [`Reply`] goes to whoever is asked: into an intent, if a worker asks the frame loop
/// ([`Context::request`](crate::Context::request) does it in one call), or into a command, if the loop asks a worker. Costs one allocation.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Reply, reply, worker};
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// struct Lookup { word: String, reply: Reply<usize> }
///
/// #[worker(source = IntentSource::Restore, inbox = Lookup)]
/// async fn index(cx: Context<Update>) {
///     let mut inbox = cx.inbox::<Lookup>();
///     while let Some(Lookup { word, reply }) = inbox.recv().await {
///         reply.send(word.len());
///     }
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let index = panel.spawn_index();
/// let (reply, mut answer) = reply();
/// index.send(Lookup { word: "gate".into(), reply })?;
/// let length = loop {
///     // once a frame
///     if let Some(answer) = answer.try_take() {
///         break answer?;
///     }
/// #   std::thread::yield_now();
/// };
/// assert_eq!(length, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A loop that sleeps takes [`ControlPanel::reply`](crate::ControlPanel::reply) instead, whose answer wakes it.
pub fn reply<T>() -> (Reply<T>, Answer<T>) {
    make(None)
}

/// `wake` is woken once the answer is there, or can no longer come.
pub(crate) fn make<T>(wake: Option<Waker>) -> (Reply<T>, Answer<T>) {
    let (sender, receiver) = oneshot::channel();
    (Reply { sender: Some(sender), wake }, Answer { receiver: Some(receiver) })
}

/// Where an answer goes: made by [`reply`] or [`Context::request`](crate::Context::request), and part of an intent or a command.
///
/// Dropped unanswered, it gives whoever asked a [`NoReply`]: nobody waits for an answer that will never come.
#[must_use = "dropped unanswered, it tells whoever asked that there is no answer"]
pub struct Reply<T> {
    /// `None` once it was sent.
    sender: Option<oneshot::Sender<T>>,
    wake: Option<Waker>,
}

impl<T> Reply<T> {
    /// Answers. Never waits. An answer that nobody waits for any more is dropped.
    pub fn send(mut self, answer: T) {
        if let Some(sender) = self.sender.take() {
            // The answer comes back if it is not wanted any more.
            sender.send(answer).ok();
        }
    }

    /// Whether somebody still waits for the answer: worth a look before work that is only done for it.
    pub fn is_wanted(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        // Before the wake, so that whoever is woken finds the end.
        drop(self.sender.take());
        if let Some(wake) = self.wake.take() {
            wake.wake();
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}

/// An answer to come. Await it in async code; a synchronous loop asks [`try_take`](Self::try_take) each frame.
///
/// Dropping it withdraws the question: [`Reply::is_wanted`] says so.
///
/// # Cancel safety
/// Cancel-safe: an answer that a dropped `&mut answer` would have returned is returned by the next one.
///
/// # Panics
/// When it is awaited after the answer was taken.
#[must_use = "dropping it withdraws the question"]
pub struct Answer<T> {
    /// `None` once the answer was taken.
    receiver: Option<oneshot::Receiver<T>>,
}

impl<T> Answer<T> {
    /// The answer, once: `None` while there is none yet, and again after it was taken. Never waits, and costs a
    /// load or two as long as there is none.
    ///
    /// ```
    /// use control_panel::{NoReply, reply};
    ///
    /// let (reply, mut answer) = reply();
    /// assert_eq!(answer.try_take(), None);
    /// reply.send("yes");
    /// assert_eq!(answer.try_take(), Some(Ok("yes")));
    /// assert_eq!(answer.try_take(), None);
    /// ```
    pub fn try_take(&mut self) -> Option<Result<T, NoReply>> {
        let answer = match self.receiver.as_mut()?.try_recv() {
            Ok(answer) => Ok(answer),
            Err(oneshot::error::TryRecvError::Empty) => return None,
            Err(oneshot::error::TryRecvError::Closed) => Err(NoReply),
        };
        self.receiver = None;
        Some(answer)
    }

    /// Waits for the answer on a thread that is not driving a runtime: where async code awaits it.
    ///
    /// A worker on a thread that is told to stop goes on waiting here, but not in [`Context::request_blocking`](crate::Context::request_blocking).
    ///
    /// ```
    /// use control_panel::{NoReply, reply};
    ///
    /// let (reply, mut answer) = reply();
    /// let asked = std::thread::spawn(move || reply.send("yes"));
    /// assert_eq!(answer.take_blocking(), Ok("yes"));
    /// # asked.join().unwrap();
    /// ```
    ///
    /// # Errors
    /// [`NoReply`] if the reply was dropped unanswered.
    ///
    /// # Panics
    /// In async code: await it there. When the answer was taken already.
    #[track_caller]
    pub fn take_blocking(&mut self) -> Result<T, NoReply> {
        blocking::assert_may_block("take_blocking", "`answer.await`");
        blocking::wait(self)
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, NoReply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let Some(receiver) = self.receiver.as_mut() else {
            panic!("this answer was taken already: keep what the first `try_take` or `await` returned");
        };
        let polled = Pin::new(receiver).poll(cx);
        if polled.is_ready() {
            self.receiver = None;
        }
        polled.map_err(|_| NoReply)
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("taken", &self.receiver.is_none()).finish_non_exhaustive()
    }
}

/// The [`Reply`] was dropped unanswered: whoever was asked does not answer, panicked, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoReply;

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the question was dropped unanswered: whoever was asked does not answer it, or is gone")
    }
}

impl Error for NoReply {}
