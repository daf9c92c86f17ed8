//! The supervisor's decisions, apart from tokio: what happened goes in, what is to be done comes out.
//!
//! Pure: no task, no lock, no clock of its own. The tokio side ([`task`](super::task)) asks each worker's
//! task what it is to do ([`Machine::next`]), tells what came of it, and executes the [`Action`]s.
//!
//! | file | what |
//! |---|---|
//! | `child` | one worker: its state and its child spec |
//! | `exits` | what follows the exit of a run |
//! | `group` | workers that are restarted and stopped together |
//! | `stop_order` | which workers stop before which |
//! | `pool` | tasks with a limit and tasks with a key |
//! | `readiness` | what is started only when others are ready |
//! | `stuck` | what the watchdog's findings come to |
//!
//! A worker is always in exactly one [`State`], and only its own task moves it into `Running` ([`Machine::begin`]) and out of
//! it ([`Machine::exited`]): so no two generations of it overlap, and whatever stops it in between is final.

mod child;
mod exits;
mod group;
mod pool;
mod readiness;
mod stop_order;
mod stuck;
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
    intent::order::Origin,
    lifecycle::{cause::Cause, error::RestartError, event::EventKind, exit::Exit, status::Refusal},
};

/// How many actions there is room for between two calls.
const KEPT: usize = 64;

/// What the tokio side is to do, in this order.
#[derive(Debug)]
pub(crate) enum Action {
    /// The worker's task is to look what it is to do.
    Wake(Origin),
    /// The worker's running generation is told to stop, and those who listen are told of that.
    Cancel(Origin, Cause),
    /// The worker ended for good: nothing of it is left. Those who listen are told how its generation exited, unless they
    /// know, and then how the worker ended.
    End(Origin, Option<Exit>, EventKind),
    /// Nobody is told of this: to be dropped, as it is the user's.
    Drop(Exit),
    /// The worker waits for its backoff until then: tell those who listen, unless that is over already.
    BackOff(Origin, Instant),
    /// Tell those who listen.
    Tell(Origin, EventKind),
    /// The panel cannot go on: a worker failed too often, or is stuck.
    Escalate,
}

/// What a worker's task is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directive {
    /// Wait until it is woken.
    Wait,
    /// Begin a generation, not before then.
    Begin(Option<Instant>),
    /// Clean up and leave.
    Leave,
}

#[derive(Debug, Default)]
pub(crate) struct Machine {
    members: OriginMap<Child>,
    groups: BTreeMap<GroupId, Group>,
    pools: Pools,
    /// Who is still to be stopped after whom. Set once everybody is to stop.
    stopping: Option<StopOrder>,
    actions: Vec<Action>,
}

impl Machine {
    /// What is to be done since the last call.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// The emptied list of actions, to be filled again.
    pub(crate) fn give_back(&mut self, actions: Vec<Action>) {
        // What thousands needed at once is kept only as long as everybody is being stopped.
        if actions.capacity() <= KEPT || self.is_stopping() && !self.members.is_empty() {
            self.actions = actions;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Takes a worker in.
    pub(crate) fn admit(&mut self, id: Origin, spec: ChildSpec) -> Result<(), Refusal> {
        if self.is_stopping() {
            return Err(Refusal::ShutDown);
        }
        spec.check_alone()?;
        self.check_order(&[&spec])?;
        let Admitted { waits, replaces } = self.pools.admit(id, spec.place)?;
        let state = if waits { State::Waiting } else { State::Due { at: None } };
        self.members.insert(id, Child::new(spec, state));
        self.tell(id, EventKind::Spawned);
        if waits {
            self.tell(id, EventKind::Waiting);
        }
        match replaces {
            Some(Replaced::Placed(before)) => self.stop(before, Cause::Replaced),
            Some(Replaced::CalledOff(before)) => {
                self.lose_place(before);
                self.stop(before, Cause::Replaced);
            }
            None => {}
        }
        Ok(())
    }

    /// What the worker's task is to do now.
    pub(crate) fn next(&self, id: Origin) -> Directive {
        match self.members.get(id).map(|member| &member.state) {
            Some(&State::Due { at }) => Directive::Begin(at),
            Some(State::Leaving { .. }) | None => Directive::Leave,
            Some(State::Waiting | State::Running { .. } | State::Stopping { .. }) => Directive::Wait,
        }
    }

    /// The worker's task is about to begin a generation. Returns its number, unless that is no longer wanted.
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
        self.tell(id, EventKind::Started);
        self.advance(group);
        Some(generation)
    }

    /// Stops one worker, for good.
    pub(crate) fn stop(&mut self, id: Origin, cause: Cause) {
        let Some(place) = self.members.get(id).map(|member| member.spec.place) else { return };
        self.note_stop(place, cause);
        let Some(member) = self.members.get_mut(id) else { return };
        let group = member.group();
        match &mut member.state {
            State::Waiting => self.leave(id, Exit::Cancelled, Some(cause)),
            State::Due { at } => {
                // Whoever comes after it in its group waits in its place.
                let at = at.take();
                self.inherit(group, at);
                self.leave(id, Exit::Cancelled, Some(cause));
            }
            State::Running { .. } => self.cancel(id, cause, AfterStop::End),
            // Told to start anew, and now to end.
            State::Stopping { then, .. } if *then != AfterStop::End => self.cancel(id, cause, AfterStop::End),
            State::Stopping { .. } | State::Leaving { .. } => {}
        }
        self.advance(group);
    }

    /// The runtime is gone, and the worker's task is not the runtime's: it is stopped for good, as those are that went with it.
    /// While everybody is stopped its turn comes as theirs does.
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
                self.tell(id, EventKind::Exited(Exit::Aborted));
                self.leave(id, Exit::Aborted, Some(Cause::RuntimeGone));
                self.advance(group);
            }
            _ => self.stop(id, Cause::RuntimeGone),
        }
    }

    /// The wait before its next generation is over, whoever finds that out.
    pub(crate) fn wait_is_over(&mut self, id: Origin, now: Instant) {
        if let Some(State::Due { at }) = self.members.get_mut(id).map(|member| &mut member.state) {
            if at.is_some_and(|at| at <= now) {
                *at = None;
                self.tell(id, EventKind::Waiting);
            }
        }
    }

    /// Starts one worker anew: its generation is told to stop, and the next follows at once. Costs it nothing of its
    /// intensity, and does not wait for its backoff.
    pub(crate) fn restart(&mut self, id: Origin) -> Result<(), RestartError> {
        if self.is_stopping() {
            return Err(RestartError::Ended);
        }
        let ending = self.is_ending(self.members.get(id).and_then(Child::group));
        let member = self.members.get_mut(id).ok_or(RestartError::Ended)?;
        if !member.spec.repeatable {
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
                    self.tell(id, EventKind::Waiting);
                }
                Ok(())
            }
            State::Stopping { then: then @ AfterStop::Retry { .. }, .. } => {
                *then = AfterStop::Again;
                Ok(())
            }
            State::Running { .. } if ending => Err(RestartError::Ended),
            // Its group is about to.
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

    /// The watchdog found this generation stuck, and that is not to be suffered: it is told to stop, and once it did, that
    /// counts as a failure of it.
    pub(crate) fn restart_stuck(&mut self, id: Origin) {
        let ending = self.is_stopping() || self.is_ending(self.members.get(id).and_then(Child::group));
        let Some(member) = self.members.get_mut(id) else { return };
        let State::Running { since } = member.state else { return };
        // Who is to stop anyway does so in its turn.
        if ending || member.stop_pending {
            return;
        }
        member.stopped_as_stuck = true;
        let then = if member.spec.repeatable { AfterStop::Retry { since } } else { AfterStop::End };
        self.cancel(id, Cause::Stuck, then);
    }

    /// The watchdog found this worker stuck, and that is to end the panel.
    pub(crate) fn escalate_stuck(&mut self, id: Origin) {
        if self.is_stopping() {
            return;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.stopped_as_stuck = member.is_running();
            self.escalate(id);
        }
    }

    /// This generation of the worker says that it is well: if it still runs, the worker's backoff begins anew.
    pub(crate) fn healthy(&mut self, id: Origin, generation: u64) {
        if let Some(member) = self.members.get_mut(id) {
            if member.runs(generation) {
                member.healthy();
            }
        }
    }

    /// Tells a running generation to stop, or for another cause than before.
    fn cancel(&mut self, id: Origin, cause: Cause, then: AfterStop) {
        let Some(member) = self.members.get_mut(id) else { return };
        let before = std::mem::replace(&mut member.state, State::Stopping { cause, then });
        if !matches!(before, State::Stopping { cause: before, .. } if before == cause) {
            self.actions.push(Action::Cancel(id, cause));
        }
    }

    /// Another has its turn among the tasks.
    fn lose_place(&mut self, id: Origin) {
        if let Some(member) = self.members.get_mut(id) {
            member.spec.place = None;
        }
    }

    /// Something happened that decides nothing.
    pub(crate) fn note(&mut self, id: Origin, kind: EventKind) {
        if self.members.contains(id) {
            self.tell(id, kind);
        }
    }

    fn tell(&mut self, id: Origin, kind: EventKind) {
        self.actions.push(Action::Tell(id, kind));
    }
}
