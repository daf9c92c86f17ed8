//! The supervisor's decisions, apart from tokio: what happened goes in, what is to be done comes out.
//!
//! Pure: no task, no lock, no clock of its own. The tokio side ([`supervisor`](super::supervisor)) asks each worker's
//! task what it is to do ([`Machine::next`]), tells what came of it, and executes the [`Action`]s.
//!
//! | file | what |
//! |---|---|
//! | `member` | one worker: its state and its options |
//! | `group` | workers that are restarted and stopped together |
//! | `order` | who is stopped before whom |
//! | `pool` | tasks with a limit and tasks with a key |
//! | `stuck` | what the watchdog's findings come to |
//!
//! A worker is always in exactly one [`State`], and only its own task moves it into `Running` ([`Machine::begin`]) and out of
//! it ([`Machine::exited`]): so no two generations of it overlap, and whatever stops it in between is final.

mod group;
mod member;
mod order;
mod pool;
mod stuck;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio::time::Instant;

use self::{
    group::Group,
    member::{Member, State, Then},
    order::StopOrder,
    pool::{Admitted, Pools},
};
pub(crate) use self::{
    group::{GroupId, GroupSpec},
    member::Spec,
    pool::{KeyId, Place, PoolId},
};
use super::{cause::Cause, events::EventKind, exit::Exit};
use crate::{
    queued::Origin,
    worker::{Escalate, Refusal, RestartError},
};

/// How many actions there is room for between two calls.
const KEPT: usize = 64;

/// What the tokio side is to do, in this order.
#[derive(Debug)]
pub(crate) enum Action {
    /// The worker's task is to look what it is to do.
    Wake(Origin),
    /// The worker's running generation is told to stop.
    Cancel(Origin, Cause),
    /// The worker ended for good: nothing of it is left.
    End(Origin),
    /// Tell those who listen.
    Tell(Origin, EventKind),
    /// A worker failed too often for the panel to go on.
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
    members: BTreeMap<Origin, Member>,
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
        // What a shutdown of thousands needed is not kept.
        if actions.capacity() <= KEPT {
            self.actions = actions;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Takes a worker in.
    pub(crate) fn admit(&mut self, id: Origin, spec: Spec) -> Result<(), Refusal> {
        if self.is_stopping() {
            return Err(Refusal::ShutDown);
        }
        spec.check()?;
        self.check_order(&[&spec])?;
        let Admitted { waits, replaces } = self.pools.admit(id, spec.place)?;
        let state = if waits { State::Waiting } else { State::Due { at: None } };
        self.members.insert(id, Member::new(spec, state));
        self.tell(id, EventKind::Spawned);
        if waits {
            self.tell(id, EventKind::Waiting);
        }
        if let Some(before) = replaces {
            self.stop(before, Cause::Replaced);
        }
        Ok(())
    }

    /// What the worker's task is to do now.
    pub(crate) fn next(&self, id: Origin) -> Directive {
        match self.members.get(&id).map(|member| &member.state) {
            Some(&State::Due { at }) => Directive::Begin(at),
            Some(State::Leaving { .. }) | None => Directive::Leave,
            Some(State::Waiting | State::Running { .. } | State::Stopping { .. }) => Directive::Wait,
        }
    }

    /// The worker's task is about to begin a generation. Returns its number, unless that is no longer wanted.
    pub(crate) fn begin(&mut self, id: Origin, now: Instant) -> Option<u64> {
        let member = self.members.get_mut(&id)?;
        let State::Due { at } = member.state else { return None };
        if at > Some(now) {
            return None;
        }
        member.state = State::Running { since: now };
        member.generation += 1;
        let (generation, group) = (member.generation, member.group());
        self.tell(id, EventKind::Started);
        self.advance(group);
        Some(generation)
    }

    /// The worker's generation is over, and nothing of it runs any more.
    pub(crate) fn exited(&mut self, id: Origin, exit: Exit, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        member.stuck = false;
        self.actions.push(Action::Tell(id, EventKind::Exited(exit.clone())));
        match member.state {
            State::Running { since } => self.ended_by_itself(id, exit, since, now),
            State::Stopping { cause, then: Then::End } => self.leave(id, exit, Some(cause)),
            State::Stopping { then: Then::Again, .. } => self.due(id, None, now),
            State::Stopping { cause, then: Then::Retry { since } } => {
                self.failed(id, exit, Some(cause), since, now);
            }
            State::Stopping { then: Then::Hold, .. } => self.hold(id),
            State::Waiting | State::Due { .. } | State::Leaving { .. } => {}
        }
        let group = self.members.get(&id).and_then(Member::group);
        self.advance(group);
    }

    fn ended_by_itself(&mut self, id: Origin, exit: Exit, since: Instant, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        if !member.spec.restart.wants(&exit) {
            let group = member.group();
            self.leave(id, exit, None);
            return self.member_left_by_itself(group, id);
        }
        let group = member.group();
        if std::mem::take(&mut member.doomed) && !self.is_ending(group) && !self.is_stopping() {
            // Its group is being restarted, and with it this one.
            return self.hold(id);
        }
        if self.is_stopping() || self.is_ending(group) {
            return self.leave(id, exit, None);
        }
        self.failed(id, exit, None, since, now);
    }

    /// A generation is to be followed by another, after its backoff and within its intensity.
    fn failed(&mut self, id: Origin, exit: Exit, cause: Option<Cause>, since: Instant, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let group = member.group();
        let window = group.and_then(|group| self.groups.get_mut(&group)).map(|group| &mut group.window);
        if !window.unwrap_or(&mut member.window).admit(now) {
            return self.give_up(id, exit, cause);
        }
        let delay = member.retry.delay(since, now);
        let at = (!delay.is_zero()).then(|| now + delay);
        self.again(id, group, at, now);
    }

    /// Its next generation is to begin.
    fn due(&mut self, id: Origin, at: Option<Instant>, now: Instant) {
        let Some(member) = self.members.get_mut(&id) else { return };
        member.state = State::Due { at };
        if let Some(at) = at {
            self.tell(id, EventKind::BackingOff(at.saturating_duration_since(now)));
        }
    }

    /// It waits for its turn.
    fn hold(&mut self, id: Origin) {
        if let Some(member) = self.members.get_mut(&id) {
            member.state = State::Waiting;
            self.tell(id, EventKind::Waiting);
        }
    }

    /// A restart too many: the worker, or its whole group, stays down.
    fn give_up(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        let Some(member) = self.members.get(&id) else { return };
        let (group, mut escalate) = (member.group(), member.spec.escalate);
        self.tell(id, EventKind::GaveUp);
        self.leave(id, exit, cause);
        if let Some(group) = group {
            escalate = self.groups.get(&group).map_or(escalate, |group| group.escalate);
            self.end_group(group, Cause::Dependency);
        }
        if escalate == Escalate::Panel {
            self.escalate(id);
        }
    }

    fn escalate(&mut self, id: Origin) {
        self.tell(id, EventKind::Escalated);
        self.actions.push(Action::Escalate);
        self.stop_all(Cause::Escalated);
    }

    /// Stops one worker, for good.
    pub(crate) fn stop(&mut self, id: Origin, cause: Cause) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let group = member.group();
        match &mut member.state {
            State::Waiting | State::Due { .. } => self.leave(id, Exit::Cancelled, Some(cause)),
            State::Running { .. } => self.cancel(id, cause, Then::End),
            // Told to start anew, and now to end.
            State::Stopping { then, .. } if *then != Then::End => self.cancel(id, cause, Then::End),
            State::Stopping { .. } | State::Leaving { .. } => {}
        }
        self.advance(group);
    }

    /// Starts one worker anew: its generation is told to stop, and the next follows at once. Costs it nothing of its
    /// intensity, and does not wait for its backoff.
    pub(crate) fn restart(&mut self, id: Origin) -> Result<(), RestartError> {
        if self.is_stopping() {
            return Err(RestartError::Ended);
        }
        let ending = self.is_ending(self.members.get(&id).and_then(Member::group));
        let member = self.members.get_mut(&id).ok_or(RestartError::Ended)?;
        if !member.spec.repeatable {
            return Err(RestartError::RunsOnce);
        }
        match &mut member.state {
            State::Leaving { .. } | State::Stopping { then: Then::End, .. } => Err(RestartError::Ended),
            State::Waiting | State::Stopping { then: Then::Hold | Then::Again, .. } => Ok(()),
            State::Due { at } => {
                if at.take().is_some() {
                    self.actions.push(Action::Wake(id));
                }
                Ok(())
            }
            State::Stopping { then: then @ Then::Retry { .. }, .. } => {
                *then = Then::Again;
                Ok(())
            }
            State::Running { .. } if ending => Err(RestartError::Ended),
            // Its group is about to.
            State::Running { .. } if member.doomed => Ok(()),
            State::Running { .. } => {
                self.cancel(id, Cause::Restart, Then::Again);
                Ok(())
            }
        }
    }

    /// The watchdog found this generation stuck, and that is not to be suffered: it is told to stop, and once it did, that
    /// counts as a failure of it.
    pub(crate) fn restart_stuck(&mut self, id: Origin) {
        let Some(member) = self.members.get(&id) else { return };
        let State::Running { since } = member.state else { return };
        // Who is to stop anyway does so in its turn.
        if self.is_stopping() || self.is_ending(member.group()) || member.doomed {
            return;
        }
        let then = if member.spec.repeatable { Then::Retry { since } } else { Then::End };
        self.cancel(id, Cause::Stuck, then);
    }

    /// The watchdog found this worker stuck, and that is to end the panel.
    pub(crate) fn escalate_stuck(&mut self, id: Origin) {
        if !self.is_stopping() && self.members.contains_key(&id) {
            self.escalate(id);
        }
    }

    /// The worker says that it is well: its backoff begins anew.
    pub(crate) fn healthy(&mut self, id: Origin) {
        if let Some(member) = self.members.get_mut(&id) {
            member.retry.reset();
        }
    }

    /// The worker's task is over. `otherwise` is how the worker ended if it never came to say so, `last_words` what went
    /// wrong while it was dropped.
    pub(crate) fn left(&mut self, id: Origin, otherwise: Exit, last_words: Option<Exit>) {
        let Some(member) = self.members.remove(&id) else { return };
        let (group, place) = (member.group(), member.spec.place);
        let (mut exit, cause, mut told) = match member.state {
            State::Leaving { exit, cause } => (exit, cause, true),
            State::Stopping { cause, .. } => (otherwise, Some(cause), false),
            State::Waiting | State::Due { .. } | State::Running { .. } => (otherwise, None, false),
        };
        if let Some(last_words) = last_words.filter(|_| !exit.is_failure()) {
            (exit, told) = (last_words, false);
        }
        if !told && !exit.is_clean() {
            self.tell(id, EventKind::Exited(exit.clone()));
        }
        let never_ran = member.generation == 0 && !told && !self.is_stopping() && exit.is_clean();
        self.tell(
            id,
            if never_ran { EventKind::Refused(Refusal::RuntimeGone) } else { EventKind::Ended(exit, cause) },
        );
        self.actions.push(Action::End(id));
        self.next_in_pool(id, place);
        self.leave_group(id, group);
        self.next_in_order(id);
    }

    /// Tells a running generation to stop, or for another cause than before.
    fn cancel(&mut self, id: Origin, cause: Cause, then: Then) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let before = std::mem::replace(&mut member.state, State::Stopping { cause, then });
        if !matches!(before, State::Stopping { cause: before, .. } if before == cause) {
            self.tell(id, EventKind::Stopping(cause));
            self.actions.push(Action::Cancel(id, cause));
        }
    }

    /// Nothing of the worker runs, and nothing will: its task is to clean up.
    fn leave(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        if let Some(member) = self.members.get_mut(&id) {
            member.state = State::Leaving { exit, cause };
            self.actions.push(Action::Wake(id));
        }
    }

    /// Something happened that decides nothing.
    pub(crate) fn note(&mut self, id: Origin, kind: EventKind) {
        if self.members.contains_key(&id) {
            self.tell(id, kind);
        }
    }

    fn tell(&mut self, id: Origin, kind: EventKind) {
        self.actions.push(Action::Tell(id, kind));
    }
}
