//! Whose late operations make others be applied again.

use std::collections::BTreeMap;

use super::line::NOWHERE;
use crate::replica::Peer;

/// Counts, for each peer, the operations that are applied again above the lowest of its late ones.
///
/// That is what the peer would have caused alone, whatever else comes in the frame: so an honest peer that is a little late is charged with a little, also where
/// another's operation goes far back. One entry for each peer, so bounded by the members.
#[derive(Clone, Debug, Default)]
pub(super) struct Charges {
    /// Where the lowest late operation of each peer is, of those that the state has yet to follow.
    late: BTreeMap<Peer, usize>,
    /// The same by position, the lowest last, of those that the pass has not come by.
    ahead: Vec<(usize, Peer)>,
    /// The others, with what had been redone before.
    behind: Vec<(Peer, usize)>,
    /// What was found, and not taken yet.
    found: BTreeMap<Peer, u64>,
}

impl Charges {
    /// An operation of that peer came into the log below others.
    pub(super) fn note(&mut self, peer: Peer, position: usize) {
        let lowest = self.late.entry(peer).or_insert(position);
        *lowest = position.min(*lowest);
    }

    /// Something came into the log at that position.
    pub(super) fn shift(&mut self, position: usize) {
        self.late.values_mut().for_each(|late| *late += usize::from(position <= *late));
    }

    /// The state begins to follow the log.
    pub(super) fn begin(&mut self) {
        if !self.late.is_empty() {
            self.behind.clear();
            self.ahead = self.late.iter().map(|(peer, position)| (*position, *peer)).collect();
            self.ahead.sort_unstable_by(|one, other| other.cmp(one));
        }
    }

    /// The state follows up to that position, and so many operations were redone so far. Returns the next position to be called at.
    pub(super) fn pass(&mut self, position: usize, redone: usize) -> usize {
        while let Some(&(_, peer)) = self.ahead.last().filter(|(late, _)| *late <= position) {
            self.ahead.pop();
            self.behind.push((peer, redone));
        }
        self.ahead.last().map_or(NOWHERE, |(late, _)| *late)
    }

    /// The state has followed.
    pub(super) fn end(&mut self, redone: usize) {
        if !self.late.is_empty() {
            self.late.clear();
            self.ahead.clear();
            for (peer, before) in std::mem::take(&mut self.behind) {
                self.found_more(peer, redone.saturating_sub(before) as u64);
            }
        }
    }

    /// For the line that another thread makes: it has to do what this one has not.
    pub(super) fn open(&self) -> Self {
        Self { late: self.late.clone(), ..Self::default() }
    }

    /// Takes over what another line found.
    pub(super) fn add(&mut self, other: Self) {
        for (peer, redone) in other.found {
            self.found_more(peer, redone);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn take(&mut self) -> BTreeMap<Peer, u64> {
        std::mem::take(&mut self.found)
    }

    fn found_more(&mut self, peer: Peer, redone: u64) {
        if redone > 0 {
            let sum = self.found.entry(peer).or_default();
            *sum = sum.saturating_add(redone);
        }
    }
}
