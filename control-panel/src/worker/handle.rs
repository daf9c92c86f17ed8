//! The handle of a spawned worker.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    intent::Origin,
    lifecycle::{Cause, Exit, RestartError, WorkerStatus},
    supervisor::{cell::WorkerCell, registry::Registry},
    util::park,
    worker::inbox::NoInbox,
};

/// A handle to a spawned worker: its identity and its status. Clones refer to the same worker; dropping a handle has no effect.
///
/// `C` is the type of the commands that the worker's [inbox](crate::Context::inbox) takes, if it declares one; the handle
/// [sends](Self::send) them. A handle from a look-up names no type; [`typed`](Self::typed) restores it.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, Exit, GraphIntent, IntentSource, WorkerStatus,
///     worker,
/// };
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Found(String),
/// }
///
/// #[worker(source = IntentSource::Restore, inbox = String)]
/// async fn search(cx: Context<Update>) {
///     let mut inbox = cx.inbox::<String>();
///     while let Some(word) = inbox.recv().await {
///         cx.send(Update::Found(word)).await.ok();
///     }
/// }
///
/// let panel = ControlPanel::<Update>::new();
/// let search = panel.spawn_search(); // a `WorkerHandle<String>`
/// search.send("gate".to_owned())?; // a command: never waits
/// assert!(!search.status().is_final());
/// search.stop();
/// let status = search.ended_blocking();
/// assert!(matches!(status, WorkerStatus::Ended(Exit::Cancelled)), "{status}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "join handle")]
#[doc(alias = "actor ref")]
#[doc(alias = "mailbox")]
pub struct WorkerHandle<C = NoInbox> {
    cell: Arc<WorkerCell>,
    command: PhantomData<fn(C)>,
}

impl WorkerHandle {
    pub(crate) fn new(cell: Arc<WorkerCell>) -> Self {
        Self { cell, command: PhantomData }
    }
}

/// # How it does
impl<C> WorkerHandle<C> {
    /// Returns its status.
    pub fn status(&self) -> WorkerStatus {
        self.cell.status()
    }

    /// Returns how its last completed run ended, also while the next one waits or runs. `None` before the first run has ended.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, WorkerStatus, testing,
    ///     worker,
    /// };
    /// use std::time::Duration;
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
    ///     assert!(
    ///         matches!(dial.status(), WorkerStatus::Backoff { exit, .. }
    ///             if exit.is_failure())
    ///     );
    ///     testing::advance(Duration::from_secs(1)).await;
    ///     assert!(matches!(dial.status(), WorkerStatus::Running));
    ///     assert_eq!(
    ///         dial.last_exit().unwrap().to_string(),
    ///         "failed: no route to host"
    ///     );
    /// });
    /// ```
    pub fn last_exit(&self) -> Option<Exit> {
        self.cell.last_exit()
    }

    /// Returns the worker's name: its function's, or [the one given to it](crate::Worker::name).
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// Returns the origin of its intents, which restarts preserve.
    pub fn origin(&self) -> Origin {
        self.cell.origin
    }

    /// Returns the number of its current or last run: 1 for the first, 0 before it first runs.
    pub fn generation(&self) -> u64 {
        self.cell.generation()
    }

    /// Returns why the worker was stopped for good; otherwise why its last or current run was asked to stop; `None` if neither
    /// was.
    pub fn cause(&self) -> Option<Cause> {
        self.cell.cause()
    }
}

/// # Stopping and restarting
impl<C> WorkerHandle<C> {
    /// Stops this worker for good. Does not wait; [`ended`](Self::ended) does. A worker of a group that is not started yet ends
    /// without having run once the group starts.
    pub fn stop(&self) {
        self.stop_for(Cause::Stopped);
    }

    /// Stops this worker for good, with a cause that the worker, the events and the report show.
    pub fn stop_for(&self, cause: Cause) {
        if let Some(registry) = self.registry() {
            registry.stop(&self.cell, cause);
        }
    }

    /// Restarts it: its run is asked to stop, and the next one follows once it has ended. A worker that waits for its
    /// backoff starts immediately, and so does a group that waits together with it. Does not wait, and does not count
    /// towards the intensity.
    ///
    /// Only this worker is restarted, even if its group would restart others with it after a failure: the group's
    /// [`Strategy`](crate::supervision::Strategy) is for failures. (As `restart_child` of Erlang/OTP's supervisor.) To restart others, call
    /// it on each.
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
    /// [`RestartError`]: the worker has ended or is about to, its group is not started yet, it can run only once, or the
    /// panel's runtime is gone.
    pub fn restart(&self) -> Result<(), RestartError> {
        let registry = self.registry().ok_or(RestartError::Ended)?;
        registry.restart(&self.cell)
    }
}

/// # Waiting for its end
impl<C> WorkerHandle<C> {
    /// Waits until the worker has ended for good or was refused, and returns its final status. If the worker itself calls it,
    /// it waits until it is dropped.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only observes.
    pub async fn ended(&self) -> WorkerStatus {
        self.cell.status.ended().await
    }

    /// Like [`ended`](Self::ended), for a thread that is not driving a runtime. Must not be called by the worker itself, which
    /// would wait forever.
    ///
    /// The thread that drains the queue must not use it to wait for a worker that may still send: once the queue is full, the
    /// worker waits for a frame, and this call for the worker. Drain in the loop that waits instead, until
    /// `status().is_final()` and nothing is queued, as in `examples/cookbook/drain_while_waiting.rs` in the repository.
    ///
    /// # Panics
    /// In async code: use `ended().await` there.
    #[track_caller]
    pub fn ended_blocking(&self) -> WorkerStatus {
        park::assert_may_block("ended_blocking", "`ended().await`");
        park::wait(self.ended())
    }
}

impl<C> WorkerHandle<C> {
    /// Changes the command type to that of the worker's inbox.
    pub(crate) fn retype<D>(self) -> WorkerHandle<D> {
        WorkerHandle { cell: self.cell, command: PhantomData }
    }

    pub(crate) fn registry(&self) -> Option<Arc<Registry>> {
        self.cell.registry.upgrade()
    }

    pub(crate) fn cell(&self) -> &Arc<WorkerCell> {
        &self.cell
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
