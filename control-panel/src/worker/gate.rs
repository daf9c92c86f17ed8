//! Suspend and resume: a gate that a worker looks at, and that others close while its work is not wanted.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
};

use crate::{
    intent::Intent,
    lifecycle::run_token::RunToken,
    supervisor::{cell::WorkerCell, gate_cell::Reason},
    util::{deadline::race, park},
    worker::{WorkerHandle, context::Context},
};

/// A worker's view of whether it is suspended: what [`Context::gate`] returns.
///
/// Being suspended is a wish that the worker fulfils: it waits at the gate, or lengthens its timers and keeps its
/// sockets. Nothing is taken from a worker that does not look. A worker that is told to stop finds its gate open, so
/// that it can end.
///
/// ```
/// use std::time::Duration;
/// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
/// use tokio::time::timeout;
///
/// #[derive(GraphIntent)]
/// enum Update { Poll }
///
/// /// Polls each second, or once an hour while nobody is there.
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
    /// That of the generation that looks.
    term: Arc<RunToken>,
    seen_open: bool,
    /// Whether it said that the worker is to stop.
    seen_told: bool,
}

impl Gate {
    /// Whether the worker may go on. Costs a load.
    pub fn is_open(&self) -> bool {
        !self.cell.gate.is_closed() || self.term.is_over()
    }

    /// Waits while the worker is suspended. Returns at once if it is not, or is told to stop.
    ///
    /// # Cancel safety
    /// Cancel-safe: it only looks.
    pub async fn opened(&self) {
        self.wait(true).await;
    }

    /// Like [`opened`](Self::opened), for a worker on a thread.
    ///
    /// # Panics
    /// In async code: use `opened().await` there.
    #[track_caller]
    pub fn opened_blocking(&self) {
        park::assert_may_block("opened_blocking", "`opened().await`");
        park::wait(self.opened());
    }

    /// Waits until the gate is not as this `Gate` last saw it, here or when it was made, and says whether it is open.
    ///
    /// Twice turned in between is not turned. The word to stop is a change too, and the last: the gate is open then, and
    /// stays so.
    ///
    /// # Cancel safety
    /// Cancel-safe: a change that a cancelled call would have returned is returned by the next one.
    pub async fn changed(&mut self) -> bool {
        self.wait(!self.seen_open).await;
        self.seen_told = self.term.is_over();
        self.seen_open = self.seen_told || !self.seen_open;
        self.seen_open
    }

    async fn wait(&self, open: bool) {
        let turned = self.cell.gate.turned();
        loop {
            // Made before the look, so that no turn is missed between the look and the wait.
            let turned = turned.notified();
            fence(Ordering::SeqCst);
            let told = self.term.is_over();
            if self.is_open() == open || (told && !self.seen_told) {
                return;
            }
            if told {
                // Open, for good.
                return std::future::pending().await;
            }
            race(turned, self.term.token().cancelled()).await;
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

impl<I: Intent, P> Context<I, P> {
    /// This worker's gate: closed while it is suspended.
    pub fn gate(&self) -> Gate {
        let cell = Arc::clone(self.cell());
        let mut gate = Gate { cell, term: Arc::clone(self.term()), seen_open: true, seen_told: false };
        gate.seen_open = gate.is_open();
        gate
    }
}

impl<C> WorkerHandle<C> {
    /// Asks the worker to pause: closes its [gate](Context::gate), until [`resume`](Self::resume). Does not wait.
    ///
    /// It holds across restarts, and does nothing to a worker that never looks at its gate.
    pub fn suspend(&self) {
        let cell = self.cell();
        if self.registry().map_or_else(|| cell.gate.close(Reason::Manual), |registry| registry.suspend(cell))
        {
            cell.gate.wake();
        }
    }

    /// Opens the worker's gate, whatever closed it. An idle panel closes it again when it next becomes idle.
    pub fn resume(&self) {
        let cell = self.cell();
        if self.registry().map_or_else(|| cell.gate.open_wide(), |registry| registry.resume(cell)) {
            cell.gate.wake();
        }
    }

    /// Whether the worker is asked to pause.
    pub fn is_suspended(&self) -> bool {
        self.cell().gate.is_closed()
    }
}
