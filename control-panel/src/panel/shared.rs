//! State shared by a panel and its spawners.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
};

use super::{exhibits::Exhibits, idle::Idle, status::Snapshot};
use crate::{
    bus::Buses,
    frame::FrameGauge,
    intent::Intent,
    queue::{IntentSender, Queue},
    supervisor::{
        PendingWorker, Supervisor,
        cell::WorkerCell,
        events::Events,
        gate_cell::GateCell,
        home::Home,
        inbox_cell::InboxCell,
        machine::{ChildSpec, Place, PoolId},
        options::RunOptions,
        report::ShutdownReport,
        task::Start,
    },
    util::{Mutex, Name},
    worker::{Worker, WorkerHandle, context::Context, policy::Policy},
};

pub(crate) struct Shared<I: Intent, P> {
    pub(super) name: Name,
    pub(crate) queue: Arc<Queue<I>>,
    pub(crate) policy: Policy<P>,
    pub(crate) buses: Arc<Buses<I::Source>>,
    pub(crate) supervisor: Supervisor,
    /// The pool that runs `ask_blocking`.
    pub(super) asks: PoolId,
    pub(super) idle: Idle,
    /// Caches the `Debug` text of the last worker's source; many workers share one.
    pub(super) last_source: Mutex<Option<(I::Source, Name)>>,
    /// Frames drained. Only the panel writes it.
    pub(super) frames: Arc<AtomicU64>,
    /// What its frames take, once it is observed.
    pub(super) gauge: OnceLock<Arc<FrameGauge>>,
    /// Whether the loop keeps its own workers from running. Only the panel writes it.
    pub(super) starving: AtomicBool,
    /// Whether nothing drives the panel's runtime.
    pub(super) not_driven: AtomicBool,
    pub(super) snapshot: Snapshot,
    /// What its workers show of themselves.
    pub(super) exhibits: Exhibits,
}

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn sender(&self, source: I::Source) -> IntentSender<I> {
        IntentSender::new(self.queue.producer(source))
    }

    /// Creates a context that belongs to no worker.
    pub(crate) fn context(&self, name: Name, source: I::Source) -> Context<I, P> {
        let sender = self.sender(source);
        let cell = Arc::new(self.cell(name, &sender, RunOptions::default()));
        let run_token = Arc::clone(self.supervisor.run_token());
        Context::new(sender, self.policy.watch(), Arc::clone(&self.buses), cell, run_token, 0)
    }

    pub(crate) fn spawn<C>(&self, worker: Worker<I, P, C>, place: Option<Place>) -> WorkerHandle<C> {
        self.admit(worker.untyped(), place).retype()
    }

    fn admit(&self, worker: Worker<I, P>, place: Option<Place>) -> WorkerHandle {
        let mut pending = self.pending(worker);
        pending.spec.place = place;
        let handle = WorkerHandle::new(Arc::clone(&pending.cell));
        self.supervisor.spawn(pending);
        handle
    }

    pub(super) fn events(&self, from: Option<u64>) -> Events {
        self.supervisor.registry().log.reader(from)
    }

    pub(super) async fn shut_down(&self) -> ShutdownReport {
        self.supervisor.shutdown(|| self.queue.stop_waiting(), || self.queue.close()).await
    }

    /// Prepares a worker for spawning.
    pub(crate) fn pending(&self, worker: Worker<I, P>) -> PendingWorker {
        let Worker { name, source, mut factory, options, exhibit, command: _ } = worker;
        self.idle.wanted(options.suspend, &self.supervisor);
        let sender = self.sender(source);
        let mut cell = self.cell(name.clone(), &sender, options.run);
        cell.inbox = InboxCell::new(options.inbox);
        cell.gate = GateCell::new(options.suspend);
        let spec = ChildSpec { name, options, seed: sender.origin().0, group: None, place: None };
        let cell = Arc::new(cell);
        if let Some(exhibit) = exhibit {
            self.exhibits.add(&cell, exhibit);
        }
        let mut policy = self.policy.watch();
        let buses = Arc::clone(&self.buses);
        let for_context = Arc::clone(&cell);
        let start: Start = Box::new(move |generation, run_token| {
            // The first run sees policies set since the spawn, a later run those set since its start.
            if generation > 1 {
                policy.borrow_and_update();
            }
            let (cell, run_token) = (Arc::clone(&for_context), Arc::clone(run_token));
            factory(Context::new(
                sender.clone(),
                policy.clone(),
                Arc::clone(&buses),
                cell,
                run_token,
                generation,
            ))
        });
        PendingWorker { cell, spec, start }
    }

    fn cell(&self, name: Name, sender: &IntentSender<I>, run: RunOptions) -> WorkerCell {
        let source = self.in_words(sender.source());
        let (run_token, registry) =
            (Arc::clone(self.supervisor.run_token()), Home::of(self.supervisor.registry()));
        let sends = Some(sender.figures());
        WorkerCell::new(name, source, sender.origin(), run, run_token, registry, sends)
    }
}

impl<I: Intent, P> Shared<I, P> {
    /// The source's `Debug` text.
    fn in_words(&self, source: I::Source) -> Name {
        let last = self.last_source.lock().clone();
        if let Some((_, words)) = last.filter(|&(last, _)| last == source) {
            return words;
        }
        // Without the lock: this is the user's code.
        let words = Name::from(format!("{source:?}"));
        *self.last_source.lock() = Some((source, words.clone()));
        words
    }
}

impl<I: Intent, P> fmt::Debug for Shared<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("name", &self.name)
            .field("queue", &self.queue)
            .field("workers", &self.supervisor.registry().count())
            .finish_non_exhaustive()
    }
}
