//! How a run gets on, as the run itself, its time limit and the watchdog report it.
//!
//! A worker that has begun is not always one that others can depend on.
//! A worker that declares readiness reports it (`ready`) within a time limit. While a group starts, the members after
//! it wait until it has, as with systemd's `Type=notify` and `After=`, or the return of `init` in Erlang/OTP. A worker
//! that finishes without reporting has done its job (`Type=oneshot`). One that ends otherwise before it is ready, and
//! is not restarted, ends its group, because the others depend on it.

use std::time::Duration;

use super::{
    GroupId, Machine,
    child::{AfterStop, Child, State},
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind, OnStuck, Restart},
};

impl Machine {
    /// The run reports that it is healthy. If it is still the current one, the worker's backoff is reset.
    pub(crate) fn healthy(&mut self, id: Origin, generation: u64) {
        if let Some(member) = self.members.get_mut(id) {
            if member.runs(generation) {
                member.healthy();
            }
        }
    }

    /// This run reports that it is ready.
    pub(crate) fn ready(&mut self, id: Origin, generation: u64) {
        let Some(member) = self.members.get_mut(id) else { return };
        if !member.is_awaited() || !member.is_running() || member.generation != generation {
            return;
        }
        member.ready = true;
        let group = member.group();
        self.log(id, EventKind::Ready);
        self.advance(group);
    }

    /// This run was not ready in time: it is cancelled, and its exit counts as an error.
    pub(crate) fn not_ready(&mut self, id: Origin, generation: u64) {
        let ending = self.is_stopping() || self.is_ending(self.members.get(id).and_then(Child::group));
        let Some(member) = self.members.get_mut(id) else { return };
        if ending || member.stop_pending || !member.is_awaited() || member.generation != generation {
            return;
        }
        let Some(since) = member.running_since() else { return };
        member.late = true;
        let again = member.spec.options.repeatable && member.spec.options.restart != Restart::Never;
        self.cancel(id, Cause::NotReady, if again { AfterStop::Retry { since } } else { AfterStop::End });
    }

    /// A worker is gone for good before it was ready: members that were to start after it do not, and those already
    /// started stop.
    pub(super) fn left_unready(&mut self, group: Option<GroupId>) {
        let Some(group) = group.filter(|_| !self.is_stopping()) else { return };
        if self.is_starting(group) {
            self.end_group(group, Cause::Dependency);
        }
    }

    /// The watchdog found this run stuck, for at least that time.
    pub(crate) fn found_stuck(&mut self, id: Origin, generation: u64, time: Duration) {
        let Some(member) = self.members.get_mut(id) else { return };
        let running = member.is_running();
        if !member.runs(generation) || member.stuck {
            return;
        }
        member.stuck = true;
        let on_stuck = member.spec.options.on_stuck;
        self.log(id, EventKind::Stuck(time));
        // A run that is already cancelled cannot be cancelled again, and during a shutdown nothing is restarted.
        if running && !self.is_stopping() {
            match on_stuck {
                OnStuck::Warn => {}
                OnStuck::Restart => self.restart_stuck(id),
                OnStuck::Escalate => self.escalate_stuck(id),
            }
        }
    }

    /// The watchdog found this run stuck, and the policy is to restart: the run is cancelled, and its exit counts as a
    /// failure.
    pub(super) fn restart_stuck(&mut self, id: Origin) {
        let ending = self.is_stopping() || self.is_ending(self.members.get(id).and_then(Child::group));
        let Some(member) = self.members.get_mut(id) else { return };
        let State::Running { since } = member.state else { return };
        // A worker that must stop anyway does so in its turn.
        if ending || member.stop_pending {
            return;
        }
        member.stopped_as_stuck = true;
        let then = if member.spec.options.repeatable { AfterStop::Retry { since } } else { AfterStop::End };
        self.cancel(id, Cause::Stuck, then);
    }

    /// The watchdog found this worker stuck, and the policy is to escalate: this ends the panel.
    pub(super) fn escalate_stuck(&mut self, id: Origin) {
        if self.is_stopping() {
            return;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.stopped_as_stuck |= member.is_running();
            self.escalate(id);
        }
    }

    /// The stuck run makes progress again.
    pub(crate) fn recovered(&mut self, id: Origin) {
        let Some(member) = self.members.get_mut(id) else { return };
        if std::mem::take(&mut member.stuck) {
            self.log(id, EventKind::Recovered);
        }
    }

    /// Whether its current run must keep its promise of heartbeats. A cancelled run need not any more, but the
    /// cancellation does not count as recovery either.
    pub(crate) fn owes_heartbeats(&self, id: Origin) -> bool {
        self.members
            .get(id)
            .is_some_and(|member| member.is_running() || (member.is_stopping() && member.stuck))
    }
}
