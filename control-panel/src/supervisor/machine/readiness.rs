//! Readiness: a worker that has begun is not always one that others can build on.
//!
//! One that declares it says when it is (`ready`), and has so long for that. In a group that is being started, those that come
//! after it wait until it has: systemd's `Type=notify` with `After=`, and what the return of `init` is in Erlang/OTP. One that
//! finishes without having said so did what it was there for (`Type=oneshot`). One that ends otherwise before it was ready, and
//! is not started again, takes its group with it: the others were to build on it.

use super::{
    GroupId, Machine,
    child::{AfterStop, Child},
};
use crate::{
    intent::order::Origin,
    lifecycle::{cause::Cause, event::EventKind, restart::Restart},
};

impl Machine {
    /// This generation of the worker says that it is ready.
    pub(crate) fn ready(&mut self, id: Origin, generation: u64) {
        let Some(member) = self.members.get_mut(id) else { return };
        if !member.is_awaited() || !member.is_running() || member.generation != generation {
            return;
        }
        member.ready = true;
        let group = member.group();
        self.tell(id, EventKind::Ready);
        self.advance(group);
    }

    /// The time is over in which this generation was to be ready: it is asked to stop, and once it did, that counts as an error
    /// of it.
    pub(crate) fn not_ready(&mut self, id: Origin, generation: u64) {
        let ending = self.is_stopping() || self.is_ending(self.members.get(id).and_then(Child::group));
        let Some(member) = self.members.get_mut(id) else { return };
        if ending || member.stop_pending || !member.is_awaited() || member.generation != generation {
            return;
        }
        let Some(since) = member.running_since() else { return };
        member.late = true;
        let again = member.spec.repeatable && member.spec.restart != Restart::Never;
        self.cancel(id, Cause::NotReady, if again { AfterStop::Retry { since } } else { AfterStop::End });
    }

    /// A worker is gone for good before it was ready: those that were to start after it do not, and those that have stop.
    pub(super) fn left_unready(&mut self, group: Option<GroupId>) {
        let Some(group) = group.filter(|_| !self.is_stopping()) else { return };
        if self.is_starting(group) {
            self.end_group(group, Cause::Dependency);
        }
    }
}
