//! What follows the exit of a run, and the end of a worker.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Action, GroupId, Machine,
    child::{AfterStop, Child, State},
    stop_order::StopOrder,
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, Escalate, EventKind, Exit, SpawnError},
};

/// The longest backoff: a delay that the clock cannot represent is cut to a century.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Machine {
    /// The worker's run is over, and nothing of it executes any more.
    pub(crate) fn exited(&mut self, id: Origin, exit: Exit, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        debug_assert!(member.is_running() || member.is_stopping(), "a run of {id} exits twice");
        member.stuck = false;
        let exit = member.verdict(exit);
        self.actions.push(Action::Log(id, EventKind::Exited(exit.clone())));
        match member.state {
            State::Running { since } => self.ended_by_itself(id, exit, since, now),
            State::Stopping { cause, then: AfterStop::End } => self.leave(id, exit, Some(cause)),
            State::Stopping { then: AfterStop::Again, .. } => self.due(id, None, now),
            State::Stopping { cause, then: AfterStop::Retry { since } } => {
                self.failed(id, exit, Some(cause), since, now);
            }
            State::Stopping { then: AfterStop::Hold, .. } => self.hold(id),
            State::Waiting | State::Due { .. } | State::Leaving { .. } => {}
        }
        let group = self.members.get(id).and_then(Child::group);
        self.advance(group);
    }

    fn ended_by_itself(&mut self, id: Origin, exit: Exit, since: Instant, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        if !member.spec.options.restart.wants(&exit) {
            let group = member.group();
            // Cancelled before its turn to stop: by now the queue hands intents back to every worker.
            let cause =
                self.stopping.as_ref().filter(|_| matches!(exit, Exit::Cancelled)).map(StopOrder::cause);
            self.leave(id, exit, cause);
            return self.member_left_by_itself(group, id);
        }
        let group = member.group();
        if std::mem::take(&mut member.stop_pending) && !self.is_ending(group) && !self.is_stopping() {
            // Its group is being restarted, and this member with it.
            return self.hold(id);
        }
        if self.is_stopping() || self.is_ending(group) {
            return self.leave(id, exit, None);
        }
        self.failed(id, exit, None, since, now);
    }

    /// Another run is to follow, after the backoff and within the intensity.
    fn failed(&mut self, id: Origin, exit: Exit, cause: Option<Cause>, since: Instant, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        let group = member.group();
        let delay = member.failures().retry.delay(since, now);
        let window = group.and_then(|group| self.groups.get_mut(&group)).map(|group| &mut group.window);
        let within = match window {
            Some(window) => window.admit(&exit, delay, now),
            None => member.failures().window.admit(&exit, delay, now),
        };
        if !within {
            return self.give_up(id, exit, cause);
        }
        let at = (!delay.is_zero()).then(|| now + delay.min(FAR));
        self.again(id, group, at, now);
    }

    /// Schedules its next run.
    pub(super) fn due(&mut self, id: Origin, at: Option<Instant>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.state = State::Due { at };
        // Nothing of it runs until the next run begins, which may also have to wait for a thread.
        let wait = at.map(|at| EventKind::BackingOff(at.saturating_duration_since(now)));
        self.log(id, wait.unwrap_or(EventKind::Waiting));
    }

    /// It waits for its turn.
    pub(super) fn hold(&mut self, id: Origin) {
        if let Some(member) = self.members.get_mut(id) {
            member.state = State::Waiting;
            self.log(id, EventKind::Waiting);
        }
    }

    /// The intensity is exceeded: the worker, or its whole group, stays down.
    fn give_up(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        let Some(member) = self.members.get(id) else { return };
        let (group, mut escalate) = (member.group(), member.spec.options.escalate);
        self.log(id, EventKind::GaveUp);
        self.leave(id, exit, cause);
        if let Some(group) = group {
            escalate = self.groups.get(&group).map_or(escalate, |group| group.spec.escalate);
            self.end_group(group, Cause::Dependency);
        }
        if escalate == Escalate::Panel {
            self.escalate(id);
        }
    }

    pub(super) fn escalate(&mut self, id: Origin) {
        self.log(id, EventKind::Escalated);
        self.actions.push(Action::Escalate);
        self.stop_all(Cause::Escalated);
    }

    /// Nothing of the worker runs, and nothing will: its task must clean up.
    pub(super) fn leave(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        if let Some(member) = self.members.get_mut(id) {
            member.state = State::Leaving { exit, cause };
            self.actions.push(Action::Wake(id));
        }
    }

    /// The worker's task is over. `otherwise` is the exit of a worker that never reported one; `last_words` is the
    /// panic of its drop, if any.
    pub(crate) fn left(&mut self, id: Origin, otherwise: Exit, last_words: Option<Exit>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        let (group, place, generation) = (member.group(), member.spec.place, member.generation);
        let awaited = member.is_awaited();
        let otherwise = member.verdict(otherwise);
        let state = std::mem::replace(&mut member.state, State::Waiting);
        self.members.discard(id);
        // Outside a shutdown, the task of a worker that was not stopped is dropped only with its runtime.
        let gone = if self.is_stopping() { None } else { Some(Cause::RuntimeGone) };
        let (mut exit, cause, mut reported) = match state {
            State::Leaving { exit, cause } => (exit, cause, true),
            State::Stopping { cause, then: AfterStop::End } => (otherwise, Some(cause), false),
            State::Stopping { cause, .. } => (otherwise, gone.or(Some(cause)), false),
            State::Waiting | State::Due { .. } | State::Running { .. } => (otherwise, gone, false),
        };
        match last_words {
            // The failure itself says more.
            Some(last_words) if exit.is_failure() => self.actions.push(Action::Drop(last_words)),
            Some(last_words) => (exit, reported) = (last_words, false),
            None => {}
        }
        let unready = awaited && !matches!(exit, Exit::Finished);
        let exited = (!reported && !exit.is_clean()).then(|| exit.clone());
        let never_ran = generation == 0 && !reported && !self.is_stopping() && exit.is_clean();
        let last = if never_ran {
            EventKind::Refused(SpawnError::RuntimeGone)
        } else {
            EventKind::Ended(exit, cause)
        };
        self.actions.push(Action::End(id, exited, last));
        if unready {
            self.left_unready(group);
        }
        self.next_in_pool(id, place, cause, now);
        self.after(id, group);
    }

    /// A worker is gone: advances its group and the stop order, which may have waited for that.
    fn after(&mut self, id: Origin, group: Option<GroupId>) {
        self.leave_group(id, group);
        self.next_in_order(id);
    }

    /// [`exited`](Self::exited) and [`left`](Self::left) in one step: a cancelled run has ended, and nothing of the
    /// worker is left.
    pub(crate) fn ended(&mut self, id: Origin, exit: Exit, last_words: Option<Exit>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        let State::Stopping { cause, .. } = member.state else {
            return self.left(id, Exit::Cancelled, last_words, now);
        };
        let exit = member.verdict(exit);
        let (group, place) = (member.group(), member.spec.place);
        if let Some(last_words) = last_words {
            member.state = State::Leaving { exit: exit.clone(), cause: Some(cause) };
            self.log(id, EventKind::Exited(exit));
            return self.left(id, Exit::Cancelled, Some(last_words), now);
        }
        let unready = member.is_awaited() && !matches!(exit, Exit::Finished);
        self.members.discard(id);
        self.actions.push(Action::End(id, Some(exit.clone()), EventKind::Ended(exit, Some(cause))));
        if unready {
            self.left_unready(group);
        }
        self.next_in_pool(id, place, Some(cause), now);
        self.after(id, group);
    }
}
