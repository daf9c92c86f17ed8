//! When a retired member is waited for no longer.
//!
//! A retirement is not final while an act that takes precedence over it may be on its way: by another owner that had not heard of it,
//! or by its target, where that is the senior one, or has all votes. Until then the target counts as before, so that nothing is called
//! stable that such an act would make void. Once all others have acknowledged it, no such act can come.
//!
//! That is concluded of a run's past alone, and what one run found final is final to all that have it: see `README.md`, "Stability".

use std::collections::BTreeSet;

use super::{
    act::{Act, ActId, Deed},
    members::{Effective, Finals, Missing, Scope, View},
    membership::Membership,
};
use crate::replica::{Grant, Peer, graph::Graph};

impl Scope<'_> {
    /// Finds which retirements are final beside those that are, and whether there are any. Several become final together:
    /// one that is retired itself must not be waited for by the others.
    pub(super) fn conclude(&self, view: &mut View, in_force: &[ActId], retired: &BTreeSet<Peer>) -> bool {
        view.missing.clear();
        let is_retirement = |id: &ActId| self.acts[*id].deed == Deed::Retire;
        let is_open = |id: &ActId| is_retirement(id) && !view.finals.contains(id);
        let open: Vec<ActId> = view.effective.iter().copied().filter(is_open).collect();
        let mut ready = BTreeSet::new();
        for &id in &open {
            let missing = self.missing_votes(id);
            let (is_settled, awaited) = self.contests(id, view);
            if missing.as_ref().is_some_and(Vec::is_empty) && is_settled {
                ready.insert(id);
            }
            view.missing.extend(missing.into_iter().flatten().chain(awaited));
        }
        // The most of them that can be final together: with fewer, more peers stay, which must have acknowledged the others.
        let mut together = ready.clone();
        let missing = loop {
            let done: Finals = view.finals.union(&together).copied().collect();
            let waiting_for =
                view.members.keys().chain(retired.iter().filter(|peer| !self.leaves(peer, in_force, &done)));
            let mut missing: Vec<Missing> = waiting_for
                .flat_map(|&member| ready.iter().map(move |&retirement| Missing { member, retirement }))
                .filter(|missing| !self.acknowledged(missing.retirement, &missing.member))
                .collect();
            if !missing.is_empty() {
                let may_stand = self.may_stand(&done);
                missing.retain(|it| !self.begins_behind(it.retirement, &it.member, &done, &may_stand));
            }
            let before = together.len();
            together.retain(|id| missing.iter().all(|it| it.retirement != *id));
            if together.len() == before {
                view.finals = done;
                break missing;
            }
        };
        view.missing.extend(missing);
        !together.is_empty()
    }

    /// Whether one of these retirements of a peer is in force.
    pub(super) fn leaves(&self, peer: &Peer, in_force: &[ActId], finals: &Finals) -> bool {
        in_force.iter().any(|id| finals.contains(id) && self.acts[*id].target == *peer)
    }

    /// The peers whose invitation does not stand, and may come to: it fell with a retirement that is not final. What they make before they hear of that counts then,
    /// so no low may go past them.
    pub(super) fn suspended(
        &self,
        view: &View,
        in_force: &[ActId],
        retired: &BTreeSet<Peer>,
    ) -> BTreeSet<Peer> {
        if !view.open {
            return BTreeSet::new();
        }
        let mut suspended = BTreeSet::new();
        for id in self.may_stand(&view.finals) {
            let act = &self.acts[id];
            // Whatever becomes of the invitation, this stays.
            let stays_retired = || {
                let mut finals = in_force.iter().filter(|other| view.finals.contains(other));
                finals.any(|other| self.acts[*other].target == act.target && !act.past.contains(other))
            };
            let counts = view.members.contains_key(&act.target) || retired.contains(&act.target);
            if act.deed != Deed::Retire && !view.effective.contains(&id) && !counts && !stays_retired() {
                suspended.insert(act.target);
            }
        }
        suspended
    }

    /// Of the acts that this past knows, those that stand or may come to, where these retirements are final: all others fell for good, by one of these or with an invitation
    /// that did.
    pub(super) fn may_stand(&self, finals: &Finals) -> Effective {
        let mut may_stand = Effective::new();
        // Each after those in its past.
        let mut known = self.known.to_vec();
        known.sort_unstable();
        for id in known {
            let stands = |other: &ActId| may_stand.contains(other);
            let is_final = |other: &ActId| finals.contains(other);
            if !self.is_closed(id) && !self.fell(id, finals) && self.is_owners(id, stands, is_final) {
                may_stand.insert(id);
            }
        }
        may_stand
    }

    /// A junior's retirement of a senior owner needs that all other members had it in a run's past before any act of the
    /// target's, then its author all of these, and that there is another: returns those that lack it, and `None` where there is no one to ask. No other
    /// needs votes, nor does one that its target has acknowledged.
    fn missing_votes(&self, id: ActId) -> Option<Vec<Missing>> {
        let act = &self.acts[id];
        let is_senior = self.rank(&act.target).is_none_or(|rank| act.rank < rank);
        if is_senior || self.acknowledged(id, &act.target) {
            return Some(Vec::new());
        }
        let missing = act.voters.iter().filter(|voter| !self.acknowledged(id, voter));
        let mut missing: Vec<_> = missing.map(|&member| Missing { member, retirement: id }).collect();
        let has_word = || self.chains_of(&act.author()).any(|chain| self.voted_by(chain, id).is_some());
        if missing.is_empty() && act.needs_word() && !has_word() {
            missing.push(Missing { member: act.author(), retirement: id });
        }
        act.has_witness.then_some(missing)
    }

    /// Whether, once all that stay have acknowledged a retirement, no retirement of its author can take precedence over it any more;
    /// and the acknowledgements that are awaited for that.
    fn contests(&self, id: ActId, view: &View) -> (bool, Vec<Missing>) {
        let act = &self.acts[id];
        let mut awaited = Vec::new();
        // Those that are known, and may yet get all votes.
        let open = self.known.iter().copied().filter(|&other| {
            !self.is_closed(other) && self.may_take_precedence(other, id) && !self.fell(other, &view.finals)
        });
        let mut is_settled = true;
        for other in open {
            is_settled = false;
            for &member in self.acts[other].voters.iter().filter(|it| !self.acknowledged(other, it)) {
                awaited.extend([id, other].map(|retirement| Missing { member, retirement }));
            }
        }
        // Its target's, which may be on its way: not with all votes, if one that it needs has acknowledged this one without it.
        let has_acknowledged = |member: &Peer| self.acknowledged(id, member);
        if self.rank(&act.target).is_some() && !has_acknowledged(&act.target) {
            let (have, missing): (Vec<Peer>, Vec<Peer>) =
                act.voters.iter().partition(|it| has_acknowledged(it));
            let is_known = |voter: &Peer| self.is_known_to(voter, &act.target, &act.past);
            if !missing.is_empty() && !have.iter().any(is_known) {
                is_settled = false;
                let members = missing.into_iter().chain([act.target]);
                awaited.extend(members.map(|member| Missing { member, retirement: id }));
            }
        }
        (is_settled, awaited)
    }

    /// Whether a member knows another as one, in whatever it makes beside what is known of it. One that was retired must have been invited
    /// again since, to its knowledge: by one of `retirements`, those that may be final to it.
    pub(super) fn is_known_to<'a>(
        &self,
        peer: &Peer,
        member: &Peer,
        retirements: impl IntoIterator<Item = &'a ActId>,
    ) -> bool {
        let acts = || self.known.iter().copied();
        // It begins with any of its invitations in its past.
        let begins_with = |act: ActId| {
            let mut own = acts().filter(|id| self.acts[*id].invites(member));
            !self.genesis.contains_key(member) && own.all(|id| id == act || self.acts[id].past.contains(&act))
        };
        let invitations = || {
            let of_peer = acts().filter(|id| self.acts[*id].invites(peer));
            of_peer.filter(|id| self.acknowledged(*id, member) || begins_with(*id))
        };
        let mut retirements = retirements
            .into_iter()
            .filter(|id| self.acts[**id].deed == Deed::Retire && self.acts[**id].target == *peer);
        (self.genesis.contains_key(peer) || invitations().next().is_some())
            && retirements.all(|id| invitations().any(|later| self.acts[later].past.contains(id)))
    }

    /// Whether a member begins with an invitation that has this act in its past, so that nothing that it makes is concurrent. Other invitations of it are none that are not
    /// here, where their authors have acknowledged the act; or they never stand, as those of one that the act retires. What it began with before one of `finals` retired it is over.
    fn begins_behind(&self, act: ActId, member: &Peer, finals: &Finals, may_stand: &Effective) -> bool {
        let mut retirements = finals.iter().filter(|id| self.acts[**id].target == *member).peekable();
        if self.genesis.contains_key(member) && retirements.peek().is_none() {
            return false;
        }
        let retirements: Vec<ActId> = retirements.copied().collect();
        let begins = |id: &&ActId| {
            let invitation = &self.acts[**id];
            invitation.invites(member) && retirements.iter().all(|it| invitation.past.contains(it))
        };
        let mut begins = may_stand.iter().filter(begins).peekable();
        begins.peek().is_some() && begins.all(|id| self.acts[*id].past.contains(&act))
    }

    /// Whether an act never stands again: a retirement of its author that is final takes precedence over it.
    fn fell(&self, act: ActId, finals: &Finals) -> bool {
        finals.iter().any(|&id| self.takes_precedence(id, act) && !self.may_take_precedence(act, id))
    }

    /// Whether a member can make no more acts that are concurrent with this one. What this replica made itself may not be durable yet.
    pub(super) fn acknowledged(&self, act: ActId, by: &Peer) -> bool {
        (self.acts[act].author() == *by && self.live != Some(*by))
            || self.chains_of(by).any(|chain| self.seen_by(chain, act).is_some())
    }
}

impl Membership {
    /// Below which time no verdict depends on a retirement that is not final. While one is, all that are not may come to stand or
    /// fall with it, and so what their targets made that they do not have, and the invitations that their targets made.
    pub(super) fn ceiling<Op>(&self, graph: &Graph<Op>) -> u64 {
        let view = &self.live.view;
        if !view.open {
            return u64::MAX;
        }
        // One that a final retirement took precedence over never stands.
        let fell = |act: &Act| {
            let mut finals = view.finals.iter().filter(|id| !act.past.contains(*id));
            finals.any(|&id| self.acts[id].target == act.author())
        };
        let is_open = |(id, act): &(ActId, &Act)| {
            let decided = *id < self.live.decided || view.finals.contains(id) || act.closed;
            act.deed == Deed::Retire && !decided && (view.effective.contains(id) || !fell(act))
        };
        let mut ceiling = u64::MAX;
        for (id, retirement) in self.acts.iter().enumerate().filter(is_open) {
            let chains = self.peers.get(&retirement.target).map(|index| self.peers.chains(index));
            for &chain in chains.into_iter().flatten() {
                let lost = graph.run_after(chain, retirement.kept(chain));
                ceiling = lost.map_or(ceiling, |run| ceiling.min(run.header.lamport - 1));
            }
            for (other, invite) in self.acts.iter().enumerate() {
                let concurrent = !retirement.past.contains(&other) && !invite.past.contains(&id);
                if invite.deed != Deed::Retire && invite.author() == retirement.target && concurrent {
                    // An owner retires others without what its inviter had not.
                    let is_owner = invite.deed == Deed::Invite(Grant::Owner);
                    ceiling = ceiling.min(if is_owner { invite.low } else { invite.key.lamport - 1 });
                }
            }
        }
        ceiling
    }
}
