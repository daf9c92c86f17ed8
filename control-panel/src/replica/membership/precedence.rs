//! Which acts are effective: those whose author no concurrent effective retirement takes precedence over.

use super::{
    act::{Act, ActId, Deed},
    members::{Effective, Scope},
};

impl Scope<'_> {
    /// Of the acts that this past knows, the effective ones. A function of the set, whatever the order of admission.
    ///
    /// An act falls with the invitation that made its author an owner, and by a concurrent retirement of its author that takes
    /// precedence and stands itself. Owners that retire each other in a circle are decided by rank: the most senior one's act stands.
    pub(super) fn effective(&self) -> Effective {
        let mut undecided: Vec<ActId> =
            self.known.iter().copied().filter(|&id| !self.is_closed(id)).collect();
        undecided.sort_by_key(|&id| (self.acts[id].rank, self.acts[id].key));
        let mut effective = Effective::new();
        while !undecided.is_empty() {
            let before = undecided.len();
            let waiting = undecided.clone();
            undecided.retain(|&id| match self.standing(id, &effective, &waiting) {
                Some(true) => !effective.insert(id),
                Some(false) => false,
                None => true,
            });
            if undecided.len() == before {
                effective.insert(undecided.remove(0));
            }
        }
        effective
    }

    /// Whether an act stands, if that is decided yet.
    fn standing(&self, id: ActId, effective: &Effective, undecided: &[ActId]) -> Option<bool> {
        let act = &self.acts[id];
        let mut open = false;
        if !act.by_genesis {
            let mut invites = act.past.iter().filter(|&&other| self.acts[other].makes_owner(&act.author()));
            if !invites.clone().any(|other| effective.contains(other)) {
                if !invites.any(|other| undecided.contains(other)) {
                    return Some(false);
                }
                open = true;
            }
        }
        for &other in self.known {
            if self.takes_precedence(other, id) {
                if effective.contains(&other) {
                    return Some(false);
                }
                open |= undecided.contains(&other);
            }
        }
        (!open).then_some(true)
    }

    /// Whether `by` retires the author of `of`, concurrently and with precedence.
    fn takes_precedence(&self, by: ActId, of: ActId) -> bool {
        let (retirement, act) = (&self.acts[by], &self.acts[of]);
        let concurrent = by != of && !retirement.past.contains(&of) && !act.past.contains(&by);
        if retirement.deed != Deed::Retire || retirement.target != act.author() || !concurrent {
            return false;
        }
        if retirement.rank < act.rank {
            // The senior one's, unless all others had acknowledged the junior one's first.
            !(act.deed == Deed::Retire
                && act.target == retirement.author()
                && self.is_acknowledged_before(of, by))
        } else {
            self.is_acknowledged_before(by, of)
        }
    }

    /// Whether all other members had a retirement in their past before they had a concurrent act of its target's. No two such acts
    /// can both be, as each member has one order. So an owner that was lost can be retired by its juniors, for good.
    fn is_acknowledged_before(&self, retirement: ActId, other: ActId) -> bool {
        let voters = &self.acts[retirement].voters;
        !voters.is_empty()
            && voters.iter().all(|voter| {
                self.chains_of(voter).any(|chain| {
                    self.seen_by(chain, retirement).is_some_and(|seen| {
                        self.chains[chain.index()].known.get(other).is_none_or(|late| late.from > seen.from)
                    })
                })
            })
    }
}

impl Act {
    fn makes_owner(&self, peer: &crate::replica::Peer) -> bool {
        self.deed == Deed::Invite(crate::replica::Grant::Owner) && self.target == *peer
    }
}
