//! Events of workers, as spans' events and metrics.

use super::emit::{count, log, shift};
use crate::{
    lifecycle::{Cause, Event, EventKind, Exit, WorkerStatus},
    util::Name,
};

/// An event as passed to tracing and metrics.
pub(crate) struct Seen {
    pub(crate) event: Event,
    /// The worker's source. Only for subscribers: recorders distinguish workers by name.
    pub(crate) source: Name,
    pub(crate) moved: Moved,
}

/// Reports an event of a worker.
pub(crate) fn lifecycle(panel: &Name, seen: &Seen) {
    log_event(panel, seen);
    count_event(panel, seen);
}

#[cfg_attr(
    not(feature = "tracing"),
    expect(clippy::match_same_arms, reason = "no subscriber tells them apart")
)]
fn log_event(panel: &Name, Seen { event, source, .. }: &Seen) {
    macro_rules! emit {
        ($level:ident, $text:literal) => {
            log!(
                $level,
                panel.as_str(),
                worker = event.name.as_str(),
                source = source.as_str(),
                origin = event.origin.0,
                generation = event.generation,
                number = event.number,
                $text
            )
        };
    }
    match &event.kind {
        kind @ EventKind::Escalated => emit!(error, "{kind}"),
        // Logged once: the worker's end by the same exit adds nothing.
        kind @ EventKind::Exited(exit) if !exit.is_clean() => emit!(warn, "{kind}"),
        kind @ (EventKind::GaveUp | EventKind::Stuck(_) | EventKind::Refused(_)) => emit!(warn, "{kind}"),
        // Also without a failure or a wait: then it was restarted by hand.
        EventKind::Started if event.generation > 1 => emit!(info, "restarted"),
        kind @ (EventKind::Suspended
        | EventKind::Resumed
        | EventKind::Recovered
        | EventKind::Stopping(Cause::Restart)
        | EventKind::BackingOff(_)) => emit!(info, "{kind}"),
        kind => emit!(debug, "{kind}"),
    }
}

/// The state that a worker left and the one that it entered; `None` if it did not live before, or does not any more.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moved {
    pub(crate) from: Option<&'static str>,
    pub(crate) to: Option<&'static str>,
}

/// The state of a living worker, in the word of the metric.
pub(crate) fn state(status: &WorkerStatus) -> Option<&'static str> {
    match status {
        WorkerStatus::Starting => Some("starting"),
        WorkerStatus::Waiting => Some("waiting"),
        WorkerStatus::Running => Some("running"),
        WorkerStatus::Stopping(_) => Some("stopping"),
        WorkerStatus::Backoff { .. } => Some("backoff"),
        WorkerStatus::Ended(_) | WorkerStatus::Refused(_) => None,
    }
}

fn count_event(panel: &Name, Seen { event, moved: Moved { from, to }, .. }: &Seen) {
    let panel = panel.as_str();
    if from != to {
        for (state, up) in [(from, false), (to, true)] {
            if let Some(state) = state {
                shift("control_panel_workers", panel, &[("state", state)], up);
            }
        }
    }
    let counter = match &event.kind {
        EventKind::Started if event.generation > 1 => "control_panel_worker_restarts_total",
        EventKind::Exited(Exit::Panicked(_)) => "control_panel_worker_panics_total",
        EventKind::Exited(Exit::Failed(_)) => "control_panel_worker_errors_total",
        EventKind::Stuck(_) => "control_panel_worker_stuck_total",
        _ => return,
    };
    count(counter, panel, &[("worker", event.name.as_str())], 1);
}
