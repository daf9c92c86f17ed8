//! What a panel warns of, first of all a frame loop that keeps its own workers from running.

use tokio::runtime::Handle;

use super::ControlPanel;
use crate::{intent::Intent, reducer::Warning, supervise::panics};

/// Frames drained without any worker of a current-thread runtime being polled, before that is a warning: about
/// a second of a 60 Hz loop.
const STARVED_FRAMES: u32 = 64;

/// How many frames were drained since a new worker was last polled, and how many had been by then.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Starved {
    frames: u32,
    polls: u64,
}

impl<I: Intent, P: Send + Sync + 'static> ControlPanel<I, P> {
    /// A loop that drains on a current-thread runtime and never awaits starves the workers it waits for.
    pub(super) fn watch_for_starvation(&mut self) {
        let Some(starved) = self.starved.as_mut() else { return };
        let supervisor = &self.shared.supervisor;
        let inside = Handle::try_current().is_ok_and(|current| current.id() == supervisor.runtime().id());
        let polls = supervisor.registry().first_polls();
        if !inside || supervisor.registry().unpolled() == 0 || polls != starved.polls {
            *starved = Starved { frames: 0, polls };
            return;
        }
        let frames = &mut starved.frames;
        *frames = frames.saturating_add(1);
        #[cfg(feature = "tracing")]
        if *frames == STARVED_FRAMES {
            let workers = supervisor.registry().unpolled();
            tracing::warn!(target: crate::observe::TARGET, panel = %self.name, "{}", Warning::WorkersNeverPolled { workers });
        }
    }

    pub(super) fn warning(&self) -> Option<Warning> {
        let registry = self.shared.supervisor.registry();
        if registry.has_escalated() {
            return Some(Warning::Escalated);
        }
        if registry.has_lost_its_runtime() {
            return Some(Warning::RuntimeGone);
        }
        let workers = registry.unpolled();
        let starved = self.starved.is_some_and(|starved| starved.frames >= STARVED_FRAMES);
        if starved && workers > 0 {
            return Some(Warning::WorkersNeverPolled { workers });
        }
        panics::ABORT.then_some(Warning::PanicsAbort)
    }
}
