//! Which reducer each member runs.

use std::collections::BTreeMap;

use super::{Grant, Peer, graph::ChainId};

/// The fingerprint that each peer declared last, and when.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "codec", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "codec", serde(from = "ByPeer", into = "ByPeer"))]
pub(crate) struct Reducers {
    /// Sorted.
    peers: Vec<(Peer, Declared)>,
    /// By chain: where its peer is in `peers`, until others come.
    places: Vec<usize>,
    /// What was found last, and of which members. `None` if something was declared since that may change it.
    agreed: Option<(u64, bool)>,
}

/// Lamport time and fingerprint.
type Declared = (u64, u64);

type ByPeer = BTreeMap<Peer, Declared>;

impl Reducers {
    /// A run of `peer` on that chain, which begins at this Lamport time, declares a fingerprint.
    #[inline]
    pub(crate) fn declare(&mut self, chain: ChainId, peer: &Peer, lamport: u64, fingerprint: u64) {
        let place = self.places.get(chain.index()).copied().unwrap_or(usize::MAX);
        let place = match self.peers.get(place) {
            Some((known, _)) if known == peer => place,
            _ => self.find(chain, peer),
        };
        let last = &mut self.peers[place].1;
        if last.1 != fingerprint {
            self.agreed = None;
        }
        // Of two branches with one time the greater counts: the same everywhere.
        *last = (*last).max((lamport, fingerprint));
    }

    #[cold]
    fn find(&mut self, chain: ChainId, peer: &Peer) -> usize {
        self.agreed = None;
        let place = self.peers.binary_search_by(|(known, _)| known.cmp(peer)).unwrap_or_else(|place| {
            self.peers.insert(place, (*peer, Declared::default()));
            place
        });
        if self.places.len() <= chain.index() {
            self.places.resize(chain.index() + 1, usize::MAX);
        }
        self.places[chain.index()] = place;
        place
    }

    /// Whether all members but `me` run the same reducer as it, as far as they said: one that was never heard may run another. `version`: another
    /// number for other members.
    #[inline]
    pub(crate) fn agree(
        &mut self,
        version: u64,
        me: Peer,
        members: &BTreeMap<Peer, Grant>,
        fingerprint: u64,
    ) -> bool {
        if let Some((_, agreed)) = self.agreed.filter(|(of, _)| *of == version) {
            return agreed;
        }
        let agreed = members.keys().all(|peer| *peer == me || self.declared(peer) == Some(fingerprint));
        self.agreed = Some((version, agreed));
        agreed
    }

    fn declared(&self, peer: &Peer) -> Option<u64> {
        let place = self.peers.binary_search_by(|(known, _)| known.cmp(peer)).ok()?;
        Some(self.peers[place].1.1)
    }
}

impl From<ByPeer> for Reducers {
    fn from(peers: ByPeer) -> Self {
        Self { peers: peers.into_iter().collect(), ..Self::default() }
    }
}

impl From<Reducers> for ByPeer {
    fn from(reducers: Reducers) -> Self {
        reducers.peers.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Peer = Peer([1; 32]);
    const OTHER: Peer = Peer([2; 32]);
    const THIRD: Peer = Peer([3; 32]);

    #[test]
    fn what_was_found_is_found_again_when_something_is_declared_or_the_members_change() {
        let mut all = Reducers::default();
        let chain = ChainId::from_index;
        let agree = |all: &mut Reducers, version, members: &[Peer]| {
            let members = members.iter().map(|peer| (*peer, Grant::Owner)).collect();
            all.agree(version, ME, &members, 7)
        };
        assert!(!agree(&mut all, 0, &[ME, OTHER]), "it was never heard");
        all.declare(chain(1), &OTHER, 1, 7);
        assert!(agree(&mut all, 0, &[ME, OTHER]));
        assert!(!agree(&mut all, 1, &[ME, OTHER, THIRD]));
        // It comes first, so the others' places move.
        all.declare(chain(2), &Peer([0; 32]), 2, 8);
        all.declare(chain(1), &OTHER, 3, 8);
        assert!(!agree(&mut all, 2, &[ME, OTHER]));
        all.declare(chain(1), &OTHER, 4, 7);
        assert!(agree(&mut all, 2, &[ME, OTHER]));
        // Another life of it, and older: what it said last counts.
        all.declare(chain(3), &OTHER, 3, 9);
        assert!(agree(&mut all, 2, &[ME, OTHER]));
        all.declare(chain(3), &OTHER, 4, 9);
        assert!(!agree(&mut all, 2, &[ME, OTHER]));
    }
}
