//! Finds peers whose state differs, though they have the same operations.

use std::collections::BTreeMap;

use super::{Peer, ReplicaNotice, Stamp, run::Digest};

/// What others say of their states, and what was found.
#[derive(Debug, Default)]
pub(crate) struct Desync {
    /// A digest of each peer that could not be compared yet.
    waiting: BTreeMap<Peer, Digest>,
    /// What was found of each peer.
    agreed: BTreeMap<Peer, Agreement>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Agreement {
    upto: u64,
    reported: bool,
}

impl Desync {
    /// A peer's digest arrived.
    pub(crate) fn hear(&mut self, peer: Peer, digest: Digest) {
        // The first is kept: one that always runs ahead would else never be compared.
        self.waiting.entry(peer).or_insert(digest);
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The highest level at which this peer's state was found equal; 0 if none.
    pub(crate) fn agreed_upto(&self, peer: Peer) -> u64 {
        self.agreed.get(&peer).map_or(0, |agreement| agreement.upto)
    }

    /// Compares what can be compared: `ours` returns this replica's digest at a level, `latest` is the last level that has one. `ops` returns the first and the last
    /// operation above one level and up to another.
    pub(crate) fn compare(
        &mut self,
        latest: u64,
        ours: impl Fn(u64) -> Option<u64>,
        ops: impl Fn(u64, u64) -> Option<[Stamp; 2]>,
    ) -> Vec<ReplicaNotice> {
        let mut found = Vec::new();
        let agreed = &mut self.agreed;
        self.waiting.retain(|&peer, theirs| {
            if theirs.level > latest {
                return true;
            }
            let agreement = agreed.entry(peer).or_default();
            match ours(theirs.level) {
                Some(ours) if ours == theirs.digest => agreement.upto = agreement.upto.max(theirs.level),
                Some(ours) if !std::mem::replace(&mut agreement.reported, true) => {
                    let (at, agreed) = (theirs.level, agreement.upto);
                    let (theirs, ops) = (theirs.digest, ops(agreed, at));
                    found.push(ReplicaNotice::Desync { peer, at, agreed, ops, ours, theirs });
                }
                // Reported already; or too long ago, or a level at which both may be right.
                _ => {}
            }
            false
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Author;

    const PEER: Peer = Peer([7; 32]);

    fn no_ops(_: u64, _: u64) -> Option<[Stamp; 2]> {
        None
    }

    #[test]
    fn a_difference_is_reported_once_with_the_last_agreement() {
        let mut desync = Desync::default();
        desync.hear(PEER, Digest { level: 10, digest: 1 });
        assert_eq!(desync.compare(10, |_| Some(1), no_ops), []);
        assert_eq!(desync.agreed_upto(PEER), 10);
        desync.hear(PEER, Digest { level: 20, digest: 2 });
        let author = Author { peer: PEER, incarnation: 0 };
        let ops =
            |after, upto| Some([after + 1, upto].map(|lamport| Stamp { lamport, author, seq: lamport }));
        let report =
            ReplicaNotice::Desync { peer: PEER, at: 20, agreed: 10, ops: ops(10, 20), ours: 3, theirs: 2 };
        assert_eq!(desync.compare(20, |_| Some(3), ops), [report]);
        desync.hear(PEER, Digest { level: 30, digest: 2 });
        assert_eq!(desync.compare(30, |_| Some(3), no_ops), []);
    }

    #[test]
    fn a_level_ahead_waits() {
        let mut desync = Desync::default();
        desync.hear(PEER, Digest { level: 20, digest: 2 });
        assert_eq!(desync.compare(10, |_| None, no_ops), []);
        assert!(desync.is_waiting());
        assert_eq!(desync.compare(20, |_| Some(3), no_ops).len(), 1);
        assert!(!desync.is_waiting());
    }
}
