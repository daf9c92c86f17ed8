//! Which reducer each member runs, and up to where all ran the same.
//!
//! An operation that panics is void if all members ran one reducer at its place in the order, or at a later one: each by what it declared last up to there, and one
//! that had declared nothing yet is not asked. That depends on the set of runs alone. A member that is invited later, or declares another reducer later, takes
//! no earlier verdict back.

use std::collections::BTreeMap;

use super::{
    Grant, Peer,
    graph::{ChainId, Graph},
};

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
    found: Option<(u64, u64)>,
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
        if last.1 != fingerprint || lamport < last.0 {
            self.found = None;
        }
        // Of two branches with one time the greater counts: the same everywhere.
        *last = (*last).max((lamport, fingerprint));
    }

    #[cold]
    fn find(&mut self, chain: ChainId, peer: &Peer) -> usize {
        self.found = None;
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

    /// Up to which Lamport time operations that panic are void: the latest at which all members ran one reducer. `u64::MAX` if they do now; 0 if they never did.
    /// `me` runs this one since its last run, if it declared another with that. `version`: another number for other members.
    #[inline]
    pub(crate) fn void_upto<Op>(
        &mut self,
        version: u64,
        (me, fingerprint): (Peer, u64),
        members: &BTreeMap<Peer, Grant>,
        graph: &Graph<Op>,
    ) -> u64 {
        if let Some((_, upto)) = self.found.filter(|(of, _)| *of == version) {
            return upto;
        }
        let upto = self.find_void_upto((me, fingerprint), members, graph);
        self.found = Some((version, upto));
        upto
    }

    #[inline(never)]
    fn find_void_upto<Op>(
        &self,
        (me, fingerprint): (Peer, u64),
        members: &BTreeMap<Peer, Grant>,
        graph: &Graph<Op>,
    ) -> u64 {
        if members.keys().filter_map(|peer| self.declared(peer)).all(|(_, last)| last == fingerprint) {
            return u64::MAX;
        }
        let mut stretches: Vec<_> = members.keys().map(|peer| self.stretches(*peer, graph)).collect();
        let upto = last_agreement(stretches.clone());
        let declared = self.declared(&me);
        let mine = members.keys().position(|peer| *peer == me);
        let Some(mine) = mine.filter(|_| declared.is_none_or(|(_, last)| last != fingerprint)) else {
            return upto;
        };
        // The others do not know yet: what panics here may be in their states.
        stretches[mine].push((declared.map_or(0, |(lamport, _)| lamport + 1), fingerprint));
        upto.min(last_agreement(stretches))
    }

    /// From which Lamport times on a peer ran which reducer, as far back as its runs are kept.
    fn stretches<Op>(&self, peer: Peer, graph: &Graph<Op>) -> Vec<Declared> {
        let chains = graph.chains_of(peer).map(|id| graph.chain(id));
        let runs = chains.flat_map(|chain| &chain.runs);
        let mut declared: Vec<_> = runs.map(|run| (run.header.lamport, run.header.fingerprint)).collect();
        if declared.is_empty() {
            declared.extend(self.declared(&peer));
        }
        // Of two branches with one time the greater counts: the same everywhere.
        declared.sort_unstable();
        declared.dedup_by_key(|(_, fingerprint)| *fingerprint);
        declared
    }

    /// Whether something was declared since that may change what was found.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.found.is_none()
    }

    /// For another replica, which finds out for itself.
    pub(crate) fn to_record(&self) -> Self {
        Self { found: None, ..self.clone() }
    }

    /// Whether a peer's last run declared another reducer than this.
    #[inline]
    pub(crate) fn has_changed(&self, peer: &Peer, fingerprint: u64) -> bool {
        self.declared(peer).is_some_and(|(_, declared)| declared != fingerprint)
    }

    fn declared(&self, peer: &Peer) -> Option<Declared> {
        let place = self.peers.binary_search_by(|(known, _)| known.cmp(peer)).ok()?;
        Some(self.peers[place].1)
    }
}

/// The latest time at which all that had declared a reducer had declared the same.
fn last_agreement(mut stretches: Vec<Vec<Declared>>) -> u64 {
    let mut begins: Vec<(u64, usize)> = Vec::new();
    for (peer, stretches) in stretches.iter().enumerate() {
        begins.extend(stretches.iter().map(|(from, _)| (*from, peer)));
    }
    begins.sort_unstable();
    // How many run which, at the time that is looked at.
    let mut running = BTreeMap::<u64, usize>::new();
    for (_, fingerprint) in stretches.iter().filter_map(|stretches| stretches.last()) {
        *running.entry(*fingerprint).or_default() += 1;
    }
    let mut upto = u64::MAX;
    while running.len() > 1 {
        let Some(&(latest, _)) = begins.last().filter(|(latest, _)| *latest > 0) else { return 0 };
        upto = latest - 1;
        while let Some(&(_, peer)) = begins.last().filter(|(from, _)| *from > upto) {
            begins.pop();
            let Some((_, ended)) = stretches[peer].pop() else { continue };
            if let Some(count) = running.get_mut(&ended) {
                *count -= 1;
                if *count == 0 {
                    running.remove(&ended);
                }
            }
            if let Some((_, before)) = stretches[peer].last() {
                *running.entry(*before).or_default() += 1;
            }
        }
    }
    upto
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

    #[test]
    fn an_earlier_agreement_counts_and_one_that_declared_nothing_is_not_asked() {
        let upto = |peers: &[&[Declared]]| last_agreement(peers.iter().map(|one| one.to_vec()).collect());
        assert_eq!(upto(&[&[(1, 7)], &[(2, 7)], &[]]), u64::MAX);
        assert_eq!(upto(&[&[(1, 7)], &[(2, 7), (9, 8)]]), 8, "until the other reducer came");
        assert_eq!(upto(&[&[(1, 7), (12, 8)], &[(2, 7), (9, 8)]]), u64::MAX, "both are there");
        assert_eq!(upto(&[&[(1, 7), (12, 8)], &[(2, 7), (9, 8), (20, 9)]]), 19);
        assert_eq!(upto(&[&[(1, 7), (12, 8)], &[(2, 7), (9, 8), (20, 9)], &[(15, 7)]]), 14);
        assert_eq!(upto(&[&[(5, 7)], &[(3, 8)]]), 4, "it alone had said anything");
        assert_eq!(upto(&[&[(5, 7)], &[(5, 8)]]), 4, "none had");
        assert_eq!(upto(&[&[(0, 7)], &[(0, 8)]]), 0);
    }
}
