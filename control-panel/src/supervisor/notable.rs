//! Which events of a worker's life a sleeping loop is woken for.
//!
//! For what a status shows. But a worker that fails as soon as it starts, and does not wait between, changes its status faster
//! than anything can show it: it must not keep a loop awake.

use std::{mem, time::Duration};

use tokio::time::Instant;

use crate::lifecycle::{cause::Cause, event::EventKind};

/// A run, and a wait for the next one, that is shorter than this is not worth a frame: about that of a 60 Hz loop.
pub(super) const BRIEF: Duration = Duration::from_millis(16);

/// For what of the workers a sleeping loop is woken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wakes {
    Never,
    #[default]
    ForStatus,
    ForEveryEvent,
}

/// Whether, and when, a sleeping loop is to be woken for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    No,
    Now,
    /// Once nothing has happened to the worker for a moment: a [`Timer`](crate::util::timer::Timer) is to be set.
    Settled,
}

/// What is known of one worker's present run.
#[derive(Debug, Default)]
pub(super) struct Notable {
    /// When it began.
    started: Option<Instant>,
    /// Whether the loop was not woken for what the worker's status is now.
    hidden: bool,
    /// Whether it was not woken for the start of this run.
    quiet: bool,
    /// Set while what was last looked at is over and the loop was not woken since: when the last event was. One that fails
    /// without pause is looked at between two runs again and again, and a wake each time would keep the loop awake.
    unsettled: Option<Instant>,
    /// Whether a timer is set.
    has_timer: bool,
}

impl Notable {
    /// Whether a sleeping loop is to be woken for this event, now, of a worker in its `generation`th run. `seen` says whether
    /// the status before this one was looked at and was not `Running`: then that is not left standing.
    pub(super) fn wakes(
        &mut self,
        kind: &EventKind,
        generation: u64,
        seen: bool,
        now: &dyn Fn() -> Instant,
    ) -> Wake {
        if self.is_news(kind, generation) {
            self.unsettled = None;
            return Wake::Now;
        }
        if seen || self.unsettled.is_some() {
            self.unsettled = Some(now());
            if !mem::replace(&mut self.has_timer, true) {
                return Wake::Settled;
            }
        }
        Wake::No
    }

    /// The timer rang: when it is to ring next, if it is, and whether the loop is to be woken.
    pub(super) fn settle(&mut self, now: Instant) -> (Option<Instant>, bool) {
        let next = self.unsettled.map(|last| last + BRIEF).filter(|&settled| settled > now);
        self.has_timer = next.is_some();
        (next, next.is_none() && self.unsettled.take().is_some())
    }

    fn is_news(&mut self, kind: &EventKind, generation: u64) -> bool {
        match kind {
            // Its start follows.
            EventKind::Spawned => return false,
            EventKind::Started => {
                self.started = Some(Instant::now());
                self.quiet = mem::take(&mut self.hidden);
                return !self.quiet;
            }
            EventKind::Ready => return !mem::take(&mut self.quiet),
            EventKind::Waiting if generation == 0 => return false,
            EventKind::Waiting => return !self.hidden,
            EventKind::BackingOff(wait) if self.hidden && *wait < BRIEF => return false,
            EventKind::Exited(_) | EventKind::Stopping(Cause::Dependency | Cause::Stuck)
                if generation > 1 && self.is_brief() =>
            {
                self.hidden = true;
                return false;
            }
            // Followed by what the status shows, if that changes.
            EventKind::Exited(exit) if exit.is_clean() => return false,
            _ => {}
        }
        self.hidden = false;
        true
    }

    fn is_brief(&self) -> bool {
        self.started.is_some_and(|started| started.elapsed() < BRIEF)
    }
}
