//! Groups: workers that start in order, restart together, and stop in reverse order.
//!
//! These are the supervisor strategies and automatic shutdown of Erlang/OTP (stdlib, `supervisor`), with one
//! difference: the end of a worker is final here, so a group's restart does not revive members that ended before.

use tokio::time::Instant;

use super::{
    Action, ChildSpec, Machine,
    child::{AfterStop, Child, State},
};
use crate::{
    intent::Origin,
    lifecycle::{
        AutoShutdown, Cause, Escalate, EventKind, Exit, Intensity, Restart, SpawnError, Strategy, Window,
    },
};

/// Identifies a group within its panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) u64);

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct GroupSpec {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) auto_shutdown: AutoShutdown,
    pub(crate) escalate: Escalate,
}

#[derive(Debug)]
pub(super) struct Group {
    /// The living members, in the order of their start.
    pub(super) members: Vec<Origin>,
    pub(super) spec: GroupSpec,
    pub(super) window: Window,
    pub(super) phase: Phase,
    /// When the next start may begin.
    pub(super) at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Steady,
    /// Members marked to stop are stopped, the last first.
    Stopping(Cause),
    /// Waiting members are started, the first first.
    Starting,
}

impl Machine {
    /// Admits the members of a group, all or none, and starts them in this order.
    pub(crate) fn admit_group(
        &mut self,
        group: GroupId,
        spec: GroupSpec,
        members: Vec<(Origin, ChildSpec)>,
    ) -> Result<(), SpawnError> {
        if self.is_stopping() {
            return Err(SpawnError::ShutDown);
        }
        members.iter().try_for_each(|(_, spec)| spec.check())?;
        self.check_order(&members.iter().map(|(id, spec)| (*id, spec)).collect::<Vec<_>>())?;
        if members.is_empty() {
            // A group is removed with its last member, so an empty one is never stored.
            return Ok(());
        }
        let fails_too_often =
            !spec.intensity.is_unlimited() && members.iter().any(|(_, spec)| spec.is_restarted());
        if spec.escalate == Escalate::Panel && !fails_too_often {
            return Err(SpawnError::EscalatesNever);
        }
        self.groups.insert(
            group,
            Group {
                members: members.iter().map(|&(id, _)| id).collect(),
                spec,
                window: Window::new(spec.intensity),
                phase: Phase::Starting,
                at: None,
            },
        );
        for (id, mut spec) in members {
            spec.group = Some(group);
            self.members.insert(id, Child::new(spec, State::Waiting));
            self.log(id, EventKind::Spawned);
            self.log(id, EventKind::Waiting);
        }
        self.advance(Some(group));
        Ok(())
    }

    /// A run failed and another is to follow: alone, or with other members of the group.
    pub(super) fn again(&mut self, id: Origin, group: Option<GroupId>, at: Option<Instant>, now: Instant) {
        let together = group
            .and_then(|group| self.groups.get_mut(&group))
            .filter(|group| group.spec.strategy != Strategy::OneForOne);
        let Some(group) = together else { return self.due(id, at, now) };
        let first = match group.spec.strategy {
            Strategy::RestForOne => group.members.iter().position(|&other| other == id).unwrap_or(0),
            Strategy::OneForOne | Strategy::OneForAll => 0,
        };
        let affected = group.members[first..].to_vec();
        group.at = group.at.max(at);
        group.phase = Phase::Stopping(Cause::Restart);
        self.hold(id);
        for other in affected.into_iter().filter(|&other| other != id) {
            self.mark_for_restart(other);
        }
    }

    /// Whether its members are starting, or stopping in order to be started.
    pub(super) fn is_starting(&self, group: GroupId) -> bool {
        let phase = self.groups.get(&group).map(|group| group.phase);
        matches!(phase, Some(Phase::Starting | Phase::Stopping(Cause::Restart)))
    }

    /// Whether the group is ending.
    pub(super) fn is_ending(&self, group: Option<GroupId>) -> bool {
        let phase = group.and_then(|group| self.groups.get(&group)).map(|group| group.phase);
        matches!(phase, Some(Phase::Stopping(cause)) if cause != Cause::Restart)
    }

    /// All workers are to stop: no group restarts any more.
    pub(super) fn settle_groups(&mut self) {
        for group in self.groups.values_mut() {
            (group.phase, group.at) = (Phase::Steady, None);
        }
    }

    /// Marks a member to be stopped for the group's restart.
    fn mark_for_restart(&mut self, id: Origin) {
        let Some(member) = self.members.get_mut(id) else { return };
        match &mut member.state {
            State::Running { .. } => member.stop_pending = true,
            State::Due { .. } => self.hold(id),
            State::Stopping { then: then @ (AfterStop::Again | AfterStop::Retry { .. }), .. } => {
                *then = AfterStop::Hold;
            }
            State::Waiting | State::Stopping { .. } | State::Leaving { .. } => {}
        }
    }

    /// A member ended by itself and stays down. Stops the group if the policy says so.
    pub(super) fn member_left_by_itself(&mut self, group: Option<GroupId>, id: Origin) {
        let Some(group_id) = group.filter(|_| !self.is_stopping()) else { return };
        let Some(group) = self.groups.get(&group_id) else { return };
        let significant =
            |&id: &Origin| self.members.get(id).is_some_and(|member| member.spec.options.significant);
        let lives = |&id: &Origin| self.members.get(id).is_some_and(|member| !member.is_leaving());
        let ends = match group.spec.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant(&id),
            AutoShutdown::AllSignificant => {
                significant(&id) && !group.members.iter().any(|other| lives(other) && significant(other))
            }
        };
        if ends {
            self.end_group(group_id, Cause::Dependency);
        }
    }

    /// Stops a whole group for good, the last member first.
    pub(crate) fn end_group(&mut self, group_id: GroupId, cause: Cause) {
        let Some(group) = self.groups.get_mut(&group_id) else { return };
        group.phase = Phase::Stopping(cause);
        for id in group.members.clone() {
            let Some(member) = self.members.get_mut(id) else { continue };
            match member.state {
                State::Running { .. } => member.stop_pending = true,
                State::Waiting | State::Due { .. } => self.leave(id, Exit::Cancelled, Some(cause)),
                State::Stopping { then, .. } if then != AfterStop::End => {
                    self.cancel(id, cause, AfterStop::End);
                }
                State::Stopping { .. } | State::Leaving { .. } => {}
            }
        }
        self.advance(Some(group_id));
    }

    /// Takes the group's next step.
    pub(super) fn advance(&mut self, group: Option<GroupId>) {
        let Some(group) = group else { return };
        while let Some(phase) = self.groups.get(&group).map(|group| group.phase) {
            let done = match phase {
                Phase::Steady => return,
                Phase::Stopping(cause) => self.stop_next(group, cause),
                Phase::Starting => self.start_next(group),
            };
            let Some(next) = done else { return };
            if let Some(group) = self.groups.get_mut(&group) {
                group.phase = next;
                // No member is left to wait for this moment.
                group.at = group.at.filter(|_| next != Phase::Steady);
            }
        }
    }

    /// Stops the last member that is marked to stop, unless one is stopping already. Returns the next phase once none
    /// is left.
    fn stop_next(&mut self, group: GroupId, cause: Cause) -> Option<Phase> {
        let members = self.groups.get(&group).map(|group| group.members.clone()).unwrap_or_default();
        let on_its_way =
            |member: &Child| matches!(member.state, State::Stopping { .. } | State::Leaving { .. });
        if members.iter().filter_map(|&id| self.members.get(id)).any(on_its_way) {
            return None;
        }
        let next = members.into_iter().rev().find(|&id| {
            self.members
                .get(id)
                .is_some_and(|member| member.stop_pending && matches!(member.state, State::Running { .. }))
        });
        let Some(next) = next else {
            return Some(if cause == Cause::Restart { Phase::Starting } else { Phase::Steady });
        };
        let member = self.members.get_mut(next)?;
        member.stop_pending = false;
        let held = cause == Cause::Restart
            && member.spec.options.repeatable
            && member.spec.options.restart != Restart::Never;
        let passed_on = if cause == Cause::Restart { Cause::Dependency } else { cause };
        self.cancel(next, passed_on, if held { AfterStop::Hold } else { AfterStop::End });
        None
    }

    /// Starts the first waiting member, unless one is starting or one before it is not ready. Returns the next phase
    /// once none is left.
    fn start_next(&mut self, group_id: GroupId) -> Option<Phase> {
        let group = self.groups.get_mut(&group_id)?;
        for &id in &group.members {
            let Some(member) = self.members.get_mut(id) else { continue };
            match member.state {
                State::Due { .. } => return None,
                State::Waiting => {
                    let at = group.at.take();
                    member.state = State::Due { at };
                    self.actions.push(Action::Wake(id));
                    self.actions.extend(at.map(|at| Action::BackOff(id, at)));
                    return None;
                }
                // Members after it depend on its readiness.
                State::Running { .. } | State::Stopping { .. } | State::Leaving { .. }
                    if member.is_awaited() =>
                {
                    return None;
                }
                State::Running { .. } | State::Stopping { .. } | State::Leaving { .. } => {}
            }
        }
        Some(Phase::Steady)
    }

    /// A member leaves before its turn begins: the next member inherits the moment at which it may start.
    pub(super) fn inherit(&mut self, group: Option<GroupId>, at: Option<Instant>) {
        let group = group.and_then(|group| self.groups.get_mut(&group));
        if let Some(group) = group.filter(|group| group.phase == Phase::Starting) {
            group.at = group.at.max(at);
        }
    }

    /// The group's next start skips its backoff, both the group's own and that of the first waiting member.
    pub(super) fn skip_backoff(&mut self, group: Option<GroupId>) {
        let Some(group) = group.and_then(|group| self.groups.get_mut(&group)) else { return };
        if !matches!(group.phase, Phase::Starting | Phase::Stopping(Cause::Restart)) {
            return;
        }
        group.at = None;
        for &id in &group.members {
            if let Some(State::Due { at }) = self.members.get_mut(id).map(|member| &mut member.state) {
                if at.take().is_some() {
                    self.actions.push(Action::Wake(id));
                    self.actions.push(Action::Log(id, EventKind::Waiting));
                }
            }
        }
    }

    /// A member is gone.
    pub(super) fn leave_group(&mut self, id: Origin, group: Option<GroupId>) {
        let Some(group_id) = group else { return };
        if let Some(group) = self.groups.get_mut(&group_id) {
            group.members.retain(|&other| other != id);
            if group.members.is_empty() {
                self.groups.remove(&group_id);
            }
        }
        self.advance(group);
    }

    /// Yields adjacent pairs of each group: the first was started before the second, and so is stopped after it.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = (Origin, Origin)> {
        self.groups.values().flat_map(|group| group.members.windows(2).map(|pair| (pair[0], pair[1])))
    }
}
