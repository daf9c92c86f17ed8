//! Spawning, from the panel or from anywhere else.

use std::{fmt, sync::Arc};

use super::{ControlPanel, shared::Shared};
use crate::{
    intent::Intent,
    worker::{Worker, WorkerHandle},
};

/// What workers can be spawned on: [`ControlPanel`] and [`Spawner`], and nothing else.
///
/// [`#[worker]`](macro@crate::worker) extends every `Spawn` of the right intent and policy by a method
/// `spawn_…`. Bring the worker's generated trait into scope to use it from another module.
#[diagnostic::on_unimplemented(
    message = "no worker can be spawned on `{Self}`",
    note = "workers are spawned on a `control_panel::ControlPanel` or a `control_panel::Spawner` of their own intent and policy"
)]
pub trait Spawn: sealed::Sealed {
    /// The intent of the workers that it takes.
    type Intent: Intent;
    /// The policy that they watch.
    type Policy: Send + Sync + 'static;

    /// Spawns a worker. Never waits; a panel that is shut down gives a handle in state
    /// [`Refused`](crate::WorkerStatus::Refused).
    fn spawn(&self, worker: Worker<Self::Intent, Self::Policy>) -> WorkerHandle;
}

mod sealed {
    use crate::intent::Intent;

    pub trait Sealed {}
    impl<I: Intent, P> Sealed for super::ControlPanel<I, P> {}
    impl<I: Intent, P> Sealed for super::Spawner<I, P> {}
}

impl<I: Intent, P: Send + Sync + 'static> Spawn for ControlPanel<I, P> {
    type Intent = I;
    type Policy = P;

    fn spawn(&self, worker: Worker<I, P>) -> WorkerHandle {
        self.shared.spawn(worker)
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawn for Spawner<I, P> {
    type Intent = I;
    type Policy = P;

    fn spawn(&self, worker: Worker<I, P>) -> WorkerHandle {
        self.shared.spawn(worker)
    }
}

/// Spawns workers on a panel from wherever it is carried: another thread, another worker.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawner, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Found(u32) }
///
/// #[worker(source = IntentSource::Restore)]
/// async fn search(cx: Context<Update>, n: u32) {
///     cx.send(Update::Found(n)).await.ok();
/// }
///
/// #[worker(source = IntentSource::LocalUI)]
/// async fn searches(_cx: Context<Update>, spawner: Spawner<Update>) {
///     for n in 0..3 {
///         spawner.spawn_search(n);
///     }
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// panel.spawn_searches(panel.spawner());
/// ```
pub struct Spawner<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
}

impl<I: Intent, P> Spawner<I, P> {
    pub(super) fn new(shared: Arc<Shared<I, P>>) -> Self {
        Self { shared }
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
