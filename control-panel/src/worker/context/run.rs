//! A context's run: whether it is asked to stop, how it does, and of which worker it is.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Context;
use crate::{
    intent::{Intent, Origin},
    lifecycle::Cause,
    util::park,
};

/// # Being asked to stop
impl<I: Intent, P> Context<I, P> {
    /// Resolves when this worker is asked to stop. A worker that is cancelled by drop (the default) need not
    /// wait for it.
    ///
    /// # Cancel safety
    /// Cancel-safe.
    pub async fn cancelled(&self) {
        self.run_token.token().cancelled().await;
    }

    /// Whether this worker was asked to stop. Costs a load: cheap enough for a tight loop.
    pub fn is_cancelled(&self) -> bool {
        self.run_token.is_over()
    }

    /// Why this worker was asked to stop; `None` until it is.
    pub fn cause(&self) -> Option<Cause> {
        self.run_token.cause()
    }

    /// Parks this thread until the worker is asked to stop or `timeout` is over: how a worker on a thread sleeps. Returns
    /// whether it was asked to stop. [`wait_blocking`](Self::wait_blocking) waits for something else meanwhile.
    ///
    /// # Panics
    /// In async code: use `cancelled().await` there.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore, kind = thread)]
    /// fn poll(cx: Context<Update>) {
    ///     // Once a second, and it ends immediately when it is asked to stop.
    ///     while !cx.cancelled_timeout(Duration::from_secs(1)) {
    ///         cx.send_blocking(Update::Row(1)).ok();
    ///     }
    /// }
    /// # let panel = ControlPanel::<Update>::new();
    /// # panel.spawn_poll();
    /// # assert!(panel.shutdown_blocking().is_clean());
    /// ```
    #[track_caller]
    pub fn cancelled_timeout(&self, timeout: Duration) -> bool {
        park::assert_may_block("cancelled_timeout", "`cancelled().await`");
        self.is_cancelled() || park::wait_for(self.cancelled(), timeout).is_some()
    }

    /// A token that is cancelled when this worker is asked to stop, to hand on to libraries.
    ///
    /// It is a child: cancelling it does not stop the worker.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore)]
    /// async fn fetch(cx: Context<Update>) {
    ///     // For a library that takes a token. Cancelling this one stops the
    ///     // library's part, and not the worker.
    ///     let part = cx.cancellation_token();
    ///     part.cancel();
    ///     assert!(part.is_cancelled() && !cx.is_cancelled());
    /// }
    /// # let panel = ControlPanel::<Update>::new();
    /// # panel.spawn_fetch().ended_blocking();
    /// # assert!(panel.shutdown_blocking().is_clean());
    /// ```
    pub fn cancellation_token(&self) -> CancellationToken {
        self.run_token.token().child_token()
    }
}

/// # Reporting how it does
impl<I: Intent, P> Context<I, P> {
    /// Reports that this worker is well, which resets its backoff: its next restart waits as short as its first. For a worker
    /// that knows this better than its uptime shows it, such as one that has just connected. Without effect once this run has
    /// ended.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore, restart = on_failure)]
    /// async fn connect(cx: Context<Update>) -> Result<(), &'static str> {
    ///     // … connects, and gets its first answer …
    ///     cx.healthy(); // the next failure waits for the first pause again
    ///     cx.send(Update::Row(1)).await.map_err(|_| "closed")
    /// }
    /// # let panel = ControlPanel::<Update>::new();
    /// # panel.spawn_connect().ended_blocking();
    /// # assert!(panel.shutdown_blocking().is_clean());
    /// ```
    pub fn healthy(&self) {
        if let Some(registry) = self.cell.registry.upgrade() {
            registry.healthy(self.cell.origin, self.generation);
        }
    }

    /// Reports that this worker is ready, when its group starts others only then (see
    /// [`Worker::ready_within`](crate::Worker::ready_within)). Without effect on a worker that does not declare that, and once
    /// this run has reported it or was asked to stop.
    ///
    /// Takes the supervisor's lock once per run: not for a loop.
    pub fn ready(&self) {
        if let Some(registry) = self.cell.registry.upgrade() {
            registry.ready(self.cell.origin, self.generation);
        }
        self.run_token.await_no_more();
    }

    /// Reports that this worker is alive. A worker that promises a heartbeat ([`Worker::heartbeat`](crate::Worker::heartbeat))
    /// calls this more often than it promised. Costs two loads and a store: cheap enough for a tight loop.
    pub fn heartbeat(&self) {
        self.run_token.beat();
    }
}

/// # Which worker this is
impl<I: Intent, P> Context<I, P> {
    /// The worker's name: its function's, or [the one it was given](crate::Worker::name).
    pub fn name(&self) -> &str {
        &self.cell.name
    }

    /// The source of its intents.
    pub fn source(&self) -> I::Source {
        self.sender.source()
    }

    /// The origin of its intents: unique in this panel, and kept across the worker's restarts. For logs and intents that say
    /// which of several workers of one name they come from, and for
    /// [`worker_by_origin`](crate::ControlPanel::worker_by_origin).
    pub fn origin(&self) -> Origin {
        self.cell.origin
    }

    /// Which run of the worker this is: 1 for the first. 0 for a context that belongs to no worker.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}
