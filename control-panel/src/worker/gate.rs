//! Suspend and resume: a gate that a worker checks, and that others close while its work is not wanted.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use crate::{
    intent::Intent,
    lifecycle::RunToken,
    supervisor::{cell::WorkerCell, gate_cell::Reason},
    util::{park, race},
    worker::{WorkerHandle, context::Context},
};

/// A worker's view of whether it is suspended. Created by [`Context::gate`].
///
/// Suspension is a request that the worker fulfils: it waits at the gate, or lengthens its timers and keeps its sockets.
/// Nothing is taken from a worker that does not check. Once a worker is asked to stop, its gate is open, so that it can end.
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, testing, worker,
/// };
/// use std::time::Duration;
/// use tokio::time::timeout;
///
/// #[derive(GraphIntent)]
/// enum Update {
///     Poll,
/// }
///
/// /// Polls each second, or once an hour while the user is away.
/// #[worker(source = IntentSource::Restore, suspend = on_idle)]
/// async fn poll(cx: Context<Update>) {
///     let mut gate = cx.gate();
///     loop {
///         cx.send(Update::Poll).await.ok();
///         let seconds = if gate.is_open() { 1 } else { 3600 };
///         timeout(Duration::from_secs(seconds), gate.changed()).await.ok();
///     }
/// }
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     let poll = panel.spawn_poll();
///     testing::advance(Duration::from_millis(2500)).await;
///     assert_eq!(panel.drain().count(), 3);
///     poll.suspend();
///     testing::advance(Duration::from_secs(1000)).await;
///     assert_eq!(panel.drain().count(), 1, "it looked at its gate");
///     poll.resume();
///     testing::advance(Duration::from_millis(2500)).await;
///     assert_eq!(panel.drain().count(), 3);
/// });
/// ```
pub struct Gate {
    cell: Arc<WorkerCell>,
    /// The token of the run that owns this gate.
    run_token: Arc<RunToken>,
    seen_open: bool,
    /// Whether `changed` has reported the stop request.
    seen_stop: bool,
}

impl Gate {
    /// Returns whether the worker may continue. Costs a load.
    pub fn is_open(&self) -> bool {
        !self.cell.gate.is_closed() || self.run_token.is_over()
    }

    /// Waits while the worker is suspended. Returns immediately if it is not, or is asked to stop.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only observes.
    pub async fn opened(&self) {
        self.wait(true).await;
    }

    /// Like [`opened`](Self::opened), for a worker on a thread.
    ///
    /// # Panics
    /// In async code: use `opened().await` there.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore, kind = thread)]
    /// fn scan(cx: Context<Update>) {
    ///     let gate = cx.gate();
    ///     for row in 0..3 {
    ///         gate.opened_blocking(); // waits while the worker is suspended
    ///         if cx.send_blocking(Update::Row(row)).is_err() {
    ///             return;
    ///         }
    ///     }
    /// }
    /// # let panel = ControlPanel::<Update>::new();
    /// # panel.spawn_scan().ended_blocking();
    /// # assert_eq!(panel.queued(), 3);
    /// ```
    #[track_caller]
    pub fn opened_blocking(&self) {
        park::assert_may_block("opened_blocking", "`opened().await`");
        park::wait(self.opened());
    }

    /// Waits until the gate's state differs from what this `Gate` last saw, here or at its creation, and returns whether it is
    /// open.
    ///
    /// Two changes between calls cancel out. A stop request counts as the last change: the gate opens and stays open.
    ///
    /// # Cancel safety
    /// Cancel-safe: a change that a cancelled call would have returned is returned by the next one.
    pub async fn changed(&mut self) -> bool {
        self.wait(!self.seen_open).await;
        self.seen_stop = self.run_token.is_over();
        self.seen_open = self.seen_stop || !self.seen_open;
        self.seen_open
    }

    async fn wait(&self, open: bool) {
        let turned = self.cell.gate.turned();
        loop {
            // Created before the check, so that no change is missed between the check and the wait.
            let turned = turned.notified();
            fence(Ordering::SeqCst);
            let stopping = self.run_token.is_over();
            if self.is_open() == open || (stopping && !self.seen_stop) {
                return;
            }
            if stopping {
                // Open, for good.
                return std::future::pending().await;
            }
            race(turned, self.run_token.token().cancelled()).await;
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("worker", &self.cell.name)
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}

/// # Suspension
impl<I: Intent, P> Context<I, P> {
    /// Returns this worker's gate, which is closed while it is suspended.
    pub fn gate(&self) -> Gate {
        let cell = Arc::clone(self.cell());
        let mut gate =
            Gate { cell, run_token: Arc::clone(self.run_token()), seen_open: true, seen_stop: false };
        gate.seen_open = gate.is_open();
        gate
    }
}

/// # Suspension
impl<C> WorkerHandle<C> {
    /// Suspends the worker: closes its [gate](Context::gate) until [`resume`](Self::resume). Does not wait.
    ///
    /// Persists across restarts, and has no effect on a worker that never checks its gate.
    pub fn suspend(&self) {
        let cell = self.cell();
        if self.registry().map_or_else(|| cell.gate.close(Reason::Manual), |registry| registry.suspend(cell))
        {
            cell.gate.wake();
        }
    }

    /// Opens the worker's gate, whatever closed it. The panel closes it again when it next becomes idle.
    pub fn resume(&self) {
        let cell = self.cell();
        if self.registry().map_or_else(|| cell.gate.open_wide(), |registry| registry.resume(cell)) {
            cell.gate.wake();
        }
    }

    /// Returns whether the worker is suspended.
    pub fn is_suspended(&self) -> bool {
        self.cell().gate.is_closed()
    }
}
