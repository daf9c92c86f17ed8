//! The panel: one owner for the queue, the policy, the workers and, where there is none yet, their runtime.

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

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tokio::runtime::{Handle, Runtime};

use self::{forward::Forward, locals::Locals, pulse::Pulse, shared::Shared, warnings::Starved};
use crate::{
    frame::{FrameBudget, Recorder},
    intent::Intent,
    panel::{group::GroupBuilder, tasks::Tasks},
    queue::{IntentSender, Local},
    supervisor::{Caller, events::Events, report::ShutdownReport},
    telemetry,
    util::{name::Name, park},
    worker::{Worker, WorkerHandle, context::Context},
};

pub(crate) use self::spawn::sealed;
pub use self::{
    builder::{ByDefault, Given, GivesPolicy, PanelBuilder},
    spawn::{Configured, Spawn},
    spawner::Spawner,
    status::{LastIncidents, PanelStatus, WorkerInfo, Workers},
};

/// Owns background workers and hands their intents, one ordered [`Frame`](crate::Frame) at a time, to a synchronous loop.
///
/// `I` is your intent, `P` your policy: what [`set_policy`](Self::set_policy) distributes to the workers.
///
/// Every method but [`drain`](Self::drain) and [`run_frame`](Self::run_frame) takes `&self`, so workers can be
/// spawned from inside a frame.
///
/// Dropping a panel never blocks: it tells every worker to stop, drops the async ones at their next await, and
/// discards what was not drained. [`shutdown`](Self::shutdown) first, to wait for them and to know how they ended.
///
/// A process that has a panel is not to be forked: the child has one thread, and the locks of all others. A daemon that goes
/// into the background starts itself again (`examples/cookbook/detach.rs` in the repository). The platforms are listed on the
/// [crate's page](crate#platforms); `wasm32` is none of them.
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
    /// The panel's own runtime, where it has one.
    runtime: Option<Runtime>,
    locals: Locals<I::Source>,
    /// The loop's own intents that no frame could take yet: next to always none. The lock is never taken: it makes the
    /// panel `Sync` for intents that are not.
    local_buffer: Mutex<Vec<Local<I>>>,
    /// Where the reducer learns what happens to the workers.
    forward: Option<Forward<I>>,
    frame_budget: FrameBudget,
    /// What each frame of `run_frame` is shown to.
    recorder: Option<Box<dyn Recorder<I>>>,
    /// Where workers could starve.
    starved: Starved,
    pulse: Pulse,
    /// What the last frame found.
    watch: telemetry::Watch,
}

impl<I: Intent, P: Send + Sync + Default + 'static> ControlPanel<I, P> {
    /// A panel with the default options and policy: [`builder`](Self::builder) tells them.
    ///
    /// # Panics
    /// When there is no ambient runtime and the operating system refuses the panel one of its own.
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
    /// Sets a panel up.
    pub fn builder() -> PanelBuilder<I, P> {
        PanelBuilder::new()
    }

    /// Spawns a worker made by hand. Annotated workers have a method `spawn_…` of their own.
    ///
    /// Never waits. After a shutdown the handle's status is [`Refused`](crate::WorkerStatus::Refused).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        self.shared.spawn(worker, None)
    }

    /// Collects workers that are started, restarted and stopped together.
    pub fn group(&self) -> GroupBuilder<I, P> {
        GroupBuilder::new(Arc::clone(&self.shared))
    }

    /// A set of short-lived workers, a few of which run at a time.
    pub fn tasks(&self) -> Tasks<I, P> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// The same, with keys of which only the newest task counts. Their type follows from the [keys](Tasks::keyed).
    pub fn keyed_tasks<K: Ord>(&self) -> Tasks<I, P, K> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// What happens to the workers from now on.
    pub fn events(&self) -> Events {
        self.shared.events(None)
    }

    /// What happened to the workers from the event of this number on; `status().events + 1` for what a status does not
    /// contain.
    pub fn events_from(&self, number: u64) -> Events {
        self.shared.events(Some(number))
    }

    /// A remote control of this panel, to be cloned and carried anywhere: it does all that the panel does by `&self`.
    pub fn spawner(&self) -> Spawner<I, P> {
        Spawner::new(Arc::clone(&self.shared))
    }

    /// The runtime that runs the workers: the panel's own, or the one that it was given or found.
    ///
    /// For what is no worker, such as a server that other libraries bring. A task spawned on it is in no list and no report,
    /// and no shutdown waits for it; with the panel's own runtime it is dropped when the panel is.
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

    /// A new sender, with an origin of its own, for callbacks, threads and the frame loop itself.
    ///
    /// Two senders of one source are two producers: within a frame all that the older one sent comes first, whatever the
    /// timing. Clones of one sender are one producer, whose intents keep the order in which they were accepted
    /// (`examples/cookbook/two_senders.rs`).
    ///
    /// Takes the queue's lock, and a moment for each source that is known: make it once and keep it.
    pub fn sender(&self, source: I::Source) -> IntentSender<I> {
        self.shared.sender(source)
    }

    /// A context that belongs to no worker, with an origin of its own: to call an annotated function directly,
    /// as in a unit test. It is cancelled when the panel shuts down.
    pub fn context(&self, source: I::Source) -> Context<I, P> {
        self.shared.context(Name::from("context"), source)
    }

    /// Gives all workers a new policy. Never waits.
    pub fn set_policy(&self, policy: P) {
        self.shared.policy.set(policy);
    }

    /// The current policy.
    pub fn policy(&self) -> Arc<P> {
        self.shared.policy.get()
    }

    /// How many intents are accepted and in no frame yet: those that came since, and what frames left.
    ///
    /// Never waits: it tries the queue's lock, which senders want too, and where that is not to be had soon the figure is
    /// that of the last frame.
    pub fn queued(&self) -> usize {
        self.shared.queue.counts().queued
    }

    /// How many workers live.
    pub fn worker_count(&self) -> usize {
        self.shared.supervisor.registry().count()
    }

    /// The panel as it is now: queue, counters, living workers. For every frame: it never waits, and allocates only where
    /// workers changed while somebody keeps one of the last two.
    ///
    /// Where the queue is busy just now, its figures are those of the last frame; where the supervisor is, the workers are
    /// those of the last status, and a sleeping loop is woken to look again. So a status asked right after a spawn may not have that worker yet, and one asked right after
    /// a worker's end may still have it: the worker's [handle](WorkerHandle::status) is never behind, and
    /// [`worker_count`](Self::worker_count) neither.
    pub fn status(&self) -> PanelStatus {
        self.shared.status()
    }

    /// Stops every worker and says how each ended. What was accepted can still be drained afterwards.
    ///
    /// Back by the deadline ([`shutdown_timeout`](PanelBuilder::shutdown_timeout), counted from the first call)
    /// whatever the workers do, each that did not stop named in the report. Meanwhile a full queue hands intents
    /// back instead of waiting, as it is not drained ([`shutdown_draining`](Self::shutdown_draining) drains it); afterwards every
    /// send is refused.
    ///
    /// The deadline is the earlier of a tokio and a native timer. It cannot hold where the caller itself sits on a
    /// runtime thread that a worker blocks: a current-thread runtime shared with a worker that never awaits.
    ///
    /// A worker of this panel that calls it is told to stop as all others are. Cancelled by being dropped, it ends right there,
    /// and whoever calls it next has the report; any other would wait for itself: a cooperative one until it is dropped at the
    /// end of its [grace](Worker::grace), one on a thread until the deadline, and the report names it. Where a worker is to end
    /// the program, let it send an intent that says so.
    ///
    /// # Cancel safety
    /// Dropping it half-way keeps the cancellation; calling it again goes on waiting, by the first call's deadline.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shared.shut_down(Caller::Awaits).await
    }

    /// Like [`shutdown`](Self::shutdown), for a thread that is not driving a runtime. The panel's own workers on threads wait for
    /// themselves in it, until the deadline.
    ///
    /// In a synchronous callback of an async program, this and the other `…_blocking` methods are called inside
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
