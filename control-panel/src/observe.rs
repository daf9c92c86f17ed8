//! What a panel tells the program's subscriber (feature `tracing`) and its recorder (feature `metrics`) of itself. Without
//! the features all of this is empty.
//!
//! Subscribers and recorders are the program's code: nothing here is called under a lock.

use std::time::Duration;

#[cfg(feature = "tracing")]
use crate::lifecycle::cause::Cause;
#[cfg(any(feature = "tracing", feature = "metrics"))]
use crate::lifecycle::event::EventKind;
#[cfg(feature = "metrics")]
use crate::lifecycle::exit::Exit;
use crate::{
    frame::RedoFigures, intent::order::Origin, lifecycle::status::WorkerStatus, queue::Counts,
    supervise::events::Seen, util::name::Name,
};

/// What subscribers filter by.
#[cfg(feature = "tracing")]
pub(crate) const TARGET: &str = "control_panel";

/// Whether anybody is told of what happens to workers.
pub(crate) const LISTENS: bool = cfg!(any(feature = "tracing", feature = "metrics"));

/// A generation's span: whatever is logged while the worker runs is inside it, from the call of its factory to the drop of
/// its future.
#[derive(Debug, Default)]
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: Option<tracing::Span>,
}

impl Span {
    #[cfg_attr(not(feature = "tracing"), expect(unused_variables, reason = "there is nobody to tell"))]
    pub(crate) fn of_generation(
        panel: &Name,
        name: &Name,
        source: &Name,
        origin: Origin,
        generation: u64,
    ) -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: Some(tracing::info_span!(
                target: TARGET,
                "worker",
                name = name.as_str(),
                source = source.as_str(),
                origin = origin.0,
                generation,
                panel = panel.as_str()
            )),
        }
    }

    /// Runs the worker's code inside the span.
    #[cfg_attr(not(feature = "tracing"), expect(clippy::unused_self, reason = "there is no span"))]
    pub(crate) fn in_scope<T>(&self, code: impl FnOnce() -> T) -> T {
        #[cfg(feature = "tracing")]
        if let Some(span) = &self.span {
            return span.in_scope(code);
        }
        code()
    }
}

/// A subscriber of a bus fell behind. On its own thread.
#[cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "there is no subscriber of tracing's")
)]
pub(crate) fn lagged(signal: &str, missed: u64) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: TARGET, signal, missed, "a subscriber missed signals");
}

/// Something happened to a worker.
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(unused_variables, reason = "there is nobody to tell")
)]
pub(crate) fn lifecycle(panel: &Name, seen: &Seen) {
    #[cfg(feature = "tracing")]
    log(panel, seen);
    #[cfg(feature = "metrics")]
    count(panel, seen);
}

#[cfg(feature = "tracing")]
fn log(panel: &Name, Seen { event, source, .. }: &Seen) {
    macro_rules! tell {
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
        kind @ EventKind::Escalated => tell!(error, "{kind}"),
        // Once: that the worker ended by it says nothing new.
        kind @ EventKind::Exited(exit) if !exit.is_clean() => tell!(warn, "{kind}"),
        kind @ (EventKind::GaveUp | EventKind::Stuck(_) | EventKind::Refused(_)) => tell!(warn, "{kind}"),
        // Also where nothing failed and nobody waited: somebody restarted it.
        EventKind::Started if event.generation > 1 => tell!(info, "restarted"),
        kind @ (EventKind::Suspended
        | EventKind::Resumed
        | EventKind::Recovered
        | EventKind::Stopping(Cause::Restart)
        | EventKind::BackingOff(_)) => tell!(info, "{kind}"),
        kind => tell!(debug, "{kind}"),
    }
}

/// The state that a worker left, and the one that it came to; neither where it was or is not alive.
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

/// Describes the metrics to the recorder that is there when a panel is made.
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

#[cfg(feature = "metrics")]
fn count(panel: &Name, Seen { event, moved, .. }: &Seen) {
    let Moved { from, to } = *moved;
    if from != to {
        let gauge = |state| metrics::gauge!("control_panel_workers", "panel" => panel.as_str().to_owned(), "state" => state);
        // Each by one: the threads of one panel, and panels of one name, add up in any order.
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

/// The queue as a frame finds it.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(dead_code, reason = "there is nobody to tell")
)]
pub(crate) struct Flow {
    pub(crate) queued: usize,
    pub(crate) waiting: usize,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

impl Flow {
    pub(crate) fn of(counts: &Counts) -> Self {
        let Counts { queued, waiting, refused, dropped, .. } = *counts;
        Self { queued, waiting, refused, dropped }
    }
}

/// What the last frame found, to tell what is new.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    before: Flow,
}

impl Watch {
    /// A frame begins. `flow` is asked for only where somebody is told.
    #[cfg_attr(
        not(any(feature = "tracing", feature = "metrics")),
        expect(unused_variables, clippy::unused_self, reason = "there is nobody to tell")
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
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "there is nobody to tell"))]
pub(crate) fn frame_time(panel: &Name, time: Duration) {
    #[cfg(feature = "metrics")]
    metrics::histogram!("control_panel_frame_seconds", "panel" => panel.as_str().to_owned())
        .record(time.as_secs_f64());
}

/// A frame put operations of other replicas in order.
#[cfg_attr(
    not(any(feature = "tracing", feature = "metrics")),
    expect(unused_variables, reason = "there is neither subscriber nor recorder")
)]
pub(crate) fn redo(panel: &Name, figures: RedoFigures) {
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    if !figures.is_zero() {
        let RedoFigures { merged, undone, redone, jobs } = figures;
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

/// Counts the intents of a frame by source.
#[derive(Debug)]
pub(crate) struct Tally<S> {
    /// None for a test's frames, which have none.
    #[cfg(feature = "metrics")]
    panel: Option<Name>,
    #[cfg(feature = "metrics")]
    counts: Vec<(S, u64)>,
    #[cfg(not(feature = "metrics"))]
    nothing: std::marker::PhantomData<S>,
}

impl<S> Default for Tally<S> {
    fn default() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            panel: None,
            #[cfg(feature = "metrics")]
            counts: Vec::new(),
            #[cfg(not(feature = "metrics"))]
            nothing: std::marker::PhantomData,
        }
    }
}

impl<S> Tally<S> {
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, clippy::unused_self, reason = "there is nobody to tell")
    )]
    pub(crate) fn set_panel(&mut self, panel: &Name) {
        #[cfg(feature = "metrics")]
        {
            self.panel = Some(panel.clone());
        }
    }
}

impl<S: Copy + PartialEq + std::fmt::Debug> Tally<S> {
    #[inline]
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, clippy::unused_self, reason = "there is nobody to tell")
    )]
    pub(crate) fn add(&mut self, source: S) {
        // A frame is ordered by source: nearly always it is the last one.
        #[cfg(feature = "metrics")]
        match self.counts.iter_mut().rev().find(|(known, _)| *known == source) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((source, 1)),
        }
    }

    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "there is nobody to tell"))]
    pub(crate) fn tell(&mut self) {
        #[cfg(feature = "metrics")]
        for (source, count) in self.counts.drain(..) {
            let panel = self.panel.as_ref().map_or("", Name::as_str).to_owned();
            metrics::counter!("control_panel_intents_total", "panel" => panel, "source" => format!("{source:?}"))
                .increment(count);
        }
    }
}
