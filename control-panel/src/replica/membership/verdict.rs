//! Whether a run counts.

use super::{
    act::{Act, ActId, Deed, Known},
    members::Effective,
    membership::Membership,
};
use crate::replica::{
    Grant, Peer,
    graph::{Candidate, ChainId, Members},
    run::{Operation, Run},
};

/// Whether a run's operations are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Valid,
    /// Kept and forwarded, but not applied.
    Void(Void),
}

impl Verdict {
    pub(crate) fn applies(self) -> bool {
        self == Self::Valid
    }
}

/// Why not. Where several hold, the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Void {
    /// Its peer was retired without it.
    Retired,
    /// Its author had no right to it.
    NotGranted,
    /// At or below the low of a run that does not have it in its past.
    Closed,
}

/// A run whose verdict is another than at the last report: void now, or valid again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) chain: ChainId,
    /// The sequence number of the run's first operation.
    pub(crate) seq: u64,
    pub(crate) verdict: Verdict,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    /// To acknowledge.
    Read,
    /// To commit, and to revoke one's own.
    Write,
    /// To invite, retire, cut, and revoke what others made.
    Own,
}

impl Right {
    /// What a run's operations need, together: a run counts as a whole.
    #[inline]
    pub(super) fn needed<Op>(run: &Run<Op>) -> Self {
        if run.operations.are_plain() {
            return Self::Write;
        }
        let of = |operation: &Operation<Op>| match operation {
            Operation::Ack { .. } => Self::Read,
            Operation::Apply(_) | Operation::Unknown(_) => Self::Write,
            Operation::Revoke { stamp } if stamp.author.peer == run.header.author.peer => Self::Write,
            Operation::Revoke { .. }
            | Operation::Invite { .. }
            | Operation::Retire { .. }
            | Operation::Cut { .. } => Self::Own,
        };
        run.operations.iter().map(of).max().unwrap_or(Self::Read)
    }

    pub(super) fn given_by(self, grant: Grant) -> bool {
        match self {
            Self::Read => true,
            Self::Write => grant >= Grant::Write,
            Self::Own => grant >= Grant::Owner,
        }
    }
}

/// A run's place, and what its operations need.
#[derive(Clone, Copy)]
pub(super) struct Judged {
    pub(super) chain: ChainId,
    pub(super) seq: u64,
    pub(super) next_seq: u64,
    pub(super) peer: Peer,
    pub(super) needs: Right,
}

impl Judged {
    pub(super) fn new<Op>(chain: ChainId, run: &Run<Op>) -> Self {
        let (seq, next_seq, peer) = (run.header.seq, run.next_seq(), run.header.author.peer);
        Self { chain, seq, next_seq, peer, needs: Right::needed(run) }
    }

    /// What the effective acts say of a run; whether it is closed is no affair of theirs.
    pub(super) fn by_acts(
        &self,
        acts: &[Act],
        known: &Known,
        effective: &Effective,
        genesis: Option<Grant>,
    ) -> Option<Void> {
        let invites = || {
            known.at(self.seq).filter_map(|id| {
                let act = &acts[id];
                match act.deed {
                    Deed::Invite(grant) if act.target == self.peer && effective.contains(&id) => {
                        Some((act, grant))
                    }
                    _ => None,
                }
            })
        };
        let retired = effective.iter().any(|&id| {
            let act = &acts[id];
            act.deed == Deed::Retire
                && act.target == self.peer
                && act.kept(self.chain) < self.next_seq
                && !invites().any(|(invite, _)| invite.past.contains(&id))
        });
        if retired {
            return Some(Void::Retired);
        }
        let grant = invites().max_by_key(|(act, _)| act.key).map(|(_, grant)| grant).or(genesis);
        (!grant.is_some_and(|grant| self.needs.given_by(grant))).then_some(Void::NotGranted)
    }
}

impl Membership {
    /// Whether a run can name what others take then: it is not void as one of a retired peer, or that is not certain.
    pub(crate) fn can_name<Op>(&self, chain: ChainId, run: &Run<Op>) -> bool {
        self.verdict(chain, run.header.seq) != Verdict::Void(Void::Retired) || !self.is_certain(chain, run)
    }

    /// Whether a retirement of this peer stands, whatever came later: the members may have forgotten meanwhile, without its word, what a cut covers.
    pub(crate) fn was_retired(&self) -> bool {
        let effective = self.live.view.effective.iter().map(|id| &self.acts[*id]);
        let mut retirements = effective.filter(|act| act.deed == Deed::Retire);
        retirements.any(|act| act.target == self.me.peer)
    }
}

impl<Op> Members<Op> for Membership {
    /// Whether the author is or was a member in the run's past.
    fn knows(&self, candidate: &Candidate<'_, Op>) -> bool {
        let peer = candidate.run.header.author.peer;
        let invites = || self.acts.iter().filter(|act| act.target == peer && act.deed != Deed::Retire);
        self.genesis.contains_key(&peer)
            || invites().any(|invite| candidate.covers((invite.chain, invite.next_seq)))
    }

    /// Whether the peer is a member, and its run will not be void as one of a retired peer: it has an invitation in its past that is later. No act that
    /// is here has the run in its past, as the run is not.
    fn counts(&self, run: &Run<Op>, covers: &dyn Fn((ChainId, u64)) -> bool) -> bool {
        let peer = run.header.author.peer;
        let of_peer = |id: &&ActId| self.acts[**id].target == peer;
        let effective = || self.live.view.effective.iter().filter(of_peer);
        let invited_after = |retirement: &ActId| {
            effective().any(|id| {
                let act = &self.acts[*id];
                act.invites(&peer) && act.past.contains(retirement) && covers((act.chain, act.next_seq))
            })
        };
        let mut retirements = effective().filter(|id| self.acts[**id].deed == Deed::Retire);
        self.members().contains_key(&peer) && retirements.all(invited_after)
    }
}
