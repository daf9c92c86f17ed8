//! The metrics' names and units.

/// Describes the metrics to the recorder that is installed when a panel is made.
pub(crate) fn describe() {
    #[cfg(feature = "metrics")]
    {
        use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
        describe_gauge!("control_panel_queue_depth", Unit::Count, "Intents queued as a frame begins");
        describe_gauge!(
            "control_panel_senders_waiting",
            Unit::Count,
            "Sends that wait for a slot as a frame begins"
        );
        describe_gauge!("control_panel_workers", Unit::Count, "Living workers by state");
        describe_counter!(
            "control_panel_refused_total",
            Unit::Count,
            "Intents handed back: the queue was full or closed"
        );
        describe_counter!(
            "control_panel_dropped_total",
            Unit::Count,
            "Lossy intents dropped: the queue was full"
        );
        describe_counter!(
            "control_panel_intents_total",
            Unit::Count,
            "Intents handed out by frames, by source"
        );
        describe_counter!(
            "control_panel_worker_restarts_total",
            Unit::Count,
            "Runs of a worker beyond its first"
        );
        describe_counter!("control_panel_worker_panics_total", Unit::Count, "Runs that ended by a panic");
        describe_counter!("control_panel_worker_errors_total", Unit::Count, "Runs that ended by an error");
        describe_counter!(
            "control_panel_worker_stuck_total",
            Unit::Count,
            "How often the watchdog found a worker stuck"
        );
        describe_counter!(
            "control_panel_operations_merged_total",
            Unit::Count,
            "Operations of other replicas that became part of the state"
        );
        describe_counter!(
            "control_panel_operations_undone_total",
            Unit::Count,
            "Operations taken back to make room for earlier ones"
        );
        describe_counter!(
            "control_panel_operations_redone_total",
            Unit::Count,
            "Operations applied again after that"
        );
        describe_counter!(
            "control_panel_redo_jobs_total",
            Unit::Count,
            "Rollbacks beyond a frame's budget, handed out as jobs"
        );
        describe_histogram!(
            "control_panel_frame_seconds",
            Unit::Seconds,
            "How long a frame was drained, ordered, applied and settled"
        );
    }
}
