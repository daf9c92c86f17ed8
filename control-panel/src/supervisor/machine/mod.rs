//! The supervisor's decisions as a pure state machine (sans-I/O): events go in, actions come out.
//!
//! It has no task, no lock and no clock of its own. On the tokio side, each worker's [`task`](super::task) asks for its
//! next step ([`Machine::next`]) and reports the outcome; the registry executes the [`Action`]s.
//!
//! | file | what |
//! |---|---|
//! | `child` | one worker: its state and its child spec |
//! | `exits` | what follows the exit of a run |
//! | `group` | workers that are restarted and stopped together |
//! | `stop_order` | which workers stop before which |
//! | `pool` | tasks with a limit and tasks with a key |
//! | `progress` | what follows from what a run, its time limit and the watchdog report: healthy, ready, late, stuck |
//! | `check` | the invariants, asserted after each call |
//!
//! A worker is always in exactly one [`State`], and only its own task moves it into `Running` ([`Machine::begin`]) and
//! out of it ([`Machine::exited`]). So no two runs of a worker overlap, and a stop in between is final.

mod check;
mod child;
mod exits;
mod group;
mod pool;
mod progress;
mod stop_order;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio::time::Instant;

pub(crate) use self::{
    child::ChildSpec,
    group::{GroupId, GroupSpec},
    pool::{KeyId, Place, PoolId},
};
use self::{
    child::{AfterStop, Child, State},
    group::Group,
    pool::{Admitted, Pools, Replaced},
    stop_order::StopOrder,
};
use super::origin_map::OriginMap;
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind, Exit, Intensity, RestartError, SpawnError},
};

/// The capacity that the list of actions keeps between two calls.
const KEPT: usize = 64;

/// What the tokio side must do, in this order.
#[derive(Debug)]
pub(crate) enum Action {
    /// Wake the worker's task, which then asks for its next step.
    Wake(Origin),
    /// Cancel the worker's current run and log that.
    Cancel(Origin, Cause),
    /// The worker ended for good and nothing of it is left. Log the exit of its last run, unless that is logged
    /// already, and then the end of the worker.
    End(Origin, Option<Exit>, EventKind),
    /// Drop this exit without logging it. It is an action because the drop runs the user's code.
    Drop(Exit),
    /// The worker backs off until then. Log that, unless the moment has passed.
    BackOff(Origin, Instant),
    /// Log this event.
    Log(Origin, EventKind),
    /// The panel cannot go on: a worker failed too often, or is stuck.
    Escalate,
}

/// The next step of a worker's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directive {
    /// Wait until woken.
    Wait,
    /// Begin a run, not before this moment.
    Begin(Option<Instant>),
    /// Clean up and leave.
    Leave,
}

#[derive(Debug, Default)]
pub(crate) struct Machine {
    members: OriginMap<Child>,
    groups: BTreeMap<GroupId, Group>,
    pools: Pools,
    /// The order in which the remaining workers stop. Set once all are to stop.
    stopping: Option<StopOrder>,
    actions: Vec<Action>,
}

impl Machine {
    /// Takes the actions that have accumulated since the last call.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        check::check(self);
        std::mem::take(&mut self.actions)
    }

    /// Returns the emptied list of actions for reuse.
    pub(crate) fn give_back(&mut self, actions: Vec<Action>) {
        // A list grown for thousands of workers is kept only while all of them are being stopped.
        if actions.capacity() <= KEPT || self.is_stopping() && !self.members.is_empty() {
            self.actions = actions;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// The restarts of a worker, or of its group, within the period of the intensity.
    pub(crate) fn restarts(&self, id: Origin, now: Instant) -> Option<(u32, Intensity)> {
        let member = self.members.get(id)?;
        let group = member.group().and_then(|group| self.groups.get(&group));
        Some(group.map_or_else(|| member.restarts(now), |group| group.window.standing(now)))
    }

    /// The group that a worker is in.
    pub(crate) fn group_of(&self, id: Origin) -> Option<GroupId> {
        self.members.get(id)?.group()
    }

    /// How many workers live.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Admits a worker.
    pub(crate) fn admit(&mut self, id: Origin, spec: ChildSpec) -> Result<(), SpawnError> {
        if self.is_stopping() {
            return Err(SpawnError::ShutDown);
        }
        spec.check_alone()?;
        self.check_order(&[(id, &spec)])?;
        let Admitted { waits, replaces } = self.pools.admit(id, spec.place)?;
        let state = if waits { State::Waiting } else { State::Due { at: None } };
        self.members.insert(id, Child::new(spec, state));
        self.log(id, EventKind::Spawned);
        if waits {
            self.log(id, EventKind::Waiting);
        }
        match replaces {
            Some(Replaced::Placed(before)) => self.stop(before, Cause::Replaced),
            Some(Replaced::CalledOff(before)) => {
                if let Some(member) = self.members.get_mut(before) {
                    member.spec.place = None;
                }
                self.stop(before, Cause::Replaced);
            }
            None => {}
        }
        Ok(())
    }

    /// Returns the next step of the worker's task.
    pub(crate) fn next(&self, id: Origin) -> Directive {
        match self.members.get(id).map(|member| &member.state) {
            Some(&State::Due { at }) => Directive::Begin(at),
            Some(State::Leaving { .. }) | None => Directive::Leave,
            Some(State::Waiting | State::Running { .. } | State::Stopping { .. }) => Directive::Wait,
        }
    }

    /// The worker's task is about to begin a run. Returns the run's number, or `None` if the run is no longer wanted.
    pub(crate) fn begin(&mut self, id: Origin, now: Instant) -> Option<u64> {
        let member = self.members.get_mut(id)?;
        let State::Due { at } = member.state else { return None };
        if at > Some(now) {
            return None;
        }
        member.state = State::Running { since: now };
        member.generation += 1;
        member.ready = false;
        let (generation, group) = (member.generation, member.group());
        self.log(id, EventKind::Started);
        self.advance(group);
        Some(generation)
    }

    /// Stops one worker for good.
    pub(crate) fn stop(&mut self, id: Origin, cause: Cause) {
        let Some(place) = self.members.get(id).map(|member| member.spec.place) else { return };
        self.note_stop(place, cause);
        let Some(member) = self.members.get_mut(id) else { return };
        let group = member.group();
        match &mut member.state {
            State::Waiting => self.leave(id, Exit::Cancelled, Some(cause)),
            State::Due { at } => {
                // The next member of its group takes over its wait.
                let at = at.take();
                self.inherit(group, at);
                self.leave(id, Exit::Cancelled, Some(cause));
            }
            State::Running { .. } => self.cancel(id, cause, AfterStop::End),
            // It was stopping for a restart, and now ends instead.
            State::Stopping { then, .. } if *then != AfterStop::End => self.cancel(id, cause, AfterStop::End),
            State::Stopping { .. } | State::Leaving { .. } => {}
        }
        self.advance(group);
    }

    /// The runtime is gone while the worker's task runs elsewhere: the worker is stopped for good, like those whose
    /// tasks the runtime dropped. During a shutdown it keeps its turn, as they do.
    pub(crate) fn task_dropped(&mut self, id: Origin) {
        if self.is_stopping() {
            return;
        }
        let Some(member) = self.members.get_mut(id) else { return };
        match &mut member.state {
            State::Waiting | State::Due { .. } => {
                let (group, at) = (
                    member.group(),
                    if let State::Due { at } = &mut member.state { at.take() } else { None },
                );
                self.inherit(group, at);
                self.log(id, EventKind::Exited(Exit::Aborted));
                self.leave(id, Exit::Aborted, Some(Cause::RuntimeGone));
                self.advance(group);
            }
            _ => self.stop(id, Cause::RuntimeGone),
        }
    }

    /// The wait before the next run is over, whichever thread notices.
    pub(crate) fn wait_is_over(&mut self, id: Origin, now: Instant) {
        if let Some(State::Due { at }) = self.members.get_mut(id).map(|member| &mut member.state) {
            if at.is_some_and(|at| at <= now) {
                *at = None;
                self.log(id, EventKind::Waiting);
            }
        }
    }

    /// Restarts one worker: its run is cancelled, and the next follows immediately. This neither counts towards its
    /// intensity nor waits for its backoff.
    pub(crate) fn restart(&mut self, id: Origin) -> Result<(), RestartError> {
        if self.is_stopping() {
            return Err(RestartError::Ended);
        }
        let ending = self.is_ending(self.members.get(id).and_then(Child::group));
        let member = self.members.get_mut(id).ok_or(RestartError::Ended)?;
        if !member.spec.options.repeatable {
            return Err(RestartError::RunsOnce);
        }
        match &mut member.state {
            State::Leaving { .. } | State::Stopping { then: AfterStop::End, .. } => Err(RestartError::Ended),
            State::Waiting | State::Stopping { then: AfterStop::Hold, .. } => {
                let group = member.group();
                self.skip_backoff(group);
                Ok(())
            }
            State::Stopping { then: AfterStop::Again, .. } => Ok(()),
            State::Due { at } => {
                if at.take().is_some() {
                    self.actions.push(Action::Wake(id));
                    self.log(id, EventKind::Waiting);
                }
                Ok(())
            }
            State::Stopping { then: then @ AfterStop::Retry { .. }, .. } => {
                *then = AfterStop::Again;
                Ok(())
            }
            State::Running { .. } if ending => Err(RestartError::Ended),
            // Its group is about to restart it anyway.
            State::Running { .. } if member.stop_pending => {
                let group = member.group();
                self.skip_backoff(group);
                Ok(())
            }
            State::Running { .. } => {
                self.cancel(id, Cause::Restart, AfterStop::Again);
                Ok(())
            }
        }
    }

    /// Cancels the current run, or changes the cause of an earlier cancellation.
    fn cancel(&mut self, id: Origin, cause: Cause, then: AfterStop) {
        let Some(member) = self.members.get_mut(id) else { return };
        let before = std::mem::replace(&mut member.state, State::Stopping { cause, then });
        if !matches!(before, State::Stopping { cause: before, .. } if before == cause) {
            self.actions.push(Action::Cancel(id, cause));
        }
    }

    /// Logs an event that needs no decision.
    pub(crate) fn note(&mut self, id: Origin, kind: EventKind) {
        if self.members.contains(id) {
            self.log(id, kind);
        }
    }

    fn log(&mut self, id: Origin, kind: EventKind) {
        self.actions.push(Action::Log(id, kind));
    }
}
