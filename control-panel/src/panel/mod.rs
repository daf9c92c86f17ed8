//! The panel: it owns the queue, the policy, the workers and, unless there already is one, their runtime.
//!
//! [`ControlPanel::builder`] sets what has a default, [`ControlPanel::spawner`] creates a [`Spawner`] for other threads and for
//! workers, and [`ControlPanel::status`] shows what all of them do.
//!
//! ```
//! use control_panel::{
//!     ControlPanel, GraphIntent, IntentSource,
//!     panel::{BuildError, PanelStatus},
//! };
//!
//! #[derive(GraphIntent)]
//! enum Update { Refresh }
//!
//! assert!(matches!(
//!     ControlPanel::<Update>::builder().capacity(0).try_build(),
//!     Err(BuildError::ZeroCapacity)
//! ));
//! let panel = ControlPanel::<Update>::builder().name("pages").capacity(64).build();
//! panel.sender(IntentSource::LocalUI).try_send(Update::Refresh).unwrap();
//! let status: PanelStatus = panel.status();
//! assert_eq!(status.queued, 1);
//! ```

// | file | what |
// |---|---|
// | `builder` | building a panel |
// | `frames`, `locals` | draining, applying, waiting for work; the loop's own intents |
// | `spawn`, `spawner`, `group`, `tasks` | what workers are spawned on: the panel, its remote control, a group, a pool |
// | `ask`, `lookup`, `buses` | questions of the loop, finding workers, buses |
// | `status`, `warnings`, `pulse` | what the panel shows and warns about; whether anything drives the runtime |
// | `forward` | worker events as intents |
// | `idle` | suspends workers while the panel is not touched |
// | `stopping` | requesting a shutdown, and draining during one |
// | `shared` | state shared by a panel and its spawners |

mod ask;
mod builder;
mod buses;
mod forward;
mod frames;
pub(crate) mod group;
mod idle;
mod locals;
mod lookup;
mod pulse;
pub(crate) mod shared;
mod spawn;
mod spawner;
mod status;
mod stopping;
pub(crate) mod tasks;
mod warnings;

use std::{fmt, sync::Arc};

use tokio::runtime::{Handle, Runtime};

use self::{forward::Forward, locals::Locals, pulse::Pulse, shared::Shared, warnings::Starved};
use crate::{
    frame::{FrameBudget, Recorder},
    intent::Intent,
    panel::{group::GroupBuilder, tasks::Tasks},
    queue::{IntentSender, Local},
    supervisor::{Caller, events::Events, report::ShutdownReport},
    telemetry,
    util::{mutex::Mutex, name::Name, park},
    worker::{Worker, WorkerHandle, context::Context},
};

pub(crate) use self::spawn::sealed;
pub use self::{
    builder::{ByDefault, Given, GivesPolicy, PanelBuilder},
    spawn::{Configured, Spawn},
    spawner::Spawner,
    status::{LastIncidents, PanelStatus, WorkerInfo, Workers},
};
pub use crate::lifecycle::error::BuildError;

/// Owns background workers and hands their intents, one ordered [`Frame`](crate::Frame) at a time, to a synchronous loop.
///
/// `I` is your intent, `P` your policy: what [`set_policy`](Self::set_policy) distributes to the workers.
///
/// Every method but [`drain`](Self::drain) and [`run_frame`](Self::run_frame) takes `&self`, so workers can be
/// spawned from inside a frame.
///
/// Dropping a panel never blocks: it cancels every worker, drops the async ones at their next await, and discards whatever was
/// not drained. Call [`shutdown`](Self::shutdown) first to wait for the workers and learn how they ended.
///
/// Do not fork a process that has a panel: the child has one thread, but the locks of all the others. A daemon that moves into
/// the background re-executes itself instead (`examples/cookbook/detach.rs` in the repository). The supported platforms are
/// listed on the [crate's page](crate#platforms); `wasm32` is not one of them.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reducer, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Add(u32) }
///
/// #[derive(Default)]
/// struct Total(u32);
///
/// impl Reducer for Total {
///     type Intent = Update;
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         let Update::Add(n) = queued.intent;
///         self.0 += n;
///     }
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn counter(cx: Context<Update>, upto: u32) {
///     for n in 1..=upto {
///         cx.send(Update::Add(n)).await.ok();
///     }
/// }
///
/// let mut panel = ControlPanel::<Update>::new();
/// let counter = panel.spawn_counter(4);
/// let mut total = Total::default();
/// while !counter.status().is_final() || panel.queued() > 0 {
///     panel.run_frame(&mut total, &mut (), []);
///     panel.wait_ready_timeout(std::time::Duration::from_millis(100)); // asleep until there is more to do
/// }
/// assert_eq!(total.0, 10);
/// assert!(panel.shutdown_blocking().is_clean());
/// ```
pub struct ControlPanel<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
    /// The panel's own runtime, if it has one.
    runtime: Option<Runtime>,
    locals: Locals<I::Source>,
    /// The loop's own intents that no frame could take yet; almost always empty. The mutex is never locked: it only makes the
    /// panel `Sync` for intents that are not.
    local_buffer: Mutex<Vec<Local<I>>>,
    /// Turns worker events into intents for the reducer.
    forward: Option<Forward<I>>,
    frame_budget: FrameBudget,
    /// Records each frame of `run_frame`.
    recorder: Option<Box<dyn Recorder<I>>>,
    /// Detects loops that keep their workers from running.
    starved: Starved,
    pulse: Pulse,
    /// The state of the queue at the last frame.
    watch: telemetry::Watch,
}

impl<I: Intent, P: Send + Sync + Default + 'static> ControlPanel<I, P> {
    /// Creates a panel with the default policy and the default options, which [`builder`](Self::builder) lists.
    ///
    /// # Panics
    /// If there is no ambient runtime and the operating system refuses to start one for the panel.
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        Self::builder().build()
    }
}

impl<I: Intent, P: Send + Sync + Default + 'static> Default for ControlPanel<I, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Returns a builder, which configures a panel.
    pub fn builder() -> PanelBuilder<I, P> {
        PanelBuilder::new()
    }

    /// Spawns a worker built by hand. For annotated workers, use the generated `spawn_…` method.
    ///
    /// Never waits. After a shutdown, the returned handle has the status [`Refused`](crate::WorkerStatus::Refused).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        self.shared.spawn(worker, None)
    }

    /// Creates a builder for a group of workers that are started, restarted and stopped together.
    pub fn group(&self) -> GroupBuilder<I, P> {
        GroupBuilder::new(Arc::clone(&self.shared))
    }

    /// Creates a set of short-lived workers, of which a limited number run at a time.
    pub fn tasks(&self) -> Tasks<I, P> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// Like [`tasks`](Self::tasks), with keys: only the newest task of each key counts. The key type is inferred from the
    /// [keys](Tasks::keyed).
    pub fn keyed_tasks<K: Ord>(&self) -> Tasks<I, P, K> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// Returns a stream of the worker events from now on.
    pub fn events(&self) -> Events {
        self.shared.events(None)
    }

    /// Returns a stream of the worker events, beginning with the event of this number. Pass `status().events + 1` to get
    /// exactly the events that a status does not include yet.
    pub fn events_from(&self, number: u64) -> Events {
        self.shared.events(Some(number))
    }

    /// Returns a remote control for this panel. It can be cloned and moved anywhere, and offers every method that the panel
    /// offers by `&self`.
    pub fn spawner(&self) -> Spawner<I, P> {
        Spawner::new(Arc::clone(&self.shared))
    }

    /// Returns the runtime that runs the workers: the panel's own, or the one that it was given or found.
    ///
    /// Use it for tasks that are not workers, such as a server from another library. A task spawned on it appears in no list
    /// and no report, and no shutdown waits for it; on the panel's own runtime it is dropped together with the panel.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// let panel = ControlPanel::<Update>::new();
    /// let _entered = panel.runtime().enter(); // here `tokio::time::sleep` and its like can be made
    /// drop(tokio::time::sleep(std::time::Duration::from_secs(1)));
    /// ```
    pub fn runtime(&self) -> &Handle {
        self.shared.supervisor.runtime()
    }

    /// Creates a sender with its own origin, for callbacks, threads and the frame loop itself.
    ///
    /// Two senders of the same source are two producers: within a frame, everything that the older one sent comes first,
    /// whatever the timing. Clones of one sender are one producer, whose intents keep the order in which they were accepted
    /// (`examples/cookbook/two_senders.rs`).
    ///
    /// Takes the queue's lock, and time proportional to the number of known sources: create it once and keep it.
    pub fn sender(&self, source: I::Source) -> IntentSender<I> {
        self.shared.sender(source)
    }

    /// Creates a context that belongs to no worker, with its own origin, for calling an annotated function directly, as in a
    /// unit test. It is cancelled when the panel shuts down.
    pub fn context(&self, source: I::Source) -> Context<I, P> {
        self.shared.context(Name::from("context"), source)
    }

    /// Distributes a new policy to all workers. Never waits.
    pub fn set_policy(&self, policy: P) {
        self.shared.policy.set(policy);
    }

    /// Returns the current policy.
    pub fn policy(&self) -> Arc<P> {
        self.shared.policy.get()
    }

    /// Returns the number of intents that are accepted but in no frame yet: new ones, and those that earlier frames left over.
    ///
    /// Never waits: it only tries the queue's lock, for which senders contend too. If it cannot get the lock soon, it returns
    /// the figure of the last frame.
    pub fn queued(&self) -> usize {
        self.shared.queue.counts().queued
    }

    /// Returns the number of living workers.
    pub fn worker_count(&self) -> usize {
        self.shared.supervisor.registry().count()
    }

    /// Returns a snapshot of the panel: queue, counters, living workers. Cheap enough for every frame: it never waits, and
    /// allocates only if workers changed while one of the last two snapshots is still held.
    ///
    /// If the queue is busy, its figures are those of the last frame. If the supervisor is busy, the workers are those of the
    /// last status, and a sleeping loop is woken to look again. So a status taken right after a spawn may lack that worker, and
    /// one taken right after a worker's end may still contain it. The worker's [handle](WorkerHandle::status) and
    /// [`worker_count`](Self::worker_count) never lag.
    pub fn status(&self) -> PanelStatus {
        self.shared.status()
    }

    /// Stops every worker and reports how each ended. Accepted intents can still be drained afterwards.
    ///
    /// Returns by the deadline ([`shutdown_timeout`](PanelBuilder::shutdown_timeout), counted from the first call), whatever
    /// the workers do; the report names each one that did not stop. Nothing drains the queue meanwhile, so a send to a full
    /// queue returns the intent instead of waiting ([`shutdown_draining`](Self::shutdown_draining) drains it). Afterwards every
    /// send is refused.
    ///
    /// The deadline is the earlier of a tokio timer and a native timer. It cannot be kept if the caller itself runs on a
    /// runtime thread that a worker blocks: a current-thread runtime shared with a worker that never awaits.
    ///
    /// A worker of this panel that calls it is asked to stop like all others. A worker that is cancelled by dropping its future
    /// ends right there, and the next caller gets the report. Any other worker would wait for itself: a cooperative one until
    /// it is dropped at the end of its [grace](Worker::grace), one on a thread until the deadline, and the report names it. A
    /// worker that should end the program sends an intent that requests it instead.
    ///
    /// # Cancel safety
    /// Dropping the future half-way does not undo the cancellation; another call continues to wait, with the first call's
    /// deadline.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shared.shut_down(Caller::Awaits).await
    }

    /// Like [`shutdown`](Self::shutdown), for a thread that is not driving a runtime. If one of the panel's own workers on a
    /// thread calls it, that worker waits for itself until the deadline.
    ///
    /// In a synchronous callback of an async program, call this and the other `…_blocking` methods inside
    /// [`block_in_place`](tokio::task::block_in_place), on a multi-thread runtime (`examples/cookbook/sync_callback.rs` in the
    /// repository).
    ///
    /// # Panics
    /// In async code, before anything is stopped: use `shutdown().await` there.
    #[track_caller]
    pub fn shutdown_blocking(&self) -> ShutdownReport {
        park::assert_may_block("shutdown_blocking", "`shutdown().await`");
        park::wait(self.shared.shut_down(Caller::Blocks))
    }
}

impl<I: Intent, P> ControlPanel<I, P> {
    pub(crate) fn shared(&self) -> &Shared<I, P> {
        &self.shared
    }
}

impl<I: Intent, P> Drop for ControlPanel<I, P> {
    fn drop(&mut self) {
        self.shared.supervisor.drop_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.shared.policy.close();
        self.shared.buses.close();
        self.shared.queue.discard();
    }
}

impl<I: Intent, P> fmt::Debug for ControlPanel<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPanel").field("shared", &self.shared).finish_non_exhaustive()
    }
}
