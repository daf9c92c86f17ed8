//! What the macros' expansions call. Not public: it changes with any version, and the two crates' versions
//! are pinned to each other.

use std::future::Future;

pub use crate::supervise::exit::WorkerOutput;
pub use crate::{Backoff, Cancel, Intensity, Restart};
use crate::{Context, Intent, Source, Spawn, Worker};

/// What the type of a worker's first argument says about its panel. [`Context`] alone has it, so that an
/// alias of a context works as well as the type itself.
#[diagnostic::on_unimplemented(
    message = "a worker's first argument is its `Context`, not `{Self}`",
    label = "expected `control_panel::Context<YourIntent>` or `Context<YourIntent, YourPolicy>`"
)]
pub trait WorkerContext {
    /// The panel's intent.
    type Intent: Intent;
    /// The panel's policy.
    type Policy: Send + Sync + 'static;
}

impl<I: Intent, P: Send + Sync + 'static> WorkerContext for Context<I, P> {
    type Intent = I;
    type Policy = P;
}

/// Every panel and spawner whose workers get a `C`. The trait of a `#[worker]` stands on it, so that the
/// context's type is said once and in the user's own words.
pub trait Spawns<C: WorkerContext>: Spawn<Intent = C::Intent, Policy = C::Policy> {}

impl<C, S> Spawns<C> for S
where
    C: WorkerContext,
    S: ?Sized + Spawn<Intent = C::Intent, Policy = C::Policy>,
{
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

/// A worker that is never restarted: it is started once, so that its arguments need not be `Clone`.
pub fn once<I, P, F, Fut>(name: &'static str, source: impl SourceOf<I>, run: F) -> Worker<I, P>
where
    I: Intent,
    P: Send + Sync + 'static,
    F: FnOnce(Context<I, P>) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + Send + 'static,
{
    let mut run = Some(run);
    Worker::from_factory(name.into(), source.into_source(), move |cx| run.take().map(|run| run(cx)))
}

/// A worker that may be restarted: every generation calls `run` again.
pub fn repeat<I, P, F, Fut>(name: &'static str, source: impl SourceOf<I>, run: F) -> Worker<I, P>
where
    I: Intent,
    P: Send + Sync + 'static,
    F: FnMut(Context<I, P>) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + Send + 'static,
{
    Worker::new(name, source.into_source(), run)
}
