//! Workers that are started, restarted and stopped together.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    intent::Intent,
    lifecycle::{
        cause::Cause,
        intensity::Intensity,
        options::{AutoShutdown, Escalate, Strategy},
        status::Refusal,
    },
    panel::{Spawn, sealed, shared::Shared},
    supervisor::{
        PendingWorker,
        machine::{GroupId, GroupSpec},
    },
    worker::{Worker, WorkerHandle},
};

/// Collects the workers of a group: what [`ControlPanel::group`](crate::ControlPanel::group) returns.
///
/// Workers are spawned on it as on a panel; nothing runs before [`start`](Self::start). They are started one after the
/// other in the order of their spawning, and stopped in the opposite order. Those after a worker that says when it is
/// [ready](Worker::ready_within) wait for that.
///
/// Whether a worker is started again is for its own [`Restart`](crate::Restart) to say, and how long that waits for its own
/// [`Backoff`](crate::Backoff), for which the first waits of those that are restarted with it; how often is for the group's intensity, which counts all of them. A worker whose restart is
/// `never` is stopped where its group restarts, and stays down. So does one that ended: the end of a worker is final.
///
/// ```
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Strategy, worker};
///
/// #[derive(GraphIntent)]
/// enum Update { Line(String) }
///
/// #[worker(source = IntentSource::Restore, restart = always)]
/// async fn socket(cx: Context<Update>) { cx.cancelled().await }
///
/// #[worker(source = IntentSource::Restore, restart = always)]
/// async fn reader(cx: Context<Update>) { cx.cancelled().await }
///
/// let panel = ControlPanel::<Update>::new();
/// let session = panel.group().strategy(Strategy::RestForOne);
/// session.spawn_socket(); // when it fails, the reader is restarted too
/// session.spawn_reader();
/// let session = session.start()?;
/// session.stop(); // the reader first
/// # Ok::<(), control_panel::Refusal>(())
/// ```
#[must_use = "a group's workers do not run before `start`"]
pub struct GroupBuilder<I: Intent, P = ()> {
    shared: Arc<Shared<I, P>>,
    spec: GroupSpec,
    /// None is the default, which depends on `escalate`.
    intensity: Option<Intensity>,
    pending: Mutex<Vec<PendingWorker>>,
}

impl<I: Intent, P: Send + Sync + 'static> GroupBuilder<I, P> {
    pub(crate) fn new(shared: Arc<Shared<I, P>>) -> Self {
        let spec = GroupSpec {
            strategy: Strategy::default(),
            intensity: Intensity::default(),
            auto_shutdown: AutoShutdown::default(),
            escalate: Escalate::default(),
        };
        Self { shared, spec, intensity: None, pending: Mutex::default() }
    }

    /// Takes in a worker made by hand. Annotated workers have a method `spawn_…` of their own.
    ///
    /// Never waits. It runs once the group is [started](Self::start).
    pub fn spawn<C>(&self, worker: Worker<I, P, C>) -> WorkerHandle<C> {
        let pending = self.shared.pending(worker.untyped());
        let handle = WorkerHandle::new(Arc::clone(&pending.cell));
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push(pending);
        handle.retype()
    }

    /// Who is restarted when one fails. Default: that one alone. Counts for nothing where one is restarted
    /// [by hand](WorkerHandle::restart): that is for it alone.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.spec.strategy = strategy;
        self
    }

    /// How many restarts for any of them within how long are too many, after which the whole group is stopped. Default: as
    /// for [a worker](Worker::intensity) of its own.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = Some(intensity);
        self
    }

    /// Whether the group ends with its significant workers. Default: no.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.spec.auto_shutdown = auto_shutdown;
        self
    }

    /// What becomes of the panel when the group failed too often. Default: nothing.
    ///
    /// Only workers that are restarted can fail too often: a group that is to end the panel, and of which no member has a
    /// [`restart`](Worker::restart) or [`OnStuck::Restart`](crate::OnStuck::Restart), is [refused](Refusal::EscalatesNever); so is
    /// one whose intensity is [unlimited](Intensity::unlimited).
    pub fn escalate(mut self, escalate: Escalate) -> Self {
        self.spec.escalate = escalate;
        self
    }

    /// Starts the workers: all, or none. Never waits.
    ///
    /// # Errors
    /// [`Refusal`], which every worker's handle then shows: the panel is shut down or its runtime gone, a worker comes after a name that nobody
    /// has or, by whatever detour, after itself (each comes after the one spawned before it), one is to be restarted that
    /// can run only once, or the group is to end the panel and nobody in it is restarted.
    pub fn start(mut self) -> Result<Group, Refusal> {
        let pending = std::mem::take(self.pending.get_mut().unwrap_or_else(PoisonError::into_inner));
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
        for pending in self.pending.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            registry.refuse(&pending.cell, Refusal::GroupNotStarted);
        }
    }
}

impl<I: Intent, P> fmt::Debug for GroupBuilder<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupBuilder").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// A group that was started. Dropping it changes nothing.
#[derive(Debug, Clone)]
pub struct Group {
    id: GroupId,
    workers: Vec<WorkerHandle>,
}

impl Group {
    /// Its workers, in the order of their start, those included that ended since.
    pub fn workers(&self) -> &[WorkerHandle] {
        &self.workers
    }

    /// Stops the group for good: the last worker first, each one only when the one after it has ended. Does not wait:
    /// [`ended`](Self::ended) does.
    pub fn stop(&self) {
        let registry = self.workers.first().and_then(WorkerHandle::registry);
        if let Some(registry) = registry {
            registry.stop_group(self.id, Cause::Stopped);
        }
    }

    /// Waits until all of its workers ended for good. One of them would wait for itself, until it is dropped.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only looks.
    pub async fn ended(&self) {
        for worker in &self.workers {
            worker.ended().await;
        }
    }
}
