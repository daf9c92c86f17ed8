//! One worker's task: it asks the machine what to do, and does it. Whoever polls it runs the worker.
//!
//! One task a worker, for all its generations, so a restart costs no spawn and no two generations can
//! overlap: the old one's future is dropped before the new one's is made. It is a future written by hand, because a worker
//! that does nothing should cost little more than its own future: nested `async` blocks hold what they await twice.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    activity,
    call::Call,
    cell::WorkerCell,
    kinds::{Body, Job, Kind, LocalRun},
    machine::Directive,
    registry::Registry,
    run::Generation,
};
use crate::{
    lifecycle::{
        cause::Cause,
        exit::{Exit, WorkerError, WorkerOutput},
        run_token::RunToken,
        unanswered,
    },
    util::{
        deadline::Pause,
        panics::{self, PanicReport},
    },
};

/// A worker's run, its types erased.
pub(crate) type Run = Pin<Box<dyn Running + Send>>;

/// A future whose output says how the worker ended. It is polled as it is: an `async` block around it would take
/// its memory twice.
pub(crate) trait Running {
    fn poll_exit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit>;
}

impl<F: Future<Output: WorkerOutput>> Running for F {
    fn poll_exit(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        self.poll(cx).map(Exit::of)
    }
}

/// Makes the run of a generation.
pub(crate) type Start = Box<dyn FnMut(u64, &Arc<RunToken>) -> Job + Send>;

/// What runs where the task is polled: a future for any thread, or one for that thread.
pub(super) trait Hosted: Running {
    /// The generation's future, on the thread that is to poll it; else a plain call.
    fn made(job: Job) -> Result<Pin<Box<Self>>, Body>;
}

impl Hosted for dyn Running + Send {
    fn made(job: Job) -> Result<Pin<Box<Self>>, Body> {
        match job {
            Job::Async(run) => Ok(run),
            Job::Call(body) => Err(body),
            // Its worker's task is on the thread for these.
            Job::Local(_) => unreachable!("a local worker's task became a local one first"),
        }
    }
}

impl Hosted for dyn Running {
    fn made(job: Job) -> Result<LocalRun, Body> {
        match job {
            Job::Async(run) => Ok(run),
            Job::Local(start) => Ok(start()),
            Job::Call(body) => Err(body),
        }
    }
}

/// A worker's task. The fields are dropped in this order, also when it was never polled: the worker's end is told
/// only when nothing of it is left.
pub(super) struct Task<R: ?Sized + Running = dyn Running + Send> {
    step: Step<R>,
    parcel: Parcel,
    /// There is no thread for its generations: each fails with this.
    no_thread: Option<WorkerError>,
    ending: Ending,
}

enum Step<R: ?Sized + Running> {
    /// About to ask the machine what to do.
    Asking,
    /// Until it is woken.
    Waiting,
    /// Before the next generation.
    Pausing(Pin<Box<Pause>>),
    Running(Generation<R>),
    /// A plain call, made by the poll that began it.
    Calling(Call),
    /// The generation could not be made.
    Failing(Exit),
}

impl<R: ?Sized + Running> Step<R> {
    /// Whether its next poll ends the worker.
    fn is_done_for(&self) -> bool {
        matches!(self, Self::Running(generation) if generation.is_done_for())
    }

    /// Polls the generation that runs, if one does.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        match self {
            Self::Running(generation) => generation.poll_end(cx),
            Self::Calling(call) => Poll::Ready(call.run()),
            Self::Failing(exit) => Poll::Ready(mem::replace(exit, Exit::Aborted)),
            Self::Asking | Self::Waiting | Self::Pausing(_) => Poll::Pending,
        }
    }
}

/// The worker's factory with its arguments, which are the user's: their drop may panic.
struct Parcel {
    start: Option<Start>,
    cell: Arc<WorkerCell>,
}

impl Parcel {
    fn discard(&mut self) {
        let Some(start) = self.start.take() else { return };
        if let Err(panic) = guard(&self.cell, || drop(start)) {
            self.cell.leave_last_words(panic);
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Runs the worker's own code: its panic becomes a report, the replies that it drops unanswered are the cell's, and the
/// thread that runs it can be seen to.
#[inline]
pub(super) fn guard<T>(cell: &WorkerCell, code: impl FnOnce() -> T) -> Result<T, PanicReport> {
    let run = || activity::during(cell, || panics::catch(code));
    let (result, unanswered) = unanswered::collect(run);
    if let Some(unanswered) = unanswered {
        cell.hold(unanswered);
    }
    result
}

impl Task {
    pub(super) fn new(cell: &Arc<WorkerCell>, registry: &Arc<Registry>, start: Start) -> Self {
        let ending = Ending {
            cell: Arc::clone(cell),
            registry: Arc::clone(registry),
            given: false,
            polled: false,
            told: false,
        };
        let parcel = Parcel { start: Some(start), cell: Arc::clone(cell) };
        Self { step: Step::Asking, parcel, no_thread: None, ending }
    }

    /// The same on the thread that polls it from now on, before it began.
    pub(super) fn into_local(self) -> Task<dyn Running> {
        debug_assert!(matches!(self.step, Step::Asking), "it has not begun");
        let Self { step: _, parcel, no_thread, ending } = self;
        Task { step: Step::Asking, parcel, no_thread, ending }
    }

    /// It belongs to threads of the panel's from now on, and not to the runtime, which could be gone: that it was given away
    /// counts.
    pub(super) fn give(&mut self) {
        self.ending.given = true;
    }

    /// It waits for its turn without anybody polling it.
    pub(super) fn wait(&mut self) {
        self.ending.polled();
    }

    /// There is no thread for its generations, or there is one again.
    pub(super) fn set_no_thread(&mut self, error: Option<WorkerError>) {
        self.no_thread = error;
    }
}

impl<R: ?Sized + Hosted> Task<R> {
    pub(super) fn cell(&self) -> &Arc<WorkerCell> {
        &self.ending.cell
    }

    /// Makes the next generation, if it is still wanted.
    fn begin(&mut self) -> Step<R> {
        let cell = &self.ending.cell;
        let Some((number, term)) = self.ending.registry.begin(cell) else { return Step::Asking };
        let Some(start) = &mut self.parcel.start else { return Step::Asking };
        let no_thread = self.no_thread.clone();
        let made = guard(cell, || {
            term.span.in_scope(|| {
                let job = start(number, &term);
                match no_thread {
                    None => Ok(R::made(job)),
                    Some(error) => Err(error),
                }
            })
        });
        match made {
            Ok(Ok(Ok(run))) => {
                term.enter();
                Step::Running(Generation::new(run, Arc::clone(cell), term))
            }
            Ok(Ok(Err(body))) => Step::Calling(Call::new(body, Arc::clone(cell), term)),
            Ok(Err(error)) => {
                term.end();
                Step::Failing(Exit::Failed(error))
            }
            Err(panic) => {
                term.end();
                Step::Failing(Exit::Panicked(panic))
            }
        }
    }

    /// A generation is over: what it was made of is dropped, and then its end is told.
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
        // First the waker, then the looks at what it announces. Who ends at this very poll is woken no more. What calls has a
        // place of its own for it.
        if !this.ending.cell.kind.calls() && !this.step.is_done_for() {
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
                Step::Running(_) | Step::Calling(_) | Step::Failing(_) => {
                    let Poll::Ready(exit) = this.step.poll_end(cx) else { return Poll::Pending };
                    if this.ending.cell.cause().is_some_and(Cause::is_final) {
                        this.step = Step::Asking;
                        this.parcel.discard();
                        this.ending.end_with(exit);
                        return Poll::Ready(());
                    }
                    let next = this.exited(exit);
                    if let Directive::Begin(None) = next {
                        // A worker that fails at once must not keep the others from their turn.
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
                    let alone = cell.kind != Kind::Async;
                    let pause = Pause::new(&this.ending.registry.hosts.runtime, at, alone);
                    this.step = Step::Pausing(Box::pin(pause));
                }
            }
        }
        this.step = Step::Asking;
        this.parcel.discard();
        this.ending.end(Exit::Cancelled);
        Poll::Ready(())
    }
}

/// Tells the registry that the worker ended, however it ended: also when its task is dropped, even before it
/// first ran.
struct Ending {
    cell: Arc<WorkerCell>,
    registry: Arc<Registry>,
    /// Whether it was given to a thread of the panel's.
    given: bool,
    polled: bool,
    told: bool,
}

impl Ending {
    fn polled(&mut self) {
        if !mem::replace(&mut self.polled, true) {
            self.registry.polled();
        }
    }

    /// The worker was told to end, and did.
    fn end_with(&mut self, exit: Exit) {
        let exit = self.cell.with_last_words(exit);
        self.told = true;
        self.cell.wake_flag.forget();
        self.registry.ended(&self.cell, exit);
    }

    fn end(&mut self, otherwise: Exit) {
        self.told = true;
        self.cell.wake_flag.forget();
        self.registry.left(&self.cell, otherwise);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.given && !self.polled {
            self.polled();
        }
        if self.polled {
            self.end(Exit::Aborted);
        } else {
            self.registry.never_polled(&self.cell);
        }
    }
}
