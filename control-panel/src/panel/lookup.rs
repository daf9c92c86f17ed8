//! Finding workers by name or origin.

use super::ControlPanel;
use crate::{
    intent::{Intent, Origin},
    worker::{WorkerHandle, inbox::Broadcast},
};

both! {
/// # Finding workers
///
/// Each look-up briefly takes the supervisor's lock. A loop that shows its workers each frame should read them from
/// [`status`](Self::status), which never waits.
impl {
    /// Returns the living worker of this name; if there are several, the one spawned first.
    ///
    /// Examines each living worker until it finds one.
    pub fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.shared.supervisor.registry().find(name).map(WorkerHandle::new)
    }

    /// Returns all living workers of this name, in spawning order.
    ///
    /// Examines each living worker, and allocates a list for those that match.
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
    /// async fn follow(cx: Context<Update>, path: &'static str) {
    ///     cx.cancelled().await
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_follow("kern.log");
    /// panel.spawn_follow("auth.log");
    /// panel.configure(|worker| worker.name("follow syslog")).spawn_follow("syslog");
    /// assert_eq!(panel.workers_named("follow").len(), 2);
    /// panel.worker("follow syslog").unwrap().stop();
    /// ```
    pub fn workers_named(&self, name: &str) -> Vec<WorkerHandle> {
        self.shared.supervisor.registry().find_all(name).into_iter().map(WorkerHandle::new).collect()
    }

    /// Sends a command to the inbox of every living worker of this name, in spawning order. Never waits for any of them.
    ///
    /// Each worker gets a clone; the last one gets the command itself. Commands that an inbox refuses are returned, and workers
    /// whose inbox takes another type are listed: see [`Broadcast`]. Examines each living worker, clones the command, and
    /// allocates lists as long as the number of matching workers. For news that any worker may listen to, use a
    /// [bus](Self::bus) of signals.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Line(String) }
    ///
    /// #[derive(Clone)]
    /// enum Follow { Grep(String), All }
    ///
    /// #[worker(source = IntentSource::Restore, inbox = Follow)]
    /// async fn follow(cx: Context<Update>, path: &'static str) {
    ///     let mut inbox = cx.inbox::<Follow>();
    ///     while let Some(command) = inbox.recv().await { /* … */ }
    /// }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_follow("kern.log");
    /// panel.spawn_follow("auth.log");
    /// let sent = panel.broadcast_command("follow", Follow::Grep("error".into()));
    /// assert_eq!(sent.accepted.len(), 2);
    /// for (worker, error) in sent.refused {
    ///     eprintln!("{} {}: {error}", worker.name(), worker.origin());
    /// }
    /// # assert!(panel.broadcast_command("follow", Follow::All).is_complete());
    /// ```
    ///
    /// # Panics
    /// If the command's `clone` panics: the workers before have received it, those after have not.
    pub fn broadcast_command<C>(&self, name: &str, command: C) -> Broadcast<C>
    where
        C: Clone + Send + 'static,
    {
        Broadcast::send(self.workers_named(name), command)
    }

    /// Returns the living worker of this origin, as found in an [intent](crate::QueuedIntent::causality_order), an
    /// [event](crate::events::Event), a row of the [status](crate::panel::WorkerInfo) or a report.
    ///
    /// No two workers of a panel share an origin, and the origin of a worker that has ended is not reused. Returns `None` also
    /// for the origin of a sender or a context that belongs to no worker. Costs one look-up, however many workers live.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// # #[worker(source = IntentSource::Restore)]
    /// # async fn rows(cx: Context<Update>) {
    /// #     cx.send(Update::Row(1)).await.ok();
    /// #     cx.cancelled().await
    /// # }
    /// let mut panel = ControlPanel::<Update>::new();
    /// panel.spawn_rows();
    /// panel.wait_ready_timeout(Duration::MAX);
    /// # while panel.queued() == 0 { std::thread::yield_now() }
    /// let origin = panel.drain().next().unwrap().causality_order().origin;
    /// let sent_it = panel.worker_by_origin(origin).unwrap();
    /// assert_eq!(sent_it.name(), "rows");
    /// ```
    pub fn worker_by_origin(&self, origin: Origin) -> Option<WorkerHandle> {
        self.shared.supervisor.registry().find_origin(origin).map(WorkerHandle::new)
    }

    /// Returns the living workers, in spawning order.
    pub fn workers(&self) -> Vec<WorkerHandle> {
        self.shared.supervisor.registry().live().into_iter().map(WorkerHandle::new).collect()
    }
}
}
