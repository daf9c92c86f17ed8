//! The face of the panel: what it is built by, what it spawns, distributes and shows.
//!
//! `mod.rs` declares this module first, since rustdoc shows the methods of a type in the order of the modules that have them.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::{ControlPanel, PanelBuilder, PanelStatus, Spawner};
use crate::{
    intent::Intent,
    panel::{group::GroupBuilder, tasks::Tasks},
    queue::IntentSender,
    supervisor::events::Events,
    util::Name,
    worker::{Worker, WorkerHandle, context::Context},
};

/// # Building a panel
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

/// # Options
impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Returns a builder, which configures a panel. Its first policy is `P::default()`.
    pub fn builder() -> PanelBuilder<I, P>
    where
        P: Default,
    {
        PanelBuilder::new(P::default())
    }

    /// Returns a builder of a panel with this first policy: for a type without `Default`.
    ///
    /// ```
    /// use control_panel::{ControlPanel, GraphIntent};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// struct Limits {
    ///     memory: f32,
    /// }
    ///
    /// let panel: ControlPanel<Update, Limits> =
    ///     ControlPanel::builder_with(Limits { memory: 0.8 }).build();
    /// assert_eq!(panel.policy().memory, 0.8);
    /// ```
    pub fn builder_with(policy: P) -> PanelBuilder<I, P> {
        PanelBuilder::new(policy)
    }
}

/// # A remote control
impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Returns a remote control for this panel. It can be cloned and moved anywhere, and offers every method that the panel
    /// offers by `&self`.
    pub fn spawner(&self) -> Spawner<I, P> {
        Spawner::new(Arc::clone(&self.shared))
    }
}

both! {
/// # Workers
impl {
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

    /// Returns the runtime that runs the workers: the panel's own, or the one that it was given or found.
    ///
    /// Use it for tasks that are not workers, such as a server from another library. A task spawned on it appears in no list
    /// and no report, and no shutdown waits for it; on the panel's own runtime it is dropped together with the panel.
    ///
    /// ```
    /// # use control_panel::{ControlPanel, GraphIntent};
    /// # #[derive(GraphIntent)] enum Update {}
    /// let panel = ControlPanel::<Update>::new();
    /// // Here `tokio::time::sleep` and its like can be made.
    /// let _entered = panel.runtime().enter();
    /// drop(tokio::time::sleep(std::time::Duration::from_secs(1)));
    /// ```
    pub fn runtime(&self) -> &Handle {
        self.shared.supervisor.runtime()
    }
}
}

both! {
/// # Sending, from outside of workers
impl {
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
}
}

both! {
/// # The policy
impl {
    /// Distributes a new policy to all workers. Never waits.
    pub fn set_policy(&self, policy: P) {
        self.shared.policy.set(policy);
    }

    /// Returns the current policy.
    pub fn policy(&self) -> Arc<P> {
        self.shared.policy.get()
    }
}
}

both! {
/// # What is going on
impl {
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

    /// Returns the number of intents that are accepted but in no frame yet: new ones, and those that earlier frames left over.
    ///
    /// Never waits: it only tries the queue's lock, for which senders contend too. If it cannot get the lock soon, it returns
    /// the figure of the last frame.
    pub fn queued(&self) -> usize {
        self.shared.queue.counts().queued
    }

    /// Returns the number of living workers.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn idle(cx: Context<Update>) { cx.cancelled().await }
    /// let panel = ControlPanel::<Update>::new();
    /// let idle = panel.spawn_idle();
    /// assert_eq!(panel.worker_count(), 1);
    /// idle.stop();
    /// idle.ended_blocking();
    /// assert_eq!(panel.worker_count(), 0);
    /// ```
    pub fn worker_count(&self) -> usize {
        self.shared.supervisor.registry().count()
    }

    /// Returns a stream of the worker events from now on.
    pub fn events(&self) -> Events {
        self.shared.events(None)
    }

    /// Returns a stream of the worker events, beginning with the event of this number. Pass `status().events + 1` to get
    /// exactly the events that a status does not include yet.
    ///
    /// ```
    /// # use control_panel::events::Notice;
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn idle(_cx: Context<Update>) {}
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_idle().ended_blocking();
    /// let mut from_the_first = panel.events_from(1);
    /// let Some(Notice::Event(first)) = from_the_first.try_next() else {
    ///     panic!("it was spawned")
    /// };
    /// assert_eq!(first.name.as_str(), "idle");
    /// ```
    pub fn events_from(&self, number: u64) -> Events {
        self.shared.events(Some(number))
    }
}
}
