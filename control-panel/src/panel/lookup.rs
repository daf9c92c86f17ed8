//! Finding workers by what they are called.

use super::{ControlPanel, shared::Shared};
use crate::{
    intent::{Intent, order::Origin},
    worker::{WorkerHandle, inbox::Broadcast},
};

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.supervisor.registry().find(name).map(WorkerHandle::new)
    }

    pub(super) fn workers_named(&self, name: &str) -> Vec<WorkerHandle> {
        self.supervisor.registry().find_all(name).into_iter().map(WorkerHandle::new).collect()
    }

    pub(super) fn broadcast_command<C>(&self, name: &str, command: C) -> Broadcast<C>
    where
        C: Clone + Send + 'static,
    {
        Broadcast::send(self.workers_named(name), command)
    }

    pub(super) fn worker_by_origin(&self, origin: Origin) -> Option<WorkerHandle> {
        self.supervisor.registry().find_origin(origin).map(WorkerHandle::new)
    }

    pub(super) fn workers(&self) -> Vec<WorkerHandle> {
        self.supervisor.registry().live().into_iter().map(WorkerHandle::new).collect()
    }
}

/// Each look takes the supervisor's lock for a moment: a loop that shows its workers each frame takes them from its
/// [`status`](Self::status), which never waits.
impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// The living worker of this name; of several, the one that was spawned first.
    ///
    /// Costs a look at each living worker, until it is found.
    pub fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.shared.worker(name)
    }

    /// All living workers of this name, in the order of their spawning.
    ///
    /// Costs a look at each living worker, and a list of those that are found.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawn, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Line(String) }
    ///
    /// #[worker(source = IntentSource::Restore)]
    /// async fn follow(cx: Context<Update>, path: &'static str) { cx.cancelled().await }
    ///
    /// let panel = ControlPanel::<Update>::new();
    /// panel.spawn_follow("kern.log");
    /// panel.spawn_follow("auth.log");
    /// panel.configure(|worker| worker.name("follow syslog")).spawn_follow("syslog");
    /// assert_eq!(panel.workers_named("follow").len(), 2);
    /// panel.worker("follow syslog").unwrap().stop();
    /// ```
    pub fn workers_named(&self, name: &str) -> Vec<WorkerHandle> {
        self.shared.workers_named(name)
    }

    /// Sends a command to the inbox of every living worker of this name, in the order of their spawning. Never waits for any
    /// of them.
    ///
    /// Each gets a clone, and the last the command itself. What an inbox does not take comes back, and a worker whose inbox is
    /// of another type is named: see [`Broadcast`]. Costs a look at each living worker, the clones, and lists of those of the
    /// name, as long as these are many. For news that any worker may listen to there is a [bus](Self::bus) of signals.
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
    /// If the command's `clone` does: those before have it then, and those after do not.
    pub fn broadcast_command<C>(&self, name: &str, command: C) -> Broadcast<C>
    where
        C: Clone + Send + 'static,
    {
        self.shared.broadcast_command(name, command)
    }

    /// The living worker of this origin: that of an [intent](crate::QueuedIntent::causality_order), an [event](crate::Event), a row of the
    /// [status](crate::WorkerInfo) or a report.
    ///
    /// No two workers of a panel share an origin, and none gets that of one that has ended. `None` also for the origin of a
    /// sender or a context that belongs to no worker. Costs one look-up, however many workers live.
    pub fn worker_by_origin(&self, origin: Origin) -> Option<WorkerHandle> {
        self.shared.worker_by_origin(origin)
    }

    /// The living workers, in the order of their spawning.
    pub fn workers(&self) -> Vec<WorkerHandle> {
        self.shared.workers()
    }
}
