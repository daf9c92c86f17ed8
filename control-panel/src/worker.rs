//! A worker before it is spawned, and what remains in the hand afterwards.

use std::{borrow::Cow, fmt, future::Future, sync::Arc, time::Duration};

use crate::{
    blocking,
    context::Context,
    intent::Intent,
    queued::Origin,
    supervise::{
        driver::Run,
        exit::{Exit, WorkerOutput},
        lifecycle::{Backoff, Intensity, Restart},
        record::Record,
    },
};

type Factory<I, P> = Box<dyn FnMut(Context<I, P>) -> Run + Send>;

/// A worker that is not spawned yet: its name, its source, its options, and how to start it.
///
/// [`#[worker]`](macro@crate::worker) makes one for you. By hand it is for what an annotated function cannot
/// say: a factory that makes new arguments for every generation, options known only at run time.
///
/// ```
/// use std::time::Duration;
/// use control_panel::{Backoff, Context, ControlPanel, GraphIntent, IntentSource, Restart, Worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Line(String) }
///
/// let panel = ControlPanel::<Update>::new();
/// let reader = Worker::new("reader", IntentSource::Restore, |cx: Context<Update>| async move {
///     let text = std::fs::read_to_string("/proc/self/comm")?; // a real worker would use `tokio::fs`
///     cx.send(Update::Line(text)).await.ok();
///     Ok::<(), std::io::Error>(())
/// })
/// .restart(Restart::OnFailure)
/// .backoff(Backoff::new(Duration::from_millis(10), Duration::from_secs(1)));
/// let handle = panel.spawn(reader);
/// assert_eq!(handle.name(), "reader");
/// ```
#[must_use = "a worker does nothing until a panel or a spawner spawns it"]
pub struct Worker<I: Intent, P = ()> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) source: I::Source,
    pub(crate) factory: Factory<I, P>,
    pub(crate) options: Options,
}

/// How a worker is to be supervised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) restart: Restart,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
    pub(crate) cancel: Cancel,
    pub(crate) grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            intensity: Intensity::default(),
            backoff: Backoff::default(),
            cancel: Cancel::default(),
            grace: Duration::from_secs(5),
        }
    }
}

/// What stops a worker that is told to stop.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cancel {
    /// Its future is dropped at the next await. The default: right for every worker whose awaits are
    /// cancel-safe, as `send` and all methods of [`Context`] are.
    #[default]
    Drop,
    /// It is told ([`Context::cancelled`]) and finishes by itself; its future is dropped when its grace is over.
    Cooperative,
}

impl<I: Intent, P> Worker<I, P> {
    /// A worker whose every generation is made by calling `factory`.
    pub fn new<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, mut factory: F) -> Self
    where
        F: FnMut(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        let factory: Factory<I, P> = Box::new(move |cx| Box::pin(factory(cx)));
        Self { name: name.into(), source, factory, options: Options::default() }
    }

    /// When it is started again. Default: never.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = restart;
        self
    }

    /// How many restarts within how long are too many. Default: 5 in 10 s.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.options.intensity = intensity;
        self
    }

    /// How long it waits before a restart. Default: 100 ms, doubling up to 30 s, with jitter.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = backoff;
        self
    }

    /// What stops it. Default: its future is dropped.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.options.cancel = cancel;
        self
    }

    /// How long a cooperative worker may take to finish once it is told. Default: 5 s. A shutdown's own
    /// deadline comes first where it is earlier.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }
}

impl<I: Intent, P> fmt::Debug for Worker<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A spawned worker: what it is and how it is doing. Clones are the same worker; dropping a handle changes
/// nothing.
#[derive(Clone)]
pub struct WorkerHandle {
    record: Arc<Record>,
}

impl WorkerHandle {
    pub(crate) fn new(record: Arc<Record>) -> Self {
        Self { record }
    }

    /// The worker's name: its function's.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The origin of its intents, kept across its restarts.
    pub fn origin(&self) -> Origin {
        self.record.origin
    }

    /// Which run of it is the current or last one: 1 for the first, 0 before it first ran.
    pub fn generation(&self) -> u64 {
        self.record.generation()
    }

    /// How it is doing.
    pub fn status(&self) -> WorkerStatus {
        self.record.status()
    }

    /// Tells this worker to stop, for good. Does not wait: [`ended`](Self::ended) does.
    pub fn stop(&self) {
        self.record.cancel.cancel();
    }

    /// Waits until it ended for good or was refused, and says how.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only looks.
    pub async fn ended(&self) -> WorkerStatus {
        // The record holds the sender, so it cannot be gone.
        self.record.watch().wait_for(WorkerStatus::is_final).await.ok();
        self.status()
    }

    /// Like [`ended`](Self::ended), for a thread that is not driving a runtime.
    ///
    /// # Panics
    /// In async code: use `ended().await` there.
    #[track_caller]
    pub fn ended_blocking(&self) -> WorkerStatus {
        blocking::assert_may_block("ended_blocking", "`ended().await`");
        blocking::wait(self.ended())
    }
}

impl fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle")
            .field("name", &self.record.name)
            .field("source", &format_args!("{}", self.record.source))
            .field("origin", &self.record.origin)
            .field("generation", &self.generation())
            .field("status", &self.status())
            .finish()
    }
}

/// How a worker is doing.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum WorkerStatus {
    /// Spawned; the runtime has not polled it yet.
    Starting,
    /// A generation is running.
    Running,
    /// Its last generation failed; it waits before the next.
    Backoff,
    /// It ended for good.
    Ended(Exit),
    /// It was never started.
    Refused(Refusal),
}

impl WorkerStatus {
    /// Whether it will never run (again).
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Refused(_))
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn exit(&self) -> Option<&Exit> {
        match self {
            Self::Ended(exit) => Some(exit),
            _ => None,
        }
    }
}

impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Running => f.write_str("running"),
            Self::Backoff => f.write_str("waiting to restart"),
            Self::Ended(exit) => exit.fmt(f),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

/// Why a worker was never started.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The panel was shutting down, shut down or dropped.
    ShutDown,
    /// The panel's runtime is gone: no runtime could be reached to run it.
    RuntimeGone,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShutDown => "the panel was shut down before this worker was spawned",
            Self::RuntimeGone => {
                "the panel's runtime is gone; keep it alive as long as the panel, or let the panel have its own"
            }
        })
    }
}
