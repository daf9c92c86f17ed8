//! The panel: one owner for the queue, the policy, the workers and, where there is none yet, their runtime.

mod ask;
mod builder;
mod idle;
mod locals;
pub(crate) mod shared;
mod spawner;
mod status;

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Handle, Runtime},
    time::Instant,
};

use self::{locals::Locals, shared::Shared, status::Snapshot};
use crate::{
    blocking,
    context::Context,
    frame::{Frame, FrameBudget},
    group::GroupBuilder,
    intent::Intent,
    name::Name,
    observe::{self, Flow},
    queue::{IntentSender, Local},
    reducer::{FrameReport, Reconcile, Reducer, Warning},
    supervise::{events::Events, panics, report::ShutdownReport},
    tasks::Tasks,
    worker::{Worker, WorkerHandle},
};

pub(crate) use self::spawner::sealed;
pub use self::{
    builder::{ByDefault, Given, GivesPolicy, PanelBuilder},
    spawner::{Configured, Spawn, Spawner},
    status::{PanelStatus, WorkerInfo, Workers},
};

/// Frames drained without any worker of a current-thread runtime being polled, before that is a warning: about
/// a second of a 60 Hz loop.
const STARVED_FRAMES: u32 = 64;

/// Owns background workers and hands their intents, one ordered [`Frame`] at a time, to a synchronous loop.
///
/// `I` is your intent, `P` your policy: what [`set_policy`](Self::set_policy) distributes to the workers.
///
/// Every method but [`drain`](Self::drain) and [`run_frame`](Self::run_frame) takes `&self`, so workers can be
/// spawned from inside a frame.
///
/// Dropping a panel never blocks: it tells every worker to stop, drops the async ones at their next await, and
/// discards what was not drained. [`shutdown`](Self::shutdown) first, to wait for them and to know how they ended.
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
/// }
/// assert_eq!(total.0, 10);
/// assert!(panel.shutdown_blocking().is_clean());
/// ```
pub struct ControlPanel<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
    /// The panel's own runtime, where it has one.
    runtime: Option<Runtime>,
    name: Name,
    locals: Locals<I::Source>,
    /// The loop's own intents that no frame could take yet: next to always none. The lock is never taken: it makes the
    /// panel `Sync` for intents that are not.
    local_buffer: Mutex<Vec<Local<I>>>,
    frame_budget: FrameBudget,
    frames: u64,
    /// Where workers could starve.
    starved: Option<Starved>,
    snapshot: Snapshot,
    /// What the last frame found.
    watch: observe::Watch,
}

/// How many frames were drained since a new worker was last polled, and how many had been by then.
#[derive(Debug, Clone, Copy, Default)]
struct Starved {
    frames: u32,
    polls: u64,
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
    pub fn spawn(&self, worker: Worker<I, P>) -> WorkerHandle {
        self.shared.spawn(worker, None)
    }

    /// Collects workers that are started, restarted and stopped together.
    pub fn group(&self) -> GroupBuilder<I, P> {
        GroupBuilder::new(Arc::clone(&self.shared))
    }

    /// A set of short-lived workers, a few of which run at once, with keys of the type `K` of which only the newest counts.
    pub fn tasks<K: Ord>(&self) -> Tasks<I, P, K> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// The living worker of this name; of several, the one that was spawned first.
    pub fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.shared.supervisor.registry().find(name).map(WorkerHandle::new)
    }

    /// The living workers, in the order of their spawning.
    pub fn workers(&self) -> Vec<WorkerHandle> {
        self.shared.supervisor.registry().live().into_iter().map(WorkerHandle::new).collect()
    }

    /// What happens to the workers from now on.
    pub fn events(&self) -> Events {
        self.shared.supervisor.registry().log.reader(None)
    }

    /// What happened to the workers from the event of this number on; `status().events + 1` for what a status does not
    /// contain.
    pub fn events_from(&self, number: u64) -> Events {
        self.shared.supervisor.registry().log.reader(Some(number))
    }

    /// Something that spawns workers from anywhere.
    pub fn spawner(&self) -> Spawner<I, P> {
        Spawner::new(Arc::clone(&self.shared))
    }

    /// A new sender, with an origin of its own, for callbacks, threads and the frame loop itself.
    pub fn sender(&self, source: I::Source) -> IntentSender<I> {
        IntentSender::new(self.shared.queue.port(source))
    }

    /// A context that belongs to no worker, with an origin of its own: to call an annotated function directly,
    /// as in a unit test. It is cancelled when the panel shuts down.
    pub fn context(&self, source: I::Source) -> Context<I, P> {
        self.shared.context(Name::from("context"), source)
    }

    /// Takes what is queued now, in causal order. Never waits for a sender and never runs a worker.
    ///
    /// After a frame that was cut short, what it left, and nothing else.
    pub fn drain(&mut self) -> Frame<I> {
        let mut kept = mem::take(self.local_buffer());
        let frame = self.begin_frame(&mut kept);
        *self.local_buffer() = kept;
        frame
    }

    /// Runs one frame: drains, merges `local` in, applies all in causal order, then reconciles once.
    ///
    /// `local` is the loop's own input of this frame, each intent with its source. Local intents are ordered like
    /// all others; each source is an origin of its own, in call order. They take no slots, and no budget cuts
    /// them off. A clock of `Some(0)`, which a sender would be refused, counts as local here.
    ///
    /// # Panics
    /// If the reducer or the host does. The intent that the reducer panicked on counts as handed out; the rest of the
    /// frame, local intents included, comes back with the next one, before those of the call.
    pub fn run_frame<S, H>(
        &mut self,
        state: &mut S,
        host: &mut H,
        local: impl IntoIterator<Item = (I::Source, I)>,
    ) -> FrameReport
    where
        S: Reducer<Intent = I>,
        H: Reconcile<S>,
    {
        let began = Instant::now();
        // Before the drain: this runs the caller's iterator, and its panic must leave no half-made frame.
        let mut local = self.stamp(local);
        let locals = local.len();
        let frame = self.begin_frame(&mut local);
        // What an earlier frame left of them is not to be had now: they come behind it, in the next.
        let locals = locals - local.len();
        *self.local_buffer() = local;
        let mut applied = 0;
        frame.for_each(|queued| {
            applied += 1;
            state.apply(queued);
        });
        let report = FrameReport {
            frame: self.frames,
            applied,
            local: locals,
            left: self.shared.queue.left(),
            apply_time: began.elapsed(),
            warning: self.warning(),
        };
        observe::frame_time(&self.name, report.apply_time);
        host.reconcile(state);
        report
    }

    /// Resolves when there is something to drain: for a loop that sleeps in async code.
    ///
    /// # Cancel safety
    /// Cancel-safe: nothing is drained by waiting.
    pub async fn wait_ready(&self) {
        self.shared.queue.ready().await;
    }

    /// Parks this thread until there is something to drain, or the time is over. Says whether there is.
    ///
    /// # Panics
    /// In async code: use `wait_ready().await` there.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent, IntentSource};
    /// # use std::time::Duration;
    /// # #[derive(GraphIntent)] enum Update { Refresh }
    /// let mut panel = ControlPanel::<Update>::new();
    /// assert!(!panel.wait_ready_timeout(Duration::from_millis(1)));
    /// panel.sender(IntentSource::LocalUI).try_send(Update::Refresh)?;
    /// assert!(panel.wait_ready_timeout(Duration::MAX));
    /// assert_eq!(panel.drain().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn wait_ready_timeout(&self, timeout: Duration) -> bool {
        blocking::assert_may_block("wait_ready_timeout", "`wait_ready().await`");
        blocking::wait_for(self.wait_ready(), timeout).is_some() || self.shared.queue.has_work()
    }

    /// Gives all workers a new policy. Never waits.
    pub fn set_policy(&self, policy: P) {
        self.shared.policy.set(policy);
    }

    /// The current policy.
    pub fn policy(&self) -> Arc<P> {
        self.shared.policy.get()
    }

    /// How many intents are accepted and in no frame yet.
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
    /// those of the last status.
    pub fn status(&self) -> PanelStatus {
        let counts = self.shared.queue.counts();
        let (workers, events) = self.snapshot.take(self.shared.supervisor.registry());
        PanelStatus {
            name: self.name.clone(),
            queued: counts.queued,
            capacity: self.shared.queue.capacity(),
            accepted: counts.accepted,
            drained: counts.drained,
            refused: counts.refused,
            dropped: counts.dropped,
            waiting: counts.waiting,
            frames: self.frames,
            workers,
            events,
            warning: self.warning(),
        }
    }

    /// Stops every worker and says how each ended. What was accepted can still be drained afterwards.
    ///
    /// Back by the deadline ([`shutdown_timeout`](PanelBuilder::shutdown_timeout), counted from the first call)
    /// whatever the workers do, each that did not stop named in the report. Meanwhile a full queue hands intents
    /// back instead of waiting; afterwards every send is refused.
    ///
    /// The deadline is the earlier of a tokio and a native timer. It cannot hold where the caller itself sits on a
    /// runtime thread that a worker blocks: a current-thread runtime shared with a worker that never awaits.
    ///
    /// # Cancel safety
    /// Dropping it half-way keeps the cancellation; calling it again goes on waiting, by the first call's deadline.
    pub async fn shutdown(&self) -> ShutdownReport {
        let queue = &self.shared.queue;
        self.shared.supervisor.shutdown(|| queue.stop_waiting(), || queue.close()).await
    }

    /// Like [`shutdown`](Self::shutdown), for a thread that is not driving a runtime.
    ///
    /// # Panics
    /// In async code, before anything is stopped: use `shutdown().await` there.
    #[track_caller]
    pub fn shutdown_blocking(&self) -> ShutdownReport {
        blocking::assert_may_block("shutdown_blocking", "`shutdown().await`");
        blocking::wait(self.shutdown())
    }

    fn begin_frame(&mut self, local: &mut Vec<Local<I>>) -> Frame<I> {
        self.frames += 1;
        self.watch_for_starvation();
        let queue = &self.shared.queue;
        self.watch.frame(&self.name, || Flow::of(&queue.counts()));
        let batch = self.shared.queue.begin_frame(!local.is_empty());
        Frame::new(Arc::clone(&self.shared.queue), batch, local, self.frame_budget)
    }

    fn stamp(&mut self, local: impl IntoIterator<Item = (I::Source, I)>) -> Vec<Local<I>> {
        let kept = self.local_buffer();
        // The caller's iterator may panic: what was kept stays where it is meanwhile.
        let mut stamped = if kept.is_empty() { mem::take(kept) } else { Vec::new() };
        let (locals, queue) = (&mut self.locals, &self.shared.queue);
        stamped.extend(local.into_iter().map(|(source, intent)| locals.stamp(queue, source, intent)));
        let kept = self.local_buffer();
        if !kept.is_empty() {
            kept.append(&mut stamped);
            stamped = mem::take(kept);
        }
        stamped
    }

    fn local_buffer(&mut self) -> &mut Vec<Local<I>> {
        self.local_buffer.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loop that drains on a current-thread runtime and never awaits starves the workers it waits for.
    fn watch_for_starvation(&mut self) {
        let Some(starved) = self.starved.as_mut() else { return };
        let supervisor = &self.shared.supervisor;
        let inside = Handle::try_current().is_ok_and(|current| current.id() == supervisor.runtime().id());
        let polls = supervisor.registry().first_polls();
        if !inside || supervisor.registry().unpolled() == 0 || polls != starved.polls {
            *starved = Starved { frames: 0, polls };
            return;
        }
        let frames = &mut starved.frames;
        *frames = frames.saturating_add(1);
        #[cfg(feature = "tracing")]
        if *frames == STARVED_FRAMES {
            let workers = supervisor.registry().unpolled();
            tracing::warn!(panel = %self.name, "{}", Warning::WorkersNeverPolled { workers });
        }
    }

    fn warning(&self) -> Option<Warning> {
        let registry = self.shared.supervisor.registry();
        if registry.has_escalated() {
            return Some(Warning::Escalated);
        }
        let workers = registry.unpolled();
        let starved = self.starved.is_some_and(|starved| starved.frames >= STARVED_FRAMES);
        if starved && workers > 0 {
            return Some(Warning::WorkersNeverPolled { workers });
        }
        panics::ABORT.then_some(Warning::PanicsAbort)
    }
}

impl<I: Intent, P> Drop for ControlPanel<I, P> {
    fn drop(&mut self) {
        self.shared.supervisor.drop_all();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.shared.policy.close();
        self.shared.queue.discard();
    }
}

impl<I: Intent, P> fmt::Debug for ControlPanel<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPanel")
            .field("name", &self.name)
            .field("shared", &self.shared)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}
