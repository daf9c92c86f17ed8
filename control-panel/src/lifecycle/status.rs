//! How a worker is doing, and why it was refused.

use std::{error::Error, fmt};

use tokio::time::Instant;

use crate::{
    lifecycle::{Cause, Exit},
    util::Name,
};

/// How a worker is doing.
///
/// Its `Display` is a line for a view, with the time that is left:
///
/// ```
/// use control_panel::{
///     Context, ControlPanel, GraphIntent, IntentSource, WorkerStatus, testing,
///     worker,
/// };
/// use std::time::Duration;
///
/// #[derive(GraphIntent)]
/// enum Update {}
///
/// #[worker(source = IntentSource::Restore, restart = on_failure,
///     backoff = "8s")]
/// async fn connect(cx: Context<Update>) -> Result<(), &'static str> {
///     Err("connection refused")
/// }
///
/// testing::paused(async |panel: &mut ControlPanel<Update>| {
///     let connect = panel.spawn_connect();
///     testing::settle().await;
///     let status = connect.status();
///     assert!(status.to_string().starts_with("waiting to restart in"));
///     let WorkerStatus::Backoff { exit, until, .. } = status else { panic!() };
///     assert_eq!(exit.to_string(), "failed: connection refused");
///     let left = until.duration_since(tokio::time::Instant::now());
///     assert!(left <= Duration::from_secs(8));
/// });
/// ```
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum WorkerStatus {
    /// Spawned, but not begun: the runtime has not polled it, or it waits for a thread of the blocking pool. Or it is
    /// running and has not reported yet that it is [ready](crate::Worker::ready_within).
    Starting,
    /// It waits for its turn: for other members of its group, for a place among the tasks, or for the task that it
    /// replaces; or for a thread to begin its next run on.
    Waiting,
    /// It is running: its function has begun and not ended. If it declares readiness, it is ready.
    Running,
    /// Its run was asked to stop and has not ended yet.
    Stopping(Cause),
    /// Its last run failed, or another one did with which it is restarted; it waits before the next run.
    #[non_exhaustive]
    Backoff {
        /// How its last run ended.
        exit: Exit,
        /// When the next run begins, by tokio's clock ([`Instant::into_std`] is that of `std`).
        until: Instant,
    },
    /// It ended for good.
    Ended(Exit),
    /// It was never started.
    Refused(SpawnError),
}

impl WorkerStatus {
    /// Whether it will never run (again).
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::Refused(_))
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn exit(&self) -> Option<&Exit> {
        match self {
            Self::Ended(exit) => Some(exit),
            _ => None,
        }
    }
}

impl fmt::Display for WorkerStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Waiting => f.write_str("waiting for its turn"),
            Self::Running => f.write_str("running"),
            Self::Stopping(cause) => write!(f, "stopping: {cause}"),
            Self::Backoff { exit, until } => {
                let rest = until.saturating_duration_since(Instant::now());
                write!(f, "waiting to restart in {rest:.1?}: {exit}")
            }
            Self::Ended(exit) => exit.fmt(f),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

/// Why a worker was never started.
///
/// A refusal is an [event](crate::events::EventKind::Refused), a warning in the log and an incident of
/// [`ControlPanel::status`](crate::ControlPanel::status) and of the [`ShutdownReport`](crate::ShutdownReport), even if
/// the handle is ignored. The report's [`verdict`](crate::ShutdownReport::verdict) is then
/// [`Failed`](crate::supervision::Verdict::Failed), except for a full [`Backlog`](Self::Backlog). None of this applies to a worker
/// that is refused because its panel shuts down.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnError {
    /// The panel had ended or was ending: it was shut down or dropped, or a worker failed too often for it to go on.
    ShutDown,
    /// The panel's runtime is gone: no runtime could be reached to run it.
    RuntimeGone,
    /// It comes `after` a worker of this name, and none lives.
    UnknownAfter(Name),
    /// Several workers come `after` each other in a cycle. This is one of them.
    CircularAfter(Name),
    /// It is configured to be restarted, but its factory makes only one run.
    RunsOnce,
    /// It is configured to end the panel when it fails too often, but is never restarted, or without limit, so that can
    /// never happen. Or its group is, and no member of it is restarted, or the group's intensity is unlimited.
    EscalatesNever,
    /// Too many tasks are waiting already. An incident, after which the verdict is at worst
    /// [`Recovered`](crate::supervision::Verdict::Recovered): the limit holds, and no worker failed for good.
    Backlog,
    /// Its group was dropped without being started.
    GroupNotStarted,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShutDown => f.write_str(
                "the panel ended before this worker was spawned, by a shutdown or as a worker failed too often: spawn it earlier, or \
                 on a new panel",
            ),
            Self::RuntimeGone => f.write_str(
                "the panel's runtime is gone: keep it alive as long as the panel, or let the panel have its own",
            ),
            Self::UnknownAfter(name) => write!(
                f,
                "it comes after `{name}`, and no living worker has that name: spawn `{name}` first, or both in one group"
            ),
            Self::CircularAfter(name) => {
                write!(f, "`{name}` would come after itself, through the workers that it comes after: remove one `after`")
            }
            Self::RunsOnce => f.write_str(
                "it is to be restarted, but it was made to run once: annotate it with `restart = …`, or make it with \
                 `Worker::new`",
            ),
            Self::EscalatesNever => f.write_str(
                "it, or its group, is to end the panel when it fails too often, which it cannot, as it is never restarted, or \
                 without limit: give it `.restart(…)`, and `Intensity::new(0, …)` to end the panel at its first failure",
            ),
            Self::Backlog => f.write_str("too many tasks wait already: try again later, or raise the backlog"),
            Self::GroupNotStarted => f.write_str("its group was dropped before it was started: call `start` on the group"),
        }
    }
}

impl Error for SpawnError {}
