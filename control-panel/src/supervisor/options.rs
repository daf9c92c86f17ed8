//! A worker's options: the one type that the macro and the builder fill in, and that the machine, the cell and the watchdog
//! read. A new option is a field here, a setter in `worker/setters.rs` and a key of the macro.

use std::time::Duration;

use super::{inbox_cell::InboxOptions, kinds::Kind};
use crate::{
    lifecycle::{Backoff, Cancel, Escalate, Intensity, OnStuck, Restart, Suspend},
    util::Name,
};

/// The least limit of the watchdog: a shorter one would report every pause of the operating system.
const LEAST_LIMIT: Duration = Duration::from_millis(10);

/// How a worker is supervised.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) run: RunOptions,
    /// Whether the factory supports more than one run.
    pub(crate) repeatable: bool,
    pub(crate) restart: Restart,
    /// `None` is the default, which depends on `escalate`.
    pub(crate) intensity: Option<Intensity>,
    pub(crate) backoff: Backoff,
    pub(crate) escalate: Escalate,
    pub(crate) on_stuck: OnStuck,
    /// The names of the workers that are stopped only after this one.
    pub(crate) after: Vec<Name>,
    /// Whether its group ends when it does.
    pub(crate) significant: bool,
    pub(crate) suspend: Suspend,
    pub(crate) inbox: InboxOptions,
}

/// What each of its runs is held to. The worker's cell has a copy, and a stop reads the first two fields.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct RunOptions {
    pub(crate) kind: Kind,
    pub(crate) cancel: Cancel,
    pub(crate) grace: Duration,
    pub(super) stuck_after: Duration,
    pub(super) heartbeat: Option<Duration>,
    /// It must report readiness within this time.
    pub(crate) ready_within: Option<Duration>,
}

impl Options {
    /// The default for a worker of this kind.
    pub(crate) fn of(kind: Kind, repeatable: bool) -> Self {
        let run = RunOptions { kind, ..RunOptions::default() };
        Self { run, repeatable, ..Self::default() }
    }

    pub(crate) fn intensity(&self) -> Intensity {
        self.intensity.unwrap_or_else(|| self.escalate.intensity())
    }
}

impl RunOptions {
    /// For what is no worker: the watchdog has nothing to check.
    #[cfg(any(feature = "testing", test))]
    pub(crate) fn unwatched() -> Self {
        Self { grace: Duration::ZERO, stuck_after: Duration::MAX, ..Self::default() }
    }

    /// How long the watchdog lets one poll last. A thread that belongs to one worker may be busy for as long as it likes.
    pub(super) fn longest_poll(&self) -> Option<Duration> {
        let shares_a_thread = matches!(self.kind, Kind::Async | Kind::Local);
        (shares_a_thread && self.stuck_after < Duration::MAX).then_some(self.stuck_after)
    }

    /// The shorter of what the watchdog checks: one poll, and the time between two heartbeats.
    pub(super) fn shortest_limit(&self) -> Option<Duration> {
        self.longest_poll().into_iter().chain(self.heartbeat).min()
    }

    pub(crate) fn set_stuck_after(&mut self, time: Duration) {
        self.stuck_after = time.max(LEAST_LIMIT);
    }

    pub(crate) fn set_heartbeat(&mut self, every: Duration) {
        self.heartbeat = Some(every.max(LEAST_LIMIT));
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            run: RunOptions::default(),
            repeatable: true,
            restart: Restart::default(),
            intensity: None,
            backoff: Backoff::default(),
            escalate: Escalate::Never,
            on_stuck: OnStuck::Warn,
            after: Vec::new(),
            significant: false,
            suspend: Suspend::default(),
            inbox: InboxOptions::default(),
        }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            kind: Kind::Async,
            cancel: Cancel::default(),
            grace: Duration::from_secs(5),
            stuck_after: Duration::from_secs(10),
            heartbeat: None,
            ready_within: None,
        }
    }
}
