//! One worker's task: it asks the machine for its next step and executes it. Whatever polls the task runs the worker.
//!
//! Each worker has one task for all its runs, so a restart costs no spawn, and no two runs overlap: the old future is
//! dropped before the new one is made. The task is a hand-written future, because an idle worker should cost little
//! more than its own future: nested `async` blocks store what they await twice.

mod ending;

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use self::ending::Ending;
use super::{
    activity,
    cell::WorkerCell,
    kinds::{Job, Kind, LocalRun},
    machine::Directive,
    registry::Registry,
    run::Generation,
};
use crate::{
    lifecycle::{Cause, Exit, RunToken, WorkerError, WorkerOutput, unanswered},
    util::{PanicReport, Pause, panics},
};

/// A worker's run, type-erased.
pub(crate) type Run = Pin<Box<dyn Running + Send>>;

/// A future whose output says how the worker ended. It is polled as it is: an `async` block around it would double its
/// memory.
pub(crate) trait Running {
    fn poll_exit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit>;
}

impl<F: Future<Output: WorkerOutput>> Running for F {
    fn poll_exit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        self.poll(cx).map(Exit::of)
    }
}

/// Makes a run.
pub(crate) type Start = Box<dyn FnMut(u64, &Arc<RunToken>) -> Job + Send>;

/// A future that runs where its task is polled: one for any thread, or one for that thread only.
pub(super) trait Hosted: Running {
    /// Makes the run's future, on the thread that polls it.
    fn made(job: Job) -> Pin<Box<Self>>;
}

impl Hosted for dyn Running + Send {
    fn made(job: Job) -> Pin<Box<Self>> {
        match job {
            Job::Async(run) => run,
            // A local worker's task is already on its thread when it makes a run.
            Job::Local(_) => unreachable!("a local worker's task became a local one first"),
        }
    }
}

impl Hosted for dyn Running {
    fn made(job: Job) -> LocalRun {
        match job {
            Job::Async(run) => run,
            Job::Local(start) => start(),
        }
    }
}

/// A worker's task. The fields are dropped in this order, even if the task was never polled: the worker's end is
/// reported only when nothing of it is left.
pub(super) struct Task<R: ?Sized + Running = dyn Running + Send> {
    step: Step<R>,
    /// No thread is available for its runs: each fails with this error.
    no_thread: Option<WorkerError>,
    ending: Ending,
}

enum Step<R: ?Sized + Running> {
    /// About to ask the machine for its next step.
    Asking,
    /// Until woken.
    Waiting,
    /// Before the next run.
    Pausing(Pin<Box<Pause>>),
    Running(Generation<R>),
    /// The run could not be made.
    Failing(Exit),
}

impl<R: ?Sized + Running> Step<R> {
    /// Whether the next poll ends the worker.
    fn is_done_for(&self) -> bool {
        matches!(self, Self::Running(generation) if generation.is_done_for())
    }

    /// Polls the current run, if there is one.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        match self {
            Self::Running(generation) => generation.poll_end(cx),
            Self::Failing(exit) => Poll::Ready(mem::replace(exit, Exit::Aborted)),
            Self::Asking | Self::Waiting | Self::Pausing(_) => Poll::Pending,
        }
    }
}

/// Runs the worker's own code. A panic becomes a report, replies dropped unanswered are collected in the cell, and the
/// thread is shown as running this worker.
#[inline]
pub(super) fn guard<T>(cell: &WorkerCell, code: impl FnOnce() -> T) -> Result<T, PanicReport> {
    let run = || activity::during(cell, || panics::catch(code));
    let (result, unanswered) = unanswered::collect(run);
    cell.hold_unanswered(unanswered);
    result
}

impl Task {
    pub(super) fn new(cell: &Arc<WorkerCell>, registry: &Arc<Registry>, start: Start) -> Self {
        let ending = Ending::new(start, Arc::clone(cell), Arc::clone(registry));
        Self { step: Step::Asking, no_thread: None, ending }
    }

    /// Turns it into a local task, on the thread that polls it from now on. It must not have begun.
    pub(super) fn into_local(self) -> Task<dyn Running> {
        debug_assert!(matches!(self.step, Step::Asking), "it has not begun");
        let Self { step: _, no_thread, ending } = self;
        Task { step: Step::Asking, no_thread, ending }
    }

    /// Hands it to the panel's own threads. From here on its drop counts as a poll, because the runtime, which never
    /// has it, may be gone.
    pub(super) fn give(&mut self) {
        self.ending.given = true;
    }

    /// It waits for its turn without being polled.
    pub(super) fn wait(&mut self) {
        self.ending.polled();
    }

    /// Sets the error with which its runs fail while no thread is available, or clears it.
    pub(super) fn set_no_thread(&mut self, error: Option<WorkerError>) {
        self.no_thread = error;
    }
}

impl<R: ?Sized + Hosted> Task<R> {
    pub(super) fn cell(&self) -> &Arc<WorkerCell> {
        &self.ending.cell
    }

    /// Makes the next run, if it is still wanted.
    fn begin(&mut self) -> Step<R> {
        let cell = &self.ending.cell;
        let Some((number, run_token)) = self.ending.registry.begin(cell) else { return Step::Asking };
        let Some(start) = &mut self.ending.start else { return Step::Asking };
        let no_thread = self.no_thread.clone();
        let made = guard(cell, || {
            run_token.span.in_scope(|| {
                let job = start(number, &run_token);
                match no_thread {
                    None => Ok(R::made(job)),
                    Some(error) => Err(error),
                }
            })
        });
        let failed = match made {
            Ok(Ok(run)) => {
                run_token.enter();
                return Step::Running(Generation::new(run, Arc::clone(cell), run_token));
            }
            Ok(Err(error)) => Exit::Failed(error),
            Err(panic) => Exit::Panicked(panic),
        };
        run_token.end();
        Step::Failing(failed)
    }

    /// A run is over: drops what it was made of, and then reports its exit.
    fn exited(&mut self, exit: Exit) -> Directive {
        self.step = Step::Asking;
        let exit = self.ending.cell.with_last_words(exit);
        self.ending.registry.exited(&self.ending.cell, exit)
    }
}

impl<R: ?Sized + Hosted> Future for Task<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.ending.polled();
        // Register the waker before looking at what it announces. A worker that ends in this very poll is not woken
        // again, so it needs no waker. A plain call keeps its own waker.
        if !this.ending.cell.run.kind.calls() && !this.step.is_done_for() {
            this.ending.cell.wake_flag.register(cx.waker());
        }
        loop {
            let woken = this.ending.cell.wake_flag.take();
            let directive = match &mut this.step {
                Step::Asking => this.ending.registry.next(&this.ending.cell),
                Step::Waiting | Step::Pausing(_) if woken => this.ending.registry.next(&this.ending.cell),
                Step::Waiting => return Poll::Pending,
                Step::Pausing(sleep) => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.step = this.begin();
                    continue;
                }
                Step::Running(_) | Step::Failing(_) => {
                    let Poll::Ready(exit) = this.step.poll_end(cx) else { return Poll::Pending };
                    if this.ending.cell.cause().is_some_and(Cause::is_final) {
                        this.step = Step::Asking;
                        this.ending.end_with(exit);
                        return Poll::Ready(());
                    }
                    let next = this.exited(exit);
                    if let Directive::Begin(None) = next {
                        // Yield: a worker that fails immediately must not keep the others from running.
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    next
                }
            };
            match directive {
                Directive::Leave => break,
                Directive::Wait => this.step = Step::Waiting,
                Directive::Begin(None) => this.step = this.begin(),
                Directive::Begin(Some(at)) => {
                    let cell = &this.ending.cell;
                    let alone = cell.run.kind != Kind::Async;
                    let pause = Pause::new(&this.ending.registry.hosts.runtime, at, alone);
                    this.step = Step::Pausing(Box::pin(pause));
                }
            }
        }
        this.step = Step::Asking;
        this.ending.end(Exit::Cancelled);
        Poll::Ready(())
    }
}
