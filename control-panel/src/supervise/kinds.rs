//! What a worker runs on: its own task, another thread's, a blocking thread, a thread of its own.
//!
//! For every kind the worker's task waits until the generation is really over, so that none begins while one lives.

use std::{
    future::{self, Future},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use super::{
    cause::{Cause, Term},
    driver::{Run, Running, guard},
    exit::{Exit, WorkerOutput},
    generation::as_asked,
    record::Record,
    registry::Registry,
};

/// What kind of worker it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Async,
    Local,
    Blocking,
    Thread,
}

/// One generation, ready to run.
pub(crate) enum Job {
    /// On the worker's own task.
    Async(Run),
    /// Away from it.
    Away(AwayJob),
}

/// A generation that does not run on its worker's task.
pub(crate) enum AwayJob {
    /// On the panel's thread for futures that are not `Send`.
    Local(StartLocal),
    /// On a thread of the runtime's blocking pool.
    Blocking(Body),
    /// On a thread of its own.
    Thread(Body),
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
        Job::Away(AwayJob::Local(Box::new(move || Box::pin(call_in_turn(&factory, cx)))))
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
        Some(factory) => Job::Away(AwayJob::Local(Box::new(move || Box::pin(factory(cx))))),
        None => nothing(),
    })
}

/// Makes generations that are plain calls; `place` says on which thread.
pub(crate) fn call<C, F, T>(body: F, place: fn(Body) -> AwayJob) -> Generations<C>
where
    F: FnMut(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    let body = Arc::new(Mutex::new(body));
    Box::new(move |cx| {
        let body = Arc::clone(&body);
        Job::Away(place(Box::new(move || Exit::of(call_in_turn(&body, cx)))))
    })
}

/// The same for one generation.
pub(crate) fn call_once<C, F, T>(body: F, place: fn(Body) -> AwayJob) -> Generations<C>
where
    F: FnOnce(C) -> T + Send + 'static,
    T: WorkerOutput,
    C: Send + 'static,
{
    let mut body = Some(body);
    Box::new(move |cx| match body.take() {
        Some(body) => Job::Away(place(Box::new(move || Exit::of(body(cx))))),
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

/// A generation that runs away from its worker's task. Whoever has this has the generation, so it is over when this is
/// dropped: then the task is told, or, where that is gone, everybody.
pub(super) struct Away {
    pub(super) record: Arc<Record>,
    pub(super) term: Arc<Term>,
    registry: Arc<Registry>,
    exit: Option<Exit>,
    told: Option<oneshot::Sender<Exit>>,
}

impl Away {
    pub(super) fn new(record: &Arc<Record>, registry: &Arc<Registry>, term: &Arc<Term>) -> Self {
        record.go_away();
        Self {
            record: Arc::clone(record),
            term: Arc::clone(term),
            registry: Arc::clone(registry),
            exit: None,
            told: None,
        }
    }

    /// Waits until the generation is over.
    pub(super) fn ended(&mut self) -> impl Future<Output = Exit> + use<> {
        let (told, ended) = oneshot::channel();
        self.told = Some(told);
        // Each tells before it is gone.
        async move { ended.await.unwrap_or(Exit::Aborted) }
    }

    /// How it ended; else it was dropped.
    pub(super) fn over(mut self, exit: Exit) {
        self.exit = Some(as_asked(exit, &self.record, &self.term));
    }

    /// It was told to stop before it began, and does not begin.
    pub(super) fn called_off<T>(self, job: T) {
        self.discard(job);
        self.over(Exit::Cancelled);
    }

    /// Drops what never began, before its end is told.
    fn discard<T>(&self, job: T) {
        // What it was given is the user's.
        if let Err(panic) = guard(&self.record, || self.term.span.in_scope(|| drop(job))) {
            self.record.leave_last_words(panic);
        }
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        self.term.end();
        let exit = self.record.with_last_words(self.exit.take().unwrap_or(Exit::Aborted));
        if self.record.come_back() {
            self.registry.left(&self.record, exit);
        } else if let Some(told) = self.told.take() {
            told.send(exit).ok();
        }
    }
}

/// Runs a generation where it belongs and waits for its end, however long that takes.
pub(super) fn run(job: AwayJob, away: Away) -> Pin<Box<dyn Future<Output = Exit> + Send>> {
    match job {
        AwayJob::Local(start) => Box::pin(on_local(away, start)),
        AwayJob::Blocking(body) => Box::pin(in_pool(away, body)),
        AwayJob::Thread(body) => Box::pin(on_thread(away, body)),
    }
}

/// A future on the panel's own thread for these.
async fn on_local(away: Away, start: StartLocal) -> Exit {
    let registry = Arc::clone(&away.registry);
    registry.hosts.local.run(away, start).await
}

/// A plain call on a thread of the blocking pool.
async fn in_pool(mut away: Away, body: Body) -> Exit {
    let (term, runtime) = (Arc::clone(&away.term), away.registry.hosts.runtime.clone());
    let mut ended = pin!(away.ended());
    let in_line = InLine(Arc::new(Mutex::new(Some((away, body)))));
    let turn = InLine(Arc::clone(&in_line.0));
    drop(runtime.spawn_blocking(move || {
        if let Some((away, body)) = turn.take() {
            carry_out(away, body);
        }
    }));
    // The worker's task is woken when it is told to stop. Who starts anew keeps its place in the line, so that restarts do
    // not make that longer.
    future::poll_fn(|cx| {
        if term.cause().is_some_and(Cause::is_final) {
            if let Some((away, body)) = in_line.take() {
                away.called_off(body);
            }
        }
        ended.as_mut().poll(cx)
    })
    .await
}

/// A call that waits for a thread of the pool. Whoever takes it has it. When the pool drops its line or the worker's task is
/// dropped, so is the call.
struct InLine(Arc<Mutex<Option<(Away, Body)>>>);

impl InLine {
    fn take(&self) -> Option<(Away, Body)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        if let Some((away, body)) = self.take() {
            away.discard(body);
        }
    }
}

/// The same on a thread of its own.
async fn on_thread(mut away: Away, body: Body) -> Exit {
    let (ended, runtime) = (away.ended(), away.registry.hosts.runtime.clone());
    // A thread's name cannot hold a NUL.
    let name = away.record.name.replace('\0', "");
    let spawned = thread::Builder::new().name(name).spawn(move || {
        // As in the pool. A runtime that is gone can be entered too; what is asked of it then fails.
        let _context = runtime.enter();
        carry_out(away, body);
    });
    // Without a thread `away` is gone, and what it said is of no use.
    match spawned {
        Ok(_) => ended.await,
        Err(error) => Exit::Failed(Arc::new(error)),
    }
}

fn carry_out(away: Away, body: Body) {
    // It may have been told while it waited for the thread.
    if away.term.is_over() {
        return away.called_off(body);
    }
    away.term.enter();
    let exit = guard(&away.record, || away.term.span.in_scope(body)).unwrap_or_else(Exit::Panicked);
    away.over(exit);
}
