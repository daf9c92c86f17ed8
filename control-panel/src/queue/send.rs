//! The sending half: [`IntentSender`] and the future behind its `send`.

mod futures;
mod sends;
mod stop_wait;

use std::{collections::VecDeque, fmt, future::Future, sync::Arc, task::Waker, time::Duration};

use self::sends::Sends;
use super::{Producer, permits::Permits};
use crate::{
    intent::{Intent, order::Origin},
    lifecycle::{
        error::{SendError, TrySendError},
        run_token::RunToken,
    },
    telemetry::CountsSends,
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
#[doc(alias = "channel")]
#[doc(alias = "mpsc")]
#[doc(alias = "Sender")]
#[doc(alias = "tx")]
pub struct IntentSender<I: Intent> {
    producer: Arc<Producer<I>>,
}

/// # Sending
impl<I: Intent> IntentSender<I> {
    /// Sends an intent, waiting for a slot while this source's share of the queue is used up.
    ///
    /// # Errors
    /// With the intent handed back: the panel is closed, it is stopping and the queue is full, or the
    /// intent's clock is `Some(0)`.
    ///
    /// # Cancel safety
    /// A cancelled `send` has either delivered the intent or dropped it undelivered; it never keeps a slot
    /// or a place in the line, unless it is forgotten (`mem::forget`). The slot is reserved first and written to in one step.
    ///
    /// So in `select! { sent = cx.send(intent) => …, _ = ticks.tick() => … }` an intent whose send loses is gone, as with any
    /// channel whose `send` takes its message. It is not delivered later, since code that tries again would send it twice.
    /// Four ways keep it (`examples/cookbook/select.rs` in the repository has each):
    /// - the send itself, pinned and polled again: `let mut sending = pin!(cx.send(intent));`, then
    ///   `sent = &mut sending` (or `race(sending.as_mut(), …)`) until that branch wins, as below. What the other branches
    ///   send meanwhile may wait for it where the source holds one slot at a time, and it for them (a "futurelock",
    ///   `examples/cookbook/futurelock.rs`): do that after;
    /// - [`reserve_many(1)`](Self::reserve_many) in the branch, and [`Permits::send`] once it won: the intent is made then;
    /// - [`send_many`](Self::send_many) in the branch: what was not sent is still in the deque;
    /// - [`try_send`](Self::try_send), which hands it back.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
    ///     context::{Raced, race},
    /// };
    /// use std::{pin::pin, time::Duration};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Row(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn rows(cx: Context<Update>) {
    ///     let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ///     for row in 0..100 {
    ///         let mut sending = pin!(cx.send(Update::Row(row)));
    ///         while let Raced::Second(_) = race(sending.as_mut(), ticks.tick()).await
    ///         {
    ///             // answer a ping; the row is still on its way
    ///         }
    ///     }
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     panel.spawn_rows();
    ///     testing::advance(Duration::from_secs(5)).await;
    ///     assert_eq!(panel.drain().count(), 100);
    /// });
    /// ```
    ///
    /// # Cooperation
    /// Every path consumes tokio's cooperative budget, so that a loop of sends yields and can be cancelled.
    #[inline]
    pub fn send(&self, intent: I) -> impl Future<Output = Result<(), SendError<I>>> {
        self.sends().send(intent)
    }

    /// Sends an intent if this source has a free slot now; never waits.
    ///
    /// One slot is kept for each source that has a sender, and one for a source not seen yet. So a source that holds nothing
    /// gets in whatever the others do. Only where several new sources come while the queue is full are there fewer such slots
    /// than sources that hold nothing, until the next frame: the first to send get them.
    ///
    /// # Errors
    /// With the intent handed back: no free slot, the panel is closed, or the intent's clock is `Some(0)`.
    #[inline(always)]
    pub fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        self.sends().try_send(intent)
    }

    /// Like [`send`](Self::send), for at most `timeout`, which begins when it is found to have to wait: the timer is made
    /// only then.
    ///
    /// # Errors
    /// As `send`, and [`SendError::Timeout`] with the intent when no slot became free in time.
    ///
    /// # Panics
    /// Outside a tokio runtime with time enabled, when it has to wait. The intent is dropped with it.
    ///
    /// # Cancel safety
    /// As `send`.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let rows = panel.sender(IntentSource::Restore);
    ///     while rows.try_send(Update::Row(0)).is_ok() {} // until it is full
    ///     let refused = rows.send_timeout(Update::Row(7), Duration::from_secs(1));
    ///     assert_eq!(refused.await.unwrap_err().into_intent(), Update::Row(7));
    /// });
    /// ```
    pub async fn send_timeout(&self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        self.sends().send_timeout(intent, timeout).await
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
        self.sends().send_blocking(intent)
    }

    /// Like [`send_blocking`](Self::send_blocking), for at most `timeout` from the call; with `Duration::MAX`, without end.
    /// Needs no runtime.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent, IntentSource, SendError};
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Line(u32),
    /// }
    ///
    /// let panel = ControlPanel::<Update>::builder().capacity(1).build();
    /// let sender = panel.sender(IntentSource::Restore);
    /// sender.send_blocking_timeout(Update::Line(1), Duration::from_secs(1))?;
    /// while sender.try_send(Update::Line(2)).is_ok() {}
    /// let late =
    ///     sender.send_blocking_timeout(Update::Line(3), Duration::from_millis(1));
    /// assert!(matches!(late, Err(SendError::Timeout(Update::Line(3)))));
    /// # Ok::<(), SendError<Update>>(())
    /// ```
    ///
    /// # Errors
    /// As `send`, and [`SendError::Timeout`] with the intent when no slot became free in time.
    ///
    /// # Panics
    /// In async code, where blocking would hold up every other task: use `send_timeout` there.
    #[track_caller]
    pub fn send_blocking_timeout(&self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        self.sends().send_blocking_timeout(intent, timeout)
    }
}

/// # Several at a time, and slots in advance
impl<I: Intent> IntentSender<I> {
    /// Sends all of `intents`, first to last, waiting for slots where it must. What is sent is gone from `intents`.
    ///
    /// # Errors
    /// As [`send`](Self::send); the refused intent and those behind it stay in `intents`.
    ///
    /// # Cancel safety
    /// When it is cancelled, what was not sent is still in `intents`.
    ///
    /// # Cooperation
    /// As `send`, for each intent; a call that has none consumes budget too.
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
        self.sends().send_many(intents).await
    }

    /// Sends as many of `intents` as there are free slots for now, first to last; never waits. What is sent is gone
    /// from `intents`. As cheap as one [`try_send`](Self::try_send) each: it takes the queue's lock for every intent, so that
    /// others get in between.
    ///
    /// # Errors
    /// Why it stopped, as [`try_send`](Self::try_send); the refused intent and those behind it stay in `intents`.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use std::collections::VecDeque;
    /// let mut panel = ControlPanel::<Update>::builder().capacity(4).build();
    /// let rows = panel.sender(IntentSource::Restore);
    /// let mut queue: VecDeque<_> = (0..9).map(Update::Row).collect();
    /// rows.try_send_many(&mut queue).unwrap_err(); // as many as fit
    /// let sent = panel.drain().count();
    /// assert_eq!(sent + queue.len(), 9); // the rest is still in the deque
    /// ```
    pub fn try_send_many(&self, intents: &mut VecDeque<I>) -> Result<(), TrySendError<()>> {
        while let Some(intent) = intents.pop_front() {
            if let Err(refused) = self.try_send(intent) {
                let (reason, intent) = refused.split();
                intents.push_front(intent);
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Waits for a slot and reserves it, with up to `most - 1` more that are free at that moment: for intents that are
    /// costly to make in vain. Of 0 it reserves none, and does not wait.
    ///
    /// The permits may be held across frames. Their slots belong to no other sender as long as they live, so that a frame has less to
    /// share out: reserve when the intent is about to be made.
    ///
    /// # Errors
    /// The panel is closed, or stopping with a full queue.
    ///
    /// # Cancel safety
    /// A cancelled call holds no slot and no place in the line.
    ///
    /// # Cooperation
    /// As [`send`](Self::send).
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
        self.sends().reserve_many(most).await
    }
}

/// # Which producer this is
impl<I: Intent> IntentSender<I> {
    /// The source of its intents.
    pub fn source(&self) -> I::Source {
        self.producer.source
    }

    /// Which producer of that source this is.
    pub fn origin(&self) -> Origin {
        self.producer.origin
    }

    /// How many slots of the queue this source's intents occupy: those queued, those in a frame that has not ended, those
    /// reserved, and those granted to sends that waited and have not gone on yet. For producers that bound themselves more strictly than the queue does.
    ///
    /// Of all producers of the source, and out of date as soon as others send. Takes the queue's lock, so ask at a
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
    /// assert_eq!(
    ///     sender.occupied(),
    ///     1,
    ///     "the frame was dropped before it was read: it comes again"
    /// );
    /// assert_eq!(panel.drain().count(), 1);
    /// assert_eq!(sender.occupied(), 0);
    /// # Ok::<(), control_panel::TrySendError<Update>>(())
    /// ```
    pub fn occupied(&self) -> usize {
        self.producer.occupied()
    }
}

impl<I: Intent> IntentSender<I> {
    pub(crate) fn new(producer: Arc<Producer<I>>) -> Self {
        Self { producer }
    }

    /// What became of its intents.
    pub(crate) fn figures(&self) -> Arc<dyn CountsSends> {
        Arc::clone(&self.producer.block) as _
    }

    /// Those of one run of the worker that has this sender.
    #[inline]
    pub(crate) fn sends_of<'a>(&'a self, run: &'a RunToken) -> Sends<'a, I> {
        Sends::new(&self.producer, Some(run))
    }

    /// Wakes the loop that drains what this sends.
    pub(crate) fn loop_waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.producer.queue))
    }

    #[inline]
    fn sends(&self) -> Sends<'_, I> {
        Sends::new(&self.producer, None)
    }

    pub(crate) fn capacity(&self) -> usize {
        self.producer.queue.capacity()
    }
}

impl<I: Intent> Clone for IntentSender<I> {
    fn clone(&self) -> Self {
        Self { producer: Arc::clone(&self.producer) }
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
