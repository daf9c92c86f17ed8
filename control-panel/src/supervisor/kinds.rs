//! What a worker is made of, and where its task belongs: with the runtime, on the panel's thread for futures that are not
//! `Send`, on threads of the blocking pool, on threads of its own.
//!
//! A generation runs where its worker's task is polled. So its end is known where it ends, and none begins while one lives.

use std::{
    future::{self, Future},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use super::task::{Run, Running};
use crate::lifecycle::exit::{Exit, WorkerOutput};

/// What kind of worker it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Async,
    Local,
    Blocking,
    Thread,
}

impl Kind {
    /// Whether its generations are plain calls.
    pub(super) fn calls(self) -> bool {
        matches!(self, Self::Blocking | Self::Thread)
    }
}

/// One generation, ready to run.
pub(crate) enum Job {
    /// A future for any thread.
    Async(Run),
    /// A future for the thread that makes it.
    Local(StartLocal),
    /// A plain call.
    Call(Body),
}

/// A run that stays on its thread.
pub(crate) type LocalRun = Pin<Box<dyn Running>>;

/// Makes such a run, on its thread.
pub(crate) type StartLocal = Box<dyn FnOnce() -> LocalRun + Send>;

/// A run that is a plain call.
pub(crate) type Body = Box<dyn FnOnce() -> Exit + Send>;

/// Makes a worker's generations, each from its context.
pub(crate) type Generations<C> = Box<dyn FnMut(C) -> Job + Send>;

/// Makes generations whose futures stay on the thread where `factory` is called.
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

/// The same for one generation.
pub(crate) fn local_once<C, F, Fut>(factory: F) -> Generations<C>
where
    F: FnOnce(C) -> Fut + Send + 'static,
    Fut: Future<Output: WorkerOutput> + 'static,
    C: Send + 'static,
{
    let mut factory = Some(factory);
    Box::new(move |cx| match factory.take() {
        Some(factory) => Job::Local(Box::new(move || Box::pin(factory(cx)))),
        None => nothing(),
    })
}

/// Makes generations that are plain calls.
pub(crate) fn call<C, F, T>(body: F) -> Generations<C>
where
    F: FnMut(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    let body = Arc::new(Mutex::new(body));
    Box::new(move |cx| {
        let body = Arc::clone(&body);
        Job::Call(Box::new(move || Exit::of(call_in_turn(&body, cx))))
    })
}

/// The same for one generation.
pub(crate) fn call_once<C, F, T>(body: F) -> Generations<C>
where
    F: FnOnce(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    let mut body = Some(body);
    Box::new(move |cx| match body.take() {
        Some(body) => Job::Call(Box::new(move || Exit::of(body(cx)))),
        None => nothing(),
    })
}

/// What runs once is started once: the machine sees to it.
fn nothing() -> Job {
    Job::Async(Box::pin(future::ready(())))
}

/// No two generations overlap, so nobody waits for this lock.
fn call_in_turn<C, T>(function: &Mutex<impl FnMut(C) -> T>, cx: C) -> T {
    (function.lock().unwrap_or_else(PoisonError::into_inner))(cx)
}
