//! Finding workers by what they are called.

use super::{ControlPanel, shared::Shared};
use crate::{intent::Intent, queued::Origin, worker::WorkerHandle};

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn worker(&self, name: &str) -> Option<WorkerHandle> {
        self.supervisor.registry().find(name).map(WorkerHandle::new)
    }

    pub(super) fn workers_named(&self, name: &str) -> Vec<WorkerHandle> {
        self.supervisor.registry().find_all(name).into_iter().map(WorkerHandle::new).collect()
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
