//! The members, as a past knows them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    act::{Act, ActId, Deed, Floor, Rank, Seen},
    watermark::ChainState,
};
use crate::replica::{Grant, Peer, graph::ChainId};

/// The acts that stand.
pub(super) type Effective = BTreeSet<ActId>;

/// The retirements that are final.
pub(super) type Finals = BTreeSet<ActId>;

/// A peer's number on this replica.
pub(super) type PeerIndex = usize;

/// What a past says of the members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) effective: Effective,
    pub(super) members: BTreeMap<Peer, Grant>,
    /// Retirements that all have acknowledged, so that no late word of their targets can matter.
    pub(super) finals: Finals,
    /// Peers that are no members as what invited them does not stand, and may be again: it may come to stand.
    pub(super) suspended: BTreeSet<Peer>,
    /// The peers with a clock and low that matter, in their order.
    pub(super) counted: Vec<Counted>,
    /// Whether a retirement is not final.
    pub(super) open: bool,
    /// What that lacks, in the view of a run.
    pub(super) missing: Vec<Missing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) peer: PeerIndex,
    pub(super) floor: Floor,
}

/// This member has not acknowledged that retirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) member: Peer,
    pub(super) retirement: ActId,
}

/// A past, as far as it concerns the members: what is known in it, and by which of its runs.
pub(super) struct Scope<'a> {
    pub(super) genesis: &'a BTreeMap<Peer, Grant>,
    pub(super) acts: &'a [Act],
    pub(super) known: &'a [ActId],
    pub(super) chains: &'a [ChainState],
    pub(super) peers: &'a Peers,
    /// How much of a chain is in this past.
    pub(super) heard: &'a dyn Fn(ChainId) -> u64,
    /// Of this replica's own: all that it admitted.
    pub(super) live: Option<Peer>,
}

impl Scope<'_> {
    /// Only what this replica admitted as a whole says which acts are closed: in a view an act counts as its author made it.
    pub(super) fn is_closed(&self, act: ActId) -> bool {
        self.live.is_some() && self.acts[act].closed
    }

    pub(super) fn chains_of(&self, peer: &Peer) -> impl Iterator<Item = ChainId> + '_ {
        self.peers.get(peer).into_iter().flat_map(|index| self.peers.chains(index).iter().copied())
    }

    /// Since when a chain's runs have an act in their past, as far as they are in this past.
    pub(super) fn seen_by(&self, chain: ChainId, act: ActId) -> Option<Seen> {
        let seen = self.chains[chain.index()].known.get(act)?;
        (seen.next_seq <= (self.heard)(chain)).then_some(seen)
    }

    /// Since when a chain's runs have all others' votes for its author's retirement in their past, as far as they are in this past.
    pub(super) fn voted_by(&self, chain: ChainId, act: ActId) -> Option<Seen> {
        let voted = self.chains[chain.index()].known.get_voted(act)?;
        (voted.next_seq <= (self.heard)(chain)).then_some(voted)
    }

    /// The best rank that a peer has as an owner.
    pub(super) fn rank(&self, peer: &Peer) -> Option<Rank> {
        if self.genesis.get(peer) == Some(&Grant::Owner) {
            return Some(Rank::Genesis(*peer));
        }
        let invites = self.known.iter().map(|&id| &self.acts[id]);
        invites
            .filter(|act| act.deed == Deed::Invite(Grant::Owner) && act.target == *peer)
            .map(|act| Rank::Invited(act.key))
            .min()
    }

    /// What is known of a peer that was invited, before it is heard of. It may have begun with any of several invitations, but
    /// with none that the author of a later one knew to be over, and with none that never stands. One whose author waited for the peer says no more than what it knew before; where
    /// that is no invitation, nothing.
    fn floor(&self, peer: &Peer, may_stand: &Effective) -> Floor {
        let invites =
            || self.known.iter().map(|id| (id, &self.acts[*id])).filter(|(_, act)| act.invites(peer));
        let is_over =
            |id: &ActId| invites().any(|(_, later)| later.floor.is_some() && later.past.contains(id));
        let may_begin = |id: &ActId| may_stand.contains(id) && !is_over(id);
        let begins: Vec<ActId> = invites().map(|(id, _)| *id).filter(may_begin).collect();
        let floors = begins.iter().map(|id| &self.acts[*id]).filter_map(|invite| {
            let goes_on = || begins.iter().any(|before| invite.past.contains(before));
            invite.floor.or_else(|| (!goes_on()).then(Floor::default))
        });
        floors
            .reduce(|one, other| Floor { clock: one.clock.min(other.clock), low: one.low.min(other.low) })
            .unwrap_or_default()
    }

    /// What a run says of the members whose past this is: which peers they are, which of them count, and which retirements are final, beside those that a run in this past found so.
    pub(super) fn view(&self, finals: Finals) -> View {
        self.view_by(finals, true)
    }

    /// The same where no other retirements are final than these.
    pub(super) fn view_where(&self, finals: Finals) -> View {
        self.view_by(finals, false)
    }

    fn view_by(&self, mut finals: Finals, finds: bool) -> View {
        finals.retain(|id| !self.is_closed(*id));
        let effective = self.effective();
        let mut members = self.genesis.clone();
        let mut invites: Vec<_> =
            effective.iter().map(|&id| &self.acts[id]).filter(|act| act.deed != Deed::Retire).collect();
        invites.sort_by_key(|act| act.key);
        for act in invites {
            if let Deed::Invite(grant) = act.deed {
                members.insert(act.target, grant);
            }
        }
        let retirements: Vec<ActId> =
            effective.iter().copied().filter(|&id| self.acts[id].deed == Deed::Retire).collect();
        let in_force: Vec<ActId> = retirements
            .into_iter()
            .filter(|id| {
                let target = self.acts[*id].target;
                !effective.iter().any(|&other| {
                    let act = &self.acts[other];
                    act.deed != Deed::Retire && act.target == target && act.past.contains(id)
                })
            })
            .collect();
        let mut retired: BTreeSet<Peer> = BTreeSet::new();
        for &id in &in_force {
            if members.remove(&self.acts[id].target).is_some() {
                retired.insert(self.acts[id].target);
            }
        }
        let mut view = View { effective, members, finals, ..View::default() };
        // One that is final may settle what others wait for.
        while finds && self.conclude(&mut view, &in_force, &retired) {}
        retired.retain(|peer| !self.leaves(peer, &in_force, &view.finals));
        let mut retirements = view.effective.iter().filter(|id| self.acts[**id].deed == Deed::Retire);
        view.open = !retirements.all(|id| view.finals.contains(id));
        view.suspended = self.suspended(&view, &in_force, &retired);
        let may_stand = self.may_stand(&view.finals);
        view.counted = view
            .members
            .keys()
            .chain(&retired)
            .chain(&view.suspended)
            .filter_map(|peer| {
                Some(Counted { peer: self.peers.get(peer)?, floor: self.floor(peer, &may_stand) })
            })
            .collect();
        view.counted.sort_by_key(|counted| self.peers.name(counted.peer));
        view
    }
}

/// The peers this replica knows of, and their chains.
#[derive(Debug, Default)]
pub(super) struct Peers {
    index: BTreeMap<Peer, PeerIndex>,
    names: Vec<Peer>,
    chains: Vec<Vec<ChainId>>,
}

impl Peers {
    pub(super) fn enter(&mut self, peer: Peer) -> PeerIndex {
        *self.index.entry(peer).or_insert_with(|| {
            self.names.push(peer);
            self.chains.push(Vec::new());
            self.names.len() - 1
        })
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn get(&self, peer: &Peer) -> Option<PeerIndex> {
        self.index.get(peer).copied()
    }

    pub(super) fn name(&self, peer: PeerIndex) -> Peer {
        self.names[peer]
    }

    pub(super) fn chains(&self, peer: PeerIndex) -> &[ChainId] {
        &self.chains[peer]
    }

    pub(super) fn add_chain(&mut self, peer: PeerIndex, chain: ChainId) {
        self.chains[peer].push(chain);
    }
}

/// Numbered in that order.
impl FromIterator<Peer> for Peers {
    fn from_iter<T: IntoIterator<Item = Peer>>(names: T) -> Self {
        let mut peers = Self::default();
        names.into_iter().for_each(|name| _ = peers.enter(name));
        peers
    }
}
