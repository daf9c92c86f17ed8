//! What is reported, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::act::ActId;
use crate::replica::{Grant, Misbehaviour, Peer, ReplicaNotice};

/// Peers that are no members are without number: so many are remembered.
const STRANGERS: usize = 64;

/// Reports that were not taken yet, and what was reported.
#[derive(Debug, Default)]
pub(super) struct Notices {
    pending: Vec<ReplicaNotice>,
    backdated: BTreeSet<Peer>,
    not_granted: BTreeSet<Peer>,
    strangers: BTreeSet<Peer>,
    contested: BTreeSet<ActId>,
}

impl Notices {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn take(&mut self) -> Vec<ReplicaNotice> {
        std::mem::take(&mut self.pending)
    }

    pub(super) fn misbehaved(&mut self, peer: Peer, what: Misbehaviour) {
        let reported = match what {
            Misbehaviour::Backdated => &mut self.backdated,
            Misbehaviour::NotGranted => &mut self.not_granted,
            _ => {
                if self.strangers.len() == STRANGERS {
                    return;
                }
                &mut self.strangers
            }
        };
        if reported.insert(peer) {
            self.pending.push(ReplicaNotice::PeerMisbehaved { peer, what });
        }
    }

    pub(super) fn contested(&mut self, act: ActId, by: Peer, peer: Peer) {
        if self.contested.insert(act) {
            self.pending.push(ReplicaNotice::MembershipContested { by, peer });
        }
    }

    pub(super) fn skip_contested(&mut self, acts: Vec<ActId>) {
        self.contested.extend(acts);
    }

    /// What is different between two sets of members.
    pub(super) fn members(&mut self, before: &BTreeMap<Peer, Grant>, after: &BTreeMap<Peer, Grant>) {
        let invited = after.iter().filter(|(peer, grant)| before.get(peer) != Some(grant));
        self.pending.extend(invited.map(|(&peer, &grant)| ReplicaNotice::Invited { peer, grant }));
        let retired = before.keys().filter(|peer| !after.contains_key(peer));
        self.pending.extend(retired.map(|&peer| ReplicaNotice::Retired { peer }));
    }
}
