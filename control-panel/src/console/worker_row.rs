//! A worker.

use std::{fmt, time::Duration};

use super::text::PanicText;

/// A worker at one moment.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct WorkerRow {
    /// Its name.
    pub name: String,
    /// The number of its origin, which distinguishes workers of one name and is kept across restarts.
    pub instance: u64,
    /// Its source, as the source's `Debug` shows it.
    pub source: String,
    /// How its code is run.
    pub kind: WorkerKind,
    /// How it is, given when it was last heard of.
    pub state: WorkerState,
    /// The same with what belongs to it, in one line: `restarts in 1.2s: failed: no route to host`.
    pub text: String,
    /// For how long its status has been what it is.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub since: Duration,
    /// How long ago it was last heard of: a change of its status, a heartbeat, an intent.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub heard: Duration,
    /// The number of its current run: 0 before the first.
    pub generation: u64,
    /// The number of its group, if it is in one: workers of one number are restarted and stopped together.
    #[cfg_attr(feature = "serde", serde(default))]
    pub group: Option<u64>,
    /// Restarts that count, of it or of its group, within the period of its [`Intensity`](crate::supervision::Intensity).
    pub restarts: u32,
    /// How many of them are allowed; `None` without a limit.
    pub restarts_allowed: Option<u32>,
    /// That period.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub restarts_within: Option<Duration>,
    /// How long until its next run, while it waits to be restarted.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub backoff_left: Option<Duration>,
    /// How its last run that is over failed, if it did: in one line.
    pub last_error: Option<String>,
    /// That panic, if it was one.
    pub last_panic: Option<PanicText>,
    /// How long ago it sent its last heartbeat, if it sent one.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds::option", default))]
    pub heartbeat: Option<Duration>,
    /// Its intents that were accepted, as of the last frame.
    pub sent: u64,
    /// The same a second, since the look before.
    pub rate: f64,
    /// Its lossy intents that were dropped for want of room.
    pub dropped: u64,
    /// Its intents that were handed back.
    pub refused: u64,
    /// How many of its sends wait for a slot.
    pub waiting: usize,
    /// For how long its sends waited for a slot since the panel is observed, added up.
    #[cfg_attr(feature = "serde", serde(with = "crate::util::seconds"))]
    pub blocked: Duration,
}

/// How a worker's code is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerKind {
    /// A future on the runtime.
    Async,
    /// A future that stays on one thread.
    Local,
    /// A call on the blocking pool.
    Blocking,
    /// A call on a thread of its own.
    Thread,
}

/// How a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerState {
    /// Spawned, and not begun or not ready yet.
    Starting,
    /// It waits for its turn.
    Waiting,
    /// It runs, and was heard of within the last 5 s.
    Running,
    /// The supervisor has it as running, but nothing was heard of it for 5 s: it waits for something, or hangs.
    Quiet,
    /// It is [suspended](crate::WorkerHandle::suspend).
    Suspended,
    /// The watchdog finds it stuck.
    Stuck,
    /// It was asked to stop.
    Stopping,
    /// It failed, and waits to be restarted.
    Backoff,
    /// Its panel is gone. What its row says is what was last known.
    Gone,
}

impl WorkerState {
    /// Whether somebody should look: it is stuck, failed, or is not heard of where it should be.
    ///
    /// ```
    /// use control_panel::console::WorkerState;
    ///
    /// assert!(WorkerState::Backoff.is_trouble());
    /// assert!(!WorkerState::Suspended.is_trouble());
    /// ```
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Stuck | Self::Backoff | Self::Gone)
    }
}

impl fmt::Display for WorkerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Quiet => "quiet",
            Self::Suspended => "suspended",
            Self::Stuck => "stuck",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Gone => "gone",
        })
    }
}

impl fmt::Display for WorkerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Async => "async",
            Self::Local => "local",
            Self::Blocking => "blocking",
            Self::Thread => "thread",
        })
    }
}
