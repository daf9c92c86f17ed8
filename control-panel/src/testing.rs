//! Tests of workers and panels without real time and without a frame loop, and of replicas without a network. Feature `testing`.
//!
//! Put it among your dev-dependencies: `control-panel = { version = "0.1", features = ["testing"] }`.
//!
//! ```
//! use control_panel::{
//!     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
//! };
//! use std::time::Duration;
//!
//! #[derive(Debug, PartialEq, GraphIntent)]
//! enum Update {
//!     Loaded,
//! }
//!
//! #[worker(source = IntentSource::Restore)]
//! async fn load(cx: Context<Update>) {
//!     tokio::time::sleep(Duration::from_secs(60)).await;
//!     cx.send(Update::Loaded).await.ok();
//! }
//!
//! testing::paused(async |panel: &mut ControlPanel<Update>| {
//!     panel.spawn_load();
//!     testing::advance(Duration::from_secs(59)).await;
//!     assert_eq!(panel.drain().count(), 0);
//!     testing::advance(Duration::from_secs(1)).await;
//!     let updates: Vec<_> = panel.drain().map(|queued| queued.intent).collect();
//!     assert_eq!(updates, [Update::Loaded]);
//! });
//! ```

#[cfg(feature = "journal")]
mod journal;
mod keys;
mod laws;
mod rng;
mod sync_test;
mod test_panel;
mod world;

use std::{fmt, sync::Arc, time::Duration};

use tokio::runtime::Builder;

use crate::{
    bus::{self, Buses, SignalBus, Subscription},
    frame::{Frame, FrameBudget},
    intent::Intent,
    lifecycle::{cause::Cause, run_token::RunToken},
    panel::{ControlPanel, PanelBuilder},
    queue::{IntentSender, Queue},
    supervisor::{cell::WorkerCell, home::Home, options::RunOptions},
    util::name::Name,
    worker::{WorkerHandle, context::Context, policy::Policy},
};

pub use crate::util::difference::{Difference, difference};

#[cfg(feature = "journal")]
pub use self::journal::journal;
pub use self::{
    keys::{TestKeys, TestSigner},
    laws::{laws, laws_undoable},
    rng::Rng,
    sync_test::{Nondeterminism, sync_test},
    test_panel::TestPanel,
    world::{Depths, World, WorldReport},
};

/// Runs a test with a panel under paused time: on a current-thread runtime whose clock jumps to the next timer
/// as soon as every worker waits. Hours pass in milliseconds, and every run is the same.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Tick,
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn hourly(cx: Context<Update>) {
///     loop {
///         tokio::time::sleep(Duration::from_secs(3600)).await;
///         cx.send(Update::Tick).await.ok();
///     }
/// }
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     panel.spawn_hourly();
///     testing::advance(Duration::from_secs(24 * 3600)).await;
///     assert_eq!(panel.drain().count(), 24);
/// });
/// ```
///
/// A panel that is not the default one: [`paused_with`].
///
/// # Panics
/// If the test does, or no runtime can be made.
pub fn paused<I, P, T>(test: impl AsyncFnOnce(&mut ControlPanel<I, P>) -> T) -> T
where
    I: Intent,
    P: Default + Send + Sync + 'static,
{
    paused_with(ControlPanel::builder(), test)
}

/// Like [`paused`], with a panel of this builder: a capacity, a policy without `Default`, a time to idle, an `on_ready`.
///
/// The runtime is the test's, also where the builder was given one: no other has its clock.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Sample,
/// }
///
/// struct Every(Duration); // no `Default`
///
/// #[worker(source = IntentSource::Restore)]
/// async fn sample(cx: Context<Update, Every>) {
///     let mut policy = cx.policy();
///     loop {
///         tokio::time::sleep(policy.borrow_and_update().0).await;
///         cx.send(Update::Sample).await.ok(); // waits while the queue is full
///     }
/// }
///
/// let builder =
///     ControlPanel::builder_with(Every(Duration::from_secs(60))).capacity(8);
/// testing::paused_with(
///     builder,
///     async |panel: &mut ControlPanel<Update, Every>| {
///         panel.spawn_sample();
///         testing::advance(Duration::from_secs(3600)).await;
///         assert_eq!(
///             panel.drain().count(),
///             7,
///             "a slot is kept for a source not seen yet"
///         );
///     },
/// );
/// ```
///
/// # Panics
/// If the test does, no runtime can be made, or the builder builds no panel: with the message of its
/// [`try_build`](PanelBuilder::try_build).
#[track_caller]
pub fn paused_with<I, P, T>(
    builder: PanelBuilder<I, P>,
    test: impl AsyncFnOnce(&mut ControlPanel<I, P>) -> T,
) -> T
where
    I: Intent,
    P: Send + Sync + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
    let runtime = runtime.expect("a current-thread runtime needs nothing but memory");
    let mut panel = builder.runtime(runtime.handle().clone()).build();
    runtime.block_on(test(&mut panel))
}

/// Lets every worker run until all of them wait. Under paused time this is exact.
pub async fn settle() {
    advance(Duration::from_millis(1)).await;
}

/// Lets time pass, every timer in between fire, and every worker that it wakes run until it waits again.
pub async fn advance(time: Duration) {
    tokio::time::sleep(time).await;
    // Timers of the very same instant wake in any order: let those that were due have their turn.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// A context that belongs to no panel, and the other end of it: to call an annotated function directly.
///
/// ```
/// use control_panel::{Context, GraphIntent, IntentSource, testing, worker};
///
/// #[derive(Debug, PartialEq, GraphIntent)]
/// enum Update {
///     Line(String),
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn lines(cx: Context<Update>, text: String) {
///     for line in text.lines() {
///         cx.send(Update::Line(line.to_owned())).await.ok();
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (cx, mut desk) = testing::context(IntentSource::Restore, ());
/// lines(cx, "a\nb".into()).await;
/// assert_eq!(
///     desk.intents(),
///     [Update::Line("a".into()), Update::Line("b".into())]
/// );
/// # });
/// ```
pub fn context<I: Intent, P: Send + Sync + 'static>(
    source: I::Source,
    policy: P,
) -> (Context<I, P>, Desk<I, P>) {
    let queue = Arc::new(Queue::new(CAPACITY, None));
    let policy = Policy::new(policy);
    let run_token = Arc::new(RunToken::default());
    let sender = IntentSender::new(queue.producer(source));
    let (name, words) = (Name::from("test"), Name::from(format!("{source:?}")));
    let cell = WorkerCell::new(
        name,
        words,
        sender.origin(),
        RunOptions::unwatched(),
        Arc::clone(&run_token),
        Home::none(),
        None,
    );
    let cell = Arc::new(cell);
    let handle = WorkerHandle::new(Arc::clone(&cell));
    let for_buses = Arc::clone(&queue);
    let buses = Buses::new(bus::CAPACITY, Arc::default(), move || for_buses.wake_loop());
    let buses = Arc::new(buses);
    let context = Context::new(sender, policy.watch(), Arc::clone(&buses), cell, Arc::clone(&run_token), 0);
    (context, Desk { queue, policy, buses, run_token, handle })
}

/// A panel's default.
const CAPACITY: usize = 256;

/// The panel's side of a detached [`context`]. Dropping it closes the queue.
pub struct Desk<I: Intent, P> {
    queue: Arc<Queue<I>>,
    policy: Policy<P>,
    buses: Arc<Buses<I::Source>>,
    run_token: Arc<RunToken>,
    handle: WorkerHandle,
}

impl<I: Intent, P> Desk<I, P> {
    /// What was sent so far, in causal order.
    pub fn drain(&mut self) -> Frame<I> {
        Frame::new(
            Arc::clone(&self.queue),
            self.queue.begin_frame(false),
            &mut Vec::new(),
            FrameBudget::default(),
            None,
        )
    }

    /// The intents of [`drain`](Self::drain) alone.
    pub fn intents(&mut self) -> Vec<I> {
        self.drain().map(|queued| queued.intent).collect()
    }

    /// Changes the policy that the context watches.
    pub fn set_policy(&self, policy: P) {
        self.policy.set(policy);
    }

    /// To announce something to the context's owner. Its frame is 0.
    pub fn bus<S: Send + Sync + 'static>(&self, source: I::Source) -> SignalBus<S, I::Source> {
        self.buses.publisher(source, self.queue.origin(), None)
    }

    /// To see what the context's owner announces from now on.
    pub fn subscribe<S: Send + Sync + 'static>(&self) -> Subscription<S, I::Source> {
        self.buses.subscribe(None)
    }

    /// Tells the context's owner to stop.
    pub fn cancel(&self) {
        self.run_token.cancel(Cause::Stopped);
    }

    /// The handle of the context's owner: suspends and resumes it. Its inbox takes the type that is asked for first, here by
    /// [`typed`](WorkerHandle::typed) or there by `cx.inbox()`.
    ///
    /// ```
    /// use control_panel::{Context, GraphIntent, IntentSource, testing, worker};
    ///
    /// #[derive(Debug, PartialEq, GraphIntent)]
    /// enum Update { Found(String) }
    ///
    /// #[worker(source = IntentSource::Restore, inbox = String)]
    /// async fn search(cx: Context<Update>) {
    ///     let mut inbox = cx.inbox::<String>();
    ///     while let Some(word) = inbox.recv().await {
    ///         cx.send(Update::Found(word)).await.ok();
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (cx, mut desk) = testing::context(IntentSource::Restore, ());
    /// let commands = desk.handle().typed::<String>().unwrap();
    /// let worker = tokio::spawn(search(cx));
    /// commands.send("gate".to_owned())?;
    /// tokio::task::yield_now().await;
    /// desk.cancel();
    /// worker.await?;
    /// assert_eq!(desk.intents(), [Update::Found("gate".into())]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn handle(&self) -> &WorkerHandle {
        &self.handle
    }

    /// Refuses every further send, as a panel does after its shutdown. What was sent can still be drained.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl<I: Intent, P> Drop for Desk<I, P> {
    fn drop(&mut self) {
        self.buses.close();
        self.queue.discard();
    }
}

impl<I: Intent, P> fmt::Debug for Desk<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("queue", &self.queue).finish_non_exhaustive()
    }
}
