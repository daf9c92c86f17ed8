//! An act as plain data.

use std::collections::BTreeSet;

use super::act::{Act, Deed, Floor, Key, Rank};
use crate::replica::{Author, Grant, Peer, RunHash, graph::ChainId};

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct ActRecord {
    /// `None`: a retirement.
    pub(super) invites: Option<Grant>,
    pub(super) target: Peer,
    pub(super) key: KeyRecord,
    pub(super) chain: usize,
    pub(super) run_seq: u64,
    pub(super) next_seq: u64,
    /// `Ok`: of a genesis owner.
    pub(super) rank: Result<Peer, KeyRecord>,
    pub(super) by_genesis: bool,
    pub(super) past: BTreeSet<usize>,
    pub(super) vector: Vec<(usize, u64)>,
    pub(super) voters: Vec<Peer>,
    pub(super) has_witness: bool,
    pub(super) low: u64,
    pub(super) floor: Option<(u64, u64)>,
    pub(super) closed: bool,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct KeyRecord {
    lamport: u64,
    author: Author,
    seq: u64,
    hash: RunHash,
}

impl ActRecord {
    pub(super) fn of(act: &Act) -> Self {
        Self {
            invites: match act.deed {
                Deed::Invite(grant) => Some(grant),
                Deed::Retire => None,
            },
            target: act.target,
            key: KeyRecord::of(&act.key),
            chain: act.chain.index(),
            run_seq: act.run_seq,
            next_seq: act.next_seq,
            rank: match &act.rank {
                Rank::Genesis(peer) => Ok(*peer),
                Rank::Invited(key) => Err(KeyRecord::of(key)),
            },
            by_genesis: act.by_genesis,
            past: act.past.clone(),
            vector: act.vector.iter().map(|(chain, next_seq)| (chain.index(), *next_seq)).collect(),
            voters: act.voters.clone(),
            has_witness: act.has_witness,
            low: act.low,
            floor: act.floor.map(|floor| (floor.clock, floor.low)),
            closed: act.closed,
        }
    }

    /// Checked before.
    pub(super) fn act(&self, ids: &[ChainId]) -> Act {
        Act {
            deed: self.invites.map_or(Deed::Retire, Deed::Invite),
            target: self.target,
            key: self.key.key(),
            chain: ids[self.chain],
            run_seq: self.run_seq,
            next_seq: self.next_seq,
            rank: match &self.rank {
                Ok(peer) => Rank::Genesis(*peer),
                Err(key) => Rank::Invited(key.key()),
            },
            by_genesis: self.by_genesis,
            past: self.past.clone(),
            vector: self.vector.iter().map(|&(chain, next_seq)| (ids[chain], next_seq)).collect(),
            voters: self.voters.clone(),
            has_witness: self.has_witness,
            low: self.low,
            floor: self.floor.map(|(clock, low)| Floor { clock, low }),
            closed: self.closed,
        }
    }
}

impl KeyRecord {
    pub(super) fn of(key: &Key) -> Self {
        Self { lamport: key.lamport, author: key.author, seq: key.seq, hash: key.hash }
    }

    pub(super) fn key(&self) -> Key {
        Key { lamport: self.lamport, author: self.author, seq: self.seq, hash: self.hash }
    }
}
