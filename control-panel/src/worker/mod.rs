//! A worker before it is spawned, and its handle and its context afterwards.
//!
//! | file | what |
//! |---|---|
//! | here, `setters` | a `Worker`, and how it is to be supervised |
//! | `answering` | a worker that exists for its result |
//! | `handle` | what the spawner keeps: status, stop, restart |
//! | `context`, `waiting` | what the worker's code gets: sends, cancellation; waiting for several events on a thread |
//! | `inbox` | commands to a worker |
//! | `gate` | suspend and resume |
//! | `policy` | the value that the frame loop sets and workers watch |
//! | `reply` | request and reply |
//! | `buses` | buses and subscriptions of workers |

// First what the pages of `Context` and `WorkerHandle` begin with: rustdoc shows a type's methods by the modules that have them.
pub(crate) mod context;
mod handle;

mod answering;
mod buses;
pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod policy;
pub(crate) mod reply;
mod setters;
pub(crate) mod waiting;

use std::{borrow::Cow, fmt, future::Future, marker::PhantomData, sync::Arc};

use crate::{
    exhibit::Exhibit,
    intent::Intent,
    lifecycle::WorkerOutput,
    supervisor::{
        inbox_cell::Takes,
        kinds::{self, Generations, Job, Kind},
        options::Options,
    },
    util::Name,
    worker::{context::Context, inbox::NoInbox},
};

pub use self::handle::WorkerHandle;

type Factory<I, P> = Generations<Context<I, P>>;

/// A worker that is not spawned yet: its name, its source, its options, and how to start it.
///
/// [`#[worker]`](macro@crate::worker) builds one for you. Build one by hand for what an annotated function cannot express: a
/// factory that creates new arguments for every run, or options known only at run time.
///
/// ```
/// use control_panel::{
///     Backoff, Context, ControlPanel, GraphIntent, IntentSource, Restart, Worker,
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Line(String),
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let reader = Worker::new(
///     "reader",
///     IntentSource::Restore,
///     |cx: Context<Update>| async move {
///         // A real worker would use `tokio::fs`.
///         let text = std::fs::read_to_string("/proc/self/comm")?;
///         cx.send(Update::Line(text)).await.ok();
///         Ok::<(), std::io::Error>(())
///     },
/// )
/// .restart(Restart::OnFailure)
/// .backoff(Backoff::new(Duration::from_millis(10), Duration::from_secs(1)));
/// let handle = panel.spawn(reader);
/// assert_eq!(handle.name(), "reader");
/// ```
#[doc(alias = "actor")]
#[doc(alias = "task")]
#[doc(alias = "thread")]
#[must_use = "a worker does nothing until a panel or a spawner spawns it"]
pub struct Worker<I: Intent, P = (), C = NoInbox> {
    pub(crate) name: Name,
    pub(crate) source: I::Source,
    pub(crate) factory: Factory<I, P>,
    /// Moved several times before the machine has them.
    pub(crate) options: Box<Options>,
    /// What it shows of itself beside the panel.
    pub(crate) exhibit: Option<Arc<dyn Exhibit>>,
    /// The type of its commands, which its handle sends.
    pub(crate) command: PhantomData<fn(C)>,
}

impl<I: Intent, P> Worker<I, P> {
    /// Creates a worker that calls `factory` for each run.
    pub fn new<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, mut factory: F) -> Self
    where
        F: FnMut(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        Self::made(name, source, Kind::Async, Box::new(move |cx| Job::Async(Box::pin(factory(cx)))))
    }

    /// Creates a worker with a single run, whose factory is called once: what it captures need not be `Clone`. It cannot be
    /// restarted.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::Worker;
    /// // A receiver cannot be cloned for another run: this worker has one.
    /// let (_sender, receiver) = std::sync::mpsc::channel::<u32>();
    /// let reads = |cx: Context<Update>| async move {
    ///     let _receiver = receiver; // moved into the run
    ///     cx.send(Update::Row(1)).await.ok();
    /// };
    /// # let panel = ControlPanel::<Update>::new();
    /// panel.spawn(Worker::once("reads", IntentSource::Restore, reads));
    /// ```
    pub fn once<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, factory: F) -> Self
    where
        F: FnOnce(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        let start = kinds::once(move |cx| Job::Async(Box::pin(factory(cx))));
        let mut once = Self::made(name, source, Kind::Async, start);
        once.options.repeatable = false;
        once
    }

    /// Creates a worker whose future is not `Send`: all of a panel's local workers share one thread, with its own tokio runtime
    /// and `LocalSet`. That runtime has its own clock, which a test's paused time does not stop.
    ///
    /// `factory` is called on that thread. A local worker that blocks holds up the others.
    pub fn local<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, factory: F) -> Self
    where
        F: FnMut(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + 'static,
        P: Send + Sync + 'static,
    {
        Self::made(name, source, Kind::Local, kinds::local(factory))
    }

    /// Creates a worker that blocks, on a thread of the runtime's blocking pool. It cannot be dropped from outside: it is asked
    /// to stop ([`Context::is_cancelled`]), and the shutdown's report names it if it does not. If it is asked to stop while it
    /// still waits for its thread, it does not begin. For long-running work prefer [`thread`](Self::thread): the pool is for
    /// short work. A test's paused time stands still while a blocking worker runs, as for all work in the pool; not so for
    /// `thread`.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Lines(usize),
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let count =
    ///     Worker::blocking("count", IntentSource::Restore, |cx: Context<Update>| {
    ///         // May block: this thread is for that.
    ///         let text = std::fs::read_to_string("/proc/self/status")?;
    ///         cx.send_blocking(Update::Lines(text.lines().count())).ok();
    ///         Ok::<(), std::io::Error>(())
    ///     });
    /// panel.spawn(count).ended_blocking();
    /// assert_eq!(panel.drain().count(), 1);
    /// ```
    pub fn blocking<F, T>(name: impl Into<Cow<'static, str>>, source: I::Source, body: F) -> Self
    where
        F: FnMut(Context<I, P>) -> T + Send + 'static,
        T: WorkerOutput,
        P: Send + Sync + 'static,
    {
        Self::made(name, source, Kind::Blocking, kinds::call(body))
    }

    /// Creates a worker with its own thread, named after it. Otherwise as [`blocking`](Self::blocking): the panel's runtime is
    /// entered there too, so `Handle::current()`, and async libraries built on it, work on both.
    ///
    /// It starts, ends and is restarted whatever the runtime's threads do, even if nothing drives the runtime. Each run gets a
    /// new thread; none is held during a backoff. Spawning it starts the thread, which takes some tens of microseconds.
    pub fn thread<F, T>(name: impl Into<Cow<'static, str>>, source: I::Source, body: F) -> Self
    where
        F: FnMut(Context<I, P>) -> T + Send + 'static,
        T: WorkerOutput,
        P: Send + Sync + 'static,
    {
        Self::made(name, source, Kind::Thread, kinds::call(body))
    }

    fn made(
        name: impl Into<Cow<'static, str>>,
        source: I::Source,
        kind: Kind,
        factory: Factory<I, P>,
    ) -> Self {
        let options = Box::new(Options::of(kind, true));
        Self { name: name.into().into(), source, factory, options, exhibit: None, command: PhantomData }
    }

    /// Declares the type of the commands that the worker takes by [`Context::inbox`] and its handle sends: a
    /// [`WorkerHandle<D>`](WorkerHandle::send). Without this call it takes none. A worker with several kinds of command takes
    /// an enum of them.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Worker, WorkerHandle,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// enum Ask {
    ///     Search(String),
    ///     Forget,
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let search = Worker::new(
    ///     "search",
    ///     IntentSource::Restore,
    ///     async |cx: Context<Update>| {
    ///         let mut inbox = cx.inbox::<Ask>();
    ///         while let Some(ask) = inbox.recv().await { /* … */ }
    ///     },
    /// );
    /// let search: WorkerHandle<Ask> =
    ///     panel.spawn(search.inbox::<Ask>().inbox_capacity(4));
    /// search.send(Ask::Search("gate".into()))?;
    /// # search.send(Ask::Forget)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inbox<D: Send + 'static>(mut self) -> Worker<I, P, D> {
        self.options.inbox.takes = Takes::only::<D>();
        self.retype()
    }
}

impl<I: Intent, P, C> Worker<I, P, C> {
    /// Shows this beside the panel once the worker is spawned, in each [console](crate::console) of the panel: the mods that it loads,
    /// the peers that it speaks to, a journal that it writes. It stays when the worker has ended, as what is wrong is of most interest then,
    /// until a worker of the same name brings another, or it has to make room: a panel shows what 32 workers bring.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Worker,
    ///     console::{Board, Console, PeerRow},
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// let dial = |cx: Context<Update>| async move { cx.cancelled().await };
    /// let link = Worker::new("link", IntentSource::P2pSync, dial);
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn(link.exhibit(|board: &mut Board| {
    ///     board.peer(PeerRow { name: "a81f".into(), ..PeerRow::default() });
    /// }));
    /// let view = Console::default().refresh(&panel.observer());
    /// assert_eq!(view.peers[0].name, "a81f");
    /// ```
    pub fn exhibit(mut self, exhibit: impl Exhibit) -> Self {
        self.exhibit = Some(Arc::new(exhibit));
        self
    }

    /// How many commands its [inbox](Self::inbox) holds, at least 1. Default: 32. Has no effect without one.
    pub fn inbox_capacity(mut self, commands: usize) -> Self {
        self.options.inbox.capacity = commands;
        self
    }

    fn retype<D>(self) -> Worker<I, P, D> {
        let Self { name, source, factory, options, exhibit, command: _ } = self;
        Worker { name, source, factory, options, exhibit, command: PhantomData }
    }

    /// Erases the command type, which the options still record.
    pub(crate) fn untyped(self) -> Worker<I, P> {
        self.retype()
    }
}

impl<I: Intent, P, C> fmt::Debug for Worker<I, P, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
