//! The kinds of workers, and where their tasks run: on the runtime, on the panel's thread for futures that are not
//! `Send`, on threads of the blocking pool, or on threads of their own.
//!
//! A run executes where its worker's task is polled. So its end is known where it happens, and no run begins while
//! another lives.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::Arc,
};

use super::task::{Run, Running};
use crate::{lifecycle::WorkerOutput, util::Mutex};

/// The kind of a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Async,
    Local,
    Blocking,
    Thread,
}

impl Kind {
    /// Whether its runs are plain calls.
    pub(super) fn calls(self) -> bool {
        matches!(self, Self::Blocking | Self::Thread)
    }
}

/// One run, ready to execute.
pub(crate) enum Job {
    /// A future for any thread.
    Async(Run),
    /// A future for the thread that makes it.
    Local(StartLocal),
}

/// A run that stays on its thread.
pub(crate) type LocalRun = Pin<Box<dyn Running>>;

/// Makes such a run, on its thread.
pub(crate) type StartLocal = Box<dyn FnOnce() -> LocalRun + Send>;

/// Makes a worker's runs, each from its context.
pub(crate) type Generations<C> = Box<dyn FnMut(C) -> Job + Send>;

/// Makes runs whose futures stay on the thread where `factory` is called.
pub(crate) fn local<C, F, Fut>(factory: F) -> Generations<C>
where
    F: FnMut(C) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + 'static,
    C: Send + 'static,
{
    let factory = Arc::new(Mutex::new(factory));
    Box::new(move |cx| {
        let factory = Arc::clone(&factory);
        Job::Local(Box::new(move || Box::pin(call_in_turn(&factory, cx))))
    })
}

/// The same, for a single run.
pub(crate) fn local_once<C, F, Fut>(factory: F) -> Generations<C>
where
    F: FnOnce(C) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + 'static,
    C: Send + 'static,
{
    once(move |cx| Job::Local(Box::new(move || Box::pin(factory(cx)))))
}

/// Makes runs that are plain calls: futures whose only poll makes the call.
pub(crate) fn call<C, F, T>(body: F) -> Generations<C>
where
    F: FnMut(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    let body = Arc::new(Mutex::new(body));
    Box::new(move |cx| {
        let body = Arc::clone(&body);
        Job::Async(Box::pin(async move { call_in_turn(&body, cx) }))
    })
}

/// The same, for a single run.
pub(crate) fn call_once<C, F, T>(body: F) -> Generations<C>
where
    F: FnOnce(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    once(move |cx| Job::Async(Box::pin(async move { body(cx) })))
}

/// Makes a single run. The machine never starts a second one.
pub(crate) fn once<C>(make: impl FnOnce(C) -> Job + Send + 'static) -> Generations<C> {
    let mut make = Some(make);
    Box::new(move |cx| match make.take() {
        Some(make) => make(cx),
        None => Job::Async(Box::pin(future::ready(()))),
    })
}

/// No two runs overlap, so this lock is never contended.
fn call_in_turn<C, T>(function: &Mutex<impl FnMut(C) -> T>, cx: C) -> T {
    (function.lock())(cx)
}
