//! How a worker is supervised.

use std::time::Duration;

use crate::{
    lifecycle::{
        intensity::Intensity,
        options::{Cancel, Escalate, Limits, OnStuck, Suspend},
        restart::{Backoff, Restart},
    },
    supervisor::{
        inbox_cell::{CAPACITY, Takes},
        kinds::Kind,
    },
    util::name::Name,
};

/// How a worker is supervised.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) kind: Kind,
    /// Whether the factory supports more than one run.
    pub(crate) repeatable: bool,
    pub(crate) restart: Restart,
    /// `None` is the default, which depends on `escalate`.
    pub(crate) intensity: Option<Intensity>,
    pub(crate) backoff: Backoff,
    pub(crate) cancel: Cancel,
    pub(crate) grace: Duration,
    pub(crate) escalate: Escalate,
    pub(crate) after: Vec<Name>,
    pub(crate) significant: bool,
    pub(crate) suspend: Suspend,
    pub(crate) takes: Takes,
    pub(crate) inbox_capacity: usize,
    pub(crate) stuck_after: Duration,
    pub(crate) heartbeat: Option<Duration>,
    pub(crate) on_stuck: OnStuck,
    pub(crate) ready_within: Option<Duration>,
}

impl Options {
    pub(crate) fn intensity(&self) -> Intensity {
        self.intensity.unwrap_or_else(|| self.escalate.intensity())
    }

    /// What the watchdog checks. A thread that belongs to one worker may be busy for as long as it likes.
    pub(crate) fn limits(&self) -> Limits {
        let polled = matches!(self.kind, Kind::Async | Kind::Local);
        Limits { poll: polled.then_some(self.stuck_after), heartbeat: self.heartbeat }
    }

    pub(crate) fn set_stuck_after(&mut self, time: Duration) {
        self.stuck_after = time.max(Limits::LEAST);
    }

    pub(crate) fn set_heartbeat(&mut self, every: Duration) {
        self.heartbeat = Some(every.max(Limits::LEAST));
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kind: Kind::Async,
            repeatable: true,
            restart: Restart::default(),
            intensity: None,
            backoff: Backoff::default(),
            cancel: Cancel::default(),
            grace: Duration::from_secs(5),
            escalate: Escalate::Never,
            after: Vec::new(),
            significant: false,
            suspend: Suspend::default(),
            takes: Takes::Nothing,
            inbox_capacity: CAPACITY,
            stuck_after: Duration::from_secs(10),
            heartbeat: None,
            on_stuck: OnStuck::Warn,
            ready_within: None,
        }
    }
}
