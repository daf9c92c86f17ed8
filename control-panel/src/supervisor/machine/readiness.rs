//! Readiness: a worker that has begun is not always one that others can depend on.
//!
//! A worker that declares readiness reports it (`ready`) within a time limit. While a group starts, the members after
//! it wait until it has, as with systemd's `Type=notify` and `After=`, or the return of `init` in Erlang/OTP. A worker
//! that finishes without reporting has done its job (`Type=oneshot`). One that ends otherwise before it is ready, and
//! is not restarted, ends its group, because the others depend on it.

use super::{
    GroupId, Machine,
    child::{AfterStop, Child},
};
use crate::{
    intent::Origin,
    lifecycle::{Cause, EventKind, Restart},
};

impl Machine {
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
}
