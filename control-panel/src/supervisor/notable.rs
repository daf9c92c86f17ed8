//! Which events of a worker's life wake a sleeping loop: a debounce.
//!
//! The loop is woken for changes that a status shows. But a worker that fails as soon as it starts, and has no backoff,
//! changes its status faster than anything can display it; it must not keep the loop awake.

use std::{mem, time::Duration};

use tokio::time::Instant;

use crate::lifecycle::{Cause, EventKind};

/// A run, or a wait for the next one, that is shorter than this is not worth a frame: about one frame at 60 Hz.
pub(super) const BRIEF: Duration = Duration::from_millis(16);

/// Which of the workers' events wake a sleeping loop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wakes {
    Never,
    #[default]
    ForStatus,
    ForEveryEvent,
}

/// Whether and when to wake a sleeping loop for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    No,
    Now,
    /// Once nothing has happened to the worker for a moment: the caller sets a [`Timer`](crate::util::timer::Timer).
    Settled,
}

/// What is known of a worker's current run.
#[derive(Default)]
pub(super) struct Notable {
    /// When it began.
    started: Option<Instant>,
    /// Whether the current status came without a wake.
    hidden: bool,
    /// Whether the start of this run came without a wake.
    quiet: bool,
    /// The time of the last event, set if the status last read is outdated and the loop was not woken since. A worker
    /// that fails without pause has its status read between two runs again and again, and a wake for each would keep
    /// the loop awake.
    unsettled: Option<Instant>,
    /// Whether a timer is set.
    has_timer: bool,
}

impl Notable {
    /// Whether to wake a sleeping loop for this event, of a worker in its `generation`th run. `seen` says whether the
    /// previous status was read while it was not `Running`: then the reader must not be left with it.
    pub(super) fn wakes(&mut self, kind: &EventKind, generation: u64, seen: bool, now: Instant) -> Wake {
        if self.is_news(kind, generation, now) {
            self.unsettled = None;
            return Wake::Now;
        }
        if seen || self.unsettled.is_some() {
            self.unsettled = Some(now);
            if !mem::replace(&mut self.has_timer, true) {
                return Wake::Settled;
            }
        }
        Wake::No
    }

    /// The timer fired. Returns when it must fire again, if at all, and whether to wake the loop.
    pub(super) fn settle(&mut self, now: Instant) -> (Option<Instant>, bool) {
        let next = self.unsettled.map(|last| last + BRIEF).filter(|&settled| settled > now);
        self.has_timer = next.is_some();
        (next, next.is_none() && self.unsettled.take().is_some())
    }

    fn is_news(&mut self, kind: &EventKind, generation: u64, now: Instant) -> bool {
        match kind {
            // Its start follows.
            EventKind::Spawned => return false,
            EventKind::Started => {
                self.started = Some(now);
                self.quiet = mem::take(&mut self.hidden);
                return !self.quiet;
            }
            EventKind::Ready => return !mem::take(&mut self.quiet),
            EventKind::Waiting if generation == 0 => return false,
            EventKind::Waiting => return !self.hidden,
            EventKind::BackingOff(wait) if self.hidden && *wait < BRIEF => return false,
            EventKind::Exited(_) | EventKind::Stopping(Cause::Dependency | Cause::Stuck)
                if generation > 1 && self.is_brief(now) =>
            {
                self.hidden = true;
                return false;
            }
            // A change that the status shows follows, if there is any.
            EventKind::Exited(exit) if exit.is_clean() => return false,
            _ => {}
        }
        self.hidden = false;
        true
    }

    fn is_brief(&self, now: Instant) -> bool {
        self.started.is_some_and(|started| now.saturating_duration_since(started) < BRIEF)
    }
}
