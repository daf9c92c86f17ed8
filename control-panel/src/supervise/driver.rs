//! The tokio side of one worker: it runs generation after generation and obeys the lifecycle.
//!
//! One task a worker, for all its generations, so a restart costs no spawn and no two generations can
//! overlap: the old one's future is dropped before the new one's is made.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    task::coop,
    time::{Instant, sleep},
};

use super::{
    deadline::{Raced, race},
    exit::{Exit, WorkerOutput},
    lifecycle::{Lifecycle, Next},
    panics,
    record::Record,
    registry::Registry,
};
use crate::worker::{Cancel, WorkerStatus};

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
pub(crate) type Start = Box<dyn FnMut(u64) -> Run + Send>;

/// How a worker is run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) cancel: Cancel,
    pub(crate) grace: Duration,
}

/// All that a worker's task owns. The fields are dropped in this order, also when the task was never polled: the
/// worker's end is told only when nothing of it is left.
pub(crate) struct Task {
    parcel: Parcel,
    ending: Ending,
}

/// The worker's factory with its arguments, which are the user's: their drop may panic.
struct Parcel {
    start: Option<Start>,
    record: Arc<Record>,
}

impl Parcel {
    fn discard(&mut self) {
        let start = self.start.take();
        if let Err(panic) = panics::catch(|| drop(start)) {
            self.record.leave_last_words(panic);
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.discard();
    }
}

impl Task {
    pub(crate) fn new(record: &Arc<Record>, registry: &Arc<Registry>, start: Start) -> Self {
        let ending =
            Ending { record: Arc::clone(record), registry: Arc::clone(registry), polled: false, told: false };
        Self { parcel: Parcel { start: Some(start), record: Arc::clone(record) }, ending }
    }

    pub(crate) async fn drive(mut self, plan: Plan) {
        let Self { parcel, ending } = &mut self;
        ending.polled();
        let exit = match &mut parcel.start {
            Some(start) => generations(&ending.record, &ending.registry, plan, start).await,
            None => Exit::Finished,
        };
        parcel.discard();
        ending.end(exit);
    }
}

async fn generations(record: &Arc<Record>, registry: &Registry, plan: Plan, start: &mut Start) -> Exit {
    let Plan { mut lifecycle, cancel, grace } = plan;
    loop {
        let started = Instant::now();
        let exit = generation(record, cancel, grace, start).await;
        if record.cancel.is_cancelled() {
            return exit;
        }
        let Next::RestartAfter(delay) = lifecycle.on_exit(&exit, started, Instant::now()) else {
            return exit;
        };
        registry.failed(record, &exit);
        record.set_status(WorkerStatus::Backoff);
        if let Raced::First(()) = race(record.cancel.cancelled(), pause(delay)).await {
            return Exit::Cancelled;
        }
    }
}

/// Waits before a restart; without a delay it only lets the others have their turn.
async fn pause(delay: Duration) {
    if delay.is_zero() {
        coop::consume_budget().await;
    } else {
        sleep(delay).await;
    }
}

async fn generation(record: &Arc<Record>, cancel: Cancel, grace: Duration, start: &mut Start) -> Exit {
    let generation = record.next_generation();
    record.set_status(WorkerStatus::Running);
    let run = match panics::catch(|| start(generation)) {
        Ok(run) => run,
        Err(panic) => return Exit::Panicked(panic),
    };
    let mut guarded = Guarded { run: Some(run), record };
    let stop = async {
        record.cancel.cancelled().await;
        match cancel {
            Cancel::Drop => Exit::Cancelled,
            Cancel::Cooperative => {
                sleep(grace).await;
                Exit::Aborted
            }
        }
    };
    // Asked first: a worker that was told to stop does not run on into errors of the closing queue.
    let exit = match race(stop, &mut guarded).await {
        Raced::Second(Exit::Finished) if record.cancel.is_cancelled() => Exit::Cancelled,
        Raced::First(exit) | Raced::Second(exit) => exit,
    };
    guarded.discard();
    record.with_last_words(exit)
}

/// A run whose panics, those of its drop included, are caught where they arise.
struct Guarded<'a> {
    run: Option<Run>,
    record: &'a Record,
}

impl Guarded<'_> {
    fn discard(&mut self) {
        let run = self.run.take();
        if let Err(panic) = panics::catch(|| drop(run)) {
            self.record.leave_last_words(panic);
        }
    }
}

impl Future for Guarded<'_> {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        let Some(run) = self.run.as_mut() else { return Poll::Pending };
        let polled = panics::catch(|| run.as_mut().poll_exit(cx));
        let exit = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(exit)) => exit,
            Err(panic) => Exit::Panicked(panic),
        };
        self.discard();
        Poll::Ready(exit)
    }
}

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        self.discard();
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
        self.polled = true;
        self.registry.polled();
    }

    fn end(&mut self, exit: Exit) {
        self.told = true;
        self.registry.ended(&self.record, self.record.with_last_words(exit));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.polled {
            self.end(Exit::Aborted);
        } else {
            self.registry.never_polled(&self.record);
        }
    }
}
