//! The tokio side of one worker: its task asks the machine what to do, and does it.
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

use tokio::time::{Sleep, sleep_until};

use super::{
    cause::{Cause, Term},
    exit::{Exit, PanicReport, WorkerOutput},
    generation::Generation,
    kinds::{self, Away, Job},
    machine::Directive,
    panics, polling,
    record::Record,
    registry::Registry,
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
pub(crate) type Start = Box<dyn FnMut(u64, &Arc<Term>) -> Job + Send>;

/// A worker's task. The fields are dropped in this order, also when it was never polled: the worker's end is told
/// only when nothing of it is left.
pub(super) struct Task {
    step: Step,
    parcel: Parcel,
    ending: Ending,
}

enum Step {
    /// About to ask the machine what to do.
    Asking,
    /// Until it is woken.
    Waiting,
    /// Before the next generation.
    Pausing(Pin<Box<Sleep>>),
    Running(Generation<dyn Running + Send>),
    /// The generation runs on another thread.
    Elsewhere(Pin<Box<dyn Future<Output = Exit> + Send>>),
}

impl Step {
    /// Whether its next poll ends the worker.
    fn is_done_for(&self) -> bool {
        matches!(self, Self::Running(generation) if generation.is_done_for())
    }

    /// Polls the generation that runs, if one does.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        match self {
            Self::Running(generation) => generation.poll_end(cx),
            Self::Elsewhere(ended) => ended.as_mut().poll(cx),
            Self::Asking | Self::Waiting | Self::Pausing(_) => Poll::Pending,
        }
    }
}

/// The worker's factory with its arguments, which are the user's: their drop may panic.
struct Parcel {
    start: Option<Start>,
    record: Arc<Record>,
}

impl Parcel {
    fn discard(&mut self) {
        let Some(start) = self.start.take() else { return };
        if let Err(panic) = guard(&self.record, || drop(start)) {
            self.record.leave_last_words(panic);
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.discard();
    }
}

/// Runs the worker's own code: its panic becomes a report, and the thread that runs it can be seen to.
#[inline]
pub(super) fn guard<T>(record: &Record, code: impl FnOnce() -> T) -> Result<T, PanicReport> {
    polling::polling(record, || panics::catch(code))
}

impl Task {
    pub(super) fn new(record: &Arc<Record>, registry: &Arc<Registry>, start: Start) -> Self {
        let ending =
            Ending { record: Arc::clone(record), registry: Arc::clone(registry), polled: false, told: false };
        let parcel = Parcel { start: Some(start), record: Arc::clone(record) };
        Self { step: Step::Asking, parcel, ending }
    }

    /// Makes the next generation, if it is still wanted.
    fn begin(&mut self) -> Step {
        let record = &self.ending.record;
        let Some((number, term)) = self.ending.registry.begin(record) else { return Step::Asking };
        let Some(start) = &mut self.parcel.start else { return Step::Asking };
        match guard(record, || term.span.in_scope(|| start(number, &term))) {
            Ok(Job::Async(run)) => {
                term.enter();
                Step::Running(Generation::new(run, Arc::clone(record), term))
            }
            Ok(Job::Away(job)) => {
                let away = Away::new(record, &self.ending.registry, &term);
                Step::Elsewhere(kinds::run(job, away))
            }
            Err(panic) => {
                term.end();
                Step::Elsewhere(Box::pin(std::future::ready(Exit::Panicked(panic))))
            }
        }
    }

    /// A generation is over: what it was made of is dropped, and then its end is told.
    fn exited(&mut self, exit: Exit) -> Directive {
        self.step = Step::Asking;
        let exit = self.ending.record.with_last_words(exit);
        self.ending.registry.exited(&self.ending.record, exit)
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.ending.polled();
        // First the waker, then the looks at what it announces. Who ends at this very poll is woken no more.
        if !this.step.is_done_for() {
            this.ending.record.signal.register(cx.waker());
        }
        loop {
            let woken = this.ending.record.signal.take();
            let directive = match &mut this.step {
                Step::Asking => this.ending.registry.next(&this.ending.record),
                Step::Waiting | Step::Pausing(_) if woken => this.ending.registry.next(&this.ending.record),
                Step::Waiting => return Poll::Pending,
                Step::Pausing(sleep) => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    this.step = this.begin();
                    continue;
                }
                Step::Running(_) | Step::Elsewhere(_) => {
                    let Poll::Ready(exit) = this.step.poll_end(cx) else { return Poll::Pending };
                    if this.ending.record.cause().is_some_and(Cause::is_final) {
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
                Directive::Begin(Some(at)) => this.step = Step::Pausing(Box::pin(sleep_until(at))),
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
    record: Arc<Record>,
    registry: Arc<Registry>,
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
        let exit = self.record.with_last_words(exit);
        self.told = true;
        self.record.signal.forget();
        self.registry.ended(&self.record, exit);
    }

    fn end(&mut self, otherwise: Exit) {
        self.told = true;
        self.record.signal.forget();
        self.registry.left(&self.record, otherwise);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        // What runs on another thread does not go down with the task: it is told to stop, and tells of its end itself. In this
        // order, or an end between the two would pass for one that it came to by itself.
        if self.record.is_away() {
            self.registry.forsaken(&self.record);
            if self.record.leave_alone() {
                self.record.signal.forget();
                return;
            }
        }
        if self.polled {
            self.end(Exit::Aborted);
        } else {
            self.registry.never_polled(&self.record);
        }
    }
}
