//! The sending half: [`IntentSender`] and the future behind its `send`.

use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{task::coop, time::Sleep};

use super::{
    Port,
    line::Ticket,
    permits::{Permits, Reserve},
    port::{Refusal, Step},
};
use crate::{
    blocking,
    error::{SendError, TrySendError},
    intent::Intent,
    queued::{Origin, clock_of},
};

/// Sends intents of one source into a panel's queue: what [`ControlPanel::sender`](crate::ControlPanel::sender)
/// returns.
///
/// Clones share one [`Origin`]; their intents are ordered as they were accepted. A refused intent always comes
/// back in the error.
///
/// ```
/// use control_panel::{ControlPanel, GraphIntent, IntentSource};
///
/// #[derive(GraphIntent)]
/// enum Update { Refresh }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let ui = panel.sender(IntentSource::LocalUI);
/// ui.try_send(Update::Refresh)?;
/// assert_eq!(panel.drain().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct IntentSender<I: Intent> {
    port: Arc<Port<I>>,
}

impl<I: Intent> IntentSender<I> {
    pub(crate) fn new(port: Arc<Port<I>>) -> Self {
        Self { port }
    }

    /// Sends an intent, waiting for a slot while this source's share of the queue is used up.
    ///
    /// # Errors
    /// With the intent handed back: the panel is closed, it is stopping and the queue is full, or the
    /// intent's clock is `Some(0)`.
    ///
    /// # Cancel safety
    /// A cancelled `send` has either delivered the intent or dropped it undelivered; it never keeps a slot
    /// or a place in the line. The slot is reserved first and written to in one step.
    ///
    /// # Cooperation
    /// Every path consumes tokio's cooperative budget, so that a loop of sends yields and can be cancelled.
    // Not an `async fn`, which would move the intent once more.
    pub fn send(&self, intent: I) -> impl Future<Output = Result<(), SendError<I>>> {
        Sending::new(&self.port, intent)
    }

    /// Like [`send`](Self::send), for at most `timeout`.
    ///
    /// # Errors
    /// As `send`, and [`SendError::Timeout`] with the intent when no slot became free in time.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled, when it has to wait.
    ///
    /// # Cancel safety
    /// As `send`.
    pub async fn send_timeout(&self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        SendingFor { sending: Sending::new(&self.port, intent), timeout, sleep: None }.await
    }

    /// Like [`send`](Self::send), for a thread that is not driving a runtime: it parks until there is room.
    ///
    /// # Errors
    /// As `send`.
    ///
    /// # Panics
    /// In async code, where blocking would hold up every other task: use `send` there.
    #[track_caller]
    pub fn send_blocking(&self, intent: I) -> Result<(), SendError<I>> {
        blocking::assert_may_block("send_blocking", "`send(…).await`");
        blocking::wait(Sending::new(&self.port, intent))
    }

    /// Sends an intent if this source has a free slot now; never waits.
    ///
    /// One slot is kept for each source, so a source that holds nothing gets in whatever the others do.
    ///
    /// # Errors
    /// With the intent handed back: no free slot, the panel is closed, or the intent's clock is `Some(0)`.
    pub fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        self.port.try_send(intent)
    }

    /// Sends all of `intents`, first to last, waiting for slots where it must. What is sent is gone from `intents`.
    ///
    /// # Errors
    /// As [`send`](Self::send); the refused intent and those behind it stay in `intents`.
    ///
    /// # Cancel safety
    /// When it is cancelled, what was not sent is still in `intents`.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource};
    /// # #[derive(GraphIntent)] enum Update { Line(u32) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let mut panel = ControlPanel::<Update>::new();
    /// let mut lines = (0..3).map(Update::Line).collect();
    /// panel.sender(IntentSource::Restore).send_many(&mut lines).await?;
    /// assert_eq!((lines.len(), panel.drain().count()), (0, 3));
    /// # Ok::<(), control_panel::SendError<()>>(()) }).unwrap();
    /// ```
    pub async fn send_many(&self, intents: &mut VecDeque<I>) -> Result<(), SendError<()>> {
        SendingMany { port: &self.port, intents, sending: None }.await
    }

    /// Sends as many of `intents` as there are free slots for now, first to last; never waits. What is sent is gone
    /// from `intents`.
    ///
    /// # Errors
    /// Why it stopped, as [`try_send`](Self::try_send); the refused intent and those behind it stay in `intents`.
    pub fn try_send_many(&self, intents: &mut VecDeque<I>) -> Result<(), TrySendError<()>> {
        self.port.try_send_many(intents)
    }

    /// Waits for a slot and reserves it, with up to `most - 1` more that are free at that moment: for intents that are
    /// costly to make in vain.
    ///
    /// # Errors
    /// The panel is closed, or stopping with a full queue.
    ///
    /// # Cancel safety
    /// A cancelled call holds no slot and no place in the line.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource};
    /// # #[derive(GraphIntent)] enum Update { Line(u32) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let mut panel = ControlPanel::<Update>::new();
    /// let sender = panel.sender(IntentSource::Restore);
    /// let mut permits = sender.reserve_many(2).await?;
    /// while permits.left() > 0 {
    ///     permits.send(Update::Line(7)).expect("the panel is open");
    /// }
    /// assert_eq!(panel.drain().count(), 2);
    /// # Ok::<(), control_panel::SendError<()>>(()) }).unwrap();
    /// ```
    pub async fn reserve_many(&self, most: usize) -> Result<Permits<I>, SendError<()>> {
        Reserving { port: &self.port, ticket: None, most }.await
    }

    /// How many slots of the queue this source's intents occupy: those queued, those in a frame that has not ended, and
    /// those reserved. For producers that bound themselves more strictly than the queue does.
    ///
    /// Of all producers of the source, and out of date at once if others send. Takes the queue's lock, so ask at a
    /// worker's pace, not at a frame's.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource};
    /// # #[derive(GraphIntent)] enum Update { Line(u32) }
    /// let mut panel = ControlPanel::<Update>::new();
    /// let sender = panel.sender(IntentSource::Restore);
    /// sender.try_send(Update::Line(7))?;
    /// assert_eq!(sender.occupied(), 1);
    /// drop(panel.drain());
    /// assert_eq!(sender.occupied(), 1, "the frame was dropped before it was read: it comes again");
    /// assert_eq!(panel.drain().count(), 1);
    /// assert_eq!(sender.occupied(), 0);
    /// # Ok::<(), control_panel::TrySendError<Update>>(())
    /// ```
    pub fn occupied(&self) -> usize {
        self.port.occupied()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.port.capacity()
    }

    /// Whose intents these are.
    pub fn source(&self) -> I::Source {
        self.port.source()
    }

    /// Which producer of that source this is.
    pub fn origin(&self) -> Origin {
        self.port.origin()
    }
}

impl<I: Intent> Clone for IntentSender<I> {
    fn clone(&self) -> Self {
        Self { port: Arc::clone(&self.port) }
    }
}

impl<I: Intent> fmt::Debug for IntentSender<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntentSender")
            .field("source", &self.source())
            .field("origin", &self.origin())
            .finish()
    }
}

/// A send under way. It owns its intent until the queue does.
struct Sending<'a, I: Intent> {
    port: &'a Port<I>,
    intent: Option<I>,
    ticket: Option<Ticket>,
}

impl<'a, I: Intent> Sending<'a, I> {
    fn new(port: &'a Port<I>, intent: I) -> Self {
        Self { port, intent: Some(intent), ticket: None }
    }

    /// Gives up: `None` if the intent was sent already.
    fn give_up(&mut self) -> Option<I> {
        if let Some(ticket) = self.ticket.take() {
            self.port.leave(ticket);
        }
        self.intent.take()
    }
}

// Nothing in it is pinned.
impl<I: Intent> Unpin for Sending<'_, I> {}

impl<I: Intent> Future for Sending<'_, I> {
    type Output = Result<(), SendError<I>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        let Some(clock) = this.intent.as_ref().and_then(clock_of) else {
            coop.made_progress();
            return Poll::Ready(
                this.intent.take().map_or(Ok(()), |intent| Err(SendError::ZeroClock(intent))),
            );
        };
        let refusal = match this.port.poll_send(clock, &mut this.intent, &mut this.ticket, cx.waker()) {
            Step::Wait => return Poll::Pending,
            Step::Sent => None,
            Step::Refused(refusal) => Some(refusal),
        };
        coop.made_progress();
        Poll::Ready(match (refusal, this.intent.take()) {
            (None, _) | (_, None) => Ok(()),
            (Some(Refusal::Closed), Some(intent)) => Err(SendError::Closed(intent)),
            (Some(Refusal::Full | Refusal::Stopping), Some(intent)) => Err(SendError::Stopping(intent)),
        })
    }
}

impl<I: Intent> Drop for Sending<'_, I> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Sends from the front of a deque. An intent leaves it only to be sent, and comes back if it is not.
struct SendingMany<'a, 'b, I: Intent> {
    port: &'a Port<I>,
    intents: &'b mut VecDeque<I>,
    sending: Option<Sending<'a, I>>,
}

impl<I: Intent> Future for SendingMany<'_, '_, I> {
    type Output = Result<(), SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            let sending = match &mut this.sending {
                Some(sending) => sending,
                none => {
                    let Some(intent) = this.intents.pop_front() else { return Poll::Ready(Ok(())) };
                    none.insert(Sending::new(this.port, intent))
                }
            };
            let sent = ready!(Pin::new(sending).poll(cx));
            this.sending = None;
            if let Err(refused) = sent {
                let (reason, intent) = refused.split();
                this.intents.push_front(intent);
                return Poll::Ready(Err(reason));
            }
        }
    }
}

impl<I: Intent> Drop for SendingMany<'_, '_, I> {
    fn drop(&mut self) {
        if let Some(intent) = self.sending.take().and_then(|mut sending| sending.give_up()) {
            self.intents.push_front(intent);
        }
    }
}

/// A reservation under way.
struct Reserving<'a, I: Intent> {
    port: &'a Arc<Port<I>>,
    ticket: Option<Ticket>,
    most: usize,
}

impl<I: Intent> Future for Reserving<'_, I> {
    type Output = Result<Permits<I>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx));
        let this = &mut *self;
        let reserved = match this.port.poll_reserve(this.most, &mut this.ticket, cx.waker()) {
            Reserve::Wait => return Poll::Pending,
            Reserve::Slots(slots) => Ok(Permits::new(Arc::clone(this.port), slots)),
            Reserve::Refused(Refusal::Closed) => Err(SendError::Closed(())),
            Reserve::Refused(Refusal::Full | Refusal::Stopping) => Err(SendError::Stopping(())),
        };
        coop.made_progress();
        Poll::Ready(reserved)
    }
}

impl<I: Intent> Drop for Reserving<'_, I> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.port.leave(ticket);
        }
    }
}

/// A send under way with a deadline. The timer is made only when there is something to wait for.
struct SendingFor<'a, I: Intent> {
    sending: Sending<'a, I>,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<I: Intent> Future for SendingFor<'_, I> {
    type Output = Result<(), SendError<I>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(sent) = Pin::new(&mut this.sending).poll(cx) {
            return Poll::Ready(sent);
        }
        let timeout = this.timeout;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(this.sending.give_up().map_or(Ok(()), |intent| Err(SendError::Timeout(intent))))
    }
}
