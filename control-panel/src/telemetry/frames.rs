//! The queue as a frame finds it, and what the frame costs.

use std::{mem, time::Duration};

use super::emit::{LISTENS, count, log, set};
use crate::util::Name;

/// The queue at one moment, and what went through it since the panel was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) queued: usize,
    pub(crate) waiting: usize,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    pub(crate) drained: u64,
}

/// What the last frame found, to compute the differences.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    before: Counts,
}

impl Watch {
    /// A frame begins. `counts` is only called if something listens.
    pub(crate) fn frame(&mut self, panel: &Name, counts: impl FnOnce() -> Counts) {
        if !LISTENS {
            return;
        }
        let now = counts();
        let before = mem::replace(&mut self.before, now);
        let (refused, dropped) = (now.refused - before.refused, now.dropped - before.dropped);
        let panel = panel.as_str();
        if now.waiting > 0 && before.waiting == 0 {
            log!(debug, panel, waiting = now.waiting, queued = now.queued, "backpressure: senders wait");
        }
        if refused > 0 {
            log!(debug, panel, refused = refused, "intents were handed back");
        }
        if dropped > 0 {
            log!(info, panel, dropped = dropped, "lossy intents were dropped");
        }
        set("control_panel_queue_depth", panel, now.queued);
        set("control_panel_senders_waiting", panel, now.waiting);
        count("control_panel_refused_total", panel, &[], refused);
        count("control_panel_dropped_total", panel, &[], dropped);
    }
}

/// A frame was drained, ordered and applied in this time.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "there is no recorder"))]
pub(crate) fn frame_time(panel: &Name, time: Duration) {
    #[cfg(feature = "metrics")]
    metrics::histogram!("control_panel_frame_seconds", "panel" => panel.as_str().to_owned())
        .record(time.as_secs_f64());
}

/// A frame put operations of other replicas in order.
pub(crate) fn redo(panel: &Name, merged: usize, undone: usize, redone: usize, jobs: usize) {
    if (merged, undone, redone, jobs) == (0, 0, 0, 0) {
        return;
    }
    let (panel, text) = (panel.as_str(), "operations of other replicas were put in order");
    log!(debug, panel, merged = merged, undone = undone, redone = redone, jobs = jobs, "{text}");
    for (counter, operations) in [
        ("control_panel_operations_merged_total", merged),
        ("control_panel_operations_undone_total", undone),
        ("control_panel_operations_redone_total", redone),
        ("control_panel_redo_jobs_total", jobs),
    ] {
        count(counter, panel, &[], operations as u64);
    }
}
