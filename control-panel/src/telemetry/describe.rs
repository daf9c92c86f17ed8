//! The metrics' names and units.

#[cfg(feature = "metrics")]
const GAUGES: [(&str, &str); 3] = [
    ("control_panel_queue_depth", "Intents queued as a frame begins"),
    ("control_panel_senders_waiting", "Sends that wait for a slot as a frame begins"),
    ("control_panel_workers", "Living workers by state"),
];

#[cfg(feature = "metrics")]
const COUNTERS: [(&str, &str); 11] = [
    ("control_panel_refused_total", "Intents handed back: the queue was full or closed"),
    ("control_panel_dropped_total", "Lossy intents dropped: the queue was full"),
    ("control_panel_intents_total", "Intents handed out by frames, by source"),
    ("control_panel_worker_restarts_total", "Runs of a worker beyond its first"),
    ("control_panel_worker_panics_total", "Runs that ended by a panic"),
    ("control_panel_worker_errors_total", "Runs that ended by an error"),
    ("control_panel_worker_stuck_total", "How often the watchdog found a worker stuck"),
    ("control_panel_operations_merged_total", "Operations of other replicas, now part of the state"),
    ("control_panel_operations_undone_total", "Operations taken back to make room for earlier ones"),
    ("control_panel_operations_redone_total", "Operations applied again after that"),
    ("control_panel_redo_jobs_total", "Rollbacks beyond a frame's budget, handed out as jobs"),
];

/// Describes the metrics to the recorder that is installed when a panel is made.
pub(crate) fn describe() {
    #[cfg(feature = "metrics")]
    {
        use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
        for (name, text) in GAUGES {
            describe_gauge!(name, Unit::Count, text);
        }
        for (name, text) in COUNTERS {
            describe_counter!(name, Unit::Count, text);
        }
        let text = "How long a frame was drained, ordered, applied and settled";
        describe_histogram!("control_panel_frame_seconds", Unit::Seconds, text);
    }
}
