//! An invitation or a retirement, with its past.

use std::collections::BTreeSet;

use crate::replica::{Author, Grant, Peer, RunHash, gallop::partition_point_from_end, graph::ChainId};

/// An act's number on this replica, in the order of admission.
pub(super) type ActId = usize;

/// An operation's place in the one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) lamport: u64,
    pub(super) author: Author,
    pub(super) seq: u64,
    pub(super) hash: RunHash,
}

/// An owner's place among owners: the lower has precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Genesis(Peer),
    /// By its first invitation as an owner.
    Invited(Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Invite(Grant),
    Retire,
}

/// A membership operation of an owner. All of it is a function of the run that has it, and of that run's past; `closed` alone
/// depends on what else was admitted.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) deed: Deed,
    pub(super) target: Peer,
    pub(super) key: Key,
    pub(super) chain: ChainId,
    /// Of its run.
    pub(super) run_seq: u64,
    pub(super) next_seq: u64,
    pub(super) rank: Rank,
    /// Whether its author was an owner from the beginning: others need an invitation that is effective.
    pub(super) by_genesis: bool,
    pub(super) past: BTreeSet<ActId>,
    /// Of a retirement: how far its author had admitted the target's chains, all incarnations.
    pub(super) vector: Vec<(ChainId, u64)>,
    /// Of a retirement: all others that count in its past.
    pub(super) voters: Vec<Peer>,
    /// Whether two of the voters and the author are members that its target knew of, as far as its author knew, and the target may
    /// be the senior one. Else the votes are none, or not needed.
    pub(super) has_witness: bool,
    /// Up to where its author had all that every member made.
    pub(super) low: u64,
    /// Of an invitation of a peer that no one waited for: a time below all its runs, and what it knows at least.
    pub(super) floor: Option<Floor>,
    pub(super) closed: bool,
}

/// What is known of a member before it is heard of: it begins with its invitation in its past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) clock: u64,
    pub(super) low: u64,
}

impl Act {
    pub(super) fn author(&self) -> Peer {
        self.key.author.peer
    }

    /// Of a retirement: whether its author is the last of its voters. Of two or more one may fork, and vote on one branch for this and on the other for what
    /// its target did; the author is in one place only. One that is the only voter decides alone.
    pub(super) fn needs_word(&self) -> bool {
        self.has_witness && self.voters.len() > 1
    }

    /// Up to which sequence number a chain of its target has nothing to fear.
    pub(super) fn kept(&self, chain: ChainId) -> u64 {
        self.vector.iter().find(|(of, _)| *of == chain).map_or(0, |(_, next_seq)| *next_seq)
    }
}

/// Which acts a chain's author knew of, and since which run.
#[derive(Debug, Default)]
pub(super) struct Known {
    seen: Vec<Seen>,
    /// The retirements by this author for which all others have voted in the past of such a run.
    voted: Vec<Seen>,
    /// In the order of admission.
    pub(super) unseen: Vec<ActId>,
}

/// From the run that begins at `from` on, an act is in the past of a chain's runs; whatever covers `next_seq` of the chain knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) act: ActId,
    pub(super) from: u64,
    pub(super) next_seq: u64,
}

impl Known {
    /// Of a chain that begins where so many acts are known.
    pub(super) fn new(acts: usize) -> Self {
        Self { seen: Vec::new(), voted: Vec::new(), unseen: (0..acts).collect() }
    }

    /// Of a chain that knows these of so many, and the votes for those of its own.
    pub(super) fn restore(seen: Vec<Seen>, voted: Vec<Seen>, acts: usize) -> Self {
        let unseen = (0..acts).filter(|act| seen.iter().all(|seen| seen.act != *act)).collect();
        Self { seen, voted, unseen }
    }

    pub(super) fn seen(&self) -> impl DoubleEndedIterator<Item = &Seen> + '_ {
        self.seen.iter()
    }

    pub(super) fn voted(&self) -> impl DoubleEndedIterator<Item = &Seen> + '_ {
        self.voted.iter()
    }

    /// Of a branch that leaves this chain before `next_seq`, where so many acts are known.
    pub(super) fn as_of(&self, next_seq: u64, acts: usize) -> Self {
        let before = |all: &[Seen]| all[..count(all, next_seq)].to_vec();
        Self::restore(before(&self.seen), before(&self.voted), acts)
    }

    /// How much the chain has heard before `next_seq`: acts, and all votes for one of its own.
    pub(super) fn count(&self, next_seq: u64) -> usize {
        count(&self.seen, next_seq) + count(&self.voted, next_seq)
    }

    /// All others have voted for a retirement by this author, in the past of the run from `from` to before `next_seq`.
    pub(super) fn vote(&mut self, act: ActId, from: u64, next_seq: u64) {
        debug_assert!(self.get_voted(act).is_none());
        self.voted.push(Seen { act, from, next_seq });
    }

    pub(super) fn get_voted(&self, act: ActId) -> Option<Seen> {
        self.voted.iter().find(|voted| voted.act == act).copied()
    }

    /// Takes in a run of the chain, from `from` to before `next_seq`, and which acts are in its past. Returns how many of them are new.
    pub(super) fn learn(&mut self, from: u64, next_seq: u64, mut covers: impl FnMut(ActId) -> bool) -> usize {
        let before = self.seen.len();
        let seen = &mut self.seen;
        self.unseen.retain(|&act| {
            let covered = covers(act);
            if covered {
                seen.push(Seen { act, from, next_seq });
            }
            !covered
        });
        self.seen.len() - before
    }

    pub(super) fn see(&mut self, act: ActId, from: u64, next_seq: u64) {
        debug_assert!(self.get(act).is_none());
        debug_assert!(self.seen.last().is_none_or(|last| (last.from, last.next_seq) <= (from, next_seq)));
        self.seen.push(Seen { act, from, next_seq });
    }

    pub(super) fn get(&self, act: ActId) -> Option<Seen> {
        self.seen.iter().find(|seen| seen.act == act).copied()
    }

    /// Whether the run that begins at `seq` had acts in its past that the one before had not.
    pub(super) fn learned_at(&self, seq: u64) -> bool {
        self.seen.iter().any(|seen| seen.from == seq)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = ActId> + '_ {
        self.seen.iter().map(|seen| seen.act)
    }

    /// Those in the past of the chain's run that begins at `seq`.
    pub(super) fn at(&self, seq: u64) -> impl Iterator<Item = ActId> + '_ {
        self.seen.iter().take_while(move |seen| seen.from <= seq).map(|seen| seen.act)
    }
}

fn count(seen: &[Seen], next_seq: u64) -> usize {
    partition_point_from_end(seen, |seen| seen.next_seq <= next_seq)
}
