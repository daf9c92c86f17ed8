//! What is asked of a worker's context, source and arguments.

use std::{future::Future, marker::PhantomData, time::Duration};

use super::Run;
use crate::{
    Context, Intent, Restart, Source, Spawn, Worker, WorkerHandle,
    lifecycle::exit::WorkerOutput,
    supervisor::kinds::{self, Job, Kind},
};

/// What the type of a worker's first argument says about its panel. [`Context`] alone has it, so that an
/// alias of a context works as well as the type itself.
#[diagnostic::on_unimplemented(
    message = "a worker's first argument is its `Context`, not `{Self}`",
    label = "expected `control_panel::Context<YourIntent>` or `Context<YourIntent, YourPolicy>`",
    note = "write `cx: control_panel::Context<…>` before it"
)]
pub trait WorkerContext: Sized {
    /// The panel's intent.
    type Intent: Intent<Source = Self::Source>;
    /// The source of that.
    type Source: Source;
    /// The panel's policy.
    type Policy: Send + Sync + 'static;

    /// A worker that runs in this context.
    fn worker(name: &'static str, source: Self::Source, run: Run<Self>)
    -> Worker<Self::Intent, Self::Policy>;
}

impl<I: Intent, P: Send + Sync + 'static> WorkerContext for Context<I, P> {
    type Intent = I;
    type Source = I::Source;
    type Policy = P;

    fn worker(name: &'static str, source: I::Source, run: Run<Self>) -> Worker<I, P> {
        let (start, options) = (run.start, Box::new(run.options));
        Worker { name: name.into(), source, factory: start, options, exhibit: None, command: PhantomData }
    }
}

/// A method of [`Spawns`] that starts a worker once, with these arguments.
macro_rules! once_with {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $Type:ident),+)) => {
        $(#[$doc])*
        fn $name<F, Fut, $($Type),+>(run: F, $($argument: $Type),+) -> Run<C>
        where
            F: FnOnce(C, $($Type),+) -> Fut + Send + 'static,
            Fut: Future<Output: WorkerOutput> + Send + 'static,
            $($Type: Send + 'static,)+
        {
            Self::once(move |cx| run(cx, $($argument),+))
        }
    };
}

/// Every panel and spawner whose workers get a `C`. The trait of a `#[worker]` is implemented for these, and what its spawn
/// method calls is here, so that an expansion names no path but this.
///
/// Its error is that of a panel of another intent or policy, in the words of the user's types.
///
/// It asks nothing of `C`: a type that is no context is reported where its worker is spawned ([`Run::spawn`]), and
/// nowhere else.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has another intent or policy than this worker, whose context is `{C}`",
    label = "its workers do not get a `{C}`",
    note = "spawn the worker on a panel of that intent and policy, or write `Context<…>` of this one's in its function"
)]
pub trait Spawns<C> {
    /// What [`Run::spawn`] calls.
    #[doc(hidden)]
    fn spawn_worker(&self, worker: Worker<C::Intent, C::Policy>) -> WorkerHandle
    where
        C: WorkerContext;

    /// Started once, for a worker that is never restarted: its arguments need not be `Clone`.
    fn once<F, Fut>(run: F) -> Run<C>
    where
        F: FnOnce(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        Run::of(Kind::Async, false, kinds::once(move |cx| Job::Async(Box::pin(run(cx)))))
    }

    once_with! {
        /// As [`once`](Self::once), of a function and its argument: rustc would check a closure as one more function for each worker.
        once_1(a: A)
    }

    once_with! {
        /// As [`once_1`](Self::once_1), of a function and its two arguments.
        once_2(a: A, b: B)
    }

    once_with! {
        /// As [`once_1`](Self::once_1), of a function and its three arguments.
        once_3(a: A, b: B, d: D)
    }

    once_with! {
        /// As [`once_1`](Self::once_1), of a function and its four arguments.
        once_4(a: A, b: B, d: D, e: E)
    }

    /// Started again when it fails or panics.
    fn on_failure<F, Fut>(run: F) -> Run<C>
    where
        F: FnMut(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        Run::repeat(run, Restart::OnFailure)
    }

    /// Started again whenever it ends.
    fn always<F, Fut>(run: F) -> Run<C>
    where
        F: FnMut(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        Run::repeat(run, Restart::Always)
    }

    /// As [`Worker::local`], started once.
    fn local_once<F, Fut>(run: F) -> Run<C>
    where
        F: FnOnce(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + 'static,
        C: Send + 'static,
    {
        Run::of(Kind::Local, false, kinds::local_once(run))
    }

    /// As [`Worker::local`].
    fn local<F, Fut>(run: F) -> Run<C>
    where
        F: FnMut(C) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + 'static,
        C: Send + 'static,
    {
        Run::of(Kind::Local, true, kinds::local(run))
    }

    /// As [`Worker::blocking`], started once.
    fn blocking_once<F, T>(run: F) -> Run<C>
    where
        F: FnOnce(C) -> T + Send + 'static,
        T: WorkerOutput,
        C: Send + 'static,
    {
        Run::of(Kind::Blocking, false, kinds::call_once(run))
    }

    /// As [`Worker::blocking`].
    fn blocking<F, T>(run: F) -> Run<C>
    where
        F: FnMut(C) -> T + Send + 'static,
        T: WorkerOutput,
        C: Send + 'static,
    {
        Run::of(Kind::Blocking, true, kinds::call(run))
    }

    /// As [`Worker::thread`], started once.
    fn thread_once<F, T>(run: F) -> Run<C>
    where
        F: FnOnce(C) -> T + Send + 'static,
        T: WorkerOutput,
        C: Send + 'static,
    {
        Run::of(Kind::Thread, false, kinds::call_once(run))
    }

    /// As [`Worker::thread`].
    fn thread<F, T>(run: F) -> Run<C>
    where
        F: FnMut(C) -> T + Send + 'static,
        T: WorkerOutput,
        C: Send + 'static,
    {
        Run::of(Kind::Thread, true, kinds::call(run))
    }

    /// So many milliseconds.
    #[must_use]
    fn ms(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    /// So many microseconds.
    #[must_use]
    fn us(number: u64) -> Duration {
        Duration::from_micros(number)
    }

    /// One more `argument` for one more generation.
    #[must_use]
    fn again<T: Again>(argument: &T) -> T {
        argument.again()
    }
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

/// A value of the type of a worker's source. The type is that of its context's intent: where that is no intent there is none, and
/// nothing more is asked.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the source of this worker's intent, which is `{S}`",
    label = "not a `{S}`",
    note = "name a value of `{S}`, or write `#[intent(source = {Self})]` on the intent"
)]
pub trait SourceOf<S> {
    /// The value as the intent's source.
    fn into_source(self) -> S;
}

#[diagnostic::do_not_recommend]
impl<S> SourceOf<S> for S {
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
