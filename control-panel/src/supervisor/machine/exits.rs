//! What follows the end of a generation, and the end of a worker.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Action, GroupId, Machine,
    child::{AfterStop, Child, State},
    stop_order::StopOrder,
};
use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, event::EventKind, exit::Exit, options::Escalate, status::Refusal},
};

/// A wait too long for the clock ends in a century.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl Machine {
    /// The worker's generation is over, and nothing of it runs any more.
    pub(crate) fn exited(&mut self, id: Origin, exit: Exit, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.stuck = false;
        let exit = member.verdict(exit);
        self.actions.push(Action::Tell(id, EventKind::Exited(exit.clone())));
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
        if !member.spec.restart.wants(&exit) {
            let group = member.group();
            // Cancelled before its turn to stop came: the queue hands intents back to every worker by then.
            let cause =
                self.stopping.as_ref().filter(|_| matches!(exit, Exit::Cancelled)).map(StopOrder::cause);
            self.leave(id, exit, cause);
            return self.member_left_by_itself(group, id);
        }
        let group = member.group();
        if std::mem::take(&mut member.stop_pending) && !self.is_ending(group) && !self.is_stopping() {
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

    /// Its next generation is to begin.
    pub(super) fn due(&mut self, id: Origin, at: Option<Instant>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.state = State::Due { at };
        // Nothing of it runs until the next begins, and for that it may have to wait for a thread.
        let wait = at.map(|at| EventKind::BackingOff(at.saturating_duration_since(now)));
        self.tell(id, wait.unwrap_or(EventKind::Waiting));
    }

    /// It waits for its turn.
    pub(super) fn hold(&mut self, id: Origin) {
        if let Some(member) = self.members.get_mut(id) {
            member.state = State::Waiting;
            self.tell(id, EventKind::Waiting);
        }
    }

    /// A restart too many: the worker, or its whole group, stays down.
    fn give_up(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        let Some(member) = self.members.get(id) else { return };
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

    pub(super) fn escalate(&mut self, id: Origin) {
        self.tell(id, EventKind::Escalated);
        self.actions.push(Action::Escalate);
        self.stop_all(Cause::Escalated);
    }

    /// Nothing of the worker runs, and nothing will: its task is to clean up.
    pub(super) fn leave(&mut self, id: Origin, exit: Exit, cause: Option<Cause>) {
        if let Some(member) = self.members.get_mut(id) {
            member.state = State::Leaving { exit, cause };
            self.actions.push(Action::Wake(id));
        }
    }

    /// The worker's task is over. `otherwise` is how the worker ended if it never came to say so, `last_words` what went
    /// wrong while it was dropped.
    pub(crate) fn left(&mut self, id: Origin, otherwise: Exit, last_words: Option<Exit>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        let (group, place, generation) = (member.group(), member.spec.place, member.generation);
        let awaited = member.is_awaited();
        let otherwise = member.verdict(otherwise);
        let state = std::mem::replace(&mut member.state, State::Waiting);
        self.members.discard(id);
        // Nothing else drops the task of a worker that was not told to end.
        let gone = if self.is_stopping() { None } else { Some(Cause::RuntimeGone) };
        let (mut exit, cause, mut told) = match state {
            State::Leaving { exit, cause } => (exit, cause, true),
            State::Stopping { cause, then: AfterStop::End } => (otherwise, Some(cause), false),
            State::Stopping { cause, .. } => (otherwise, gone.or(Some(cause)), false),
            State::Waiting | State::Due { .. } | State::Running { .. } => (otherwise, gone, false),
        };
        match last_words {
            // The failure itself says more.
            Some(last_words) if exit.is_failure() => self.actions.push(Action::Drop(last_words)),
            Some(last_words) => (exit, told) = (last_words, false),
            None => {}
        }
        let unready = awaited && !matches!(exit, Exit::Finished);
        let exited = (!told && !exit.is_clean()).then(|| exit.clone());
        let never_ran = generation == 0 && !told && !self.is_stopping() && exit.is_clean();
        let last =
            if never_ran { EventKind::Refused(Refusal::RuntimeGone) } else { EventKind::Ended(exit, cause) };
        self.actions.push(Action::End(id, exited, last));
        if unready {
            self.left_unready(group);
        }
        self.next_in_pool(id, place, cause, now);
        self.after(id, group);
    }

    /// A worker is gone: those go on who waited for that.
    fn after(&mut self, id: Origin, group: Option<GroupId>) {
        self.leave_group(id, group);
        self.next_in_order(id);
    }

    /// Both in one: a generation that was told to end did, and nothing of the worker is left.
    pub(crate) fn ended(&mut self, id: Origin, exit: Exit, last_words: Option<Exit>, now: Instant) {
        let Some(member) = self.members.get_mut(id) else { return };
        let State::Stopping { cause, .. } = member.state else {
            return self.left(id, Exit::Cancelled, last_words, now);
        };
        let exit = member.verdict(exit);
        let (group, place) = (member.group(), member.spec.place);
        if let Some(last_words) = last_words {
            member.state = State::Leaving { exit: exit.clone(), cause: Some(cause) };
            self.tell(id, EventKind::Exited(exit));
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
