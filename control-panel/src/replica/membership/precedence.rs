//! Which acts are effective: those whose author no concurrent effective retirement takes precedence over.

use super::{
    act::{Act, ActId, Deed},
    members::{Effective, Scope, View},
};
use crate::replica::{Grant, Peer};

impl Scope<'_> {
    /// Of the acts that this past knows, the effective ones. A function of the set, whatever the order of admission.
    ///
    /// An act falls with the invitation that made its author an owner, and by a concurrent retirement of its author that takes
    /// precedence and stands itself. Where acts stand or fall in a circle, a retirement stands that has all votes; else the most senior
    /// owner's act.
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
                let voted = undecided.iter().position(|&id| self.has_votes_against(id, &undecided));
                effective.insert(undecided.remove(voted.unwrap_or(0)));
            }
        }
        effective
    }

    /// Whether an act stands, if that is decided yet.
    fn standing(&self, id: ActId, effective: &Effective, undecided: &[ActId]) -> Option<bool> {
        let mut open = false;
        let stands = |other: &ActId| effective.contains(other);
        let may_stand = |other: &ActId| effective.contains(other) || undecided.contains(other);
        if !self.is_owners(id, stands, may_stand) {
            if !self.is_owners(id, may_stand, stands) {
                return Some(false);
            }
            open = true;
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

    /// Whether an act's author was an owner in the act's past, if these invitations and these retirements stand: from the beginning or
    /// by an invitation, and not retired since.
    pub(super) fn is_owners(
        &self,
        id: ActId,
        invites: impl Fn(&ActId) -> bool,
        retires: impl Fn(&ActId) -> bool,
    ) -> bool {
        let act = &self.acts[id];
        let is_ended = |known: &dyn Fn(&ActId) -> bool| {
            act.past.iter().any(|other| {
                let retirement = &self.acts[*other];
                retirement.deed == Deed::Retire
                    && retirement.target == act.author()
                    && retires(other)
                    && !known(other)
            })
        };
        let by_invitation = |other: &ActId| {
            let invite = &self.acts[*other];
            invite.makes_owner(&act.author())
                && invites(other)
                && !is_ended(&|retirement| invite.past.contains(retirement))
        };
        (act.by_genesis && !is_ended(&|_| false)) || act.past.iter().any(by_invitation)
    }

    /// Whether `by` retires the author of `of`, concurrently and with precedence.
    pub(super) fn takes_precedence(&self, by: ActId, of: ActId) -> bool {
        let (retirement, act) = (&self.acts[by], &self.acts[of]);
        if !self.is_against(by, of) {
            return false;
        }
        if retirement.rank < act.rank {
            // The senior one's, unless all others had acknowledged the junior one's first.
            !(act.deed == Deed::Retire && act.target == retirement.author() && self.has_all_votes(of, by))
        } else {
            self.has_all_votes(by, of)
        }
    }

    /// Whether `by` may yet come to take precedence over `of`, by votes that are on their way.
    pub(super) fn may_take_precedence(&self, by: ActId, of: ActId) -> bool {
        let (retirement, act) = (&self.acts[by], &self.acts[of]);
        self.takes_precedence(by, of)
            || self.is_against(by, of)
                && retirement.rank >= act.rank
                && retirement.has_witness
                && self.may_get_all_votes(by, of)
    }

    /// Whether votes that are on their way may make all. One that misses a vote may have given it on another branch, so of several two must; or the
    /// author, that has the act before it has all others' votes.
    fn may_get_all_votes(&self, by: ActId, of: ActId) -> bool {
        let retirement = &self.acts[by];
        let missed = |voter: &&Peer| !self.has_vote(by, of, voter) && self.acknowledged(of, voter);
        let missed = retirement.voters.iter().filter(missed).count();
        if retirement.needs_word() {
            missed < 2 && (self.has_word(by, of) || !self.acknowledged(of, &retirement.author()))
        } else {
            missed == 0
        }
    }

    /// Whether `by` retires the author of `of`, and neither has the other in its past.
    pub(super) fn is_against(&self, by: ActId, of: ActId) -> bool {
        let (retirement, act) = (&self.acts[by], &self.acts[of]);
        retirement.deed == Deed::Retire
            && retirement.target == act.author()
            && by != of
            && !retirement.past.contains(&of)
            && !act.past.contains(&by)
    }

    /// Whether votes may decide between an act and one before it.
    pub(super) fn is_voted_on(&self, id: ActId) -> bool {
        let decide = |by: ActId, of: ActId| self.acts[by].has_witness && self.is_against(by, of);
        (0..id).any(|other| decide(id, other) || decide(other, id))
    }

    /// Whether all other members had a retirement in their past before they had a concurrent act of its target's, and its author all of their votes. No two
    /// such acts can both be, as each member has one order. So an owner that was lost can be retired by its juniors, for good.
    fn has_all_votes(&self, retirement: ActId, other: ActId) -> bool {
        let act = &self.acts[retirement];
        act.has_witness
            && act.voters.iter().all(|voter| self.has_vote(retirement, other, voter))
            && (!act.needs_word() || self.has_word(retirement, other))
    }

    /// Whether a retirement's author had all others' votes in its past before it had a concurrent act of its target's.
    fn has_word(&self, retirement: ActId, other: ActId) -> bool {
        self.chains_of(&self.acts[retirement].author()).any(|chain| {
            self.voted_by(chain, retirement).is_some_and(|voted| {
                self.chains[chain.index()].known.get(other).is_none_or(|late| late.from > voted.from)
            })
        })
    }

    /// Whether a retirement of a senior has all votes against each of these acts by its target. One that is final has, whatever comes.
    fn has_votes_against(&self, retirement: ActId, acts: &[ActId]) -> bool {
        let mut against = acts.iter().filter(|id| self.is_against(retirement, **id)).peekable();
        against.peek().is_some()
            && against.all(|&id| {
                self.acts[retirement].rank >= self.acts[id].rank && self.has_all_votes(retirement, id)
            })
    }

    /// Whether a member had an act in its past before it had the other.
    fn has_vote(&self, act: ActId, other: ActId, voter: &Peer) -> bool {
        self.chains_of(voter).any(|chain| {
            self.seen_by(chain, act).is_some_and(|seen| {
                self.chains[chain.index()].known.get(other).is_none_or(|late| late.from > seen.from)
            })
        })
    }

    /// Those whose votes a retirement needs against its target's acts: all others that count in its past. And whether these are worth
    /// anything: of them and the author two must be members that the target knew of, as one's own invitations make no majority.
    pub(super) fn voters(&self, view: &View, author: Peer, target: Peer) -> (Vec<Peer>, bool) {
        let counted = view.counted.iter().map(|counted| self.peers.name(counted.peer));
        // One whose invitation does not stand says nothing once it knows.
        let asked = |peer: &Peer| *peer != target && *peer != author && !view.suspended.contains(peer);
        let voters: Vec<Peer> = counted.filter(asked).collect();
        let is_witness =
            |peer: &&Peer| view.members.contains_key(*peer) && self.is_known_to(peer, &target, self.known);
        let witnesses = voters.iter().chain([&author]).filter(is_witness).count();
        (voters, witnesses >= 2)
    }
}

impl Act {
    pub(super) fn invites(&self, peer: &Peer) -> bool {
        self.deed != Deed::Retire && self.target == *peer
    }

    fn makes_owner(&self, peer: &Peer) -> bool {
        self.deed == Deed::Invite(Grant::Owner) && self.target == *peer
    }
}
