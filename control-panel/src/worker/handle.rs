//! What remains in the hand of whoever spawned a worker.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, error::RestartError, exit::Exit, status::WorkerStatus},
    supervisor::{cell::WorkerCell, registry::Registry},
    util::park,
    worker::inbox::NoInbox,
};

/// A spawned worker: what it is and how it is doing. Clones are the same worker; dropping a handle changes
/// nothing.
///
/// `C` is the type of the commands that its [inbox](crate::Context::inbox) takes, where it declares one: then the handle
/// [sends](Self::send) them. The handle of a look-up names none; [`typed`](Self::typed) gets it back.
pub struct WorkerHandle<C = NoInbox> {
    cell: Arc<WorkerCell>,
    command: PhantomData<fn(C)>,
}

impl WorkerHandle {
    pub(crate) fn new(cell: Arc<WorkerCell>) -> Self {
        Self { cell, command: PhantomData }
    }
}

impl<C> WorkerHandle<C> {
    /// For commands of another type: the one that the worker's inbox takes.
    pub(crate) fn retype<D>(self) -> WorkerHandle<D> {
        WorkerHandle { cell: self.cell, command: PhantomData }
    }

    pub(crate) fn registry(&self) -> Option<Arc<Registry>> {
        self.cell.registry.upgrade()
    }

    pub(crate) fn cell(&self) -> &Arc<WorkerCell> {
        &self.cell
    }

    /// The worker's name: its function's, or [the one it was given](crate::Worker::name).
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// The origin of its intents, kept across its restarts.
    pub fn origin(&self) -> Origin {
        self.cell.origin
    }

    /// Which run of it is the current or last one: 1 for the first, 0 before it first ran.
    pub fn generation(&self) -> u64 {
        self.cell.generation()
    }

    /// How it is doing.
    pub fn status(&self) -> WorkerStatus {
        self.cell.status()
    }

    /// How its last run that is over ended: also while the next one waits or runs. `None` before the first one ended.
    ///
    /// ```
    /// use std::time::Duration;
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, WorkerStatus, testing, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {}
    ///
    /// #[worker(source = IntentSource::Restore, restart = on_failure)]
    /// async fn dial(cx: Context<Update>) -> Result<(), &'static str> {
    ///     if cx.generation() == 1 {
    ///         return Err("no route to host");
    ///     }
    ///     cx.cancelled().await;
    ///     Ok(())
    /// }
    ///
    /// testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let dial = panel.spawn_dial();
    ///     testing::settle().await;
    ///     assert!(matches!(dial.status(), WorkerStatus::Backoff { exit, .. } if exit.is_failure()));
    ///     testing::advance(Duration::from_secs(1)).await;
    ///     assert!(matches!(dial.status(), WorkerStatus::Running));
    ///     assert_eq!(dial.last_exit().unwrap().to_string(), "failed: no route to host");
    /// });
    /// ```
    pub fn last_exit(&self) -> Option<Exit> {
        self.cell.last_exit()
    }

    /// Tells this worker to stop, for good. Does not wait: [`ended`](Self::ended) does. One of a group that is not started yet
    /// ends without having run once that is.
    pub fn stop(&self) {
        self.stop_for(Cause::Stopped);
    }

    /// Tells this worker to stop, for good and for a cause that it, the events and the report will say.
    pub fn stop_for(&self, cause: Cause) {
        if let Some(registry) = self.registry() {
            registry.stop(&self.cell, cause);
        }
    }

    /// Starts it anew: its generation is told to stop, and the next one follows once it has. A worker that waits for its
    /// backoff starts at once, and so does a group that waits for it together. Does not wait, and counts for nothing in its
    /// intensity.
    ///
    /// Alone, also where its group restarts others with it when it fails: the group's [`Strategy`](crate::Strategy) is for
    /// failures. (As `restart_child` of Erlang/OTP's supervisor.) Who wants others anew too says so to each.
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
    /// control_panel::testing::paused(async |panel: &mut ControlPanel<Update>| {
    ///     let session = panel.group().strategy(Strategy::OneForAll);
    ///     let (socket, reader) = (session.spawn_socket(), session.spawn_reader());
    ///     let session = session.start().unwrap();
    ///     control_panel::testing::settle().await;
    ///     socket.restart().unwrap();
    ///     control_panel::testing::settle().await;
    ///     assert_eq!((socket.generation(), reader.generation()), (2, 1));
    ///     for worker in session.workers() {
    ///         worker.restart().unwrap(); // each by itself, in no order
    ///     }
    ///     control_panel::testing::settle().await;
    ///     assert_eq!((socket.generation(), reader.generation()), (3, 2));
    /// });
    /// ```
    ///
    /// # Errors
    /// [`RestartError`]: it ended or is about to, its group is not started yet, it can run only once, or the panel's runtime is gone.
    pub fn restart(&self) -> Result<(), RestartError> {
        let registry = self.registry().ok_or(RestartError::Ended)?;
        registry.restart(&self.cell)
    }

    /// Why it was told to end, or else its generation, the last or the current one, to stop; if it was.
    pub fn cause(&self) -> Option<Cause> {
        self.cell.cause()
    }

    /// Waits until it ended for good or was refused, and says how. The worker itself would wait until it is dropped.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only looks.
    pub async fn ended(&self) -> WorkerStatus {
        self.cell.ended().await
    }

    /// Like [`ended`](Self::ended), for a thread that is not driving a runtime. Not for the worker itself, which would wait
    /// forever.
    ///
    /// The thread that drains does not wait by it for a worker that may still send: once the queue is full, that worker waits
    /// for a frame and this for the worker. It drains in the loop that waits, as `examples/cookbook/drain_while_waiting.rs` in
    /// the repository does: until `status().is_final()` and nothing is queued.
    ///
    /// # Panics
    /// In async code: use `ended().await` there.
    #[track_caller]
    pub fn ended_blocking(&self) -> WorkerStatus {
        park::assert_may_block("ended_blocking", "`ended().await`");
        park::wait(self.ended())
    }
}

impl<C> Clone for WorkerHandle<C> {
    fn clone(&self) -> Self {
        Self { cell: Arc::clone(&self.cell), command: PhantomData }
    }
}

impl<C> fmt::Debug for WorkerHandle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerHandle")
            .field("name", &self.cell.name)
            .field("source", &format_args!("{}", self.cell.source))
            .field("origin", &self.cell.origin)
            .field("generation", &self.generation())
            .field("status", &self.status())
            .finish()
    }
}
