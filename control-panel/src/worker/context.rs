//! What a worker gets: its way to the queue, the policy, and the request to stop.

// Behind sending on the page of `Context`: rustdoc shows a type's methods by the modules that have them.
mod run;

use std::{collections::VecDeque, fmt, sync::Arc, task::Waker, time::Duration};

use crate::{
    bus::Buses,
    intent::Intent,
    lifecycle::{RunToken, SendError, TrySendError},
    queue::{IntentSender, Permits},
    supervisor::cell::WorkerCell,
    worker::policy::PolicyWatch,
};

/// A worker's side of the panel: the first argument of every [`#[worker]`](macro@crate::worker) function.
///
/// Clones belong to the same worker and share its origin.
///
/// ```
/// use control_panel::{Context, GraphIntent, IntentSource, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Line(String) }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn lines(cx: Context<Update>, text: String) {
///     for line in text.lines() {
///         if cx.send(Update::Line(line.to_owned())).await.is_err() {
///             return; // the panel shuts down
///         }
///     }
/// }
/// ```
#[doc(alias = "actor")]
#[doc(alias = "sender")]
#[doc(alias = "scope")]
pub struct Context<I: Intent, P = ()> {
    sender: IntentSender<I>,
    policy: PolicyWatch<P>,
    buses: Arc<Buses<I::Source>>,
    cell: Arc<WorkerCell>,
    run_token: Arc<RunToken>,
    generation: u64,
}

/// # Sending
impl<I: Intent, P> Context<I, P> {
    /// Sends an intent, waiting for a slot: see [`IntentSender::send`].
    ///
    /// Once the worker is asked to stop, no send waits: an intent that fits is accepted, and any other is returned
    /// immediately, even from a send that is already waiting. A loop that sends until a send fails therefore ends.
    ///
    /// # Errors
    /// With the intent handed back: there is no free slot and the worker was [asked to stop](SendError::Stopping), the panel is
    /// closed or stopping, this run of the worker has [ended](SendError::Ended), or the intent's clock is `Some(0)`.
    /// `.map_err(SendError::without_intent)?` turns it into an error that any `Box<dyn Error + Send + Sync>` takes.
    ///
    /// # Cancel safety
    /// A cancelled `send` has either delivered the intent or dropped it undelivered. In a `select!`, [`send_many`](Self::send_many)
    /// and [`reserve_many`](Self::reserve_many) keep the intent; [`IntentSender::send`] lists the other ways.
    #[inline]
    pub fn send(&self, intent: I) -> impl Future<Output = Result<(), SendError<I>>> {
        self.sender.sends_of(&self.run_token).send(intent)
    }

    /// Sends an intent if there is a free slot now: see [`IntentSender::try_send`].
    ///
    /// # Errors
    /// With the intent handed back: no free slot ([`Full`](TrySendError::Full), or [`Stopping`](TrySendError::Stopping) once this
    /// worker was asked to stop), the panel is closed, this run of the worker has [ended](TrySendError::Ended), or the intent's
    /// clock is `Some(0)`.
    #[inline(always)]
    pub fn try_send(&self, intent: I) -> Result<(), TrySendError<I>> {
        self.sender.sends_of(&self.run_token).try_send(intent)
    }

    /// Sends an intent, waiting for a slot for at most `timeout`: see [`IntentSender::send_timeout`].
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::Timeout`].
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
    /// #[worker(source = IntentSource::Restore)]
    /// async fn rows(cx: Context<Update>) {
    ///     let full = Duration::from_secs(2);
    ///     while let Err(error) = cx.send_timeout(Update::Row(1), full).await {
    ///         let Update::Row(row) = error.into_intent(); // it comes back
    ///         assert_eq!(row, 1);
    ///         return;
    ///     }
    /// }
    /// # testing::paused(async |panel: &mut ControlPanel<Update>| {
    /// #     panel.spawn_rows();
    /// #     testing::settle().await;
    /// #     assert_eq!(panel.drain().count(), 1);
    /// # });
    /// ```
    pub async fn send_timeout(&self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        self.sender.sends_of(&self.run_token).send_timeout(intent, timeout).await
    }

    /// Sends an intent from a thread that is not driving a runtime: see [`IntentSender::send_blocking`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn send_blocking(&self, intent: I) -> Result<(), SendError<I>> {
        self.sender.sends_of(&self.run_token).send_blocking(intent)
    }

    /// Like [`send_blocking`](Self::send_blocking), for at most `timeout`: see [`IntentSender::send_blocking_timeout`].
    ///
    /// ```
    /// use control_panel::{Context, GraphIntent, IntentSource, SendError, worker};
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Sample(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, kind = thread)]
    /// fn sampler(cx: Context<Update>) {
    ///     for sample in 0.. {
    ///         match cx.send_blocking_timeout(
    ///             Update::Sample(sample),
    ///             Duration::from_millis(20),
    ///         ) {
    ///             // Late samples are worth nothing.
    ///             Ok(()) | Err(SendError::Timeout(_)) => {}
    ///             Err(_) => return,                         // it was asked to stop
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`SendError::Timeout`].
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn send_blocking_timeout(&self, intent: I, timeout: Duration) -> Result<(), SendError<I>> {
        self.sender.sends_of(&self.run_token).send_blocking_timeout(intent, timeout)
    }

    /// Sends all of `intents`, first to last, waiting for slots where it must: see
    /// [`IntentSender::send_many`](crate::IntentSender::send_many). What was not sent stays in `intents`, so nothing is lost where it
    /// is cancelled, as in a `select!`.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
    ///     context::{Raced, race},
    /// };
    /// use std::{collections::VecDeque, time::Duration};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Row(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn rows(cx: Context<Update>) {
    ///     let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ///     let mut rows: VecDeque<_> = (0..1_000).map(Update::Row).collect();
    ///     while let Raced::Second(_) =
    ///         race(cx.send_many(&mut rows), ticks.tick()).await
    ///     {
    ///         // answer a ping; what is left is still in `rows`
    ///     }
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     panel.spawn_rows();
    ///     let mut arrived = 0;
    ///     while arrived < 1_000 {
    ///         testing::advance(Duration::from_secs(5)).await;
    ///         arrived += panel.drain().count();
    ///     }
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`send`](Self::send); the refused intent and those behind it stay in `intents`.
    ///
    /// # Cancel safety
    /// When it is cancelled, what was not sent is still in `intents`.
    pub async fn send_many(&self, intents: &mut VecDeque<I>) -> Result<(), SendError<()>> {
        self.sender.sends_of(&self.run_token).send_many(intents).await
    }

    /// Waits for a slot and reserves it, with up to `most - 1` more that are free at that moment: see
    /// [`IntentSender::reserve_many`](crate::IntentSender::reserve_many). The permits are the worker's and not this generation's.
    ///
    /// # Errors
    /// As [`send`](Self::send): there is no free slot and the worker was [asked to stop](SendError::Stopping), the panel is closed
    /// or stopping, or this worker's generation has [ended](SendError::Ended).
    ///
    /// # Cancel safety
    /// A cancelled call holds no slot and no place in the line.
    pub async fn reserve_many(&self, most: usize) -> Result<Permits<I>, SendError<()>> {
        self.sender.sends_of(&self.run_token).reserve_many(most).await
    }

    /// The sending half alone, for threads and callbacks that outlive this run of the worker.
    ///
    /// It has the worker's origin and is bound to none of its runs: it waits for a slot even while a run is asked to stop, and
    /// still sends after the run ended. What should end with the run takes a clone of the context instead. A worker that was
    /// asked to stop can therefore hand over its last intents through it, to a [loop that drains
    /// meanwhile](crate::ControlPanel::shutdown_draining).
    pub fn sender(&self) -> IntentSender<I> {
        self.sender.clone()
    }
}

/// # The policy
impl<I: Intent, P> Context<I, P> {
    /// The policy, and its changes since this run of the worker began.
    ///
    /// Take one watch and keep it: each call returns a new one, which has seen nothing yet.
    pub fn policy(&self) -> PolicyWatch<P> {
        self.policy.of(&self.run_token)
    }
}

impl<I: Intent, P> Context<I, P> {
    pub(crate) fn new(
        sender: IntentSender<I>,
        policy: PolicyWatch<P>,
        buses: Arc<Buses<I::Source>>,
        cell: Arc<WorkerCell>,
        run_token: Arc<RunToken>,
        generation: u64,
    ) -> Self {
        Self { sender, policy, buses, cell, run_token, generation }
    }

    pub(crate) fn buses(&self) -> &Buses<I::Source> {
        &self.buses
    }

    /// Wakes the loop that drains what this worker sends.
    pub(crate) fn loop_waker(&self) -> Waker {
        self.sender.loop_waker()
    }

    pub(crate) fn cell(&self) -> &Arc<WorkerCell> {
        &self.cell
    }

    pub(crate) fn run_token(&self) -> &Arc<RunToken> {
        &self.run_token
    }
}

impl<I: Intent, P> Clone for Context<I, P> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
            policy: self.policy.clone(),
            buses: Arc::clone(&self.buses),
            cell: Arc::clone(&self.cell),
            run_token: Arc::clone(&self.run_token),
            generation: self.generation,
        }
    }
}

impl<I: Intent, P> fmt::Debug for Context<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name())
            .field("source", &self.source())
            .field("origin", &self.origin())
            .field("generation", &self.generation)
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
