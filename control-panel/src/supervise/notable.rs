//! Which events of a worker's life a sleeping loop is woken for.
//!
//! For what a status shows. But a worker that fails as soon as it starts, and does not wait between, changes its status faster
//! than anything can show it: it must not keep a loop awake.

use std::{mem, time::Duration};

use tokio::time::Instant;

use super::{cause::Cause, events::EventKind};

/// A run, and a wait for the next one, that is shorter than this is not worth a frame: about that of a 60 Hz loop.
const BRIEF: Duration = Duration::from_millis(16);

/// For what of the workers a sleeping loop is woken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wakes {
    Never,
    #[default]
    ForStatus,
    ForEveryEvent,
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
}

impl Notable {
    /// Whether a sleeping loop is to be woken for this event of a worker in its `generation`th run. `seen` says whether the
    /// status before this one was looked at and was not `Running`: then that is not left standing.
    pub(super) fn wakes(&mut self, kind: &EventKind, generation: u64, seen: bool) -> bool {
        match kind {
            // Its start follows.
            EventKind::Spawned => return false,
            EventKind::Started => {
                self.started = Some(Instant::now());
                self.quiet = mem::take(&mut self.hidden) && !seen;
                return !self.quiet;
            }
            EventKind::Ready => return !mem::take(&mut self.quiet) || seen,
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
