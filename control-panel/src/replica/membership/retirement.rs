//! When a retired member is waited for no longer.
//!
//! A retirement is not final while an act that takes precedence over it may be on its way: by another owner that had not heard of it,
//! or by its target, where that is the senior one. Until then the target counts as before, so that nothing is called stable that
//! such an act would make void. Once all others have acknowledged it, no such act can come.

use std::collections::BTreeSet;

use super::{
    act::ActId,
    members::{Missing, Scope, View},
};
use crate::replica::Peer;

impl Scope<'_> {
    /// Leaves out of `retired` those whose retirement is final. All that are open become final together: one that is
    /// retired itself must not be waited for by the others.
    pub(super) fn conclude(&self, view: &mut View, in_force: &[ActId], retired: &mut BTreeSet<Peer>) {
        let target = |id: ActId| self.acts[id].target;
        let is_final = |view: &View, peer: &Peer| {
            in_force.iter().any(|&id| target(id) == *peer && view.finals.contains(&id))
        };
        retired.retain(|peer| !is_final(view, peer));
        let mut ready = BTreeSet::new();
        for &id in in_force.iter().filter(|&&id| retired.contains(&target(id))) {
            let missing = self.missing_votes(id);
            if missing.as_ref().is_some_and(Vec::is_empty) {
                ready.insert(target(id));
            }
            view.missing.extend(missing.into_iter().flatten());
        }
        let open: Vec<ActId> = in_force.iter().copied().filter(|&id| ready.contains(&target(id))).collect();
        let waiting_for = view.members.keys().chain(retired.iter().filter(|peer| !ready.contains(*peer)));
        let missing: Vec<Missing> = waiting_for
            .flat_map(|&member| open.iter().map(move |&retirement| Missing { member, retirement }))
            .filter(|missing| !self.acknowledged(missing.retirement, &missing.member))
            .collect();
        if missing.is_empty() {
            view.finals.extend(open);
            retired.retain(|peer| !ready.contains(peer));
        }
        view.missing.extend(missing);
    }

    /// A junior's retirement of a senior owner needs that all other members had it in a run's past before any act of the
    /// target's, and that there is another: returns those that lack it, and `None` where there is no one to ask. No other needs votes.
    fn missing_votes(&self, id: ActId) -> Option<Vec<Missing>> {
        let act = &self.acts[id];
        if self.rank(&act.target).is_none_or(|rank| act.rank < rank) {
            return Some(Vec::new());
        }
        let missing = act.voters.iter().filter(|voter| !self.acknowledged_by_run(id, voter));
        let missing = missing.map(|&member| Missing { member, retirement: id }).collect();
        (!act.voters.is_empty()).then_some(missing)
    }

    /// Whether a member can make no more acts that are concurrent with this one.
    pub(super) fn acknowledged(&self, act: ActId, by: &Peer) -> bool {
        self.live == Some(*by) || self.acknowledged_by_run(act, by)
    }

    fn acknowledged_by_run(&self, act: ActId, by: &Peer) -> bool {
        self.acts[act].author() == *by || self.chains_of(by).any(|chain| self.seen_by(chain, act).is_some())
    }

    /// Whether what the retired are counted for may have come.
    pub(super) fn may_conclude(&self, view: &View) -> bool {
        view.missing.iter().any(|missing| self.acknowledged_by_run(missing.retirement, &missing.member))
    }
}
