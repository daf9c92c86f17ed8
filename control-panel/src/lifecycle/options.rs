//! How a worker, or a group of them, is to be supervised.

use std::time::Duration;

use super::intensity::Intensity;

/// What stops a worker that is told to stop.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cancel {
    /// Its future is dropped at the next await. The default: right for every worker whose awaits are
    /// cancel-safe, as `send` and all methods of [`Context`](crate::Context) are.
    #[default]
    Drop,
    /// It is told ([`Context::cancelled`](crate::Context::cancelled)) and finishes by itself; its future is dropped when its grace is over.
    Cooperative,
}

/// What becomes of the panel when a worker, or a group, failed more often than its [`Intensity`] allows.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escalate {
    /// Nothing: the worker, or the group, stays down, and events, status and report say so. The default.
    #[default]
    Never,
    /// Every worker is stopped, with the cause [`Escalated`](crate::Cause::Escalated), and `on_ready` is called: the panel's status then has a
    /// [`Warning::Escalated`](crate::Warning::Escalated), and the loop does well to shut down.
    Panel,
}

impl Escalate {
    /// How often is too often where nothing else is said.
    pub(crate) fn intensity(self) -> Intensity {
        match self {
            Self::Never => Intensity::default(),
            Self::Panel => Intensity::of_escalating(),
        }
    }
}

/// Whether an idle panel suspends a worker.
///
/// A panel is idle when nobody has [touched](crate::ControlPanel::touch) it for as long as
/// [`idle_after`](crate::PanelBuilder::idle_after) says.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Suspend {
    /// Only [`WorkerHandle::suspend`](crate::WorkerHandle::suspend) does.
    #[default]
    Never,
    /// Its gate closes when the panel becomes idle, and opens at the next touch.
    OnIdle,
}

/// What a worker found stuck comes to.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnStuck {
    /// Events and status say so. The default.
    #[default]
    Warn,
    /// Its generation is told to stop, with the cause [`Stuck`](crate::Cause::Stuck), and the next one begins once it really
    /// ended: after the backoff, and within the intensity, as after a failure, also with [`Restart::Never`](crate::Restart::Never). Needs a worker that can run more than once. A
    /// generation that stops when it is told that has the exit [`Stuck`](crate::Exit::Stuck), an incident of the report.
    Restart,
    /// Every worker is stopped, as by [`Escalate::Panel`](crate::Escalate::Panel); the exit of this one is
    /// [`Stuck`](crate::Exit::Stuck), if it stops.
    Escalate,
}

/// What is watched of a worker, and for how long it may stay the same.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Limits {
    /// Of a poll.
    pub(crate) poll: Option<Duration>,
    /// Between two heartbeats.
    pub(crate) heartbeat: Option<Duration>,
}

impl Limits {
    /// Limits below this would find every pause of the operating system.
    pub(crate) const LEAST: Duration = Duration::from_millis(10);

    pub(crate) fn shortest(self) -> Option<Duration> {
        self.poll.into_iter().chain(self.heartbeat).min()
    }
}

/// Who is restarted when a worker of a group fails. (Erlang/OTP's supervisor strategies.) One that is restarted
/// [by hand](crate::WorkerHandle::restart) did not fail, and starts anew alone.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// That worker alone. The default.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// That worker, and those that were spawned after it.
    RestForOne,
}

/// Whether a group ends when a significant worker of it ends by itself. (Erlang/OTP's automatic shutdown.)
///
/// A worker is significant if it says so ([`Worker::significant`](crate::Worker::significant)); it ends by itself when it is not started again.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// No. The default.
    #[default]
    Never,
    /// Yes, with the first.
    AnySignificant,
    /// Yes, with the last.
    AllSignificant,
}
