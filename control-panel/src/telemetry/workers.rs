//! Events of workers, as spans' events and metrics.

#[cfg(feature = "tracing")]
use super::TARGET;
#[cfg(feature = "tracing")]
use crate::lifecycle::Cause;
#[cfg(any(feature = "tracing", feature = "metrics"))]
use crate::lifecycle::EventKind;
#[cfg(feature = "metrics")]
use crate::lifecycle::Exit;
use crate::{
    lifecycle::{Event, WorkerStatus},
    util::Name,
};

/// Whether events of workers are reported at all.
pub(crate) const LISTENS: bool = cfg!(any(feature = "tracing", feature = "metrics"));

/// An event as passed to tracing and metrics.
#[cfg_attr(not(any(feature = "tracing", feature = "metrics")), expect(dead_code, reason = "nothing listens"))]
pub(crate) struct Seen {
    pub(crate) event: Event,
    /// The worker's origin. Only for subscribers: recorders distinguish workers by name.
    #[cfg_attr(
        all(feature = "metrics", not(feature = "tracing")),
        expect(dead_code, reason = "no subscriber listens")
    )]
    pub(crate) source: Name,
    #[cfg_attr(
        all(feature = "tracing", not(feature = "metrics")),
        expect(dead_code, reason = "no recorder listens")
    )]
    pub(crate) moved: Moved,
}

/// Reports an event of a worker.
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(unused_variables, reason = "nothing listens")
)]
pub(crate) fn lifecycle(panel: &Name, seen: &Seen) {
    #[cfg(feature = "tracing")]
    log(panel, seen);
    #[cfg(feature = "metrics")]
    count(panel, seen);
}

#[cfg(feature = "tracing")]
fn log(panel: &Name, Seen { event, source, .. }: &Seen) {
    macro_rules! emit {
        ($level:ident, $($text:tt)*) => {
            tracing::$level!(
                target: TARGET,
                panel = panel.as_str(),
                worker = event.name.as_str(),
                source = source.as_str(),
                origin = event.origin.0,
                generation = event.generation,
                number = event.number,
                $($text)*
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
#[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "no recorder listens"))]
pub(crate) struct Moved {
    from: Option<&'static str>,
    to: Option<&'static str>,
}

impl Moved {
    /// It was spawned.
    pub(crate) fn spawned() -> Self {
        Self { from: None, to: Some("starting") }
    }

    pub(crate) fn to(status: &WorkerStatus) -> Self {
        Self { from: None, to: state(status) }
    }

    pub(crate) fn from(self, before: &WorkerStatus) -> Self {
        Self { from: state(before), ..self }
    }
}

fn state(status: &WorkerStatus) -> Option<&'static str> {
    match status {
        WorkerStatus::Starting => Some("starting"),
        WorkerStatus::Waiting => Some("waiting"),
        WorkerStatus::Running => Some("running"),
        WorkerStatus::Stopping(_) => Some("stopping"),
        WorkerStatus::Backoff { .. } => Some("backoff"),
        WorkerStatus::Ended(_) | WorkerStatus::Refused(_) => None,
    }
}

#[cfg(feature = "metrics")]
fn count(panel: &Name, Seen { event, moved, .. }: &Seen) {
    let Moved { from, to } = *moved;
    if from != to {
        let gauge = |state| metrics::gauge!("control_panel_workers", "panel" => panel.as_str().to_owned(), "state" => state);
        // By increments of one: the threads of one panel, and panels of the same name, may add up in any order.
        if let Some(from) = from {
            gauge(from).decrement(1.0);
        }
        if let Some(to) = to {
            gauge(to).increment(1.0);
        }
    }
    let counter = match &event.kind {
        EventKind::Started if event.generation > 1 => "control_panel_worker_restarts_total",
        EventKind::Exited(Exit::Panicked(_)) => "control_panel_worker_panics_total",
        EventKind::Exited(Exit::Failed(_)) => "control_panel_worker_errors_total",
        EventKind::Stuck(_) => "control_panel_worker_stuck_total",
        _ => return,
    };
    let (panel, worker) = (panel.as_str().to_owned(), event.name.as_str().to_owned());
    metrics::counter!(counter, "panel" => panel, "worker" => worker).increment(1);
}
