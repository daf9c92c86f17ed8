//! What the macros' expansions call. Not public: it changes with any version, and the two crates' versions
//! are pinned to each other.

use std::future::Future;

pub use crate::supervise::exit::WorkerOutput;
use crate::{Context, Intent, Worker};

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

/// A worker that is never restarted: it is started once, so that its arguments need not be `Clone`.
pub fn once<I, P, F, Fut>(name: &'static str, source: I::Source, run: F) -> Worker<I, P>
where
    I: Intent,
    P: Send + Sync + 'static,
    F: FnOnce(Context<I, P>) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + Send + 'static,
{
    let mut run = Some(run);
    Worker::from_factory(name.into(), source, move |cx| run.take().map(|run| run(cx)))
}

/// A worker that may be restarted: every generation calls `run` again.
pub fn repeat<I, P, F, Fut>(name: &'static str, source: I::Source, run: F) -> Worker<I, P>
where
    I: Intent,
    P: Send + Sync + 'static,
    F: FnMut(Context<I, P>) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + Send + 'static,
{
    Worker::new(name, source, run)
}
