//! A view as plain data.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    act::{ActId, Floor},
    members::{Counted, Effective, Missing, PeerIndex, View},
};
use crate::replica::{Grant, Peer};

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct ViewRecord {
    pub(super) effective: Effective,
    pub(super) members: BTreeMap<Peer, Grant>,
    pub(super) finals: BTreeSet<usize>,
    pub(super) counted: Vec<CountedRecord>,
    pub(super) open: bool,
    pub(super) missing: Vec<(Peer, usize)>,
}

/// A peer, and the clock and low that it is counted with before it is heard of.
pub(super) type CountedRecord = (usize, (u64, u64));

impl ViewRecord {
    pub(super) fn of(view: &View) -> Self {
        Self {
            effective: view.effective.clone(),
            members: view.members.clone(),
            finals: view.finals.clone(),
            counted: view.counted.iter().map(counted).collect(),
            open: view.open,
            missing: view.missing.iter().map(|missing| (missing.member, missing.retirement)).collect(),
        }
    }

    pub(super) fn view(&self) -> View {
        let missing = |&(member, retirement): &(Peer, ActId)| Missing { member, retirement };
        View {
            effective: self.effective.clone(),
            members: self.members.clone(),
            finals: self.finals.clone(),
            counted: self.counted.iter().copied().map(from_record).collect(),
            open: self.open,
            missing: self.missing.iter().map(missing).collect(),
        }
    }
}

pub(super) fn counted(counted: &Counted) -> CountedRecord {
    (counted.peer, (counted.floor.clock, counted.floor.low))
}

pub(super) fn from_record((peer, (clock, low)): (PeerIndex, (u64, u64))) -> Counted {
    Counted { peer, floor: Floor { clock, low } }
}
