//! A worker before it is spawned (here, and its `options`), and what remains in the hand afterwards (`handle`, `status`).

mod answering;
mod handle;
mod options;
mod status;

use std::{
    borrow::Cow,
    fmt,
    future::{self, Future},
    marker::PhantomData,
    time::Duration,
};

use crate::{
    context::Context,
    gate::Suspend,
    inbox::{NoInbox, Takes},
    intent::Intent,
    name::Name,
    supervise::{
        exit::WorkerOutput,
        intensity::Intensity,
        kinds::{self, Generations, Job, Kind},
        lifecycle::{Backoff, Restart},
        watchdog::OnStuck,
    },
};

pub(crate) use self::options::Options;
pub use self::{
    handle::{RestartError, WorkerHandle},
    options::{Cancel, Escalate},
    status::{Refusal, WorkerStatus},
};

type Factory<I, P> = Generations<Context<I, P>>;

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
pub struct Worker<I: Intent, P = (), C = NoInbox> {
    pub(crate) name: Name,
    pub(crate) source: I::Source,
    pub(crate) factory: Factory<I, P>,
    pub(crate) options: Options,
    /// The type of its commands, which its handle sends.
    pub(crate) command: PhantomData<fn(C)>,
}

impl<I: Intent, P> Worker<I, P> {
    /// A worker whose every generation is made by calling `factory`.
    pub fn new<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, mut factory: F) -> Self
    where
        F: FnMut(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        Self::made(name, source, Kind::Async, Box::new(move |cx| Job::Async(Box::pin(factory(cx)))))
    }

    /// A worker of one generation, whose factory is called once: what it captures need not be `Clone`. It cannot be restarted.
    pub fn once<F, Fut>(name: impl Into<Cow<'static, str>>, source: I::Source, factory: F) -> Self
    where
        F: FnOnce(Context<I, P>) -> Fut + Send + 'static,
        Fut: Future<Output: WorkerOutput> + Send + 'static,
    {
        let mut factory = Some(factory);
        let start = move |cx| match factory.take() {
            Some(factory) => Job::Async(Box::pin(factory(cx))),
            // The machine starts it once.
            None => Job::Async(Box::pin(future::ready(()))),
        };
        let mut once = Self::made(name, source, Kind::Async, Box::new(start));
        once.options.repeatable = false;
        once
    }

    /// A worker whose future is not `Send`: all of a panel's local workers share one thread, with a tokio runtime and a
    /// `LocalSet` of its own. That runtime has its own clock: a test's paused time does not stop it.
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

    /// A worker that blocks, on a thread of the runtime's blocking pool. It cannot be dropped from outside: it is told to stop
    /// ([`Context::is_cancelled`]) and named in the shutdown's report if it does not. Told while it still waits for its thread,
    /// it does not begin. For what runs for long, rather [`thread`](Self::thread): the pool is for short work. A test's paused
    /// time stands still while one runs, as for all work in the pool; not for `thread`.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Lines(usize) }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// let count = Worker::blocking("count", IntentSource::Restore, |cx: Context<Update>| {
    ///     let text = std::fs::read_to_string("/proc/self/status")?; // may block: this thread is for that
    ///     cx.send_blocking(Update::Lines(text.lines().count())).ok();
    ///     Ok::<(), std::io::Error>(())
    /// });
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

    /// A worker that has a thread of its own, named after it. As [`blocking`](Self::blocking) in everything else: the panel's
    /// runtime is entered there too, so that `Handle::current()`, and async libraries that are built on it, work on both.
    ///
    /// It starts, ends and is restarted whatever the runtime's threads do, also on one that nothing drives. Each generation
    /// gets a new thread; none is held during a backoff. Spawning it starts the thread: some tens of microseconds.
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
        let options = Options { kind, ..Options::default() };
        Self { name: name.into().into(), source, factory, options, command: PhantomData }
    }

    /// It takes commands of this type by [`Context::inbox`], and its handle sends them: a [`WorkerHandle<D>`](WorkerHandle::send).
    /// Without this it takes none. For a worker with several kinds of command an enum of them.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker, WorkerHandle};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// enum Ask { Search(String), Forget }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let search = Worker::new("search", IntentSource::Restore, async |cx: Context<Update>| {
    ///     let mut inbox = cx.inbox::<Ask>();
    ///     while let Some(ask) = inbox.recv().await { /* … */ }
    /// });
    /// let search: WorkerHandle<Ask> = panel.spawn(search.inbox::<Ask>().inbox_capacity(4));
    /// search.send(Ask::Search("gate".into()))?;
    /// # search.send(Ask::Forget)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn inbox<D: Send + 'static>(mut self) -> Worker<I, P, D> {
        self.options.takes = Takes::only::<D>();
        self.retype()
    }
}

impl<I: Intent, P, C> Worker<I, P, C> {
    fn retype<D>(self) -> Worker<I, P, D> {
        let Self { name, source, factory, options, command: _ } = self;
        Worker { name, source, factory, options, command: PhantomData }
    }

    /// The same without the type of its commands, of which its options know.
    pub(crate) fn untyped(self) -> Worker<I, P> {
        self.retype()
    }

    /// Another name than the function's, or than it was made with: so several workers of one function are told apart in
    /// [status](crate::PanelStatus), [report](crate::ShutdownReport), logs and metrics, and found by
    /// [`ControlPanel::worker`](crate::ControlPanel::worker).
    ///
    /// Names need not be unique: `after` and look-ups mean all living workers of a name, and [`WorkerHandle::origin`] tells them
    /// apart. A worker with another name is no longer one of its function's name: what is to come [`after`](Self::after) it says
    /// the name that it has.
    ///
    /// Any text will do. A thread named after its worker bears as much of it as the system takes, without its NULs, and a report
    /// shows control characters escaped. Each name is a time series of its own in metrics: name a few workers that live long, not
    /// each of a million tasks.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Line(String) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn follow(cx: Context<Update>, path: String) { cx.cancelled().await }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// for path in ["kern.log", "auth.log"] {
    ///     panel.configure(|worker| worker.name(format!("follow {path}"))).spawn_follow(path.to_owned());
    /// }
    /// assert_eq!(panel.worker("follow auth.log").unwrap().name(), "follow auth.log");
    /// assert!(panel.worker("follow").is_none());
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into().into();
        self
    }

    /// When it is started again once it ended by itself. Default: never. Who is restarted by hand
    /// ([`WorkerHandle::restart`]), or for being stuck ([`OnStuck::Restart`]), is whatever this says.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = restart;
        self
    }

    /// How many restarts within how long are too many. Default: as many as there are after errors, 5 in 10 s after panics; where
    /// that is to [escalate](Self::escalate), 5 in 10 s after either. [`Intensity`] says why.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.options.intensity = Some(intensity);
        self
    }

    /// How long it waits before a restart. Default: 100 ms, doubling up to 30 s, with jitter. [`Backoff`] says why.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = backoff;
        self
    }

    /// What stops it. Default: its future is dropped. Means nothing to blocking and native-thread workers, which have none: they
    /// are told, and finish by themselves.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.options.cancel = cancel;
        self
    }

    /// How long a cooperative worker may take to finish once it is told. Default: 5 s. A shutdown's own
    /// deadline comes first where it is earlier. Means nothing to others than cooperative ones, nor to blocking and
    /// native-thread workers: they take what they need, and a shutdown names those that took longer than it could wait.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// What becomes of the panel when it failed too often. Default: nothing. In a group, the group's own word counts.
    ///
    /// Only who is restarted can fail too often: a worker of its own that is to end the panel, with neither a
    /// [`restart`](Self::restart) nor [`OnStuck::Restart`], or with an [unlimited](Intensity::unlimited) intensity, is
    /// [`Refused`](Refusal::EscalatesNever). To end the panel at the
    /// first failure, let it restart with an [`Intensity`] of 0.
    pub fn escalate(mut self, escalate: Escalate) -> Self {
        self.options.escalate = escalate;
        self
    }

    /// It comes after the living workers of this name: a shutdown stops them only once it has ended. May be called
    /// several times.
    ///
    /// The name is the one that those workers have when this one is spawned: of one that was given [another](Self::name), that. A
    /// name that no living worker and none of its group has, or one that would make a circle, refuses the worker before
    /// anything starts.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Saved }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let idle = |cx: Context<Update>| async move { cx.cancelled().await };
    /// panel.spawn(Worker::new("store", IntentSource::Restore, idle));
    /// panel.spawn(Worker::new("feed", IntentSource::Restore, idle).after("store"));
    /// panel.shutdown_blocking(); // first the feed, then the store
    /// ```
    pub fn after(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options.after.push(name.into().into());
        self
    }

    /// It says when it is ready, by [`Context::ready`], and within this time of each start. Default: it is ready when it begins.
    ///
    /// In a [group](crate::GroupBuilder) that is started, or restarted together, those that come after it begin only once it is
    /// ready; its status is [`Starting`](WorkerStatus::Starting) until then. (As with systemd's `Type=notify`, `After=` and
    /// `TimeoutStartSec=`, and the return of `init` in Erlang/OTP.)
    ///
    /// - Not ready in time, it is stopped with the cause [`NotReady`](crate::Cause::NotReady), has the exit
    ///   [`NotReady`](crate::Exit::NotReady), an incident of the report, and is then started again as after an error, if it
    ///   [is](Self::restart). The time is the runtime's, and stands still where a test's is paused. A worker that blocks is told,
    ///   and ends when it does.
    /// - If it finishes without having said so, it did what it was there for, and those after it begin: a migration, say.
    /// - If it ends otherwise before it was ready, and is not started again, its group ends: the members after it never begin,
    ///   those before it are stopped, the last first, with the cause [`Dependency`](crate::Cause::Dependency).
    /// - A restart of it alone begins the same anew, for it alone: those that were started run on meanwhile.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, WorkerStatus, testing, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Page(u32) }
    ///
    /// #[worker(source = IntentSource::Restore, ready_within = "5s")]
    /// async fn store(cx: Context<Update>) {
    ///     tokio::time::sleep(Duration::from_secs(1)).await; // opens its file
    ///     cx.ready();
    ///     cx.cancelled().await;
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn index(cx: Context<Update>) { cx.cancelled().await } // uses the store
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let group = panel.group();
    ///     let (store, index) = (group.spawn_store(), group.spawn_index());
    ///     group.start().unwrap();
    ///     testing::settle().await;
    ///     assert!(matches!(store.status(), WorkerStatus::Starting));
    ///     assert!(matches!(index.status(), WorkerStatus::Waiting));
    ///     testing::advance(Duration::from_secs(1)).await;
    ///     testing::settle().await;
    ///     assert!(matches!(index.status(), WorkerStatus::Running));
    /// });
    /// ```
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.options.ready_within = Some(time);
        self
    }

    /// Its group may end with it: see [`AutoShutdown`](crate::AutoShutdown). Without a group it changes nothing.
    pub fn significant(mut self) -> Self {
        self.options.significant = true;
        self
    }

    /// Whether its [gate](Context::gate) closes while the panel is idle. Default: never.
    pub fn suspend(mut self, suspend: Suspend) -> Self {
        self.options.suspend = suspend;
        self
    }

    /// How many commands its [inbox](Self::inbox) holds, at least 1. Default: 32. Means nothing without one.
    pub fn inbox_capacity(mut self, commands: usize) -> Self {
        self.options.inbox_capacity = commands;
        self
    }

    /// How long one poll of it may last, the time between two awaits, before it is called stuck: found within twice this
    /// time, also while every thread of the runtime is blocked. Real time, also under a paused clock. Default: 10 s; at least
    /// 10 ms; [`Duration::MAX`] for never. Counts for nothing in blocking and native-thread workers, which may block.
    pub fn stuck_after(mut self, time: Duration) -> Self {
        self.options.set_stuck_after(time);
        self
    }

    /// It promises a [heartbeat](Context::heartbeat) at least this often while it runs, and is called stuck when none comes:
    /// found within twice this time. Real time, also under a paused clock. A generation owes none before its code first runs,
    /// which can take time where it waits for a thread. Default: no promise; at least 10 ms.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, OnStuck, Worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Indexed(u32) }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let index = Worker::thread("index", IntentSource::Restore, |cx: Context<Update>| {
    ///     for page in 0..1_000 {
    ///         cx.heartbeat();
    ///         if cx.is_cancelled() || cx.send_blocking(Update::Indexed(page)).is_err() {
    ///             return;
    ///         }
    ///     }
    /// });
    /// panel.spawn(index.heartbeat(Duration::from_secs(5)).on_stuck(OnStuck::Restart));
    /// ```
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.options.set_heartbeat(every);
        self
    }

    /// What becomes of it when it is found stuck. Default: events and status say so. Its successor, where it is to have one,
    /// begins only once nothing of it runs any more: what blocks a thread cannot be taken from it. That it is restarted for being
    /// stuck does not depend on [`restart`](Self::restart).
    pub fn on_stuck(mut self, on_stuck: OnStuck) -> Self {
        self.options.on_stuck = on_stuck;
        self
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
