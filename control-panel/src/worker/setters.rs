//! A worker's options, as they are set before it is spawned.

use std::{borrow::Cow, time::Duration};

use super::Worker;
use crate::{
    intent::Intent,
    lifecycle::{
        intensity::Intensity,
        options::{Cancel, Escalate, OnStuck, Suspend},
        restart::{Backoff, Restart},
    },
};

impl<I: Intent, P, C> Worker<I, P, C> {
    /// Another name than the function's, or than it was made with: so several workers of one function are told apart in
    /// [status](crate::PanelStatus), [report](crate::ShutdownReport), logs and metrics, and found by
    /// [`ControlPanel::worker`](crate::ControlPanel::worker).
    ///
    /// Names need not be unique: `after` and look-ups mean all living workers of a name, and
    /// [`WorkerHandle::origin`](crate::WorkerHandle::origin) tells them apart. A worker with another name is no longer one of its
    /// function's name: what is to come [`after`](Self::after) it says the name that it has.
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
    /// ([`WorkerHandle::restart`](crate::WorkerHandle::restart)), or for being stuck ([`OnStuck::Restart`]), is whatever this says.
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
    /// Only a worker that is restarted can fail too often: a worker of its own that is to end the panel, with neither a
    /// [`restart`](Self::restart) nor [`OnStuck::Restart`], or with an [unlimited](Intensity::unlimited) intensity, is
    /// [`Refused`](crate::Refusal::EscalatesNever). To end the panel at the
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

    /// It says when it is ready, by [`Context::ready`](crate::Context::ready), and within this time of each start. Default: it is
    /// ready when it begins.
    ///
    /// In a [group](crate::GroupBuilder) that is started, or restarted together, those that come after it begin only once it is
    /// ready; its status is [`Starting`](crate::WorkerStatus::Starting) until then. (As with systemd's `Type=notify`, `After=` and
    /// `TimeoutStartSec=`, and the return of `init` in Erlang/OTP.)
    ///
    /// - Not ready in time, it is stopped with the cause [`NotReady`](crate::Cause::NotReady), has the exit
    ///   [`NotReady`](crate::Exit::NotReady), an incident of the report, and is then started again as after an error, if it
    ///   [is](Self::restart). The time is the runtime's, and stands still where a test's is paused. A worker that blocks is asked,
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

    /// Whether its [gate](crate::Context::gate) closes while the panel is idle. Default: never.
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
    /// 10 ms; `Duration::MAX` for never. Counts for nothing in blocking and native-thread workers, which may block.
    pub fn stuck_after(mut self, time: Duration) -> Self {
        self.options.set_stuck_after(time);
        self
    }

    /// It promises a [heartbeat](crate::Context::heartbeat) at least this often while it runs, and is called stuck when none comes:
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
