//! What was reported of peers, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Misbehaviour, Peer};

/// Forks of one peer that are reported. Of all else there is one report a peer and kind.
const FORKS: usize = 32;

/// Peers that were never invited are without number, and a key costs nothing: so many reports of theirs are made, and no more.
const STRANGERS: usize = 64;

/// Bounded by peer, so that what one does, or what strangers do, hides nothing that another does.
#[derive(Debug, Default)]
pub(super) struct Reports {
    of: BTreeMap<Peer, BTreeSet<Misbehaviour>>,
    strangers: usize,
}

impl Reports {
    /// Whether that is to be reported: it was not before. `is_known`: the group has, or had, that peer as a member.
    pub(super) fn add(&mut self, peer: Peer, what: Misbehaviour, is_known: impl FnOnce() -> bool) -> bool {
        let is_fork = |what: &Misbehaviour| matches!(what, Misbehaviour::Fork { .. });
        let reported = self.of.get(&peer);
        if reported.is_some_and(|reported| reported.contains(&what)) {
            return false;
        }
        let forks = || reported.map_or(0, |reported| reported.iter().filter(|what| is_fork(what)).count());
        if is_fork(&what) && forks() == FORKS {
            return false;
        }
        if !is_known() {
            if self.strangers == STRANGERS {
                return false;
            }
            self.strangers += 1;
        }
        self.of.entry(peer).or_default().insert(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::{Author, RunHash};

    const MEMBERS: [Peer; 2] = [Peer([1; 32]), Peer([2; 32])];

    fn add(reports: &mut Reports, peer: Peer, what: Misbehaviour) -> bool {
        reports.add(peer, what, || MEMBERS.contains(&peer))
    }

    fn stranger(number: u64) -> Peer {
        let mut key = [0xEE; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        Peer(key)
    }

    #[test]
    fn strangers_hide_no_member() {
        let mut reports = Reports::default();
        let reported = (0..10_000).filter(|number| add(&mut reports, stranger(*number), Misbehaviour::Clock));
        assert_eq!(reported.count(), STRANGERS);
        for member in MEMBERS {
            assert!(add(&mut reports, member, Misbehaviour::Clock));
            assert!(!add(&mut reports, member, Misbehaviour::Clock), "once");
            assert!(add(&mut reports, member, Misbehaviour::Chain));
        }
        assert_eq!(reports.of.len(), STRANGERS + 2);
    }

    #[test]
    fn forks_hide_nothing_else() {
        let mut reports = Reports::default();
        let fork = |number: u8| Misbehaviour::Fork {
            author: Author { peer: MEMBERS[0], incarnation: u32::from(number) },
            runs: [RunHash([number; 32]), RunHash([255; 32])],
        };
        let reported = (0..100).filter(|number| add(&mut reports, MEMBERS[0], fork(*number)));
        assert_eq!(reported.count(), FORKS);
        assert!(add(&mut reports, MEMBERS[0], Misbehaviour::Flood));
        assert!(add(&mut reports, MEMBERS[1], fork(0)));
    }
}
