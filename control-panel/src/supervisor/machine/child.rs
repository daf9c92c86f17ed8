//! One worker, as the machine sees it.

use tokio::time::Instant;

use super::{GroupId, Place};
use crate::{
    lifecycle::{Cause, Escalate, Exit, Intensity, OnStuck, Restart, Retry, SpawnError, Window},
    supervisor::options::Options,
    util::Name,
};

/// How a worker is supervised, given when it is spawned.
#[derive(Debug, Clone)]
pub(crate) struct ChildSpec {
    pub(crate) name: Name,
    pub(crate) options: Box<Options>,
    /// The seed of its jitter.
    pub(crate) seed: u64,
    pub(crate) group: Option<GroupId>,
    pub(crate) place: Option<Place>,
}

impl ChildSpec {
    /// Whether another run follows a failed or stuck one.
    pub(super) fn is_restarted(&self) -> bool {
        self.options.restart != Restart::Never || self.options.on_stuck == OnStuck::Restart
    }

    /// Checks that the spec is consistent, as far as a group's member goes.
    pub(super) fn check(&self) -> Result<(), SpawnError> {
        if !self.options.repeatable && self.is_restarted() { Err(SpawnError::RunsOnce) } else { Ok(()) }
    }

    /// Checks the spec of a worker outside any group, where its own `escalate` applies.
    pub(super) fn check_alone(&self) -> Result<(), SpawnError> {
        self.check()?;
        let fails_too_often = self.is_restarted() && !self.options.intensity().is_unlimited();
        let never = self.options.escalate == Escalate::Panel && !fails_too_often;
        if never { Err(SpawnError::EscalatesNever) } else { Ok(()) }
    }
}

/// The failure history of a worker.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) window: Window,
    pub(super) retry: Retry,
}

#[expect(clippy::struct_excessive_bools, reason = "what is known of it beside its state, in any combination")]
#[derive(Debug)]
pub(super) struct Child {
    pub(super) spec: ChildSpec,
    pub(super) state: State,
    pub(super) generation: u64,
    /// Allocated at the first failure, which most workers never have.
    failures: Option<Box<Failures>>,
    /// Its group is to stop it when its turn comes.
    pub(super) stop_pending: bool,
    /// The watchdog found its run stuck.
    pub(super) stuck: bool,
    /// It, or the whole panel, is being stopped because it is stuck.
    pub(super) stopped_as_stuck: bool,
    /// Its run has reported that it is ready.
    pub(super) ready: bool,
    /// Its run was not ready in time, and is stopped for that.
    pub(super) late: bool,
}

impl Child {
    pub(super) fn new(spec: ChildSpec, state: State) -> Self {
        Self {
            spec,
            state,
            generation: 0,
            failures: None,
            stop_pending: false,
            stuck: false,
            stopped_as_stuck: false,
            ready: false,
            late: false,
        }
    }

    pub(super) fn failures(&mut self) -> &mut Failures {
        let ChildSpec { options, seed, .. } = &self.spec;
        self.failures.get_or_insert_with(|| {
            let window = Window::new(options.intensity());
            Box::new(Failures { window, retry: Retry::new(options.backoff, *seed) })
        })
    }

    /// Its restarts within the period of its intensity.
    pub(super) fn restarts(&self, now: Instant) -> (u32, Intensity) {
        match &self.failures {
            Some(failures) => failures.window.standing(now),
            None => (0, self.spec.options.intensity()),
        }
    }

    /// The worker reports that it is healthy.
    pub(super) fn healthy(&mut self) {
        if let Some(failures) = &mut self.failures {
            failures.retry.reset();
        }
    }

    /// Returns how the run counts as having ended. An exit is not clean if the run was stopped because it was stuck or
    /// late, or because the runtime is gone: then the run should have gone on.
    pub(super) fn verdict(&mut self, exit: Exit) -> Exit {
        let stopped_as_stuck = std::mem::take(&mut self.stopped_as_stuck);
        let late = std::mem::take(&mut self.late);
        match self.state {
            _ if !exit.is_clean() => exit,
            _ if stopped_as_stuck => Exit::Stuck,
            _ if late => Exit::NotReady,
            State::Stopping { cause: Cause::RuntimeGone, .. } => Exit::Aborted,
            _ => exit,
        }
    }

    /// Whether this run is still executing, cancelled or not.
    pub(super) fn runs(&self, generation: u64) -> bool {
        self.generation == generation && (self.is_running() || self.is_stopping())
    }

    /// Whether it declares readiness and has not reported it yet.
    pub(super) fn is_awaited(&self) -> bool {
        self.spec.options.run.ready_within.is_some() && !self.ready
    }

    pub(super) fn running_since(&self) -> Option<Instant> {
        match self.state {
            State::Running { since } => Some(since),
            _ => None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.state, State::Stopping { .. })
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.state, State::Leaving { .. })
    }

    pub(super) fn group(&self) -> Option<GroupId> {
        self.spec.group
    }
}

#[derive(Debug)]
pub(super) enum State {
    /// It is not its turn: another member of its group comes first, its pool is full, or the task that it replaces
    /// still lives.
    Waiting,
    /// Its next run is to begin, not before `at`.
    Due {
        at: Option<Instant>,
    },
    Running {
        since: Instant,
    },
    /// Its run is cancelled.
    Stopping {
        cause: Cause,
        then: AfterStop,
    },
    /// Nothing of it runs, and nothing will. Its task cleans up.
    Leaving {
        exit: Exit,
        cause: Option<Cause>,
    },
}

/// What follows once a cancelled run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterStop {
    End,
    Again,
    /// Treat the stop as a failure: another run follows if the intensity allows one.
    Retry {
        since: Instant,
    },
    /// Hold: its group starts it when all have stopped.
    Hold,
}
