//! Requesting a shutdown, for callers that cannot wait for it; and draining during one.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{ControlPanel, shared::Shared};
use crate::{
    intent::Intent,
    supervisor::report::ShutdownReport,
    util::{Raced, park, race},
};

/// How often to call a frame that leaves intents undrained.
const STALLED: Duration = Duration::from_millis(1);

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    /// Wakes the loop so that it notices.
    pub(super) fn request_shutdown(&self) {
        self.supervisor.request_shutdown();
        self.queue.wake_loop();
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.supervisor.run_token().is_over()
    }
}

both! {
/// # The end
impl {
    /// Stops every worker and reports how each ended. Accepted intents can still be drained afterwards.
    ///
    /// Returns by the deadline ([`shutdown_timeout`](crate::PanelBuilder::shutdown_timeout), counted from the first call), whatever
    /// the workers do; the report names each one that did not stop. Nothing drains the queue meanwhile, so a send to a full
    /// queue returns the intent instead of waiting ([`shutdown_draining`](ControlPanel::shutdown_draining) drains it). Afterwards every
    /// send is refused. While a call on a [spawner](crate::Spawner) waits, the panel may go on draining.
    ///
    /// The deadline is the earlier of a tokio timer and a native timer. It cannot be kept if the caller itself runs on a
    /// runtime thread that a worker blocks: a current-thread runtime shared with a worker that never awaits.
    ///
    /// A worker of this panel that calls it is asked to stop like all others. A worker that is cancelled by dropping its future
    /// ends right there, and the next caller gets the report. Any other worker would wait for itself: a cooperative one until
    /// it is dropped at the end of its [grace](crate::Worker::grace), one on a thread until the deadline, and the report names it. A
    /// worker that should end the program sends an intent that requests it instead.
    ///
    /// # Cancel safety
    /// Dropping the future half-way does not undo the cancellation; another call continues to wait, with the first call's
    /// deadline.
    pub async fn shutdown(&self) -> ShutdownReport {
        self.shared.shut_down().await
    }

    /// Like [`shutdown`](Self::shutdown), for a thread that is not driving a runtime. If one of the panel's own workers on a
    /// thread calls it, that worker waits for itself until the deadline.
    ///
    /// In a synchronous callback of an async program, call this and the other `…_blocking` methods inside
    /// [`block_in_place`](https://docs.rs/tokio/latest/tokio/task/fn.block_in_place.html), on a multi-thread runtime (`examples/cookbook/sync_callback.rs` in the
    /// repository).
    ///
    /// # Panics
    /// In async code, before anything is stopped: use `shutdown().await` there.
    #[track_caller]
    pub fn shutdown_blocking(&self) -> ShutdownReport {
        park::assert_may_block("shutdown_blocking", "`shutdown().await`");
        park::wait(self.shared.shut_down())
    }

    /// Begins the shutdown without waiting for it: every worker is notified, nothing is spawned any more, and a sleeping loop
    /// is woken and finds [`is_shutting_down`](Self::is_shutting_down).
    ///
    /// For callers that must not wait: a host inside a frame, a callback, a signal handler, a worker. The loop continues to
    /// drain what the workers still send, then calls [`shutdown`](Self::shutdown), which waits for the rest and returns the
    /// report; its deadline counts from this call. [`shutdown_draining`](ControlPanel::shutdown_draining) does both. Calling it again
    /// has no effect.
    ///
    /// ```
    /// use control_panel::{
    ///     Context, ControlPanel, GraphIntent, IntentSource, Spawner, worker,
    /// };
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Line(String),
    /// }
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

    /// Returns whether the shutdown has begun: by [`shutdown`](Self::shutdown), by a [request](Self::request_shutdown), or by
    /// the drop of the panel. Costs a load.
    ///
    /// An [escalation](crate::supervision::Escalate::Panel) does not count; the status's [warning](crate::frame::Warning::Escalated) reports it.
    pub fn is_shutting_down(&self) -> bool {
        self.shared.is_shutting_down()
    }
}
}

/// # The end, while frames go on
impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Shuts down while the loop keeps draining: `frame`, which drains, is called whenever there is something to drain until
    /// every worker has ended, and then for what remains. Returns the report; the queue is empty by then.
    ///
    /// For workers that flush more when they are asked to stop than the queue has room for. While a plain
    /// [`shutdown`](Self::shutdown) waits, nothing drains the queue, so intents that do not fit are returned. A worker that
    /// flushes must be [cooperative](crate::supervision::Cancel::Cooperative), or on a thread, and send with [`Context::sender`], which
    /// waits for a slot even after the worker was asked to stop. The context's own sends do not wait then, so that a loop of
    /// sends ends (`examples/cookbook/flush_at_exit.rs` in the repository).
    ///
    /// The [deadline](crate::PanelBuilder::shutdown_timeout) holds as long as `frame` returns: workers that have not ended
    /// after nine tenths of it are dropped, and sends still waiting are refused. A loop driven by its host, such as a GUI's,
    /// that cannot block in its exit callback does the same in its own frames: [`request_shutdown`](Self::request_shutdown),
    /// then frames until [`worker_count`](Self::worker_count) is 0 or its patience is over, then `shutdown`.
    ///
    /// ```
    /// use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, worker};
    ///
    /// #[derive(GraphIntent)]
    /// enum Update {
    ///     Save(u32),
    /// }
    ///
    /// #[worker(source = IntentSource::Restore, cancel = cooperative)]
    /// async fn editor(cx: Context<Update>) {
    ///     cx.cancelled().await;
    ///     let flush = cx.sender();
    ///     for page in 0..1_000 {
    ///         flush.send(Update::Save(page)).await.ok();
    ///     }
    /// }
    ///
    /// control_panel::testing::paused_with(
    ///     ControlPanel::<Update>::builder().capacity(64),
    ///     async |panel| {
    ///         panel.spawn_editor();
    ///         control_panel::testing::settle().await;
    ///         let mut saved = 0;
    ///         let report = panel
    ///             .shutdown_draining(|panel| saved += panel.drain().count())
    ///             .await;
    ///         assert!(report.is_clean());
    ///         assert_eq!(saved, 1_000);
    ///     },
    /// );
    /// ```
    ///
    /// # Panics
    /// If `frame` panics: the shutdown has begun by then, and the next call continues it.
    ///
    /// # Cancel safety
    /// Dropping the future half-way does not undo the cancellation and loses nothing; another call continues, with the first
    /// call's deadline.
    ///
    /// [`Context::sender`]: crate::Context::sender
    pub async fn shutdown_draining(&mut self, frame: impl FnMut(&mut Self)) -> ShutdownReport {
        self.drain_down(frame).await
    }

    /// Like [`shutdown_draining`](Self::shutdown_draining), for a thread that is not driving a runtime: the main thread of most
    /// programs, at exit.
    ///
    /// # Panics
    /// In async code, before anything is stopped: use `shutdown_draining(…).await` there. Also if `frame` panics.
    ///
    /// ```
    /// # use control_panel::{Context, ControlPanel, GraphIntent, IntentSource, testing, worker};
    /// # use std::time::Duration;
    /// # #[derive(Debug, PartialEq, GraphIntent)] enum Update { Row(u32) }
    /// #[worker(source = IntentSource::Restore, cancel = cooperative)]
    /// async fn flush(cx: Context<Update>) {
    ///     cx.cancelled().await;
    ///     // `cx.sender()` waits for a slot after a stop too; `cx.send` does not.
    ///     for row in 0..1000 {
    ///         if cx.sender().send(Update::Row(row)).await.is_err() {
    ///             return;
    ///         }
    ///     }
    /// }
    /// let mut panel = ControlPanel::<Update>::new();
    /// panel.spawn_flush();
    /// # panel.wait_ready_timeout(Duration::from_millis(50));
    /// let mut rows = 0;
    /// let report = panel.shutdown_draining_blocking(|panel| {
    ///     rows += panel.drain().count();
    /// });
    /// assert!(report.is_clean() && rows <= 1000);
    /// ```
    #[track_caller]
    pub fn shutdown_draining_blocking(&mut self, frame: impl FnMut(&mut Self)) -> ShutdownReport {
        park::assert_may_block("shutdown_draining_blocking", "`shutdown_draining(…).await`");
        park::wait(pin!(self.drain_down(frame)))
    }

    async fn drain_down(&mut self, mut frame: impl FnMut(&mut Self)) -> ShutdownReport {
        let shared = Arc::clone(&self.shared);
        shared.request_shutdown();
        let mut wound_down = pin!(shared.supervisor.wound_down());
        loop {
            let seen = || (shared.frames.load(Ordering::Relaxed), shared.queue.counts().drained);
            let (frames, drained) = seen();
            frame(self);
            // If a call drains nothing, another follows, but after a pause.
            let stalls = frames == seen().0 || drained == seen().1 && self.queued() > 0;
            let next = async {
                if stalls { shared.supervisor.pause(STALLED).await } else { self.wait_ready().await }
            };
            if let Raced::First(()) = race(wound_down.as_mut(), next).await {
                break;
            }
        }
        let report = shared.shut_down().await;
        // Nothing is accepted any more, so these frames come to an end, unless they do not drain.
        let mut left = usize::MAX;
        while (1..left).contains(&self.queued()) {
            left = self.queued();
            frame(self);
        }
        report
    }
}
