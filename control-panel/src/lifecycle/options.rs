//! How a worker, or a group, is supervised.

use super::intensity::Intensity;

/// How a worker stops when it is asked to.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cancel {
    /// Its future is dropped at the next await. The default: right for every worker whose awaits are
    /// cancel-safe, as `send` and all methods of [`Context`](crate::Context) are.
    #[default]
    Drop,
    /// It is notified ([`Context::cancelled`](crate::Context::cancelled)) and finishes by itself; its future is dropped
    /// at the end of its grace period.
    Cooperative,
}

/// What happens to the panel when a worker, or a group, failed more often than its [`Intensity`] allows.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Escalate {
    /// Nothing: the worker, or the group, stays down, as events, status and report show. The default.
    #[default]
    Never,
    /// All workers are stopped, with the cause [`Escalated`](crate::supervision::Cause::Escalated), and `on_ready` is called: the
    /// panel's status then has a [`Warning::Escalated`](crate::frame::Warning::Escalated), and the loop should shut down.
    Panel,
}

impl Escalate {
    /// The default intensity.
    pub(crate) fn intensity(self) -> Intensity {
        match self {
            Self::Never => Intensity::default(),
            Self::Panel => Intensity::of_escalating(),
        }
    }
}

/// Whether an idle panel suspends a worker.
///
/// A panel is idle when it has not been [touched](crate::ControlPanel::touch) for as long as
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

/// What happens to a worker that is found stuck.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnStuck {
    /// Events and status show it. The default.
    #[default]
    Warn,
    /// Its run is asked to stop, with the cause [`Stuck`](crate::supervision::Cause::Stuck), and the next one begins once it has
    /// really ended: after the backoff, and within the intensity, as after a failure, even with
    /// [`Restart::Never`](crate::Restart::Never). Requires a worker that can run more than once. A run that stops when
    /// asked has the exit [`Stuck`](crate::Exit::Stuck), an incident of the report.
    Restart,
    /// All workers are stopped, as by [`Escalate::Panel`](crate::supervision::Escalate::Panel); the exit of this one is
    /// [`Stuck`](crate::Exit::Stuck), if it stops.
    Escalate,
}

/// Which workers of a group are restarted when one fails. (Erlang/OTP's supervisor strategies.) A worker that is
/// restarted [by hand](crate::WorkerHandle::restart) did not fail, and is restarted alone.
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
/// A worker is significant if it is declared so ([`Worker::significant`](crate::Worker::significant)); it ends by
/// itself if it ends and is not restarted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// No. The default.
    #[default]
    Never,
    /// When the first significant worker ends.
    AnySignificant,
    /// When the last significant worker ends.
    AllSignificant,
}
