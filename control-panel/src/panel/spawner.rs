//! The panel's remote control.

use std::{fmt, sync::Arc};

use super::{Spawn, shared::Shared};
use crate::{
    intent::Intent,
    worker::{Worker, WorkerHandle},
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
    pub(super) shared: Arc<Shared<I, P>>,
}

impl<I: Intent, P> Spawner<I, P> {
    pub(super) fn new(shared: Arc<Shared<I, P>>) -> Self {
        Self { shared }
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
