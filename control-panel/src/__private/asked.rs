//! What is asked of a worker's context, source and arguments.

use std::marker::PhantomData;

use super::Run;
use crate::{Context, Intent, Source, Spawn, Worker, WorkerHandle};

/// What the type of a worker's first argument says about its panel. [`Context`] alone has it, so that an
/// alias of a context works as well as the type itself.
#[diagnostic::on_unimplemented(
    message = "a worker's first argument is its `Context`, not `{Self}`",
    label = "expected `control_panel::Context<YourIntent>` or `Context<YourIntent, YourPolicy>`"
)]
pub trait WorkerContext: Sized {
    /// The panel's intent.
    type Intent: Intent;
    /// The panel's policy.
    type Policy: Send + Sync + 'static;

    /// A worker that runs in this context.
    fn worker(
        name: &'static str,
        source: <Self::Intent as Intent>::Source,
        run: Run<Self>,
    ) -> Worker<Self::Intent, Self::Policy>;
}

impl<I: Intent, P: Send + Sync + 'static> WorkerContext for Context<I, P> {
    type Intent = I;
    type Policy = P;

    fn worker(name: &'static str, source: I::Source, run: Run<Self>) -> Worker<I, P> {
        let Run { start, options, .. } = run;
        Worker { name: name.into(), source, factory: start, options, command: PhantomData }
    }
}

/// Every panel and spawner whose workers get a `C`. The trait of a `#[worker]` stands on it, so that the
/// context's type is said once and in the user's own words.
///
/// It asks nothing of `C`: a type that is no context is told of where its worker is spawned ([`Run::spawn`]), and
/// nowhere else.
pub trait Spawns<C> {
    /// What [`Run::spawn`] calls.
    #[doc(hidden)]
    fn spawn_worker(&self, worker: Worker<C::Intent, C::Policy>) -> WorkerHandle
    where
        C: WorkerContext;
}

impl<I, P, S> Spawns<Context<I, P>> for S
where
    I: Intent,
    P: Send + Sync + 'static,
    S: ?Sized + Spawn<Intent = I, Policy = P>,
{
    // The worker's type is that of the trait, word for word: beside the trait's `where` clause rustc does not
    // see that it is a `Worker<I, P>`.
    fn spawn_worker(
        &self,
        worker: Worker<<Context<I, P> as WorkerContext>::Intent, <Context<I, P> as WorkerContext>::Policy>,
    ) -> WorkerHandle {
        self.admit(worker)
    }
}

/// A value of the source type that the intent `I` names.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the source of `{I}`",
    label = "not a source of `{I}`",
    note = "name a value of the type in `#[intent(source = …)]` on `{I}`; without one that is `control_panel::IntentSource`"
)]
pub trait SourceOf<I: Intent> {
    /// The value as the intent's source.
    fn into_source(self) -> I::Source;
}

#[diagnostic::do_not_recommend]
impl<I: Intent<Source = S>, S: Source> SourceOf<I> for S {
    fn into_source(self) -> S {
        self
    }
}

/// An argument of a worker that may be restarted: each generation gets a clone.
#[diagnostic::on_unimplemented(
    message = "a worker that may be restarted clones its arguments, but `{Self}` is not `Clone`",
    label = "not `Clone`",
    note = "derive `Clone` for it, wrap it in an `Arc`, or write `restart = never`"
)]
pub trait Again {
    /// One more of it.
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    fn again(&self) -> T {
        self.clone()
    }
}

/// One more `argument` for one more generation.
pub fn again<T: Again>(argument: &T) -> T {
    argument.again()
}
