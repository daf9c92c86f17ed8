//! The panel's remote control.

use std::{borrow::Cow, fmt, sync::Arc, task::Waker};

use tokio::runtime::Handle;

use super::{PanelStatus, Spawn, observed::Observation, shared::Shared};
use crate::{
    intent::{Intent, Origin},
    panel::{group::GroupBuilder, tasks::Tasks},
    queue::IntentSender,
    supervisor::{events::Events, report::ShutdownReport},
    util::{Name, park},
    worker::{
        Worker, WorkerHandle,
        context::Context,
        inbox::Broadcast,
        reply::{Answer, Reply},
    },
};

/// A remote control of a panel: clone it and move it to hosts, callbacks, threads and workers. It offers every method that a
/// [`ControlPanel`](crate::ControlPanel) offers by `&self`. Created by [`ControlPanel::spawner`](crate::ControlPanel::spawner).
///
/// Only draining, and waiting for something to drain, need the panel itself. While a frame runs, the loop borrows the panel, so
/// code that reacts to a frame, such as a [`Reconcile`](crate::Reconcile) host, holds a spawner.
///
/// A clone costs a reference count. It keeps the panel's memory alive, but neither the panel nor its runtime: once the panel is
/// dropped, a worker spawned through it is [`Refused`](crate::WorkerStatus::Refused), a send is refused as closed, and look-ups
/// find a panel whose workers are ending.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, QueuedIntent, Reconcile,
///     Reducer, Spawner, worker,
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Open(u32),
/// }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn load(cx: Context<Update, u32>, page: u32) { /* … */
/// }
///
/// #[derive(Default)]
/// struct State {
///     page: u32,
/// }
///
/// impl Reducer for State {
///     type Intent = Update;
///     fn apply(&mut self, queued: QueuedIntent<Update>) {
///         let Update::Open(page) = queued.intent;
///         self.page = page;
///     }
/// }
///
/// /// Makes the world match the state: here the policy, and a worker that loads.
/// struct Host {
///     panel: Spawner<Update, u32>,
/// }
///
/// impl Reconcile<State> for Host {
///     fn reconcile(&mut self, state: &State) {
///         if *self.panel.policy() != state.page {
///             self.panel.set_policy(state.page);
///             self.panel.spawn_load(state.page);
///         }
///     }
/// }
///
/// let mut panel = ControlPanel::<Update, u32>::new();
/// let mut host = Host { panel: panel.spawner() };
/// panel.run_frame(
///     &mut State::default(),
///     &mut host,
///     [(IntentSource::LocalUI, Update::Open(7))],
/// );
/// assert_eq!(*panel.policy(), 7);
/// ```
pub struct Spawner<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
}

impl<I: Intent, P> Spawner<I, P> {
    pub(super) fn new(shared: Arc<Shared<I, P>>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared<I, P> {
        &self.shared
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawner<I, P> {
    /// As [`ControlPanel::spawn`](crate::ControlPanel::spawn).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        self.shared.spawn(worker, None)
    }

    /// As [`ControlPanel::group`](crate::ControlPanel::group).
    pub fn group(&self) -> GroupBuilder<I, P> {
        GroupBuilder::new(Arc::clone(&self.shared))
    }

    /// As [`ControlPanel::tasks`](crate::ControlPanel::tasks).
    pub fn tasks(&self) -> Tasks<I, P> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// As [`ControlPanel::keyed_tasks`](crate::ControlPanel::keyed_tasks).
    pub fn keyed_tasks<K: Ord>(&self) -> Tasks<I, P, K> {
        Tasks::new(Arc::clone(&self.shared))
    }

    /// As [`ControlPanel::ask_blocking`](crate::ControlPanel::ask_blocking).
    pub fn ask_blocking<T: Send + 'static>(
        &self,
        name: impl Into<Cow<'static, str>>,
        source: I::Source,
        ask: impl FnOnce() -> T + Send + 'static,
    ) -> Answer<T> {
        self.shared.ask_blocking(name.into(), source, ask)
    }

    /// As [`ControlPanel::reply`](crate::ControlPanel::reply).
    pub fn reply<T>(&self) -> (Reply<T>, Answer<T>) {
        self.shared.reply()
    }

    /// As [`ControlPanel::sender`](crate::ControlPanel::sender).
    pub fn sender(&self, source: I::Source) -> IntentSender<I> {
        self.shared.sender(source)
    }

    /// As [`ControlPanel::context`](crate::ControlPanel::context).
    pub fn context(&self, source: I::Source) -> Context<I, P> {
        self.shared.context(Name::from("context"), source)
    }

    /// As [`ControlPanel::broadcast_command`](crate::ControlPanel::broadcast_command).
    ///
    /// # Panics
    /// If the command's `clone` panics.
    pub fn broadcast_command<C>(&self, name: &str, command: C) -> Broadcast<C>
    where
        C: Clone + Send + 'static,
    {
        self.shared.broadcast_command(name, command)
    }

    /// As [`ControlPanel::set_policy`](crate::ControlPanel::set_policy).
    pub fn set_policy(&self, policy: P) {
        self.shared.policy.set(policy);
    }

    /// As [`ControlPanel::touch`](crate::ControlPanel::touch).
    pub fn touch(&self) {
        self.shared.idle.touch();
    }

    /// As [`ControlPanel::waker`](crate::ControlPanel::waker).
    pub fn waker(&self) -> Waker {
        self.shared.waker()
    }

    /// As [`ControlPanel::runtime`](crate::ControlPanel::runtime).
    pub fn runtime(&self) -> &Handle {
        self.shared.supervisor.runtime()
    }

    /// As [`ControlPanel::request_shutdown`](crate::ControlPanel::request_shutdown).
    pub fn request_shutdown(&self) {
        self.shared.request_shutdown();
    }

    /// As [`ControlPanel::shutdown`](crate::ControlPanel::shutdown); the panel may go on draining meanwhile. A full queue still
    /// returns intents instead of waiting: workers that flush more than it holds need
    /// [`request_shutdown`](Self::request_shutdown), or
    /// [`ControlPanel::shutdown_draining`](crate::ControlPanel::shutdown_draining).
    ///
    /// # Cancel safety
    /// As `ControlPanel::shutdown`.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shared.shut_down().await
    }

    /// As [`ControlPanel::shutdown_blocking`](crate::ControlPanel::shutdown_blocking).
    ///
    /// # Panics
    /// In async code, before anything is stopped: use `shutdown().await` there.
    #[track_caller]
    pub fn shutdown_blocking(&self) -> ShutdownReport {
        park::assert_may_block("shutdown_blocking", "`shutdown().await`");
        park::wait(self.shared.shut_down())
    }
}

/// Methods that only observe.
impl<I: Intent, P: Send + Sync + 'static> Spawner<I, P> {
    /// As [`ControlPanel::status`](crate::ControlPanel::status).
    pub fn status(&self) -> PanelStatus {
        self.shared.status()
    }

    /// As [`ControlPanel::policy`](crate::ControlPanel::policy).
    pub fn policy(&self) -> Arc<P> {
        self.shared.policy.get()
    }

    /// As [`ControlPanel::queued`](crate::ControlPanel::queued).
    pub fn queued(&self) -> usize {
        self.shared.queue.counts().queued
    }

    /// As [`ControlPanel::worker_count`](crate::ControlPanel::worker_count).
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// let panel = ControlPanel::<Update>::new();
    /// assert_eq!(panel.spawner().worker_count(), 0);
    /// ```
    pub fn worker_count(&self) -> usize {
        self.shared.supervisor.registry().count()
    }

    /// As [`ControlPanel::is_shutting_down`](crate::ControlPanel::is_shutting_down).
    pub fn is_shutting_down(&self) -> bool {
        self.shared.is_shutting_down()
    }

    /// As [`ControlPanel::worker`](crate::ControlPanel::worker).
    pub fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.shared.worker(name)
    }

    /// As [`ControlPanel::workers_named`](crate::ControlPanel::workers_named).
    pub fn workers_named(&self, name: &str) -> Vec<WorkerHandle> {
        self.shared.workers_named(name)
    }

    /// As [`ControlPanel::worker_by_origin`](crate::ControlPanel::worker_by_origin).
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn idle(cx: Context<Update>) { cx.cancelled().await }
    /// let panel = ControlPanel::<Update>::new();
    /// let idle = panel.spawn_idle();
    /// let found = panel.spawner().worker_by_origin(idle.origin());
    /// assert!(found.is_some_and(|found| found.name() == "idle"));
    /// ```
    pub fn worker_by_origin(&self, origin: Origin) -> Option<WorkerHandle> {
        self.shared.worker_by_origin(origin)
    }

    /// As [`ControlPanel::workers`](crate::ControlPanel::workers).
    pub fn workers(&self) -> Vec<WorkerHandle> {
        self.shared.workers()
    }

    /// From now on the panel's frames are measured.
    pub(crate) fn observation(&self) -> Observation {
        self.shared.observation()
    }

    /// As [`ControlPanel::events`](crate::ControlPanel::events).
    pub fn events(&self) -> Events {
        self.shared.events(None)
    }

    /// As [`ControlPanel::events_from`](crate::ControlPanel::events_from).
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn idle(_cx: Context<Update>) {}
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_idle().ended_blocking();
    /// let mut events = panel.spawner().events_from(1);
    /// assert!(events.try_next().is_some());
    /// ```
    pub fn events_from(&self, number: u64) -> Events {
        self.shared.events(Some(number))
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawn for Spawner<I, P> {
    type Intent = I;
    type Policy = P;

    fn admit(&self, worker: Worker<I, P>) -> WorkerHandle {
        Spawner::spawn(self, worker)
    }
}

impl<I: Intent, P> Clone for Spawner<I, P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<I: Intent, P> fmt::Debug for Spawner<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").field("shared", &self.shared).finish()
    }
}
