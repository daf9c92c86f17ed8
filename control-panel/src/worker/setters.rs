//! A worker's options, set before it is spawned.

use std::{borrow::Cow, time::Duration};

use super::Worker;
use crate::{
    intent::Intent,
    lifecycle::{Backoff, Cancel, Escalate, Intensity, OnStuck, Restart, Suspend},
};

impl<I: Intent, P, C> Worker<I, P, C> {
    /// Gives the worker another name than that of its function or constructor. The name distinguishes several workers of one
    /// function in [status](crate::PanelStatus), [report](crate::ShutdownReport), logs and metrics, and
    /// [`ControlPanel::worker`](crate::ControlPanel::worker) finds the worker by it.
    ///
    /// Names need not be unique: `after` and look-ups refer to all living workers of a name, and
    /// [`WorkerHandle::origin`](crate::WorkerHandle::origin) distinguishes them. A renamed worker no longer counts under its
    /// function's name: [`after`](Self::after) must use the new one.
    ///
    /// Any text will do. A thread named after its worker gets as much of the name as the system accepts, without NULs, and
    /// reports show control characters escaped. Each name becomes its own time series in metrics: name a few long-lived
    /// workers, not each of a million tasks.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Line(String),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn follow(cx: Context<Update>, path: String) {
    ///     cx.cancelled().await
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// for path in ["kern.log", "auth.log"] {
    ///     panel
    ///         .configure(|worker| worker.name(format!("follow {path}")))
    ///         .spawn_follow(path.to_owned());
    /// }
    /// assert_eq!(panel.worker("follow auth.log").unwrap().name(), "follow auth.log");
    /// assert!(panel.worker("follow").is_none());
    /// ```
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into().into();
        self
    }

    /// When the worker is restarted after it ended by itself. Default: never. Restarts by hand
    /// ([`WorkerHandle::restart`](crate::WorkerHandle::restart)) and of stuck workers ([`OnStuck::Restart`]) happen regardless.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.options.restart = restart;
        self
    }

    /// How many restarts, within which time, are too many. Default: any number after errors, 5 in 10 s after panics; for a
    /// worker that [escalates](Self::escalate), 5 in 10 s after either. [`Intensity`] explains why.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.options.intensity = Some(intensity);
        self
    }

    /// How long the worker waits before a restart. Default: 100 ms, doubling up to 30 s, with jitter. [`Backoff`] explains why.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.options.backoff = backoff;
        self
    }

    /// How the worker is stopped. Default: its future is dropped. Does not apply to blocking and native-thread workers, which
    /// have no future: they are asked to stop, and finish by themselves.
    pub fn cancel(mut self, cancel: Cancel) -> Self {
        self.options.run.cancel = cancel;
        self
    }

    /// How long a cooperative worker may take to finish once it is asked to stop. Default: 5 s. An earlier deadline of a
    /// shutdown takes precedence. Applies to cooperative workers only, and not to blocking and native-thread workers: those
    /// take as long as they need, and a shutdown names those that take longer than it can wait.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.run.grace = grace;
        self
    }

    /// What happens to the panel when the worker fails too often. Default: nothing. In a group, the group's setting applies.
    ///
    /// A worker that is never restarted cannot exceed its intensity. So, outside a group, a worker that escalates to the panel
    /// is [`Refused`](crate::supervision::SpawnError::EscalatesNever) if it has neither a [`restart`](Self::restart) nor [`OnStuck::Restart`],
    /// or if its intensity is [unlimited](Intensity::unlimited). To escalate at the first failure, set a restart and an
    /// [`Intensity`] of 0.
    pub fn escalate(mut self, escalate: Escalate) -> Self {
        self.options.escalate = escalate;
        self
    }

    /// Orders this worker after the living workers of this name: a shutdown stops them only once this one has ended. May be
    /// called several times.
    ///
    /// The name is the one that those workers have when this one is spawned; for a [renamed](Self::name) worker, the new one.
    /// If no living worker and no worker of its group has that name, or it would create a cycle, the worker is refused before
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

    /// Makes the worker report when it is ready, by [`Context::ready`](crate::Context::ready), within this time of each start.
    /// Default: it is ready when it begins.
    ///
    /// In a [group](crate::supervision::GroupBuilder) that is started, or restarted together, the workers after it begin only once it is
    /// ready; until then its status is [`Starting`](crate::WorkerStatus::Starting). (As with systemd's `Type=notify`, `After=`
    /// and `TimeoutStartSec=`, and the return of `init` in Erlang/OTP.)
    ///
    /// - If it is not ready in time, it is stopped with the cause [`NotReady`](crate::supervision::Cause::NotReady), its exit is
    ///   [`NotReady`](crate::Exit::NotReady), an incident of the report, and it is then restarted as after an error, if it
    ///   [is](Self::restart) at all. The time is the runtime's, and stands still while a test pauses it. A worker that blocks
    ///   is asked to stop, and ends when it does.
    /// - If it finishes without reporting ready, it counts as ready, and the workers after it begin: a migration, for example.
    /// - If it ends otherwise before it was ready, and is not restarted, its group ends: the members after it never begin, and
    ///   those before it are stopped, the last first, with the cause [`Dependency`](crate::supervision::Cause::Dependency).
    /// - If it is restarted alone, the same applies again, to it alone: workers that are already started keep running.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, WorkerStatus, testing,
    ///     worker,
    /// };
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Page(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, ready_within = "5s")]
    /// async fn store(cx: Context<Update>) {
    ///     tokio::time::sleep(Duration::from_secs(1)).await; // opens its file
    ///     cx.ready();
    ///     cx.cancelled().await;
    /// }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn index(cx: Context<Update>) {
    ///     cx.cancelled().await
    /// } // uses the store
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
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::Worker;
    /// let store = Worker::new("store", IntentSource::Restore, store_runs)
    ///     .ready_within(Duration::from_secs(5));
    /// # async fn store_runs(cx: Context<Update>) {
    /// #     cx.ready();
    /// # }
    /// # let panel = ControlPanel::<Update>::new();
    /// let group = panel.group();
    /// group.spawn(store);
    /// let _group = group.start()?; // what is behind it begins at its `cx.ready()`
    /// # Ok::<(), control_panel::supervision::SpawnError>(())
    /// ```
    pub fn ready_within(mut self, time: Duration) -> Self {
        self.options.run.ready_within = Some(time);
        self
    }

    /// Lets its group end with it: see [`AutoShutdown`](crate::supervision::AutoShutdown). Has no effect without a group.
    pub fn significant(mut self) -> Self {
        self.options.significant = true;
        self
    }

    /// Whether its [gate](crate::Context::gate) closes while the panel is idle. Default: never.
    pub fn suspend(mut self, suspend: Suspend) -> Self {
        self.options.suspend = suspend;
        self
    }

    /// How long a single poll, the time between two awaits, may last before the worker is considered stuck. Detected within
    /// twice this time, even if every thread of the runtime is blocked. Measured in real time, also under a paused clock.
    /// Default: 10 s; at least 10 ms; `Duration::MAX` for never. Does not apply to blocking and native-thread workers, which
    /// may block.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # use control_panel::{Worker, supervision::OnStuck};
    /// # async fn runs(cx: Context<Update>) { cx.cancelled().await }
    /// let parser = Worker::new("parser", IntentSource::Restore, runs)
    ///     .stuck_after(Duration::from_millis(250)) // of one poll
    ///     .on_stuck(OnStuck::Warn);
    /// # let panel = ControlPanel::<Update>::new();
    /// # panel.spawn(parser);
    /// # assert!(panel.shutdown_blocking().is_clean());
    /// ```
    pub fn stuck_after(mut self, time: Duration) -> Self {
        self.options.run.set_stuck_after(time);
        self
    }

    /// Promises a [heartbeat](crate::Context::heartbeat) at least this often while the worker runs; without one, it is
    /// considered stuck. Detected within twice this time. Measured in real time, also under a paused clock. A run owes no
    /// heartbeat before its code first runs, which can take time if it waits for a thread. Default: no promise; at least 10 ms.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Worker,
    ///     supervision::OnStuck,
    /// };
    /// use std::time::Duration;
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Indexed(u32),
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// let index =
    ///     Worker::thread("index", IntentSource::Restore, |cx: Context<Update>| {
    ///         for page in 0..1_000 {
    ///             cx.heartbeat();
    ///             if cx.is_cancelled()
    ///                 || cx.send_blocking(Update::Indexed(page)).is_err()
    ///             {
    ///                 return;
    ///             }
    ///         }
    ///     });
    /// panel.spawn(index.heartbeat(Duration::from_secs(5)).on_stuck(OnStuck::Restart));
    /// ```
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.options.run.set_heartbeat(every);
        self
    }

    /// What happens to the worker when it is found stuck. Default: events and status report it. A replacement, if configured,
    /// begins only once the stuck run is entirely gone: a run that blocks a thread cannot be taken off it. This restart does
    /// not depend on [`restart`](Self::restart).
    pub fn on_stuck(mut self, on_stuck: OnStuck) -> Self {
        self.options.on_stuck = on_stuck;
        self
    }
}
