//! What holds whenever no call is in progress, as assertions.
//!
//! Debug builds check it after each call, so that the tests, and a program's debug build, stop at the decision that is
//! wrong and not at what follows from it. The rules of pools and the stop order are checked beside their fields
//! ([`pool`](super::pool), [`stop_order`](super::stop_order)).

use super::{
    Machine,
    child::{Child, State},
    group::Phase,
};
use crate::intent::Origin;

/// Of larger panels only the cheap rules are checked: a shutdown of thousands takes as many calls.
const MOST_CHECKED: usize = 64;

/// Checks the invariants, in debug builds.
pub(super) fn check(machine: &Machine) {
    if !cfg!(debug_assertions) || machine.members.len() > MOST_CHECKED {
        return;
    }
    for (id, member) in machine.members.iter() {
        member.check(id);
        let to_begin = matches!(member.state, State::Waiting | State::Due { .. });
        assert!(!(machine.is_stopping() && to_begin), "{id} is to begin a run during a shutdown");
        if matches!(member.state, State::Waiting) {
            let starts_it = member.group().is_some() || member.spec.place.is_some();
            assert!(starts_it, "{id} waits for a turn, and nothing gives it one");
        }
    }
    check_groups(machine);
    machine.check_pools();
    if let Some(order) = &machine.stopping {
        order.check();
    }
}

fn check_groups(machine: &Machine) {
    for (group_id, group) in &machine.groups {
        assert!(!group.members.is_empty(), "{group_id:?} is kept without members");
        for (at, &id) in group.members.iter().enumerate() {
            let member = machine.members.get(id);
            let belongs = member.is_some_and(|member| member.group() == Some(*group_id));
            assert!(belongs && !group.members[..at].contains(&id), "{group_id:?} lists {id} in error");
            let waits = member.is_some_and(|member| matches!(member.state, State::Waiting));
            assert!(
                !waits || group.phase != Phase::Steady,
                "{id} waits for {group_id:?}, which starts nothing"
            );
        }
        assert!(group.at.is_none() || group.phase != Phase::Steady, "{group_id:?} backs off from nothing");
    }
    let listed: usize = machine.groups.values().map(|group| group.members.len()).sum();
    let members = machine.members.values().filter(|member| member.group().is_some()).count();
    assert_eq!(members, listed, "each member of a group is listed by it");
}

impl Child {
    fn check(&self, id: Origin) {
        let has_run = self.is_running() || self.is_stopping();
        assert!(!has_run || self.generation > 0, "{id} has a run without a number");
        let to_begin = matches!(self.state, State::Waiting | State::Due { .. });
        assert!(!(self.stop_pending && to_begin), "{id} has no run, and its group is to stop that");
        assert!(!self.stuck || has_run, "{id} has no run, and that is stuck");
        assert!(!self.late || self.is_stopping(), "{id} was late, and is not stopped for that");
        assert!(
            !self.ready || self.spec.options.run.ready_within.is_some(),
            "{id} is ready, and never declared that"
        );
    }
}
