//! Request and reply over a one-shot channel: the asking side keeps an [`Answer`], and the [`Reply`] travels inside the intent
//! or the command.

#[cfg(feature = "journal")]
mod recorded;
mod request;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{self, Poll, Waker},
};

use tokio::sync::oneshot;

pub use self::request::RequestError;
use crate::{
    lifecycle::{NoReply, Unanswered, unanswered},
    util::park,
};

/// Creates a reply and its answer, for one question.
///
/// Send the [`Reply`] to the answering side: inside an intent, if a worker asks the frame loop
/// ([`Context::request`](crate::Context::request) does it in one call), or inside a command, if the loop asks a worker. Costs
/// one allocation.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, worker,
///     requests::{Reply, reply},
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// struct Lookup {
///     word: String,
///     reply: Reply<usize>,
/// }
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
/// For a loop that sleeps, use [`ControlPanel::reply`](crate::ControlPanel::reply) instead, whose answer wakes it.
pub fn reply<T>() -> (Reply<T>, Answer<T>) {
    make(None)
}

/// `wake` is woken once the answer arrives or can no longer come.
pub(crate) fn make<T>(wake: Option<Waker>) -> (Reply<T>, Answer<T>) {
    let (sender, receiver) = oneshot::channel();
    let reply = Reply {
        sender: Some(sender),
        wake,
        #[cfg(feature = "journal")]
        was_wanted: false,
    };
    (reply, Answer { state: State::Open(receiver) })
}

/// The answering end of a question. Created by [`reply`] or [`Context::request`](crate::Context::request), and sent inside an
/// intent or a command.
///
/// Dropping it unanswered resolves the question with a [`NoReply`], so that nothing waits for an answer that will never come.
/// If a worker drops it while ending (it returned early, failed, panicked, was cancelled), that happens only after its status
/// shows the end.
#[must_use = "dropped unanswered, it reports to the asker that there is no answer"]
#[doc(alias = "oneshot")]
pub struct Reply<T> {
    /// `None` once it was sent.
    sender: Option<oneshot::Sender<Sent<T>>>,
    wake: Option<Waker>,
    /// In a replay nothing waits for the answer, and the reducer sees what was recorded.
    #[cfg(feature = "journal")]
    was_wanted: bool,
}

/// What the asking end receives.
enum Sent<T> {
    Answer(T),
    /// Dropping this gives up the answer.
    Unanswered(Arc<Unanswered>),
}

impl<T> Reply<T> {
    /// Wakes `waker` once the answer arrives or can no longer come.
    pub(crate) fn waking(mut self, waker: Waker) -> Self {
        self.wake = Some(waker);
        self
    }

    /// Sends the answer. Never waits. If nothing waits for the answer any more, it is dropped.
    pub fn send(mut self, answer: T) {
        if let Some(sender) = self.sender.take() {
            // An answer that is not wanted any more is returned, and dropped here.
            sender.send(Sent::Answer(answer)).ok();
        }
    }

    /// Returns whether the answer is still awaited: worth checking before work that is done only for it.
    ///
    /// ```
    /// let (reply, answer) = control_panel::requests::reply::<u32>();
    /// assert!(reply.is_wanted());
    /// drop(answer); // the question is withdrawn
    /// assert!(!reply.is_wanted());
    /// ```
    pub fn is_wanted(&self) -> bool {
        #[cfg(feature = "journal")]
        if self.was_wanted {
            return true;
        }
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            if let Some(unanswered) = unanswered::hold(&mut self.wake) {
                sender.send(Sent::Unanswered(unanswered)).ok();
            }
            // Otherwise this drop gives up the answer: before the wake, so that the woken side sees it.
        }
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

/// The asking end of a question. Await it in async code; a synchronous loop calls [`try_take`](Self::try_take) each frame.
///
/// Dropping it withdraws the question, as [`Reply::is_wanted`] then shows.
///
/// # Cancel safety
/// Cancel-safe: an answer that a dropped `&mut answer` would have returned is returned by the next one.
///
/// # Panics
/// If it is awaited after the answer was taken.
#[must_use = "dropping it withdraws the question"]
pub struct Answer<T> {
    state: State<T>,
}

enum State<T> {
    Open(oneshot::Receiver<Sent<T>>),
    Unanswered(Arc<Unanswered>),
    Taken,
}

impl<T> Answer<T> {
    /// Returns the answer, once: `None` before it arrives, and again after it was taken. Never waits, and costs a load or two
    /// while there is none.
    ///
    /// ```
    /// use control_panel::requests::{NoReply, reply};
    ///
    /// let (reply, mut answer) = reply();
    /// assert_eq!(answer.try_take(), None);
    /// reply.send("yes");
    /// assert_eq!(answer.try_take(), Some(Ok("yes")));
    /// assert_eq!(answer.try_take(), None);
    /// ```
    pub fn try_take(&mut self) -> Option<Result<T, NoReply>> {
        let answer = loop {
            break match &mut self.state {
                State::Unanswered(unanswered) if unanswered.is_given_up() => Err(NoReply),
                State::Unanswered(_) | State::Taken => return None,
                State::Open(receiver) => match receiver.try_recv() {
                    Ok(Sent::Answer(answer)) => Ok(answer),
                    Ok(Sent::Unanswered(unanswered)) => {
                        self.state = State::Unanswered(unanswered);
                        continue;
                    }
                    Err(oneshot::error::TryRecvError::Empty) => return None,
                    Err(oneshot::error::TryRecvError::Closed) => Err(NoReply),
                },
            };
        };
        self.state = State::Taken;
        Some(answer)
    }

    /// Waits for the answer on a thread that is not driving a runtime; async code awaits it instead.
    ///
    /// If a worker on a thread is asked to stop, this call keeps waiting;
    /// [`Context::request_blocking`](crate::Context::request_blocking) does not.
    ///
    /// ```
    /// use control_panel::requests::{NoReply, reply};
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
    /// In async code: await it there. Also if the answer was already taken.
    #[track_caller]
    pub fn take_blocking(&mut self) -> Result<T, NoReply> {
        park::assert_may_block("take_blocking", "`answer.await`");
        park::wait(self)
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, NoReply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let answer = loop {
            break match &mut self.state {
                State::Taken => {
                    panic!(
                        "this answer was taken already: keep what the first `try_take` or `await` returned"
                    );
                }
                State::Unanswered(unanswered) if unanswered.poll_given_up(cx.waker()) => Err(NoReply),
                State::Unanswered(_) => return Poll::Pending,
                State::Open(receiver) => match Pin::new(receiver).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(Sent::Answer(answer))) => Ok(answer),
                    Poll::Ready(Ok(Sent::Unanswered(unanswered))) => {
                        self.state = State::Unanswered(unanswered);
                        continue;
                    }
                    Poll::Ready(Err(_)) => Err(NoReply),
                },
            };
        };
        self.state = State::Taken;
        Poll::Ready(answer)
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("taken", &matches!(self.state, State::Taken)).finish_non_exhaustive()
    }
}
