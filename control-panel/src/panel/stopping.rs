//! Asking for the end, for callers that cannot wait for it.

use super::{ControlPanel, shared::Shared};
use crate::intent::Intent;

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    /// Wakes the loop, which is to see it.
    pub(super) fn request_shutdown(&self) {
        self.supervisor.request_shutdown();
        self.queue.wake_loop();
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.supervisor.term().is_over()
    }
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Begins the shutdown and does not wait for it: every worker is notified, nothing is spawned any more, and a sleeping
    /// loop is woken, which finds [`is_shutting_down`](Self::is_shutting_down).
    ///
    /// For callers that must not wait: a host inside a frame, a callback, a signal, a worker. The loop goes on draining what the
    /// workers still send, and then calls [`shutdown`](Self::shutdown), which waits for the rest and returns the report: its
    /// deadline counts from here. Calling it again changes nothing.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, Spawner, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update { Line(String) }
    ///
    /// #[worker(source = IntentSource::LocalUI)]
    /// async fn console(cx: Context<Update>, panel: Spawner<Update>) {
    ///     cx.send(Update::Line("quit".into())).await.ok();
    ///     panel.request_shutdown();
    /// }
    ///
    /// let mut panel = ControlPanel::<Update>::new();
    /// panel.spawn_console(panel.spawner());
    /// while !panel.is_shutting_down() {
    ///     panel.drain().for_each(drop); // the frame
    ///     panel.wait_ready_timeout(std::time::Duration::MAX);
    /// }
    /// assert!(panel.shutdown_blocking().is_clean());
    /// ```
    pub fn request_shutdown(&self) {
        self.shared.request_shutdown();
    }

    /// Whether the end has begun: a [shutdown](Self::shutdown), a [request](Self::request_shutdown) for one, or the drop of the
    /// panel. Costs a load.
    ///
    /// Not where a worker [escalated](crate::Escalate::Panel): of that the status's
    /// [warning](crate::Warning::Escalated) tells.
    pub fn is_shutting_down(&self) -> bool {
        self.shared.is_shutting_down()
    }
}
