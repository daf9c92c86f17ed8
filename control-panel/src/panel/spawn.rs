//! What workers can be spawned on.

use std::fmt;

use super::{ControlPanel, Spawner};
use crate::{
    intent::Intent,
    worker::{Worker, WorkerHandle},
};

/// What workers can be spawned on: a [`ControlPanel`] or its [`Spawner`]; a group that is not started yet, a
/// [`GroupBuilder`](crate::GroupBuilder); [`Tasks`](crate::Tasks), all of them or those of a [key](crate::Keyed); and any of these
/// [configured](Self::configure). Sealed.
///
/// [`#[worker]`](macro@crate::worker) extends every `Spawn` of the right intent and policy by a method
/// `spawn_…`. Bring the worker's generated trait into scope to use it from another module.
#[diagnostic::on_unimplemented(
    message = "no worker can be spawned on `{Self}`",
    note = "workers are spawned on a `control_panel::ControlPanel` or a `control_panel::Spawner` of their own intent and policy, or on a group or tasks made by one"
)]
pub trait Spawn: sealed::Sealed {
    /// The intent of the workers that it takes.
    type Intent: Intent;
    /// The policy that they watch.
    type Policy: Send + Sync + 'static;

    /// What `spawn` comes to, whatever the type of the commands.
    #[doc(hidden)]
    fn admit(&self, worker: Worker<Self::Intent, Self::Policy>) -> WorkerHandle;

    /// Spawns a worker. Never waits; a panel that is shut down gives a handle in state
    /// [`Refused`](crate::WorkerStatus::Refused).
    ///
    /// The handle knows the worker immediately; a [status of the panel](ControlPanel::status) may be from before it for a moment.
    ///
    /// On a trait object it is called by way of its reference, which spawns as well: `Spawn::spawn(&host, worker)`.
    fn spawn<C>(&self, worker: Worker<Self::Intent, Self::Policy, C>) -> WorkerHandle<C>
    where
        Self: Sized,
    {
        self.admit(worker.untyped()).retype()
    }

    /// The same, with every worker adjusted before it is spawned: so an annotated worker gets options that are known only
    /// here, such as a [name](Worker::name) of its own. The type of its commands stays as it is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Line(String) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn store(cx: Context<Update>) { cx.cancelled().await }
    ///
    /// #[worker(source = IntentSource::Restore, cancel = cooperative)]
    /// async fn feed(cx: Context<Update>) { cx.cancelled().await }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_store();
    /// panel.configure(|worker| worker.after("store").grace(Duration::from_secs(1))).spawn_feed();
    /// ```
    fn configure<F>(&self, adjust: F) -> Configured<'_, Self, F>
    where
        Self: Sized,
        F: Fn(Worker<Self::Intent, Self::Policy>) -> Worker<Self::Intent, Self::Policy>,
    {
        Configured { to: self, adjust }
    }
}

/// So that a trait object spawns too: `Spawn::spawn(&host, worker)` with a `host: &dyn Spawn<…>`.
impl<S: ?Sized + Spawn> Spawn for &S {
    type Intent = S::Intent;
    type Policy = S::Policy;

    fn admit(&self, worker: Worker<S::Intent, S::Policy>) -> WorkerHandle {
        (**self).admit(worker)
    }
}

/// Spawns workers, each adjusted before: what [`Spawn::configure`] returns.
#[must_use = "nothing is spawned until a worker is"]
pub struct Configured<'a, S, F> {
    to: &'a S,
    adjust: F,
}

impl<S, F> Spawn for Configured<'_, S, F>
where
    S: Spawn,
    F: Fn(Worker<S::Intent, S::Policy>) -> Worker<S::Intent, S::Policy>,
{
    type Intent = S::Intent;
    type Policy = S::Policy;

    fn admit(&self, worker: Worker<S::Intent, S::Policy>) -> WorkerHandle {
        // The handle's type is that of this worker, whatever comes back.
        let takes = worker.options.takes;
        let mut adjusted = (self.adjust)(worker);
        adjusted.options.takes = takes;
        self.to.admit(adjusted)
    }
}

impl<S, F> Configured<'_, S, F>
where
    S: Spawn,
    F: Fn(Worker<S::Intent, S::Policy>) -> Worker<S::Intent, S::Policy>,
{
    /// Adjusts a worker made by hand and spawns it.
    pub fn spawn<C>(&self, worker: Worker<S::Intent, S::Policy, C>) -> WorkerHandle<C> {
        Spawn::spawn(self, worker)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Configured<'_, S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured").field("to", &self.to).finish_non_exhaustive()
    }
}

pub(crate) mod sealed {
    use crate::intent::Intent;

    pub trait Sealed {}
    impl<S, F> Sealed for super::Configured<'_, S, F> {}
    impl<S: ?Sized + Sealed> Sealed for &S {}
    impl<I: Intent, P> Sealed for super::ControlPanel<I, P> {}
    impl<I: Intent, P> Sealed for super::Spawner<I, P> {}
}

impl<I: Intent, P: Send + Sync + 'static> Spawn for ControlPanel<I, P> {
    type Intent = I;
    type Policy = P;

    fn admit(&self, worker: Worker<I, P>) -> WorkerHandle {
        self.shared.spawn(worker, None)
    }
}
