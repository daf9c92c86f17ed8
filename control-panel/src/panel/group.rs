//! Workers that are started, restarted and stopped together.

use std::{fmt, sync::Arc};

use crate::{
    intent::Intent,
    lifecycle::{AutoShutdown, Cause, Escalate, Intensity, SpawnError, Strategy},
    panel::{Spawn, sealed, shared::Shared},
    supervisor::{
        PendingWorker,
        machine::{GroupId, GroupSpec},
    },
    util::Mutex,
    worker::{Worker, WorkerHandle},
};

/// Collects the workers of a group. Created by [`ControlPanel::group`](crate::ControlPanel::group).
///
/// Spawn workers on it as on a panel; nothing runs before [`start`](Self::start). The workers start one after the other in
/// spawning order, and stop in the reverse order. Workers after one that reports when it is [ready](Worker::ready_within) wait
/// for that.
///
/// Whether a worker is restarted is decided by its own [`Restart`](crate::Restart), and how long it waits before by its own
/// [`Backoff`](crate::Backoff), for which the first of those restarted together waits too; how often is limited by the group's
/// intensity, which counts all of them. A worker whose restart is `never` is stopped when its group restarts, and stays down.
/// So does one that has ended: the end of a worker is final.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, worker,
///     supervision::Strategy,
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Line(String),
/// }
///
/// #[worker(source = IntentSource::Restore, restart = always)]
/// async fn socket(cx: Context<Update>) {
///     cx.cancelled().await
/// }
///
/// #[worker(source = IntentSource::Restore, restart = always)]
/// async fn reader(cx: Context<Update>) {
///     cx.cancelled().await
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let session = panel.group().strategy(Strategy::RestForOne);
/// session.spawn_socket(); // when it fails, the reader is restarted too
/// session.spawn_reader();
/// let session = session.start()?;
/// session.stop(); // the reader first
/// # Ok::<(), control_panel::supervision::SpawnError>(())
/// ```
#[must_use = "a group's workers do not run before `start`"]
pub struct GroupBuilder<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
    spec: GroupSpec,
    /// `None` is the default, which depends on `escalate`.
    intensity: Option<Intensity>,
    pending: Mutex<Vec<PendingWorker>>,
}

impl<I: Intent, P: Send + Sync + 'static> GroupBuilder<I, P> {
    pub(crate) fn new(shared: Arc<Shared<I, P>>) -> Self {
        Self { shared, spec: GroupSpec::default(), intensity: None, pending: Mutex::default() }
    }

    /// Adds a worker built by hand. For annotated workers, use the generated `spawn_…` method.
    ///
    /// Never waits. The worker runs once the group is [started](Self::start).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        let pending = self.shared.pending(worker.untyped());
        let handle = WorkerHandle::new(Arc::clone(&pending.cell));
        self.pending.lock().push(pending);
        handle.retype()
    }

    /// Which workers are restarted when one fails. Default: only that one. Does not apply to restarts [by
    /// hand](WorkerHandle::restart), which restart one worker only.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.spec.strategy = strategy;
        self
    }

    /// How many restarts of its workers, within which time, are too many; beyond that, the whole group is stopped. Default: as
    /// for a [single worker](Worker::intensity).
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = Some(intensity);
        self
    }

    /// Whether the group ends with its significant workers. Default: no.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.spec.auto_shutdown = auto_shutdown;
        self
    }

    /// What happens to the panel when the group fails too often. Default: nothing.
    ///
    /// A group whose members are never restarted cannot exceed its intensity. So a group that escalates to the panel is
    /// [refused](SpawnError::EscalatesNever) if none of its members has a [`restart`](Worker::restart) or
    /// [`OnStuck::Restart`](crate::supervision::OnStuck::Restart), or if its intensity is [unlimited](Intensity::unlimited).
    pub fn escalate(mut self, escalate: Escalate) -> Self {
        self.spec.escalate = escalate;
        self
    }

    /// Starts the workers: all, or none. Never waits.
    ///
    /// # Errors
    /// [`SpawnError`], which every worker's handle then shows: the panel is shut down or its runtime is gone; a worker comes after
    /// a name that no worker has, or, directly or indirectly, after itself (each comes after the one spawned before it); a
    /// worker with a restart can run only once; or the group escalates to the panel, but none of its workers is restarted.
    pub fn start(mut self) -> Result<Group, SpawnError> {
        let pending = std::mem::take(self.pending.get_mut());
        let workers = pending.iter().map(|pending| WorkerHandle::new(Arc::clone(&pending.cell))).collect();
        let supervisor = &self.shared.supervisor;
        let id = GroupId(supervisor.number());
        self.spec.intensity = self.intensity.unwrap_or_else(|| self.spec.escalate.intensity());
        supervisor.spawn_group(id, self.spec, pending)?;
        Ok(Group { id, workers })
    }
}

impl<I: Intent, P: Send + Sync + 'static> Spawn for GroupBuilder<I, P> {
    type Intent = I;
    type Policy = P;

    fn admit(&self, worker: Worker<I, P>) -> WorkerHandle {
        GroupBuilder::spawn(self, worker)
    }
}

impl<I: Intent, P> sealed::Sealed for GroupBuilder<I, P> {}

impl<I: Intent, P> Drop for GroupBuilder<I, P> {
    fn drop(&mut self) {
        let registry = self.shared.supervisor.registry();
        for pending in self.pending.get_mut().drain(..) {
            registry.refuse(&pending.cell, SpawnError::GroupNotStarted);
        }
    }
}

impl<I: Intent, P> fmt::Debug for GroupBuilder<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// A started group. Dropping it has no effect.
#[derive(Debug, Clone)]
pub struct Group {
    id: GroupId,
    workers: Vec<WorkerHandle>,
}

impl Group {
    /// Returns the group's workers, in starting order, including those that have ended.
    pub fn workers(&self) -> &[WorkerHandle] {
        &self.workers
    }

    /// Stops the group for good: the last worker first, and each other once the one after it has ended. Does not wait;
    /// [`ended`](Self::ended) does.
    pub fn stop(&self) {
        let registry = self.workers.first().and_then(WorkerHandle::registry);
        if let Some(registry) = registry {
            registry.stop_group(self.id, Cause::Stopped);
        }
    }

    /// Waits until all of its workers have ended for good. If one of them calls it, it waits for itself until it is dropped.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only observes.
    pub async fn ended(&self) {
        for worker in &self.workers {
            worker.ended().await;
        }
    }
}
