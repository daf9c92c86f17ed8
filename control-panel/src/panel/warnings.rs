//! What a panel warns about, above all a runtime that does not run its workers.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, RuntimeFlavor};

use super::{ControlPanel, shared::Shared};
use crate::{
    frame::reducer::Warning,
    intent::Intent,
    telemetry,
    util::{panics, park},
};

/// How many frames are drained without any new worker being polled before it is a warning: about a second of a 60 Hz loop.
pub(super) const STARVED_FRAMES: u32 = 64;

/// Another thread needs time to poll them: in a loop faster than this, not every frame counts.
pub(super) const PACE: Duration = Duration::from_millis(10);

/// How many frames were drained since a new worker was last polled, and how many had been by then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Starved {
    polls: u64,
    frames: u32,
    /// Those of them that gave other threads time, and when the last one was.
    paced: u32,
    last: Option<Instant>,
    /// Whether the loop itself holds the only thread that could poll them: then waiting does not help.
    holds_runtime: bool,
}

impl Starved {
    fn is_found(self) -> bool {
        self.paced >= STARVED_FRAMES || self.holds_runtime && self.frames >= STARVED_FRAMES
    }

    /// Counts a frame.
    fn count(&mut self, runtime: &Handle) {
        self.frames = self.frames.saturating_add(1);
        let now = Instant::now();
        if self.last.is_none_or(|last| now - last >= PACE) {
            (self.paced, self.last) = (self.paced.saturating_add(1), Some(now));
        }
        // The test costs a caught panic, so it runs once, when it matters.
        if self.frames == STARVED_FRAMES {
            let inside = Handle::try_current().is_ok_and(|current| current.id() == runtime.id());
            let alone = runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
            self.holds_runtime = inside && alone && !park::may_block();
        }
    }
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// Detects a runtime that nothing drives, one whose threads are all blocked, and a loop that drains on a current-thread
    /// runtime without ever awaiting: none of these runs the workers that the loop waits for.
    pub(super) fn watch_for_starvation(&mut self) {
        let supervisor = &self.shared.supervisor;
        let unpolled = supervisor.registry().unpolled();
        // As in nearly every frame.
        let before = self.shared.starving.load(Ordering::Relaxed);
        if unpolled == 0 && self.starved.frames == 0 && !before && !self.pulse.is_needed() {
            return;
        }
        let polls = supervisor.registry().first_polls();
        let starved = &mut self.starved;
        if unpolled == 0 || polls != starved.polls {
            *starved = Starved { polls, ..Starved::default() };
        } else {
            starved.count(supervisor.runtime());
        }
        let found = unpolled > 0 && (starved.is_found() || supervisor.registry().is_overdue());
        if before != found {
            self.shared.starving.store(found, Ordering::Relaxed);
        }
        if found && !before {
            telemetry::warn(&self.shared.name, Warning::WorkersNeverPolled { workers: unpolled });
        }
        let workers = supervisor.registry().on_runtime();
        let before = self.shared.not_driven.load(Ordering::Relaxed);
        let missing = self.pulse.count(supervisor.runtime(), workers, before);
        if before != missing {
            self.shared.not_driven.store(missing, Ordering::Relaxed);
        }
        if missing && !before && !found {
            telemetry::warn(&self.shared.name, Warning::RuntimeNotDriven { workers });
        }
    }
}

impl<I: Intent, P: Send + Sync + 'static> Shared<I, P> {
    pub(super) fn warning(&self) -> Option<Warning> {
        let registry = self.supervisor.registry();
        if registry.has_escalated() {
            return Some(Warning::Escalated);
        }
        if registry.has_lost_its_runtime() {
            return Some(Warning::RuntimeGone);
        }
        let workers = registry.unpolled();
        if workers > 0 && (self.starving.load(Ordering::Relaxed) || registry.is_overdue()) {
            return Some(Warning::WorkersNeverPolled { workers });
        }
        let workers = registry.on_runtime();
        if workers > 0 && self.not_driven.load(Ordering::Relaxed) {
            return Some(Warning::RuntimeNotDriven { workers });
        }
        panics::ABORT.then_some(Warning::PanicsAbort)
    }
}
