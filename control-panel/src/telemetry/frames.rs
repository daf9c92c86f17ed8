//! The queue as a frame finds it, and what the frame costs.

use std::time::Duration;

#[cfg(feature = "tracing")]
use super::TARGET;
use crate::util::Name;

/// The queue as a frame finds it.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(not(any(feature = "tracing", feature = "metrics")), expect(dead_code, reason = "nothing listens"))]
pub(crate) struct Flow {
    pub(crate) queued: usize,
    pub(crate) waiting: usize,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

/// What the last frame found, to compute the differences.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    before: Flow,
}

impl Watch {
    /// A frame begins. `flow` is only called if something listens.
    #[cfg_attr(
        not(any(feature = "tracing", feature = "metrics")),
        expect(unused_variables, clippy::unused_self, reason = "nothing listens")
    )]
    pub(crate) fn frame(&mut self, panel: &Name, flow: impl FnOnce() -> Flow) {
        #[cfg(any(feature = "tracing", feature = "metrics"))]
        {
            let now = flow();
            let before = std::mem::replace(&mut self.before, now);
            let (refused, dropped) = (now.refused - before.refused, now.dropped - before.dropped);
            #[cfg(feature = "tracing")]
            {
                let panel = panel.as_str();
                if now.waiting > 0 && before.waiting == 0 {
                    tracing::debug!(
                        target: TARGET,
                        panel,
                        waiting = now.waiting,
                        queued = now.queued,
                        "backpressure: senders wait"
                    );
                }
                if refused > 0 {
                    tracing::debug!(target: TARGET, panel, refused, "intents were handed back");
                }
                if dropped > 0 {
                    tracing::info!(target: TARGET, panel, dropped, "lossy intents were dropped");
                }
            }
            #[cfg(feature = "metrics")]
            {
                let name = panel.as_str().to_owned();
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a gauge is an f64, and a queue has fewer than 2^52 slots"
                )]
                metrics::gauge!("control_panel_queue_depth", "panel" => name.clone()).set(now.queued as f64);
                #[expect(clippy::cast_precision_loss, reason = "likewise")]
                metrics::gauge!("control_panel_senders_waiting", "panel" => name.clone())
                    .set(now.waiting as f64);
                metrics::counter!("control_panel_refused_total", "panel" => name.clone()).increment(refused);
                metrics::counter!("control_panel_dropped_total", "panel" => name).increment(dropped);
            }
        }
    }
}

/// A frame was drained, ordered and applied in this time.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "nothing listens"))]
pub(crate) fn frame_time(panel: &Name, time: Duration) {
    #[cfg(feature = "metrics")]
    metrics::histogram!("control_panel_frame_seconds", "panel" => panel.as_str().to_owned())
        .record(time.as_secs_f64());
}

/// What a frame did to replicated state.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(dead_code, reason = "there is neither subscriber nor recorder")
)]
pub(crate) struct Redo {
    pub(crate) merged: usize,
    pub(crate) undone: usize,
    pub(crate) redone: usize,
    pub(crate) jobs: usize,
}

/// A frame put operations of other replicas in order.
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(unused_variables, reason = "there is neither subscriber nor recorder")
)]
pub(crate) fn redo(panel: &Name, figures: Redo) {
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    {
        let Redo { merged, undone, redone, jobs } = figures;
        if (merged, undone, redone, jobs) == (0, 0, 0, 0) {
            return;
        }
        #[cfg(feature = "tracing")]
        tracing::debug!(
            target: TARGET,
            panel = panel.as_str(),
            merged,
            undone,
            redone,
            jobs,
            "operations of other replicas were put in order"
        );
        #[cfg(feature = "metrics")]
        for (counter, count) in [
            ("control_panel_operations_merged_total", merged),
            ("control_panel_operations_undone_total", undone),
            ("control_panel_operations_redone_total", redone),
            ("control_panel_redo_jobs_total", jobs),
        ] {
            metrics::counter!(counter, "panel" => panel.as_str().to_owned()).increment(count as u64);
        }
    }
}
