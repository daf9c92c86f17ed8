//! What workers can be spawned on.

use super::{ControlPanel, Spawner};
use crate::{
    intent::Intent,
    worker::{Worker, WorkerHandle},
};

/// What workers can be spawned on: a [`ControlPanel`] or its [`Spawner`]; a [`GroupBuilder`](crate::supervision::GroupBuilder), a group that
/// is not started yet; [`Tasks`](crate::supervision::Tasks), keyed ([`Keyed`](crate::supervision::Keyed)) or not; and any of these
/// [configured](Self::configure). Sealed.
///
/// [`#[worker]`](macro@crate::worker) adds a method `spawn_…` to every `Spawn` with the right intent and policy. To use it from
/// another module, import the trait that the macro generates for the worker.
#[diagnostic::on_unimplemented(
    message = "no worker can be spawned on `{Self}`",
    note = "workers are spawned on a `control_panel::ControlPanel` or a `control_panel::Spawner` of their own intent and policy, or on a group or tasks made by one"
)]
pub trait Spawn: sealed::Sealed {
    /// The intent of the workers it accepts.
    type Intent: Intent;
    /// The policy that they watch.
    type Policy: Send + Sync + 'static;

    /// Spawns a worker of any command type; `spawn` calls it.
    #[doc(hidden)]
    fn admit(&self, worker: Worker<Self::Intent, Self::Policy>) -> WorkerHandle;

    /// Spawns a worker. Never waits; a panel that is shut down returns a handle with the status
    /// [`Refused`](crate::WorkerStatus::Refused).
    ///
    /// The handle shows the worker immediately; a [status of the panel](ControlPanel::status) may lag for a moment.
    ///
    /// On a trait object, call it through a reference, which implements `Spawn` too: `Spawn::spawn(&host, worker)`.
    fn spawn<C>(&self, worker: Worker<Self::Intent, Self::Policy, C>) -> WorkerHandle<C>
    where
        Self: Sized,
    {
        self.admit(worker.untyped()).retype()
    }

    /// Returns a `Spawn` that adjusts every worker before spawning it. This gives an annotated worker options known only at run
    /// time, such as its own [name](Worker::name). The command type stays the same.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker,
    /// };
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Line(String),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn store(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, cancel = cooperative)]
    /// async fn feed(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_store();
    /// panel
    ///     .configure(|worker| worker.after("store").grace(Duration::from_secs(1)))
    ///     .spawn_feed();
    /// ```
    #[must_use = "nothing is spawned until a worker is"]
    fn configure<F>(&self, adjust: F) -> impl Spawn<Intent = Self::Intent, Policy = Self::Policy>
    where
        Self: Sized,
        F: Fn(Worker<Self::Intent, Self::Policy>) -> Worker<Self::Intent, Self::Policy>,
    {
        Configured { to: self, adjust }
    }
}

/// Lets a trait object spawn too: `Spawn::spawn(&host, worker)` with a `host: &dyn Spawn<…>`.
impl<S: ?Sized + Spawn> Spawn for &S {
    type Intent = S::Intent;
    type Policy = S::Policy;

    fn admit(&self, worker: Worker<S::Intent, S::Policy>) -> WorkerHandle {
        (**self).admit(worker)
    }
}

/// Adjusts each worker before spawning it.
struct Configured<'a, S, F> {
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
        // The handle's type is that of this worker, whatever `adjust` returns.
        let takes = worker.options.inbox.takes;
        let mut adjusted = (self.adjust)(worker);
        adjusted.options.inbox.takes = takes;
        self.to.admit(adjusted)
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
